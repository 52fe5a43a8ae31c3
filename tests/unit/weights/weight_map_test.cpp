#include "weights/weight_map.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cstring>

#include "core/cancel.h"
#include "support/expect_error.h"
#include "support/weights.h"

namespace genvid {
namespace {

using test::component_of;
using test::error_of;
using test::expect_error;
using test::TempDir;
using test::weights_of;

// True when two tensors of one file stand exactly as far apart in memory as in the file.
bool mapped_together(const Tensor& a, const Tensor& b) {
  return static_cast<char*>(b.data_ptr()) - static_cast<char*>(a.data_ptr()) ==
         static_cast<ptrdiff_t>(a.nbytes());
}

TEST(WeightMap, UsesCpuWeightsOfTheRightDtypeInPlace) {
  const TempDir dir;
  const Tensor a = at::randn({4, 3});
  const Tensor b = at::randn({5});
  Tensor first, second;
  {
    const WeightMap w = weights_of(dir, {{"x.a", a}, {"x.b", b}});
    first = w.scope("x").get("a", {4, 3});
    second = w.get("x.b", {5});
    EXPECT_TRUE(mapped_together(first, second) || mapped_together(second, first));
    EXPECT_TRUE(w.get("x.b", {5}).is_same(second)) << "bound twice, read once";
    w.fill();
  }
  // The tensors keep the mapping alive.
  EXPECT_TRUE(at::equal(first, a));
  EXPECT_TRUE(at::equal(second, b));
}

TEST(WeightMap, CastsEveryFloatingDtype) {
  const Tensor value = at::randn({70, 33}) * 3;
  for (const auto source : {at::kFloat, at::kHalf, at::kBFloat16, at::kDouble}) {
    for (const auto target : {at::kFloat, at::kBFloat16}) {
      const TempDir dir;
      const Tensor stored = value.to(source);
      const WeightMap w = weights_of(dir, {{"a", stored}}, {target, {}});
      const Tensor a = w.get("a", {70, 33});
      w.fill();
      EXPECT_EQ(a.scalar_type(), target);
      EXPECT_TRUE(at::equal(a, stored.to(target))) << source << " to " << target;
    }
  }
}

TEST(WeightMap, FillsTensorsOfManyChunks) {
  const TempDir dir;
  // Two and a half chunks, and a second one after it, from several threads.
  const Tensor a = at::arange(2'600'000).to(at::kFloat);
  const Tensor b = at::randn({1'300'001});
  const WeightMap w = weights_of(dir, {{"a", a}, {"b", b}}, {at::kBFloat16, {}});
  const Tensor filled_a = w.get("a", {2'600'000});
  const Tensor filled_b = w.get("b", {1'300'001});
  w.fill();
  EXPECT_TRUE(at::equal(filled_a, a.to(at::kBFloat16)));
  EXPECT_TRUE(at::equal(filled_b, b.to(at::kBFloat16)));
}

TEST(WeightMap, CopiesAnUnalignedTensor) {
  const TempDir dir;
  const Tensor a = at::randn({7});
  const ModelComponent component = component_of(dir, {{{"a", a}}});
  // The same file with one more blank in its header: every offset becomes odd.
  std::string text = test::read_back(component.files[0]);
  uint64_t header = 0;
  std::memcpy(&header, text.data(), 8);
  text.insert(8 + header, 1, ' ');
  header += 1;
  std::memcpy(text.data(), &header, 8);
  test::write_file(component.files[0], text);

  const WeightMap w = WeightMap::open(component, at::kCPU, {});
  const Tensor bound = w.get("a", {7});
  w.fill();
  EXPECT_EQ(reinterpret_cast<uintptr_t>(bound.data_ptr()) % 4, 0U);
  EXPECT_TRUE(at::equal(bound, a));
}

TEST(WeightMap, KeepsNamedPartsInFp32) {
  const TempDir dir;
  const WeightMap w = weights_of(dir,
                                 {{"blocks.0.norm2.weight", at::ones({2})},
                                  {"blocks.0.norm20.weight", at::ones({2})},
                                  {"scale_shift_table", at::ones({2})}},
                                 {at::kBFloat16, {"norm2", "scale_shift_table"}});
  EXPECT_EQ(w.scope("blocks").scope(0).get("norm2.weight", {2}).scalar_type(), at::kFloat);
  EXPECT_EQ(w.get("blocks.0.norm20.weight", {2}).scalar_type(), at::kBFloat16);
  EXPECT_EQ(w.get("scale_shift_table", {2}).scalar_type(), at::kFloat);
}

TEST(WeightMap, NamesWhatIsMissingOrMisshapen) {
  const TempDir dir;
  const WeightMap w = weights_of(dir, {{"a.weight", at::ones({16, 8})}});
  expect_error(ErrorKind::kModel, "missing weight 'a.bias'",
               [&] { w.scope("a").get("bias", {16}); });
  expect_error(ErrorKind::kModel, "weight 'a.weight'", [&] { w.get("a.weight", {16, 9}); });
  expect_error(ErrorKind::kModel, "has shape [16, 8], expected [16, 9]", [&] {
    w.get("a.weight", {16, 9});
  });
  expect_error(ErrorKind::kModel, "has shape [16, 8], expected [128]",
               [&] { w.get("a.weight", {128}); });
  EXPECT_FALSE(w.get_optional("a.bias", {16}).defined());
  EXPECT_TRUE(w.get_optional("a.weight", {16, 8}).defined());
}

TEST(WeightMap, RefusesIntegersAsWeights) {
  const TempDir dir;
  const WeightMap w = weights_of(dir, {{"ids", at::arange(4)}});
  expect_error(ErrorKind::kModel, "has dtype I64", [&] { w.get("ids", {4}); });
}

TEST(WeightMap, RefusesTensorsThatNothingBound) {
  const TempDir dir;
  test::NamedTensors tensors{{"used", at::ones({1})}};
  for (int i = 0; i < 12; ++i) tensors["extra" + std::to_string(100 + i)] = at::ones({1});
  const WeightMap w = weights_of(dir, tensors);
  w.get("used", {1});
  const std::string message = error_of(ErrorKind::kModel, [&] { w.fill(); });
  EXPECT_NE(message.find("12 tensors"), std::string::npos) << message;
  EXPECT_NE(message.find("'extra100', 'extra101'"), std::string::npos) << message;
  EXPECT_NE(message.find("'extra109', ..."), std::string::npos) << message;
  EXPECT_EQ(message.find("extra110"), std::string::npos) << message;
  EXPECT_NO_THROW(w.fill({"extra"}));
  EXPECT_THROW(w.fill({"extra10"}), Error);
}

TEST(WeightMap, RefusesANameInTwoShards) {
  const TempDir dir;
  const ModelComponent component =
      component_of(dir, {{{"a", at::ones({1})}}, {{"a", at::zeros({1})}}});
  expect_error(ErrorKind::kModel, "'a' is there twice",
               [&] { WeightMap::open(component, at::kCPU, {}); });
}

TEST(WeightMap, ReadsEveryShard) {
  const TempDir dir;
  const Tensor a = at::randn({3}), b = at::randn({3});
  const WeightMap w =
      WeightMap::open(component_of(dir, {{{"a", a}}, {{"b", b}}}), at::kCPU, {at::kBFloat16, {}});
  const Tensor bound_b = w.get("b", {3}), bound_a = w.get("a", {3});
  w.fill();
  EXPECT_TRUE(at::equal(bound_a, a.to(at::kBFloat16)));
  EXPECT_TRUE(at::equal(bound_b, b.to(at::kBFloat16)));
}

TEST(WeightMap, AFileThatShrinksIsAnErrorOfFill) {
  const TempDir dir;
  const ModelComponent component = component_of(dir, {{{"a", at::randn({100'000})}}});
  const WeightMap w = WeightMap::open(component, at::kCPU, {at::kBFloat16, {}});
  w.get("a", {100'000});
  std::filesystem::resize_file(component.files[0], 1000);
  expect_error(ErrorKind::kModel, "changed while it was read", [&] { w.fill(); });
}

TEST(WeightMap, FillStopsWhenCancelled) {
  const TempDir dir;
  const WeightMap w = weights_of(dir, {{"a", at::randn({10})}}, {at::kBFloat16, {}});
  w.get("a", {10});
  request_cancel(2);
  expect_error(ErrorKind::kCancelled, "stopped", [&] { w.fill(); });
  clear_cancel();
}

}  // namespace
}  // namespace genvid
