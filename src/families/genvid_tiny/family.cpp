#include "families/family.h"

#include "families/genvid_tiny/codec.h"
#include "families/genvid_tiny/denoiser.h"
#include "families/genvid_tiny/describe.h"
#include "families/genvid_tiny/image_conditioning.h"
#include "families/genvid_tiny/judge.h"
#include "families/genvid_tiny/text_encoder.h"

namespace genvid::genvid_tiny {
namespace {

std::vector<Stage> stages(const ModelFolder&) { return {Stage{.component = "transformer"}}; }

}  // namespace

const Family& family() {
  static const Family f{&description(), stages,     load_text_encoder,
                        load_denoiser,  load_codec, prepare_conditioning,
                        tokenize,       load_judge};
  return f;
}

}  // namespace genvid::genvid_tiny
