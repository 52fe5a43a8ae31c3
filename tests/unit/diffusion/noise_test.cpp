#include "diffusion/noise.h"

#include <ATen/ops/equal.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "core/json.h"
#include "core/philox.h"
#include "diffusion/guidance.h"
#include "genvid/error.h"

namespace genvid {
namespace {

TEST(Noise, TorchEqualsTheReferenceGenerator) {
  const Json json =
      read_json_file(GENVID_SOURCE_DIR "/tests/data/randn_cases.json", ErrorKind::kModel);
  for (const Json& c : json.at("cases")) {
    const auto shape = c.at("shape").get<std::vector<int64_t>>();
    const uint64_t seed = std::stoull(c.at("seed").get<std::string>());
    const Tensor x = initial_noise("torch", seed, shape).reshape({-1});
    const Json& first = c.at("first");
    for (size_t i = 0; i < first.size(); ++i) {
      const float expected = std::strtof(first[i].get<std::string>().c_str(), nullptr);
      ASSERT_EQ(x[static_cast<int64_t>(i)].item<float>(), expected) << c.at("seed") << " " << i;
    }
  }
}

TEST(Noise, PhiloxElementOrderPutsTimeFirst) {
  const Tensor x = initial_noise("philox", 7, {1, 3, 5, 2, 4});
  for (const auto& [t, c, h, w] :
       {std::array<int64_t, 4>{0, 0, 0, 0}, {4, 2, 1, 3}, {2, 1, 0, 3}}) {
    float expected = 0;
    normal_noise(7, 0, static_cast<uint64_t>(((t * 3 + c) * 2 + h) * 4 + w), {&expected, 1});
    EXPECT_EQ(x[0][c][t][h][w].item<float>(), expected);
  }
}

TEST(Noise, PhiloxIsTheSameForAnyChunking) {
  const Tensor whole = initial_noise("philox", 123456789012345, {1, 4, 9, 3, 5});
  for (const int64_t chunk : {1, 2, 4}) {
    for (int64_t t = 0; t < 9; t += chunk) {
      const int64_t n = std::min<int64_t>(chunk, 9 - t);
      const Tensor part = initial_noise("philox", 123456789012345, {1, 4, n, 3, 5}, 0, t);
      EXPECT_TRUE(at::equal(part, whole.narrow(2, t, n))) << "chunk " << chunk << " at " << t;
    }
  }
}

TEST(Noise, ClipsOfAChainDiffer) {
  for (const char* kind : {"philox", "torch"}) {
    const Tensor a = initial_noise(kind, 3, {1, 2, 2, 4, 4}, 0);
    EXPECT_FALSE(at::equal(a, initial_noise(kind, 3, {1, 2, 2, 4, 4}, 1)));
  }
}

TEST(Noise, PhiloxIsStandardNormal) {
  const Tensor x = initial_noise("philox", 1, {1, 16, 21, 30, 52}).to(at::kDouble);
  const double n = static_cast<double>(x.numel());
  EXPECT_NEAR(x.mean().item<double>(), 0.0, 5.0 / std::sqrt(n));
  EXPECT_NEAR(x.square().mean().item<double>(), 1.0, 5.0 * std::sqrt(2.0 / n));
}

TEST(Noise, RefusesAnUnknownKind) {
  EXPECT_THROW(initial_noise("cuda", 1, {1, 1, 1, 1, 1}), Error);
}

TEST(Guidance, InterpolatesFromUncondToCond) {
  const Tensor cond = initial_noise("philox", 1, {1, 1, 1, 2, 2});
  const Tensor uncond = initial_noise("philox", 2, {1, 1, 1, 2, 2});
  EXPECT_TRUE(at::equal(apply_guidance(cond, uncond, 0.0), uncond));
  EXPECT_LE(apply_guidance(cond, uncond, 1.0).sub(cond).abs().max().item<float>(), 1e-6);
  EXPECT_TRUE(guidance_enabled(1.01));
  EXPECT_FALSE(guidance_enabled(1.0));
}

}  // namespace
}  // namespace genvid
