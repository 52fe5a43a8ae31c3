#include "jobs/record.h"

#include <cstdlib>
#include <ctime>

#include "core/parse_values.h"
#include "core/request_json.h"
#include "genvid/error.h"
#include "jobs/job_key.h"
#include "media/sha256.h"

namespace genvid {
namespace {

std::string dumped(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// Every setting that makes the pixels, decided.
Request decided(const Plan& plan, const std::string& model) {
  const ClipSpec& spec = plan.spec;
  Request r;
  r.model = model;
  r.frames = spec.frames;
  r.size = spec.size;
  r.fps = spec.fps;
  r.num_inference_steps = spec.num_inference_steps;
  r.guidance_scale = spec.guidance_scale;
  if (spec.guidance_scale_2 != spec.guidance_scale) r.guidance_scale_2 = spec.guidance_scale_2;
  r.shift = spec.shift;
  r.scheduler = spec.scheduler;
  r.seed = spec.seed;
  r.rollout = spec.rollout;
  r.dtype = spec.dtype;
  r.vae_dtype = spec.vae_dtype;
  r.noise = spec.noise;
  return r;
}

std::string picture_digest(const std::optional<Image>& image) {
  if (!image) return "";
  media::Sha256 hash;
  const std::string size = std::to_string(image->width) + "x" + std::to_string(image->height) + " ";
  hash.update(size.data(), size.size());
  hash.update(image->pixels.data(), image->pixels.size());
  return hash.finish();
}

std::string now() {
  std::time_t seconds = std::time(nullptr);
  if (const char* pinned = std::getenv("SOURCE_DATE_EPOCH")) {
    constexpr int64_t kYear9999 = 253'402'300'799;
    const auto value = parse_integer(pinned);
    if (!value || *value < 0 || *value > kYear9999) {
      throw Error(ErrorKind::kUsage,
                  "SOURCE_DATE_EPOCH is no number of seconds since 1970; unset it or correct it");
    }
    seconds = static_cast<std::time_t>(*value);
  }
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

}  // namespace

ClipIdentity identify_clip(const Plan& plan, const Request& request, const std::string& model) {
  Json pixels = request_to_json(decided(plan, model));
  pixels["sampling_version"] = kSamplingVersion;
  pixels["family"] = plan.family;
  pixels["prompt"] = plan.spec.prompt;
  pixels["negative_prompt"] = plan.spec.negative_prompt;
  pixels["image"] = picture_digest(plan.spec.image);
  pixels["last_image"] = picture_digest(plan.spec.last_image);
  if (!request.init_latents.empty()) {
    pixels["init_latents"] = media::sha256_file(request.init_latents);
  }
  const std::string digest = media::sha256("genvid clip id 1\n" + dumped(pixels));
  std::array<uint8_t, 16> bytes{};
  for (size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<uint8_t>(std::stoi(digest.substr(2 * i, 2), nullptr, 16));
  }
  return {ClipId(bytes), now()};
}

Json clip_record(const Plan& plan, const Request& request, const std::string& model,
                 const std::string& version, const ClipIdentity& identity) {
  Request r = decided(plan, model);
  r.device = plan.spec.device;
  r.threads = plan.spec.threads;
  r.codec = request.codec;
  r.crf = request.crf;
  r.pix_fmt = request.pix_fmt;
  r.watermark = request.watermark;
  Json record = request_to_json(r);
  record["noise"] = plan.spec.noise;  // also when it is the default
  record["genvid"] = version;
  record["family"] = plan.family;
  record["title"] = plan.title;
  record["clip_id"] = identity.id.text();
  record["created"] = identity.created;
  return record;
}

}  // namespace genvid
