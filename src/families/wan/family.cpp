#include "families/family.h"

#include "families/wan/config.h"
#include "families/wan/describe.h"
#include "families/wan/image_conditioning.h"
#include "families/wan/text_encoder.h"
#include "families/wan/transformer_denoiser.h"
#include "families/wan/vae.h"

namespace genvid::wan {
namespace {

// The high-noise expert serves t >= boundary_ratio * 1000, the low-noise one what is below.
std::vector<Stage> stages(const ModelFolder& model) {
  const ModelConfig config = read_model_config(model);
  if (!config.transformer_2) return {Stage{.component = "transformer"}};
  const double boundary = config.boundary_ratio * 1000.0;
  return {Stage{.component = "transformer", .t_low = boundary},
          Stage{.component = "transformer_2", .t_high = boundary, .second_guidance = true}};
}

}  // namespace

const Family& family() {
  static const Family f{&description(),       stages,  load_text_encoder, load_denoiser, load_vae,
                        prepare_conditioning, tokenize};
  return f;
}

}  // namespace genvid::wan
