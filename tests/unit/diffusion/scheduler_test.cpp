// Sigma tables and whole runs of both samplers against the reference's, on a fixed velocity field
// (tests/data/scheduler_cases.json, made by scripts/parity).
#include "diffusion/scheduler.h"

#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/json.h"
#include "genvid/error.h"

namespace genvid {
namespace {

const Json& cases() {
  static const Json json =
      read_json_file(GENVID_SOURCE_DIR "/tests/data/scheduler_cases.json", ErrorKind::kModel);
  return json;
}

// The velocity field of the cases file.
Tensor velocity(const Tensor& x) {
  const Tensor xx = x.mul(x);
  return x.mul(0.5).add(xx.mul(x).mul(0.25).div(xx.add(1.0)));
}

class Samplers : public ::testing::TestWithParam<const char*> {};

TEST_P(Samplers, TablesEqualTheReference) {
  for (const Json& row : cases().at(GetParam()).at("tables")) {
    const auto s =
        make_scheduler(GetParam(), row.at("steps").get<int>(), row.at("shift").get<double>());
    const auto timesteps = row.at("timesteps").get<std::vector<double>>();
    const auto sigmas = row.at("sigmas").get<std::vector<float>>();
    ASSERT_EQ(s->timesteps().size(), timesteps.size());
    ASSERT_EQ(s->sigmas().size(), sigmas.size());
    for (size_t i = 0; i < timesteps.size(); ++i) {
      EXPECT_FLOAT_EQ(s->timesteps()[i], timesteps[i]) << row.dump();
    }
    for (size_t i = 0; i < sigmas.size(); ++i) {
      EXPECT_NEAR(s->sigmas()[i], sigmas[i], 1e-7) << row.dump();
    }
  }
}

TEST_P(Samplers, RunsEqualTheReference) {
  const auto start = cases().at("start").get<std::vector<double>>();
  for (const Json& run : cases().at(GetParam()).at("runs")) {
    const auto s =
        make_scheduler(GetParam(), run.at("steps").get<int>(), run.at("shift").get<double>());
    Tensor x = at::tensor(start, at::kDouble).to(at::kFloat).view({1, 1, 1, 4, 4});
    int64_t i = 0;
    for (const Json& state : run.at("states")) {
      x = s->step(velocity(x), i, x);
      const Tensor expected =
          at::tensor(state.get<std::vector<double>>(), at::kDouble).to(at::kFloat);
      const double off = x.reshape({-1}).sub(expected).abs().max().item<double>();
      EXPECT_LE(off, 2e-6) << GetParam() << " step " << i << " of " << run.at("steps");
      ++i;
    }
    EXPECT_EQ(i, run.at("steps").get<int64_t>());
  }
}

INSTANTIATE_TEST_SUITE_P(All, Samplers, ::testing::Values("unipc", "euler"));

// shift u / (1 + (shift - 1) u) at u = 1, 3/4, 1/2, 1/4, 0; on a straight line one step is exact.
TEST(Scheduler, EvenEulerShiftsOnce) {
  const auto s = make_scheduler("euler-even", 4, 3.0);
  const std::vector<double> expected{1.0, 0.9, 0.75, 0.5, 0.0};
  ASSERT_EQ(s->sigmas().size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(s->sigmas()[i], expected[i], 1e-7);
  ASSERT_EQ(s->timesteps().size(), 4u);
  for (size_t i = 0; i < 4; ++i) EXPECT_NEAR(s->timesteps()[i], 1000.0 * expected[i], 1e-3);
  const Tensor x0 = at::tensor({2.0f, -1.0f}), noise = at::tensor({0.5f, 3.0f});
  Tensor x = noise;
  for (int64_t i = 0; i < 4; ++i) x = s->step(noise.sub(x0), i, x);
  EXPECT_LE(x.sub(x0).abs().max().item<double>(), 1e-6);
}

// With a prediction that knows the clean sample, what is left at each step is that and its noise at
// the step's level: sqrt(1 - eta^2) of the noise before and eta of new.
TEST(Scheduler, RenoisingMixesOldAndNewNoise) {
  const Tensor x0 = at::tensor({2.0f, -1.0f}), start = at::tensor({0.5f, 3.0f});
  const Tensor fresh = at::tensor({-1.0f, 0.25f});
  for (const double eta : {0.0, 0.6, 1.0}) {
    const auto s = make_renoising(4, 3.0, eta, [&](int64_t) { return fresh; });
    Tensor x = start, noise = start;
    for (int64_t i = 0; i < 4; ++i) {
      x = s->step(noise.sub(x0), i, x);
      noise = noise.mul(std::sqrt(1 - eta * eta)).add(fresh, eta);
      const double sigma = s->sigmas()[static_cast<size_t>(i) + 1];
      const Tensor expected = x0.mul(1 - sigma).add(noise, sigma);
      EXPECT_LE(x.sub(expected).abs().max().item<double>(), 2e-6) << eta << " step " << i;
    }
  }
}

TEST(Scheduler, RenoisingMayBeginWithStepsBehindIt) {
  const auto none = [](int64_t) { return Tensor(); };
  const auto whole = make_renoising(6, 1.5, 0.6, none), tail = make_renoising(6, 1.5, 0.6, none, 4);
  EXPECT_EQ(tail->sigmas(), std::vector<float>(whole->sigmas().begin() + 4, whole->sigmas().end()));
  EXPECT_EQ(tail->timesteps(),
            std::vector<double>(whole->timesteps().begin() + 4, whole->timesteps().end()));
}

TEST(Scheduler, RenoisingWithoutNewNoiseIsEuler) {
  const auto a = make_renoising(7, 1.5, 0, [](int64_t) { return at::tensor({9.0f, 9.0f}); });
  const auto b = make_scheduler("euler-even", 7, 1.5);
  Tensor x = at::tensor({0.5f, -2.0f}), y = x;
  for (int64_t i = 0; i < 7; ++i) {
    x = a->step(velocity(x), i, x);
    y = b->step(velocity(y), i, y);
  }
  EXPECT_LE(x.sub(y).abs().max().item<double>(), 2e-6);
}

TEST(Scheduler, RefusesAnUnknownName) {
  try {
    make_scheduler("ddim", 4, 3.0);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kUsage);
  }
}

}  // namespace
}  // namespace genvid
