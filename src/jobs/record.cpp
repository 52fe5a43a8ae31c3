#include "jobs/record.h"

#include <strings.h>

#include <array>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <random>

#include "core/parse_values.h"
#include "core/request_json.h"
#include "genvid/error.h"
#include "jobs/job_key.h"
#include "media/sha256.h"
#include "media/xmp.h"

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
  // With "extend" the default is the model's own, whatever guidance_scale is.
  if (spec.guidance_scale_2 != spec.guidance_scale || spec.rollout == "extend") {
    r.guidance_scale_2 = spec.guidance_scale_2;
  }
  r.shift = spec.shift;
  r.scheduler = spec.scheduler;
  r.seed = spec.seed;
  r.rollout = spec.rollout;
  if (spec.rollout == "diffusion-forcing") {
    r.overlap_history = static_cast<int>(plan.rollout.overlap_frames);
    r.causal_block_size = static_cast<int>(spec.block_latents);
    r.ar_step = static_cast<int>(spec.ar_step);
    r.addnoise_condition = spec.addnoise_condition;
  }
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

// Of a SHA-256 in hexadecimal digits.
ClipId id_of(const std::string& digest) {
  std::array<uint8_t, 16> bytes{};
  for (size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<uint8_t>(std::stoi(digest.substr(2 * i, 2), nullptr, 16));
  }
  return ClipId(bytes);
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

std::string with_key(const std::string& secret, const std::string& text) {
  if (!secret.empty()) return media::hmac_sha256(secret, text);
  std::random_device random;  // somebody who tries prompts would find the bare hash
  return media::sha256(text + std::to_string(random()) + std::to_string(random()) +
                       std::to_string(random()) + std::to_string(random()));
}

std::map<std::string, HistoryFile> input_files(const Request& request) {
  std::map<std::string, HistoryFile> inputs;
  const auto add = [&](const char* key, const std::string& path) {
    if (path.empty()) return;
    std::error_code error;
    inputs[key] = {std::filesystem::absolute(path, error).string(), media::sha256_file(path)};
  };
  add("image", request.image);
  add("last_image", request.last_image);
  add("extend", request.extend);
  add("init_latents", request.init_latents);
  return inputs;
}

// The prompt itself when asked for; else what the user alone can check a prompt against.
void add_prompts(const Plan& plan, const Request& request, const ClipMakerInfo& maker,
                 const std::string& id, Json& record) {
  const ClipSpec& spec = plan.spec;
  if (request.embed_prompt) {
    record["prompt"] = spec.prompt;
    record["negative_prompt"] = spec.negative_prompt;
    if (!plan.prompt_at.empty()) record["prompt_at"] = plan.prompt_at;
  } else if (!maker.secret.empty()) {
    record["secret_check"] = text_hmac(maker.secret, id, "check", "").substr(0, 8);
    record["prompt_hmac"] = text_hmac(maker.secret, id, "prompt", spec.prompt);
    record["negative_prompt_hmac"] =
        text_hmac(maker.secret, id, "negative_prompt", spec.negative_prompt);
    if (!plan.prompt_at.empty()) {
      record["prompt_at_hmac"] = text_hmac(maker.secret, id, "prompt_at", plan.prompt_at);
    }
  }
}

}  // namespace

ClipIdentity identify_clip(const Plan& plan, const Request& request, const ClipMakerInfo& maker) {
  Json pixels = request_to_json(decided(plan, maker.model));
  pixels["sampling_version"] = kSamplingVersion;
  pixels["family"] = plan.family;
  pixels["model_digest"] = maker.model_digest;
  pixels["prompt"] = plan.spec.prompt;
  pixels["negative_prompt"] = plan.spec.negative_prompt;
  if (!plan.spec.prompt_changes.empty()) {
    pixels["prompt_changes"] = prompt_changes_json(plan.spec);
  }
  pixels["image"] = picture_digest(plan.spec.image);
  pixels["last_image"] = picture_digest(plan.spec.last_image);
  pixels["only_new"] = request.only_new;
  ClipIdentity identity;
  identity.inputs = input_files(request);
  for (const char* key : {"extend", "init_latents"}) {
    if (const auto file = identity.inputs.find(key); file != identity.inputs.end()) {
      pixels[key] = file->second.sha256;
    }
  }
  identity.id = id_of(with_key(maker.secret, "genvid clip id 1\n" + dumped(pixels)));
  identity.created = now();
  return identity;
}

ClipIdentity identify_latents(const DecodeSpec& spec) {
  const Json pixels = {{"latents", media::sha256_file(spec.latents)},
                       {"size", spec.size ? to_text(*spec.size) : ""},
                       {"num_frames", spec.frames.value_or(0)},
                       {"vae_dtype", spec.vae_dtype}};
  return {id_of(media::sha256("genvid latents id 1\n" + dumped(pixels))), now(), {}};
}

Json clip_record(const Plan& plan, const Request& request, const ClipMakerInfo& maker,
                 const ClipIdentity& identity) {
  Request r = decided(plan, maker.model);
  r.device = plan.spec.device;
  r.threads = plan.spec.threads;
  r.codec = request.codec;
  r.crf = request.crf;
  r.bitrate = request.bitrate;
  r.pix_fmt = request.pix_fmt;
  r.preset = request.preset;
  r.encoder_options = request.encoder_options;
  r.output_size = request.output_size;
  r.output_fps = request.output_fps;
  r.watermark = request.watermark;
  r.only_new = request.only_new;
  Json record = request_to_json(r);
  record["noise"] = plan.spec.noise;  // also when it is the default
  record["genvid"] = maker.version;
  record["family"] = plan.family;
  record["title"] = plan.title;
  record["model_digest"] = maker.model_digest;
  record["torch"] = maker.torch;
  record["cpu"] = maker.cpu;
  if (plan.prompt_unknown) record["prompt_known"] = false;
  record["clip_id"] = identity.id.text();
  record["created"] = identity.created;
  // So that a signature that somebody took off is missed.
  if (!request.sign.empty()) record["signed"] = true;
  for (const auto& [name, file] : identity.inputs) record["inputs"][name] = file.sha256;
  add_prompts(plan, request, maker, identity.id.text(), record);
  if (!plan.borders.empty()) record["borders"] = plan.borders;
  if (!plan.cuts.empty()) record["cuts"] = plan.cuts;
  // Where others take over, and so that one that is not told is missed.
  for (const PromptStart& p : plan.prompt_starts) record["prompt_changes"].push_back(p.seconds);
  if (plan.past_frames > 0) record["past_frames"] = plan.past_frames;
  if (plan.past_frames > 0 && !plan.past_made) record["composite"] = true;
  return record;
}

std::string_view source_type(const Json& record) {
  const bool composite = record.is_object() && record.contains("composite");
  return composite ? media::kCompositeWithTrainedAlgorithmicMedia : media::kTrainedAlgorithmicMedia;
}

Json record_in(const std::map<std::string, std::string>& tags) {
  for (const auto& [key, text] : tags) {
    // Matroska's names are in capitals.
    if (strcasecmp(key.c_str(), "comment") != 0 || text.rfind('{', 0) != 0) continue;
    try {
      Json record = parse_json(text, "the comment", ErrorKind::kUsage);
      if (record.is_object() && record.contains("genvid")) return record;
    } catch (const Error&) {
      // Somebody else's comment that only looks like JSON.
    }
  }
  return nullptr;
}

}  // namespace genvid
