// For clips whose camera moves: what it sees when a window ends, drawn before the window is made,
// for the window to go on into (Panorama, Zoom).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "diffusion/scheduler.h"
#include "pipeline/clip_noise.h"
#include "pipeline/panorama.h"
#include "pipeline/progress.h"
#include "pipeline/start_noise.h"
#include "pipeline/text_to_video.h"
#include "pipeline/zoom.h"

namespace genvid {

class ViewAhead {
 public:
  // Where so many passes of the network for one latent frame stand in the clip's progress; told
  // before they are made.
  using Passes = std::function<StepSpan(int64_t steps)>;

  // All that is referred to must outlive this.
  ViewAhead(const ClipSpec& spec, const Traits& traits, const ClipNoise& noise, StageClock& clock,
            Passes passes);

  // Another scene begins. beside: what its first picture was drawn with (Traits.start_channels),
  // [1, S, 1, H, W], where that is known.
  void begin(const Tensor& beside = {});
  // For the window of latent frames first..last of the clip, which is shown `known` of what was;
  // empty where the camera stands.
  AnchorFrame of(ResidentDenoiser& resident, const Tensor& prompt, const AnchorFrame& known,
                 int64_t first, int64_t last);

 private:
  // Without guidance, which would have what the prompt names once more. skip: so many steps lie
  // behind `latents`; after_step: new noise by a step's index, as ClipNoise numbers them.
  Tensor draw(ResidentDenoiser& resident, const Tensor& prompt, const Conditioning& conditioning,
              const Tensor& latents, int64_t skip, const StepNoise& after_step);
  Tensor draw_side(ResidentDenoiser& resident, const Tensor& prompt, const DrawnSide& side);
  Tensor draw_again(ResidentDenoiser& resident, const Tensor& prompt, const Tensor& picture,
                    const Tensor& like);
  // The noise level after so many of a start's steps.
  double level_after(int64_t steps) const;
  // Of the picture that is drawn next, in the seed's streams.
  int64_t stream() const { return spec_.drafts + drawn_; }

  const ClipSpec& spec_;
  const ClipNoise& noise_;
  StartNoise side_noise_;  // sides are drawn as a clip's start is
  StageClock& clock_;
  Passes passes_;
  Tensor beside_;
  std::optional<Panorama> panorama_;
  std::optional<Zoom> zoom_;
  int64_t drawn_ = 0;
};

}  // namespace genvid
