#include "cli/plan_text.h"

#include <cstdio>

#include "core/log.h"
#include "core/parse_values.h"

namespace genvid::cli {
namespace {

template <class... A>
std::string format(const char* pattern, A... values) {
  char text[512];
  std::snprintf(text, sizeof(text), pattern, values...);
  return text;
}

}  // namespace

std::string bytes_text(uint64_t bytes) {
  const double b = static_cast<double>(bytes);
  if (b >= 1 << 30) return format("%.1f GiB", b / (1 << 30));
  if (b >= 1 << 20) return format("%.1f MiB", b / (1 << 20));
  return format("%.1f KiB", b / 1024);
}

std::string seconds_text(double seconds) {
  if (seconds < 90) return format("%.0f s", seconds < 1 ? 1.0 : seconds);
  if (seconds < 5400) return format("%.0f min", seconds / 60);
  return format("%.1f h", seconds / 3600);
}

std::string plan_text(const Plan& plan, const std::string& output, uint64_t available_bytes) {
  const ClipSpec& s = plan.spec;
  std::string out;
  const auto line = [&](const char* name, const std::string& value) {
    out += format("%-10s ", name) + value + "\n";
  };
  line("model", plan.title + ", " + log::printable(s.model_dir));
  if (!output.empty()) line("output", log::printable(output));
  std::string clip =
      to_text(s.size) + ", " + std::to_string(s.frames) + " frames at " + to_text(s.fps) +
      " a second = " + format("%.3f s", static_cast<double>(s.frames) / s.fps.value());
  if (!(s.model_size == s.size) || s.model_frames != s.frames) {
    clip +=
        " (made as " + to_text(s.model_size) + ", " + std::to_string(s.model_frames) + " frames)";
  }
  line("clip", clip);
  if (plan.past_frames > 0) {
    line("extends", std::to_string(plan.past_frames) + " frames, which come first, " +
                        format("%.3f s", static_cast<double>(plan.past_frames) / s.fps.value()));
  }
  line("rollout", s.rollout + ": " + plan.rollout.reason);
  for (const PromptStart& p : plan.prompt_starts) {
    line(p.cut ? "cut" : "prompt",
         format("from %.3f s (asked %.3f s): ", p.seconds, p.asked) + log::printable(p.prompt));
  }
  std::string sampling = std::to_string(s.num_inference_steps) + " steps of " + s.scheduler +
                         format(", shift %g, guidance %g", s.shift, s.guidance_scale);
  if (s.guidance_scale_2 != s.guidance_scale) sampling += format(" and %g", s.guidance_scale_2);
  line("sampling", sampling + ", seed " + std::to_string(s.seed) + ", noise " + s.noise);
  if (plan.candidates > 1) {
    line("best of", std::to_string(plan.candidates) + " seeds, " + std::to_string(s.seed) + " to " +
                        std::to_string(s.seed + static_cast<uint64_t>(plan.candidates - 1)) +
                        "; the one with the smallest seams and drift is kept" +
                        (s.rollout == "causal" ? ", sampled once more" : ", decoded once more"));
  }
  line("device", s.device + ", " + s.dtype + " (VAE " + s.vae_dtype + "), " +
                     std::to_string(s.threads) + " threads");
  for (const StageCost& c : plan.costs) {
    std::string stage = "weights " + bytes_text(c.weight_bytes) + ", work " +
                        bytes_text(c.work_bytes) + format(", %.3g TFLOP", c.flops / 1e12);
    if (c.stage == "denoise") {
      stage += format(
          " a step, %lld tokens; %.4g token-forwards, %.2f times those of 5 s",
          static_cast<long long>(c.tokens), static_cast<double>(plan.token_forwards),
          static_cast<double>(plan.token_forwards) / static_cast<double>(plan.token_forwards_5s));
    }
    line(c.stage.c_str(), stage);
  }
  std::string memory = bytes_text(plan.peak_bytes) + " at the peak";
  if (available_bytes > 0) memory += ", " + bytes_text(available_bytes) + " free";
  line("memory", memory);
  line("time", "about " + seconds_text(estimate_seconds(plan)) + " (a guess from the work)");
  return out;
}

}  // namespace genvid::cli
