#include "pipeline/start_noise.h"

#include <gtest/gtest.h>

namespace genvid {
namespace {

struct Start {
  Start() {
    traits.geometry.latent_channels = 4;
    traits.geometry.spatial_factor = 16;
    traits.start_channels = 7;
    spec.model_size = {48, 32};
    spec.seed = 5;
  }
  Traits traits;
  ClipSpec spec;
};

TEST(StartNoise, LatentsAloneUnlessAsked) {
  Start s;
  const ClipNoise clip(s.spec, s.traits.geometry, 3);
  StartNoise noise(clip, s.spec, s.traits);
  EXPECT_TRUE(noise.draft(1, 2).equal(clip.draft(1, 2)));
  EXPECT_TRUE(noise.initial(clip.initial(0, 1)).equal(clip.initial(0, 1)));
  s.traits.start_channels = 0;
  StartNoise plain(clip, s.spec, s.traits);
  plain.draw_beside(true);
  EXPECT_FALSE(plain.available());
  EXPECT_TRUE(plain.after_step(2, 1).equal(clip.after_step(2, 0, 1)));
}

// The latents' noise stays what it is; what is beside has noise of its own for every purpose.
TEST(StartNoise, BesideTheLatents) {
  const Start s;
  const ClipNoise clip(s.spec, s.traits.geometry, 3);
  StartNoise noise(clip, s.spec, s.traits);
  noise.draw_beside(true);
  const Tensor all[] = {noise.initial(clip.initial(0, 1)), noise.draft(1, 1), noise.redrawn(0, 1),
                        noise.after_step(0, 1), noise.after_step(1, 1)};
  for (const Tensor& one : all) {
    EXPECT_EQ(one.sizes(), (std::vector<int64_t>{1, 7, 1, 2, 3}));
    for (const Tensor& other : all) {
      EXPECT_EQ(one.narrow(1, 4, 3).equal(other.narrow(1, 4, 3)), &one == &other);
    }
  }
  EXPECT_TRUE(all[1].narrow(1, 0, 4).equal(clip.draft(1, 1)));
  EXPECT_TRUE(all[4].narrow(1, 0, 4).equal(clip.after_step(1, 0, 1)));
  StartNoise again(clip, s.spec, s.traits);
  again.draw_beside(true);
  EXPECT_TRUE(again.redrawn(0, 1).equal(all[2]));
}

}  // namespace
}  // namespace genvid
