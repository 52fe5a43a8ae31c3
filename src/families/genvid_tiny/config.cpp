#include "families/genvid_tiny/config.h"

#include "core/log.h"

namespace genvid::genvid_tiny {
namespace {

constexpr ErrorKind kKind = ErrorKind::kModel;
constexpr int64_t kMaxWidth = 1 << 14;
constexpr int64_t kMaxLayers = 256;
constexpr size_t kMaxAttributes = 64, kMaxClasses = 4096;

void require(bool ok, const std::string& what, const std::string& problem) {
  if (!ok) throw Error(kKind, what + ": " + problem);
}

int64_t width(const JsonObject& o, const std::string& key) {
  return o.require_integer(key, 1, kMaxWidth);
}

int64_t head_width(const JsonObject& o, const std::string& what, int64_t dim) {
  const int64_t head_dim = width(o, "head_dim");
  require(head_dim % 2 == 0 && dim % head_dim == 0, what,
          "head_dim " + std::to_string(head_dim) + " must be even and divide dim " +
              std::to_string(dim));
  return head_dim;
}

void check_rope(const TransformerConfig& c, const std::string& what) {
  int64_t sum = 0;
  for (const int64_t n : c.rope_split) {
    require(n % 2 == 0, what, "rope_split must be even numbers");
    sum += n;
  }
  require(sum == c.head_dim, what,
          "rope_split adds up to " + std::to_string(sum) + ", but head_dim is " +
              std::to_string(c.head_dim));
}

void check_equal(int64_t a, int64_t b, const std::string& what) {
  require(a == b, what, "is " + std::to_string(a) + ", expected " + std::to_string(b));
}

}  // namespace

TransformerConfig parse_transformer_config(const Json& json, const std::string& what) {
  const JsonObject o(json, what, kKind);
  TransformerConfig c;
  c.dim = width(o, "dim");
  c.layers = o.require_integer("layers", 1, kMaxLayers);
  c.head_dim = head_width(o, what, c.dim);
  c.mlp_ratio = o.require_integer("mlp_ratio", 1, 64);
  c.in_channels = width(o, "in_channels");
  c.text_dim = width(o, "text_dim");
  c.rows = o.require_integer("rows", 1, 1024);
  c.columns = o.require_integer("columns", 1, 1024);
  c.rope_base = o.number("rope_base", c.rope_base, 1, 1e6);
  const auto split = o.integers("rope_split", {16, 24, 24}, 2, kMaxWidth, 3);
  require(split.size() == 3, what, "rope_split must be [frame, row, column]");
  c.rope_split = {split[0], split[1], split[2]};
  check_rope(c, what);
  const std::string prediction = o.string("prediction", "x0");
  require(prediction == "x0", what,
          "prediction is \"" + log::printable(prediction) + "\", but only \"x0\" is supported");
  c.window = o.require_integer("window", 2, 1024);
  c.history = o.require_integer("history", 1, 1024);
  require(c.history < c.window, what, "history must be less than window");
  c.history_sigma = o.number("history_sigma", c.history_sigma, 1e-6, 1);
  return c;
}

TextEncoderConfig parse_text_encoder_config(const Json& json, const std::string& what) {
  const JsonObject o(json, what, kKind);
  TextEncoderConfig c;
  c.vocab_size = o.require_integer("vocab_size", 3, 1 << 20);
  c.dim = width(o, "dim");
  c.layers = o.require_integer("layers", 1, kMaxLayers);
  c.head_dim = head_width(o, what, c.dim);
  c.max_tokens = o.require_integer("max_tokens", 2, 4096);
  const auto found = json.find("attributes");
  if (found == json.end()) return c;
  require(found->is_object() && found->size() <= kMaxAttributes, what,
          "attributes must be an object of at most " + std::to_string(kMaxAttributes) + " lists");
  for (const auto& [name, classes] : found->items()) {
    require(classes.is_array() && classes.size() >= 2 && classes.size() <= kMaxClasses, what,
            "attributes: each must be a list of 2 to " + std::to_string(kMaxClasses) + " words");
    std::vector<std::string> words;
    for (const Json& word : classes) {
      require(word.is_string(), what, "attributes: a list holds something that is no word");
      words.push_back(word.get<std::string>());
    }
    c.attributes.emplace_back(name, std::move(words));
  }
  return c;
}

CodecConfig parse_codec_config(const Json& json, const std::string& what) {
  const JsonObject o(json, what, kKind);
  CodecConfig c;
  c.latent_channels = width(o, "latent_channels");
  const auto patch = o.integers("patch", {4, 16, 16}, 1, 64, 3);
  require(patch.size() == 3 && patch[1] == patch[2], what, "patch must be [frames, side, side]");
  c.frames = patch[0];
  c.patch = patch[1];
  // The decoder doubles twice, then spreads over 4x4 pixels.
  require(c.patch == 16, what, "patch must be 16 pixels a side");
  const int64_t first = o.integer("first_latent_frames", c.frames, 1, 64);
  require(first == c.frames, what, "first_latent_frames must be the frames of every latent");
  c.low = width(o, "low");
  c.mid = width(o, "mid");
  c.fine = width(o, "fine");
  c.decoder = o.boolean("decoder", false);
  return c;
}

ModelConfig read_model_config(const ModelFolder& model) {
  ModelConfig m;
  m.transformer =
      parse_transformer_config(model.component("transformer").config, "transformer/config.json");
  m.text_encoder =
      parse_text_encoder_config(model.component("text_encoder").config, "text_encoder/config.json");
  m.codec = parse_codec_config(model.component("vae").config, "vae/config.json");
  check_equal(m.transformer.in_channels, m.codec.latent_channels,
              "transformer/config.json: in_channels");
  check_equal(m.transformer.text_dim, m.text_encoder.dim, "transformer/config.json: text_dim");
  return m;
}

}  // namespace genvid::genvid_tiny
