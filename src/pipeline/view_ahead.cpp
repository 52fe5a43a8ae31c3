#include "pipeline/view_ahead.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>

#include <memory>
#include <utility>

#include "core/limits.h"
#include "diffusion/sigmas.h"

namespace genvid {
namespace {

Denoiser& last_stage(ResidentDenoiser& resident) {
  return resident.enter(resident.stages().back());
}

}  // namespace

ViewAhead::ViewAhead(const ClipSpec& spec, const Traits& traits, const ClipNoise& noise,
                     StageClock& clock, Passes passes)
    : spec_(spec),
      noise_(noise),
      side_noise_(noise, spec, traits),
      clock_(clock),
      passes_(std::move(passes)) {
  side_noise_.draw_beside(true);
}

void ViewAhead::begin(const Tensor& beside) {
  beside_ = beside;
  panorama_.reset();
  zoom_.reset();
  drawn_ = 0;
}

AnchorFrame ViewAhead::of(ResidentDenoiser& resident, const Tensor& prompt,
                          const AnchorFrame& known, int64_t first, int64_t last) {
  if (!panorama_ && !zoom_) {
    const CameraPan pan = last_stage(resident).pan(prompt);
    const int64_t position = first - static_cast<int64_t>(known.age);
    if (pan.growth != 0) {
      zoom_.emplace(known.latents, position, pan.growth);
    } else if (pan.right != 0 || pan.down != 0) {
      panorama_.emplace(known.latents, beside_, position, pan);
    } else {
      return {};
    }
  }
  if (panorama_) {
    return panorama_->ahead(
        first, last, [&](const DrawnSide& side) { return draw_side(resident, prompt, side); });
  }
  const auto carry = [&](const Tensor& picture, double latents) {
    return last_stage(resident).carried(picture, prompt, latents);
  };
  return zoom_->ahead(first, last, carry, [&](const Tensor& picture, const Tensor& like) {
    return draw_again(resident, prompt, picture, like);
  });
}

double ViewAhead::level_after(int64_t steps) const {
  return even_sigmas(static_cast<int>(spec_.start_steps()), spec_.shift).sigmas[steps];
}

Tensor ViewAhead::draw(ResidentDenoiser& resident, const Tensor& prompt,
                       const Conditioning& conditioning, const Tensor& latents, int64_t skip,
                       const StepNoise& after_step) {
  const int64_t first = 2 * stream() * limits::kMaxSteps;
  const auto noise = [&](int64_t step) { return after_step(first + step); };
  const auto steps = static_cast<int>(spec_.start_steps());
  ClipSpec one = spec_;
  one.keep.prefix.clear();
  PromptPair prompts;
  prompts.prompt = prompt;
  const Tensor made =
      denoise(resident, one, prompts, conditioning, latents, clock_, passes_(steps - skip),
              make_renoising(steps, spec_.shift, spec_.first_eta, noise, skip));
  ++drawn_;
  return made;
}

Tensor ViewAhead::draw_side(ResidentDenoiser& resident, const Tensor& prompt,
                            const DrawnSide& side) {
  Conditioning conditioning;
  conditioning.side = side;
  const auto noise = [&] { return side_noise_.draft(stream(), 1).to(resident.context().device); };
  const auto after = [this](int64_t index) { return side_noise_.after_step(index, 1); };
  const Tensor made = draw(resident, prompt, conditioning, noise(), 0, after);
  // The last steps again by tiles that lie between the others, as a clip's start: to them the
  // border is none.
  const int64_t skip = spec_.start_steps() - spec_.first_redrawn;
  const Tensor begun = last_stage(resident).between_tiles(made).lerp(noise(), level_after(skip));
  const Tensor again = draw(resident, prompt, {}, begun, skip, after);
  Denoiser& denoiser = last_stage(resident);
  const Tensor picture = denoiser.back_to_tiles(again, denoiser.finished_start(made));
  const int64_t channels = picture.size(1);
  return at::cat({picture, made.narrow(1, channels, made.size(1) - channels)}, 1);
}

// Half of the steps again, which keeps what it shows and where, its tiles joined as a window's, in
// the tone that it had, as firm as `like`.
Tensor ViewAhead::draw_again(ResidentDenoiser& resident, const Tensor& prompt,
                             const Tensor& picture, const Tensor& like) {
  const int64_t steps = spec_.start_steps(), skip = steps - steps / 2;
  const Tensor noise = noise_.draft(stream(), 1).to(resident.context().device);
  const Tensor made = draw(resident, prompt, {}, picture.lerp(noise, level_after(skip)), skip,
                           [this](int64_t index) { return noise_.after_step(index, 0, 1); });
  Denoiser& denoiser = last_stage(resident);
  return denoiser.toned(denoiser.back_to_tiles(denoiser.between_tiles(made), made), picture, like);
}

}  // namespace genvid
