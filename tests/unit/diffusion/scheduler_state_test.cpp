// A sampler that is put down after any step and taken up by another gives the same bits.
#include <ATen/ops/equal.h>
#include <gtest/gtest.h>

#include "diffusion/noise.h"
#include "diffusion/scheduler.h"
#include "genvid/error.h"

namespace genvid {
namespace {

constexpr int kSteps = 7;

Tensor made(uint64_t seed) { return initial_noise("philox", seed, {1, 2, 3, 4, 4}); }

class SchedulerState : public testing::TestWithParam<const char*> {};

TEST_P(SchedulerState, GoesOnFromAnyStep) {
  const auto whole = make_scheduler(GetParam(), kSteps, 3.0);
  std::vector<Tensor> latents = {made(0)};
  std::vector<Scheduler::State> states = {whole->state()};
  for (int i = 0; i < kSteps; ++i) {
    latents.push_back(whole->step(made(static_cast<uint64_t>(i) + 1), i, latents.back()));
    states.push_back(whole->state());
  }
  for (int stop = 0; stop < kSteps; ++stop) {
    const auto rest = make_scheduler(GetParam(), kSteps, 3.0);
    rest->restore(stop, states[static_cast<size_t>(stop)]);
    Tensor x = latents[static_cast<size_t>(stop)];
    for (int i = stop; i < kSteps; ++i) x = rest->step(made(static_cast<uint64_t>(i) + 1), i, x);
    EXPECT_TRUE(at::equal(x, latents.back())) << "stopped before step " << stop;
  }
}

TEST_P(SchedulerState, RefusesAStateThatIsNotItsOwn) {
  const auto scheduler = make_scheduler(GetParam(), kSteps, 3.0);
  EXPECT_THROW(scheduler->restore(3, {{"what", made(0)}}), Error);
}

INSTANTIATE_TEST_SUITE_P(Kinds, SchedulerState, testing::Values("unipc", "euler"));

TEST(SchedulerStateUnipc, NeedsItsWholeMemory) {
  const auto scheduler = make_scheduler("unipc", kSteps, 3.0);
  EXPECT_THROW(scheduler->restore(3, {}), Error);
  EXPECT_THROW(scheduler->restore(3, {{"x0", made(0)}, {"last_sample", made(1)}}), Error);
}

}  // namespace
}  // namespace genvid
