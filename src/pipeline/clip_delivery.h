// Latents of a clip that is made in parts, to frames in a sink as they come: the VAE as one stream
// over all parts.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "core/latents_file.h"
#include "families/family.h"
#include "genvid/clip_spec.h"
#include "genvid/error.h"
#include "genvid/frame_sink.h"
#include "pipeline/frame_feeder.h"
#include "pipeline/joint.h"
#include "pipeline/progress.h"

namespace genvid {

class ClipDelivery {
 public:
  // latents: of the whole clip, for the progress. The VAE is loaded with the first part.
  ClipDelivery(const Family& family, const LoadContext& context, const ClipSpec& spec,
               const FrameSpec& frames, FrameSink& sink, StageClock& clock, int64_t latents);

  // The end of spec.past as so many latent frames. The decoder goes on from them, and the first new
  // frames from the last that is shown (Joint); theirs are in the file already.
  Tensor take_past(int64_t latents);
  // The next latent frames [1, C, t, H, W]. Those of a loop (spec.closes) wait for finish(), since
  // the decoder begins as it is after the last of them. When the output fails, later ones are only
  // collected, so that finish() can keep the whole clip's: what was sampled is not lost.
  void push(const Tensor& latents);
  // After the last part: writes spec.save_latents, ends the file. Throws what the output threw,
  // with the latents in spec.rescue_latents.
  void finish();

  bool begun() const { return feeder_.written() > 0; }

 private:
  void open();
  void decode(const Tensor& latents);
  bool keeps_latents() const;
  Tensor collected() const;

  const Family& family_;
  const ClipSpec& spec_;
  const LoadContext context_;
  FrameSink& sink_;
  StageClock& clock_;
  FrameFeeder feeder_;
  std::unique_ptr<VideoVae> vae_;
  std::unique_ptr<VaeStream> decoder_;
  Joint joint_;
  const int64_t total_;
  int64_t done_ = 0;
  std::vector<Tensor> parts_;  // where somebody may ask for them: a few KiB a latent frame
  LatentsStart start_;
  std::optional<Error> failed_;
};

}  // namespace genvid
