#include "jobs/rollout_forcing.h"

#include <algorithm>

#include "genvid/error.h"

namespace genvid {
namespace {

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
int64_t whole(int64_t value, int64_t block) { return ceil_div(value, block) * block; }

// The model's settings of diffusion forcing, and over them what was asked for.
ForcingRollout forcing_settings(const Request& request, const Traits& traits) {
  ForcingRollout f = *traits.forcing;
  f.overlap_history = request.overlap_history.value_or(f.overlap_history);
  f.causal_block_size = request.causal_block_size.value_or(f.causal_block_size);
  f.ar_step = request.ar_step.value_or(f.ar_step);
  f.addnoise_condition = request.addnoise_condition.value_or(f.addnoise_condition);
  if (!(f.addnoise_condition >= 0 && f.addnoise_condition <= 1000)) {
    throw Error(
        ErrorKind::kUsage,
        "--addnoise-condition is " + std::to_string(f.addnoise_condition) + ", expected 0 to 1000");
  }
  return f;
}

// Windows of whole blocks, each behind the last latent frames of the one before. All but a single
// one are of full length, as in training: a longer clip begins with the shorter one.
void forcing_windows(const ForcingRollout& f, const Traits& traits, const Request& request,
                     ClipSpec& spec, Rollout& out) {
  const bool extends = !request.extend.empty(), ends = !request.last_image.empty();
  const Geometry& g = traits.geometry;
  const int64_t block = f.causal_block_size;
  const int64_t longest = g.latents_of(f.base_num_frames + 1) - 1;
  const int64_t window = longest / block * block;
  const int64_t overlap = whole(g.latents_of(f.overlap_history), block);
  const int64_t need = new_latents(g, spec.frames, extends) + (extends ? overlap : 0);
  const std::string has = traits.title + " makes windows of " + std::to_string(longest) +
                          " latent frames (" + std::to_string(f.base_num_frames) + " frames)";
  if (window == 0) {
    throw Error(ErrorKind::kUsage, "--causal-block-size is " + std::to_string(block) + ", but " +
                                       has + "; give that or less");
  }
  if ((need > window || extends) && overlap >= window) {
    throw Error(ErrorKind::kUsage, "--overlap-history is " + std::to_string(f.overlap_history) +
                                       " frames, " + std::to_string(overlap) +
                                       " latent frames in blocks of " + std::to_string(block) +
                                       ", but " + has + "; give less");
  }
  spec.window_latents = std::min(window, whole(need, block));
  spec.overlap_latents = need > window || extends ? overlap : 0;
  out.overlap_frames = g.frames_of(overlap);
  spec.block_latents = block;
  spec.ar_step = f.ar_step;
  spec.addnoise_condition = f.addnoise_condition;
  const int64_t more = std::max<int64_t>(0, need - window), fresh = window - overlap;
  out.windows = 1 + (more > 0 ? ceil_div(more, fresh) : 0);
  out.window_frames = g.frames_of(spec.window_latents);
  out.latents = spec.window_latents - (extends ? overlap : 0) + (out.windows - 1) * fresh;
  if (ends) {  // on a picture, which takes a latent frame behind the last window
    out.latents = need - (extends ? overlap : 0);
    out.window_frames = g.frames_of(spec.window_latents + 1);
  }
  out.ar_step = f.ar_step;
  out.lags = (spec.window_latents - (extends ? overlap : 0)) / block - 1 +
             (out.windows - 1) * (fresh / block - 1);
  if (extends) out.past_frames = out.overlap_frames;
}

}  // namespace

void check_forcing_flags(const Request& request, const Traits& traits) {
  if (traits.forcing) return;
  const char* flag = request.overlap_history      ? "--overlap-history"
                     : request.causal_block_size  ? "--causal-block-size"
                     : request.ar_step            ? "--ar-step"
                     : request.addnoise_condition ? "--addnoise-condition"
                                                  : nullptr;
  if (flag == nullptr) return;
  throw Error(ErrorKind::kUsage, std::string(flag) +
                                     " belongs to diffusion forcing, for which SkyReels-V2 DF "
                                     "checkpoints are trained; " +
                                     traits.title + " is not: leave it out");
}

Rollout forcing_rollout(const Request& request, const Traits& traits, ClipSpec& spec,
                        bool extends) {
  const ForcingRollout f = forcing_settings(request, traits);
  Rollout out;
  out.name = spec.rollout = "diffusion-forcing";
  if (!request.last_image.empty() && f.causal_block_size > 1) {
    throw Error(ErrorKind::kUsage, "--last-image stands behind the clip, where blocks of " +
                                       std::to_string(f.causal_block_size) +
                                       " latent frames do not see it; add --causal-block-size 1");
  }
  forcing_windows(f, traits, request, spec, out);
  const auto latents = [](int64_t n) {
    return std::to_string(n) + (n == 1 ? " latent frame" : " latent frames");
  };
  out.reason = std::to_string(out.windows) + (out.windows == 1 ? " window" : " windows") + " of " +
               latents(spec.window_latents);
  if (out.windows > 1 || extends) {
    out.reason += ", each from the last " + latents(spec.overlap_latents) +
                  (extends ? " before it" : " of the one before");
  }
  if (f.causal_block_size > 1) {
    out.reason += "; blocks of " + latents(f.causal_block_size) + " see none that come later";
  }
  if (f.ar_step > 0) {
    out.reason += "; each block is " + std::to_string(f.ar_step) +
                  (f.ar_step == 1 ? " step" : " steps") + " behind the one before";
  }
  if (!request.last_image.empty()) out.reason += "; the last one ends on a picture";
  if (out.windows > 1) out.reason += "; memory does not grow";
  return out;
}

}  // namespace genvid
