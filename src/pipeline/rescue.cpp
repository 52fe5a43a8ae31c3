#include "pipeline/rescue.h"

#include "weights/tensor_file.h"

namespace genvid {

void rethrow_with_rescue(const Error& error, const ClipSpec& spec, const Tensor& latents,
                         const LatentsStart& start) {
  if (spec.rescue_latents.empty() || error.kind() == ErrorKind::kCancelled) throw error;
  std::string kept;
  try {
    write_latents(spec.rescue_latents, latents, true, start);
    kept = "; latents kept in " + spec.rescue_latents + ", finish with: genvid decode " +
           spec.rescue_latents + " -o FILE --model " + spec.model_dir;
  } catch (const Error& e) {
    kept = std::string("; the latents could not be kept either: ") + e.what();
  }
  throw Error(error.kind(), error.what() + kept);
}

}  // namespace genvid
