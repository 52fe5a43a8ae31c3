#include "parity/reference_helper.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <gtest/gtest.h>

#include <limits>
#include <sstream>

#include "core/input_file.h"
#include "core/safetensors.h"
#include "tensor/tap.h"
#include "weights/weight_store.h"

namespace genvid::parity {
namespace {

std::filesystem::path source_dir() { return GENVID_SOURCE_DIR; }

std::string shapes(const Tensor& actual, const Tensor& expected) {
  std::ostringstream out;
  out << "shape " << (actual.defined() ? actual.sizes() : at::IntArrayRef()) << ", expected "
      << expected.sizes();
  return out.str();
}

bool comparable(const Tensor& actual, const Tensor& expected) {
  return actual.defined() && expected.defined() && actual.sizes() == expected.sizes() &&
         actual.to(at::kDouble).isfinite().all().item<bool>();
}

}  // namespace

std::filesystem::path model_dir(const std::string& variant) {
  return source_dir() / "models" / variant;
}

Reference::Reference(const std::string& variant)
    : path_((source_dir() / "tests" / "data" /
             (variant + (variant.find('.') == std::string::npos ? ".ref" : "") + ".safetensors"))
                .string()) {
  const InputFile file(path_, ErrorKind::kModel);
  for (const TensorEntry& entry : read_safetensors_header(path_).tensors) {
    const Tensor tensor = at::empty(entry.shape, scalar_type(entry.dtype));
    file.read_at(entry.offset, tensor.data_ptr(), entry.bytes);
    tensors_.emplace(entry.name, tensor);
  }
}

const Tensor& Reference::at(const std::string& name) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) {
    throw Error(ErrorKind::kModel, path_ + " has no tensor '" + name + "'");
  }
  return found->second;
}

int64_t Reference::count(const std::string& prefix, const std::string& suffix) const {
  int64_t n = 0;
  while (has(prefix + std::to_string(n) + suffix)) ++n;
  return n;
}

std::vector<std::string> Reference::names(const std::string& prefix) const {
  std::vector<std::string> found;
  for (const auto& [name, tensor] : tensors_) {
    if (name.starts_with(prefix)) found.push_back(name);
  }
  return found;
}

double max_abs(const Tensor& actual, const Tensor& expected) {
  if (!comparable(actual, expected)) return std::numeric_limits<double>::infinity();
  if (expected.numel() == 0) return 0;
  return (actual.to(at::kDouble) - expected.to(at::kDouble)).abs().max().item<double>();
}

double relative_rms(const Tensor& actual, const Tensor& expected) {
  if (!comparable(actual, expected)) return std::numeric_limits<double>::infinity();
  const Tensor reference = expected.to(at::kDouble);
  const double error = (actual.to(at::kDouble) - reference).square().mean().sqrt().item<double>();
  return error / reference.square().mean().sqrt().item<double>();
}

void expect_close(const std::string& stage, const Tensor& actual, const Tensor& expected,
                  double gate) {
  const double difference = max_abs(actual, expected);
  EXPECT_LE(difference, gate) << stage << ": relative RMS " << relative_rms(actual, expected)
                              << ", " << shapes(actual, expected);
}

void expect_relative_rms(const std::string& stage, const Tensor& actual, const Tensor& expected,
                         double gate) {
  const double difference = relative_rms(actual, expected);
  EXPECT_LE(difference, gate) << stage << ": max abs " << max_abs(actual, expected) << ", "
                              << shapes(actual, expected);
}

void expect_equal(const std::string& stage, const Tensor& actual, const Tensor& expected) {
  ASSERT_TRUE(actual.defined()) << stage;
  ASSERT_EQ(actual.sizes(), expected.sizes()) << stage;
  EXPECT_TRUE(at::equal(actual.to(at::kDouble), expected.to(at::kDouble)))
      << stage << ": max abs " << max_abs(actual, expected);
}

TapRecorder::TapRecorder() {
  set_tap_sink(
      [this](const std::string& name, const Tensor& value) { values.emplace(name, value); });
}

TapRecorder::~TapRecorder() { set_tap_sink({}); }

}  // namespace genvid::parity
