// Tables that stay in the file in their own dtype.
#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <gtest/gtest.h>

#include "support/expect_error.h"
#include "support/weights.h"

namespace genvid {
namespace {

TEST(MappedWeight, KeepsItsDtypeWhateverThePolicy) {
  const test::TempDir dir;
  const Tensor table = at::arange(12, at::kHalf).view({4, 3});
  const Tensor other = at::arange(2, at::kFloat);
  const WeightMap w =
      test::weights_of(dir, {{"table", table}, {"x", other}}, DtypePolicy{at::kBFloat16, {}});
  const Tensor mapped = w.get_mapped("table", {4, 3});
  w.get("x", {2});
  EXPECT_NO_THROW(w.fill());  // it counts as bound
  EXPECT_EQ(mapped.scalar_type(), at::kHalf);
  EXPECT_TRUE(at::equal(mapped, table));
}

TEST(MappedWeight, UnalignedBytesAreCopied) {
  const test::TempDir dir;
  // One byte before the table in the file.
  const Tensor first = at::arange(1, at::kByte);
  const Tensor table = at::arange(6, at::kFloat);
  std::vector<TensorData> data = {
      {"a", DType::kU8, {1}, {static_cast<const uint8_t*>(first.data_ptr()), 1}},
      {"table", DType::kF32, {6}, {static_cast<const uint8_t*>(table.data_ptr()), 24}}};
  write_safetensors(dir / "m.safetensors", data, {}, true);
  ModelComponent component;
  component.name = "net";
  component.dir = dir.path();
  component.files = {dir / "m.safetensors"};
  const WeightMap w = WeightMap::open(component, at::kCPU, {});
  EXPECT_TRUE(at::equal(w.get_mapped("table", {6}), table));
}

TEST(MappedWeight, ChecksNameAndShape) {
  const test::TempDir dir;
  const WeightMap w = test::weights_of(dir, {{"table", at::arange(6, at::kFloat)}});
  test::expect_error(ErrorKind::kModel, "missing weight", [&] { w.get_mapped("nope", {6}); });
  test::expect_error(ErrorKind::kModel, "has shape", [&] { w.get_mapped("table", {5}); });
}

}  // namespace
}  // namespace genvid
