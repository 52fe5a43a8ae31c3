#include "pipeline/check_reference.h"

#include <ATen/ops/tensor.h>

#include <filesystem>
#include <utility>

#include "core/json.h"
#include "diffusion/forced_scheduler.h"
#include "diffusion/guidance.h"
#include "diffusion/scheduler.h"
#include "genvid/error.h"
#include "pipeline/compare.h"
#include "pipeline/text_to_video.h"
#include "tensor/tap.h"
#include "weights/tensor_file.h"

namespace genvid {
namespace {

constexpr double kTextGate = 2e-5;
constexpr double kCallGate = 1e-4;
constexpr double kGuidedGate = 5e-4;
constexpr double kLatentsGate = 5e-4;
constexpr double kFramesGate = 5e-4;
constexpr double kSigmaGate = 1e-7;
constexpr double kHalfCallGate = 2e-2;
constexpr double kHalfGuidedGate = 4e-2;
constexpr double kHalfFramesGate = 4e-2;

// One check run: the reference, the context and the lines so far.
class ReferenceCheck {
 public:
  ReferenceCheck(const Family& family, const LoadContext& context, const CheckSpec& spec,
                 StageClock& clock);

  std::vector<CheckLine> run();

 private:
  bool half() const { return context_.dtype != at::kFloat; }
  bool has(const std::string& name) const { return ref_.count(name) != 0; }
  const Tensor& ref(const std::string& name) const;
  void compare(const std::string& stage, const Tensor& ours, double gate, double half_gate);
  void compare_taps(const std::string& prefix, double gate, double half_gate);

  ClipSpec clip_spec(const Json& settings) const;
  void check_text();
  void check_image();
  void check_schedule(const Scheduler& scheduler);
  std::unique_ptr<Scheduler> sampler() const;
  void check_calls(const Scheduler& scheduler);
  Tensor guided(Denoiser& denoiser, const Stage& stage, const Tensor& latents, double t,
                const std::string& step);
  void check_free_run();
  Tensor decode(const Tensor& latents);
  void check_decoder();
  void check_encoder();

  const Family& family_;
  LoadContext context_;
  StageClock& clock_;
  TensorFile ref_;
  ClipSpec clip_;
  PromptPair prompts_;  // the reference's own embeddings
  Conditioning conditioning_;
  Tensor free_latents_;  // end of our own run
  std::map<std::string, Tensor> taps_;
  bool looked_inside_ = false;  // the first call was made by itself, for its taps
  std::vector<CheckLine> lines_;
};

Image image_of(const Tensor& rgb8) {
  Image out;
  out.height = static_cast<int>(rgb8.size(0));
  out.width = static_cast<int>(rgb8.size(1));
  const Tensor flat = rgb8.contiguous();
  const auto* p = static_cast<const uint8_t*>(flat.const_data_ptr());
  out.pixels.assign(p, p + flat.numel());
  return out;
}

Json read_settings(const std::filesystem::path& reference) {
  std::filesystem::path json = reference;
  json.replace_extension(".json");
  return read_json_file(json, ErrorKind::kUsage);
}

ReferenceCheck::ReferenceCheck(const Family& family, const LoadContext& context,
                               const CheckSpec& spec, StageClock& clock)
    : family_(family), context_(context), clock_(clock), ref_(read_tensors(spec.reference)) {
  clip_ = clip_spec(read_settings(spec.reference));
  clip_.model_dir = spec.model_dir;
  for (const char* name : {"embeds.prompt", "latents.init", "step0.cond", "latents.final"}) {
    if (!has(name)) {
      throw Error(ErrorKind::kUsage, spec.reference + " has no tensor '" + std::string(name) +
                                         "'; make a reference with scripts/parity/dump_reference");
    }
  }
}

const Tensor& ReferenceCheck::ref(const std::string& name) const { return ref_.at(name); }

ClipSpec ReferenceCheck::clip_spec(const Json& settings) const {
  const JsonObject s(settings, "the reference's json", ErrorKind::kUsage);
  const Traits traits = family_.description->traits(*context_.model);
  ClipSpec out;
  out.prompt = s.string("prompt", "");
  out.negative_prompt = s.string("negative", "");
  out.num_inference_steps = static_cast<int>(s.require_integer("steps", 1, 1000));
  out.guidance_scale = s.number("guidance_scale", 5.0, 0.0, 100.0);
  out.guidance_scale_2 = s.number("guidance_scale_2", out.guidance_scale, 0.0, 100.0);
  out.shift = s.number("shift", traits.shift, 0.01, 100.0);
  out.scheduler = s.string("scheduler", traits.scheduler);
  out.model_size = {static_cast<int>(s.require_integer("width", 1, 8192)),
                    static_cast<int>(s.require_integer("height", 1, 8192))};
  out.size = out.model_size;
  out.model_frames = s.require_integer("num_frames", 1, 100000);
  out.frames = out.model_frames;
  out.fps = {s.integer("fps", traits.fps.num, 1, 1000), 1};
  if (has("image.rgb8")) out.image = image_of(ref("image.rgb8"));
  if (has("image_last.rgb8")) out.last_image = image_of(ref("image_last.rgb8"));
  return out;
}

void ReferenceCheck::compare(const std::string& stage, const Tensor& ours, double gate,
                             double half_gate) {
  if (!has(stage)) return;
  lines_.push_back(half() ? compare_relative_rms(stage, ours, ref(stage), half_gate)
                          : compare_max_abs(stage, ours, ref(stage), gate));
}

void ReferenceCheck::compare_taps(const std::string& prefix, double gate, double half_gate) {
  for (const auto& [name, value] : taps_) {
    if (name.rfind(prefix, 0) == 0) compare(name, value, gate, half_gate);
  }
  taps_.clear();
}

void ReferenceCheck::check_text() {
  clock_.start("text", 0);
  for (const auto& [name, text] :
       {std::pair{"prompt", clip_.prompt}, std::pair{"negative", clip_.negative_prompt}}) {
    const std::string ids = std::string("tokens.") + name + ".ids";
    if (!has(ids)) continue;
    const std::vector<int64_t> ours = family_.tokenize(*context_.model, text);
    lines_.push_back(compare_exact(ids, at::tensor(ours, at::kLong), ref(ids)));
  }
  const auto encoder = family_.load_text_encoder(context_);
  for (const auto& [name, text] :
       {std::pair{"prompt", clip_.prompt}, std::pair{"negative", clip_.negative_prompt}}) {
    const std::string stage = std::string("embeds.") + name;
    if (!has(stage)) continue;
    const Tensor embeds = encoder->encode(text);
    // Taps cover the first call's real tokens; the reference's also hold its padding.
    for (auto& [tap_name, value] : taps_) {
      if (!has(tap_name)) continue;
      const Tensor rows = ref(tap_name).narrow(1, 0, value.size(1));
      lines_.push_back(half() ? compare_relative_rms(tap_name, value, rows, kHalfCallGate)
                              : compare_max_abs(tap_name, value, rows, kTextGate * 10));
    }
    taps_.clear();
    set_tap_sink({});
    compare(stage, embeds, kTextGate, kHalfCallGate);
  }
}

void ReferenceCheck::check_image() {
  prompts_.prompt = ref("embeds.prompt").to(context_.device, context_.dtype);
  if (has("embeds.negative") && guidance_enabled(clip_.guidance_scale)) {
    prompts_.negative = ref("embeds.negative").to(context_.device, context_.dtype);
  }
  if (clip_.image || clip_.last_image) {
    clock_.start("image", 0);
    conditioning_ = family_.prepare_conditioning(context_, clip_);
  }
  conditioning_.fps = clip_.fps.value();
  if (conditioning_.image_embeds.defined()) {
    compare("clip.embeds", conditioning_.image_embeds, kCallGate, kHalfCallGate);
  }
  if (conditioning_.concat_latents.defined() && has("cond.latents")) {
    const int64_t channels = ref("cond.latents").size(1);
    const Tensor& all = conditioning_.concat_latents;
    compare("cond.latents", all.narrow(1, all.size(1) - channels, channels), kFramesGate,
            kHalfCallGate);
  }
}

void ReferenceCheck::check_schedule(const Scheduler& scheduler) {
  if (has("sched.timesteps")) {
    lines_.push_back(compare_exact(
        "sched.timesteps", at::tensor(scheduler.timesteps(), at::kDouble), ref("sched.timesteps")));
  }
  if (has("sched.sigmas")) {
    lines_.push_back(compare_max_abs("sched.sigmas", at::tensor(scheduler.sigmas(), at::kFloat),
                                     ref("sched.sigmas"), kSigmaGate));
  }
}

// One guided prediction, compared as it goes; step is "step3" or empty.
Tensor ReferenceCheck::guided(Denoiser& denoiser, const Stage& stage, const Tensor& latents,
                              double t, const std::string& step) {
  const Tensor input = pin_latents(latents, conditioning_);
  const Tensor timestep = frame_timesteps(t, latents.size(2), conditioning_, context_.device);
  if (!looked_inside_) {
    const TapScope scope("dit0");
    denoiser.predict(input, timestep, prompts_.prompt, conditioning_);
    set_tap_sink({});
    looked_inside_ = true;
  }
  std::vector<Tensor> texts{prompts_.prompt};
  if (prompts_.negative.defined()) texts.push_back(prompts_.negative);
  const std::vector<Tensor> predictions =
      denoiser.predict_each(input, timestep, texts, conditioning_);
  Tensor noise = predictions.front();
  if (!step.empty()) {
    compare_taps("dit0.", kCallGate, kHalfCallGate);
    compare(step + ".cond", noise, kCallGate, kHalfCallGate);
  }
  if (predictions.size() == 1) return noise;
  const Tensor& uncond = predictions.back();
  const double scale = stage.second_guidance ? clip_.guidance_scale_2 : clip_.guidance_scale;
  noise = apply_guidance(noise, uncond, scale);
  if (!step.empty()) {
    compare(step + ".uncond", uncond, kCallGate, kHalfCallGate);
    compare(step + ".noise", noise, kGuidedGate, kHalfGuidedGate);
  }
  return noise;
}

void ReferenceCheck::check_calls(const Scheduler& scheduler) {
  clock_.start("denoise", clip_.num_inference_steps);
  set_tap_sink(
      [this](const std::string& name, const Tensor& x) { taps_.try_emplace(name, x.clone()); });
  int64_t done = 0;
  for (const Stage& stage : family_.stages(*context_.model)) {
    std::unique_ptr<Denoiser> denoiser;
    for (int64_t i = 0; i < clip_.num_inference_steps; ++i) {
      const double t = scheduler.timesteps()[i];
      if (t < stage.t_low || t >= stage.t_high) continue;
      if (!denoiser) denoiser = family_.load_denoiser(context_, stage.component);
      const std::string before =
          i == 0 ? "latents.init" : "step" + std::to_string(i - 1) + ".latents";
      const std::string step = "step" + std::to_string(i);
      if (!has(before) || !has(step + ".cond")) continue;
      guided(*denoiser, stage, ref(before).to(context_.device), t, step);
      clock_.advance(++done);
    }
  }
  set_tap_sink({});
}

// What the rollout of such a checkpoint steps one window with.
std::unique_ptr<Scheduler> ReferenceCheck::sampler() const {
  const auto make = [this] {
    return make_scheduler(clip_.scheduler, clip_.num_inference_steps, clip_.shift);
  };
  const Traits traits = family_.description->traits(*context_.model);
  if (!traits.forcing) return make();
  const int64_t frames = ref("latents.init").size(2);
  return std::make_unique<ForcedScheduler>(plan_forcing(frames, clip_.num_inference_steps, 0, 0),
                                           ForcedFrames{frames, 1, 0}, make);
}

void ReferenceCheck::check_free_run() {
  const auto scheduler = sampler();
  Tensor latents = ref("latents.init").to(context_.device);
  int64_t i = 0;
  for (const Stage& stage : family_.stages(*context_.model)) {
    std::unique_ptr<Denoiser> denoiser;
    for (; i < clip_.num_inference_steps && scheduler->timesteps()[i] >= stage.t_low; ++i) {
      if (!denoiser) denoiser = family_.load_denoiser(context_, stage.component);
      const Tensor noise = guided(*denoiser, stage, latents, scheduler->timesteps()[i], "");
      latents = scheduler->step(noise, i, latents);
      compare("step" + std::to_string(i) + ".latents", latents, kLatentsGate, 0);
    }
  }
  free_latents_ = pin_latents(latents, conditioning_);
  compare("latents.final", free_latents_, kLatentsGate, 0);
}

// All latents in one push: the taps before the first cache then hold the whole clip.
Tensor ReferenceCheck::decode(const Tensor& latents) {
  const auto vae = family_.load_vae(context_);
  return vae->open_decoder()->push(latents.to(context_.device));
}

void ReferenceCheck::check_decoder() {
  clock_.start("decode", ref("latents.final").size(2));
  const bool half_vae = context_.vae_dtype != at::kFloat;
  set_tap_sink(
      [this](const std::string& name, const Tensor& x) { taps_.try_emplace(name, x.clone()); });
  const Tensor frames = decode(ref("latents.final"));
  set_tap_sink({});
  if (!half_vae) {
    for (const auto& [name, value] : taps_) {
      // Chunks at the deep end are larger in value than the frames; their gate scales with that.
      if (!has(name) || ref(name).numel() != value.numel()) continue;
      const double scale = std::max(1.0, ref(name).abs().max().item<double>());
      lines_.push_back(compare_max_abs(name, value, ref(name), kFramesGate * scale));
    }
  }
  taps_.clear();
  if (has("video.decoded")) {
    lines_.push_back(
        half_vae
            ? compare_relative_rms("video.decoded", frames, ref("video.decoded"), kHalfFramesGate)
            : compare_max_abs("video.decoded", frames, ref("video.decoded"), kFramesGate));
  }
  if (half() || half_vae || !has("video.rgb8_round")) return;
  // Bytes of the whole run of ours, from the first noise to the picture.
  const Tensor rgb = decode(free_latents_).to(at::kCPU, at::kFloat).mul(0.5).add(0.5).clamp(0, 1);
  const Tensor bytes = rgb.mul(255.0).round().to(at::kByte).squeeze(0).permute({1, 2, 3, 0});
  lines_.push_back(compare_bytes("video.rgb8_round", bytes.contiguous(), ref("video.rgb8_round")));
}

void ReferenceCheck::check_encoder() {
  if (!has("enc.input") || !has("enc.mode") || context_.vae_dtype != at::kFloat) return;
  const auto vae = family_.load_vae(context_);
  const auto encoder = vae->open_encoder();
  const Tensor ours = encoder->push(ref("enc.input").to(context_.device)).to(at::kCPU);
  // The reference holds the mode before normalisation, where there is one.
  const Json config = context_.model->component("vae").config;
  const JsonObject c(config, "vae/config.json", ErrorKind::kModel);
  const auto channels = static_cast<size_t>(ours.size(1));
  const auto mean = c.numbers("latents_mean", {}, 4096),
             std_dev = c.numbers("latents_std", {}, 4096);
  if (mean.empty() && std_dev.empty()) {
    lines_.push_back(compare_max_abs("enc.mode", ours, ref("enc.mode"), kFramesGate));
    return;
  }
  if (mean.size() != channels || std_dev.size() != channels) return;
  const auto view = [](const std::vector<double>& v) {
    return at::tensor(v, at::kFloat).view({1, static_cast<int64_t>(v.size()), 1, 1, 1});
  };
  const Tensor expected = ref("enc.mode").sub(view(mean)).mul(view(std_dev).reciprocal());
  lines_.push_back(compare_max_abs("enc.mode", ours, expected, kFramesGate));
}

std::vector<CheckLine> ReferenceCheck::run() {
  set_tap_sink(
      [this](const std::string& name, const Tensor& x) { taps_.try_emplace(name, x.clone()); });
  check_text();
  check_image();
  const auto scheduler = make_scheduler(clip_.scheduler, clip_.num_inference_steps, clip_.shift);
  check_schedule(*scheduler);
  check_calls(*scheduler);
  if (!half()) check_free_run();
  check_decoder();
  check_encoder();
  clock_.stop();
  return std::move(lines_);
}

}  // namespace

std::vector<CheckLine> check_against(const Family& family, const LoadContext& context,
                                     const CheckSpec& spec, StageClock& clock) {
  return ReferenceCheck(family, context, spec, clock).run();
}

}  // namespace genvid
