#include "nn/kv_ring.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <ostream>

#include "core/philox.h"
#include "genvid/error.h"

namespace genvid {
namespace {

constexpr int64_t kTokens = 3, kHeads = 2, kWidth = 4, kLayers = 2;

// Different for every block, layer, visit and side.
Tensor values(int64_t block, int64_t layer, int64_t visit, int64_t side) {
  Tensor out = at::empty({1, kTokens, kHeads, kWidth}, at::kFloat);
  const auto stream = static_cast<uint64_t>(((block * 8 + layer) * 8 + visit) * 2 + side);
  normal_noise(7, stream, 0, {out.mutable_data_ptr<float>(), static_cast<size_t>(out.numel())});
  return out;
}

// The cache as the published loops have it: the sink in front, then the latest blocks in order;
// when it is full the oldest block behind the sink that is not pinned is dropped and the others
// move up.
struct Rolled {
  int64_t sink, recent;
  std::vector<Tensor> k, v;  // one per block held
  int64_t pinned = -1;       // its place

  void finish(const Tensor& key, const Tensor& value) {
    if (static_cast<int64_t>(k.size()) == sink + recent) {
      const int64_t drop = pinned == sink ? sink + 1 : sink;
      k.erase(k.begin() + drop), v.erase(v.begin() + drop);
      if (pinned > drop) --pinned;
    }
    k.push_back(key), v.push_back(value);
  }
};

struct Window {
  int64_t sink, recent;
  std::vector<int64_t> cuts = {};  // blocks that are pinned
};

void PrintTo(const Window& c, std::ostream* out) {
  *out << "sink " << c.sink << ", recent " << c.recent;
}

class KvRingTest : public ::testing::TestWithParam<Window> {};

TEST_P(KvRingTest, HoldsWhatARolledCacheHoldsBitForBit) {
  const auto [sink, recent, cuts] = GetParam();
  KvRing ring(kLayers, sink, recent);
  std::vector<Rolled> rolled(kLayers, Rolled{sink, recent, {}, {}});
  for (int64_t block = 0; block < 3 * (sink + recent) + 2; ++block, ring.next_block()) {
    const bool cut = std::find(cuts.begin(), cuts.end(), block) != cuts.end();
    if (cut) ring.pin();
    for (int64_t layer = 0; layer < kLayers; ++layer) {
      // Denoising passes, whose keys and values are overwritten by the last, clean one.
      for (int64_t visit = 0; visit < 3; ++visit) {
        const auto [k, v] =
            ring.put(layer, values(block, layer, visit, 0), values(block, layer, visit, 1));
        Rolled expected = rolled[static_cast<size_t>(layer)];
        expected.finish(values(block, layer, visit, 0), values(block, layer, visit, 1));
        if (visit == 2) {
          if (cut) expected.pinned = static_cast<int64_t>(expected.k.size()) - 1;
          rolled[static_cast<size_t>(layer)] = expected;
        }

        // The ring's slots in the order of time.
        std::map<int64_t, std::pair<Tensor, Tensor>> by_block;
        const std::vector<int64_t> held = ring.held();
        ASSERT_EQ(static_cast<int64_t>(held.size()) * kTokens, k.size(1));
        for (size_t slot = 0; slot < held.size(); ++slot) {
          const auto first = static_cast<int64_t>(slot) * kTokens;
          by_block[held[slot]] = {k.narrow(1, first, kTokens), v.narrow(1, first, kTokens)};
        }
        std::vector<Tensor> keys, contents;
        for (const auto& [index, pair] : by_block) {
          keys.push_back(pair.first);
          contents.push_back(pair.second);
        }
        ASSERT_TRUE(at::equal(at::cat(keys, 1), at::cat(expected.k, 1))) << "block " << block;
        ASSERT_TRUE(at::equal(at::cat(contents, 1), at::cat(expected.v, 1))) << "block " << block;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Windows, KvRingTest,
                         ::testing::Values(Window{0, 1}, Window{0, 7}, Window{1, 1}, Window{1, 3},
                                           Window{2, 2}, Window{3, 1}, Window{1, 3, {4}},
                                           Window{1, 3, {2, 5, 6, 10}}, Window{2, 2, {1, 2, 9}},
                                           Window{1, 2, {1, 2, 3, 7}}, Window{0, 4, {3, 8}}),
                         [](const auto& p) {
                           std::string name = "Sink" + std::to_string(p.param.sink) + "Recent" +
                                              std::to_string(p.param.recent);
                           for (const int64_t cut : p.param.cuts) {
                             name += "Cut" + std::to_string(cut);
                           }
                           return name;
                         });

// After a restart the sink and what was put since are seen; then the ring goes on as ever.
TEST(KvRingRestart, HoldsTheSinkAndWhatComesFromABlockOn) {
  for (const auto& [sink, recent, cuts] : {Window{2, 3}, Window{0, 3}, Window{1, 1}}) {
    KvRing ring(1, sink, recent);
    std::vector<int64_t> expected;
    const auto put = [&] {
      const Tensor x = at::full({1, kTokens, 1, 2}, static_cast<double>(ring.block()));
      const Tensor seen = ring.put(0, x, x).first;
      expected.push_back(ring.block());
      if (static_cast<int64_t>(expected.size()) > sink + recent) {
        expected.erase(expected.begin() + sink);
      }
      std::vector<int64_t> blocks = ring.held();
      ASSERT_EQ(seen.size(1), static_cast<int64_t>(blocks.size()) * kTokens);
      for (size_t slot = 0; slot < blocks.size(); ++slot) {
        EXPECT_EQ(seen[0][static_cast<int64_t>(slot) * kTokens][0][0].item<float>(),
                  static_cast<float>(blocks[slot]));
      }
      std::sort(blocks.begin(), blocks.end());
      EXPECT_EQ(blocks, expected);
      ring.next_block();
    };
    for (int64_t b = 0; b < 9; ++b) put();
    ring.restart(7);
    expected.resize(static_cast<size_t>(sink));
    for (int64_t b = 0; b < 9; ++b) put();
    EXPECT_EQ(ring.block(), 16);
  }
}

TEST(KvRingMemory, IsTakenOnce) {
  KvRing ring(1, 1, 2);
  const Tensor x = at::full({1, kTokens, kHeads, kWidth}, 1.0f);
  const void* first = ring.put(0, x, x).first.const_data_ptr();
  for (int i = 0; i < 20; ++i) {
    ring.next_block();
    EXPECT_EQ(ring.put(0, x, x).first.const_data_ptr(), first);
  }
}

TEST(KvRingErrors, RefusesBlocksOfAnotherSize) {
  KvRing ring(1, 0, 2);
  ring.put(0, at::full({1, 3, 1, 2}, 1.0f), at::full({1, 3, 1, 2}, 1.0f));
  EXPECT_THROW(ring.put(0, at::full({1, 2, 1, 2}, 1.0f), at::full({1, 2, 1, 2}, 1.0f)), Error);
  EXPECT_THROW(KvRing(1, 1, 0), Error);
  EXPECT_THROW(KvRing(1, 1, 1).pin(), Error);
}

}  // namespace
}  // namespace genvid
