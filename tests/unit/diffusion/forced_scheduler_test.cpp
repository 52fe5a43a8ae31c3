// A solver for every latent frame: one for all when they go together, and each block as if it were
// alone when they do not.
#include "diffusion/forced_scheduler.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <gtest/gtest.h>

#include "diffusion/noise.h"
#include "genvid/error.h"

namespace genvid {
namespace {

constexpr int kSteps = 5;

Tensor made(uint64_t seed, int64_t frames) {
  return initial_noise("philox", seed, {1, 2, frames, 4, 4});
}

std::unique_ptr<Scheduler> solver() { return make_scheduler("unipc", kSteps, 8.0); }

ForcedScheduler forced(const ForcedFrames& frames, int64_t ar_step) {
  return ForcedScheduler(
      plan_forcing(frames.count / frames.block, kSteps, ar_step, frames.known / frames.block),
      frames, solver);
}

// One step as the reference takes it, whose solver then remembers its result instead of the sample.
Tensor reference_step(Scheduler& solver, const Tensor& velocity, int64_t i, const Tensor& x) {
  const Tensor made = solver.step(velocity, i, x);
  if (i == 0) {
    Scheduler::State state = solver.state();
    state["last_sample"] = made;
    solver.restore(1, state);
  }
  return made;
}

TEST(ForcedScheduler, TogetherIsOneSolver) {
  ForcedScheduler all = forced({6, 1, 0}, 0);
  ASSERT_EQ(all.rows(), kSteps);
  const auto plain = solver();
  Tensor a = made(0, 6), b = a;
  for (int i = 0; i < kSteps; ++i) {
    const Tensor velocity = made(static_cast<uint64_t>(i) + 1, 6);
    const Tensor t = all.frame_timesteps(i);
    EXPECT_TRUE((t == plain->timesteps()[static_cast<size_t>(i)]).all().item<bool>());
    a = all.step(velocity, i, a);
    b = reference_step(*plain, velocity, i, b);
    ASSERT_TRUE(at::equal(a, b)) << "step " << i;
  }
}

TEST(ForcedScheduler, ALaggingBlockIsAsIfAlone) {
  constexpr int64_t kLag = 2;
  ForcedScheduler all = forced({6, 2, 0}, kLag);
  ASSERT_EQ(all.rows(), kSteps + 2 * kLag);
  Tensor x = made(0, 6);
  for (int64_t r = 0; r < all.rows(); ++r) {
    const Tensor t = all.frame_timesteps(r);
    EXPECT_GE(t[0][4].item<float>(), t[0][2].item<float>());
    EXPECT_EQ(t[0][4].item<float>(), t[0][5].item<float>());
    x = all.step(made(static_cast<uint64_t>(r) + 1, 6), r, x);
  }
  for (int64_t b = 0; b < 3; ++b) {
    const auto alone = solver();
    Tensor y = made(0, 6).narrow(2, 2 * b, 2);
    for (int i = 0; i < kSteps; ++i) {
      const auto row = static_cast<uint64_t>(i + b * kLag);
      y = reference_step(*alone, made(row + 1, 6).narrow(2, 2 * b, 2), i, y);
    }
    EXPECT_TRUE(at::equal(x.narrow(2, 2 * b, 2), y)) << "block " << b;
  }
}

// A picture is the first latent frame of a block whose others are made.
TEST(ForcedScheduler, KnownFramesStayAndAreClean) {
  for (const ForcedFrames& frames : {ForcedFrames{6, 2, 2}, ForcedFrames{6, 2, 1}}) {
    ForcedScheduler all = forced(frames, 1);
    const Tensor start = made(0, 6);
    Tensor x = start;
    for (int64_t r = 0; r < all.rows(); ++r) {
      EXPECT_EQ(all.frame_timesteps(r)[0][0].item<float>(), 0);
      x = all.step(made(static_cast<uint64_t>(r) + 1, 6), r, x);
    }
    EXPECT_TRUE(at::equal(x.narrow(2, 0, frames.known), start.narrow(2, 0, frames.known)));
    for (int64_t f = frames.known; f < 6; ++f) {
      EXPECT_FALSE(at::equal(x.select(2, f), start.select(2, f))) << "frame " << f;
    }
  }
}

TEST(ForcedScheduler, GoesOnFromAnyRow) {
  const ForcedFrames frames{6, 2, 1};
  ForcedScheduler whole = forced(frames, 2);
  std::vector<Tensor> latents = {made(0, 6)};
  std::vector<Scheduler::State> states = {whole.state()};
  for (int64_t r = 0; r < whole.rows(); ++r) {
    latents.push_back(whole.step(made(static_cast<uint64_t>(r) + 1, 6), r, latents.back()));
    states.push_back(whole.state());
  }
  for (int64_t stop = 0; stop < whole.rows(); ++stop) {
    ForcedScheduler rest = forced(frames, 2);
    for (const auto& [name, value] : states[static_cast<size_t>(stop)]) {
      EXPECT_EQ(value.sizes(), latents.front().sizes()) << name << ": kept files need one shape";
    }
    rest.restore(stop, states[static_cast<size_t>(stop)]);
    Tensor x = latents[static_cast<size_t>(stop)];
    for (int64_t r = stop; r < rest.rows(); ++r) {
      x = rest.step(made(static_cast<uint64_t>(r) + 1, 6), r, x);
    }
    EXPECT_TRUE(at::equal(x, latents.back())) << "stopped before row " << stop;
  }
  ForcedScheduler other = forced(frames, 2);
  EXPECT_THROW(other.restore(3, states[0]), Error);
  EXPECT_THROW(other.restore(1000, states[0]), Error);
}

}  // namespace
}  // namespace genvid
