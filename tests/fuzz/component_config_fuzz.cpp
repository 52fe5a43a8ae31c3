// Any bytes as a component's config.json, read by every family's parsers: what they let through
// keeps to the limits that the networks are built on.
#include <cmath>

#include "core/json.h"
#include "families/genvid_tiny/config.h"
#include "families/wan/config.h"
#include "fuzz.h"

using namespace genvid;

namespace {

constexpr const char* kWhat = "config.json";

void read_genvid_tiny(const Json& json) {
  fuzz::error_of([&] {
    const auto c = genvid_tiny::parse_transformer_config(json, kWhat);
    FUZZ_CHECK(c.dim > 0 && c.layers > 0 && c.heads() > 0 && c.dim == c.heads() * c.head_dim);
    FUZZ_CHECK(c.rope_split[0] + c.rope_split[1] + c.rope_split[2] == c.head_dim);
    FUZZ_CHECK(0 < c.history && c.history < c.window && c.history_sigma > 0);
    FUZZ_CHECK(0 < c.first_window && c.first_window <= c.window && c.block() > 0);
    FUZZ_CHECK(c.steady >= 1 && c.steady <= 100 && c.hold_gain >= 0 && c.hold_gain <= 100);
    for (const double bias :
         {c.keep_bias_soft, c.keep_bias_hard, c.hold_bias_soft, c.hold_bias_hard}) {
      FUZZ_CHECK(std::abs(bias) <= 100);
    }
    FUZZ_CHECK(!c.camera_moves.empty() && c.camera_moves.size() <= 4096);
    for (const auto& m : c.camera_moves) {
      FUZZ_CHECK(std::abs(m.right) <= 4096 && std::abs(m.down) <= 4096 && std::abs(m.growth) <= 4);
    }
  });
  fuzz::error_of([&] {
    const auto c = genvid_tiny::parse_sketcher_config(json, kWhat);
    FUZZ_CHECK(c.dim == c.heads() * c.head_dim && c.fine >= 2 && c.fine % 2 == 0);
    FUZZ_CHECK(c.channels() > c.latent_channels + c.facts && c.facts > 0);
  });
  fuzz::error_of([&] {
    const auto c = genvid_tiny::parse_text_encoder_config(json, kWhat);
    FUZZ_CHECK(c.vocab_size > 0 && c.dim == c.heads() * c.head_dim && c.max_tokens > 1);
    FUZZ_CHECK(c.attributes.size() <= 64);
    for (const auto& [name, classes] : c.attributes) {
      FUZZ_CHECK(classes.size() >= 2 && classes.size() <= 4096);
    }
  });
  fuzz::error_of([&] {
    const auto c = genvid_tiny::parse_codec_config(json, kWhat);
    FUZZ_CHECK(c.patch == 16 && c.frames >= 1 && c.block() > 0);
    FUZZ_CHECK(c.even >= 0 && c.even <= 255);
  });
  fuzz::error_of([&] {
    const auto c = genvid_tiny::parse_judge_config(json, kWhat);
    FUZZ_CHECK(c.latent_channels > 0 && c.width > 0 && c.width % 8 == 0);
    FUZZ_CHECK(!c.labels.empty() && c.labels.size() <= 64);
    for (const auto& [name, labels] : c.labels) {
      FUZZ_CHECK(!labels.empty() && labels.size() <= 4096);
    }
  });
}

void read_wan(const Json& json) {
  fuzz::error_of([&] { wan::parse_transformer_config(json, kWhat); });
  fuzz::error_of([&] { wan::parse_vae_config(json, kWhat); });
  fuzz::error_of([&] { wan::parse_text_encoder_config(json, kWhat); });
  fuzz::error_of([&] { FUZZ_CHECK(wan::parse_image_encoder_config(json, kWhat).tokens() > 1); });
  fuzz::error_of([&] { wan::parse_image_processor_config(json, kWhat); });
  fuzz::error_of([&] { wan::parse_scheduler_config(json, kWhat); });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Json json;
  const std::string error = fuzz::error_of(
      [&] { json = parse_json(fuzz::text_of(data, size), kWhat, ErrorKind::kModel); });
  if (!error.empty()) return 0;
  read_genvid_tiny(json);
  read_wan(json);
  return 0;
}
