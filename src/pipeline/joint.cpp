#include "pipeline/joint.h"

#include <string>

#include "genvid/error.h"
#include "pipeline/past.h"

namespace genvid {

Joint::Joint(const Image& shown, const Tensor& decoded) {
  const int64_t last = decoded.size(2) - 1;
  if (shown.height != decoded.size(3) || shown.width != decoded.size(4)) {
    throw Error(ErrorKind::kUsage, "the frame before these latents is " +
                                       std::to_string(shown.width) + "x" +
                                       std::to_string(shown.height) + ", theirs are " +
                                       std::to_string(decoded.size(4)) + "x" +
                                       std::to_string(decoded.size(3)) + "; the file is damaged");
  }
  missing_ = image_frame(shown).to(decoded.device()).sub_(decoded.select(2, last).to(at::kFloat));
}

Tensor Joint::operator()(const Tensor& frames) {
  if (!missing_.defined()) return frames;
  const Tensor out = frames.to(at::kFloat, /*non_blocking=*/false, /*copy=*/true);
  for (int64_t i = 0; i < out.size(2) && missing_.defined(); ++i) {
    ++done_;
    const double weight = 1.0 - static_cast<double>(done_) / static_cast<double>(kFrames + 1);
    out.select(2, i).add_(missing_, weight);
    if (done_ == kFrames) missing_ = Tensor();
  }
  return out;
}

}  // namespace genvid
