// Golden tensors of the reference implementation and how far a result may be from them.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace genvid::parity {

// The checkpoint a golden file belongs to: models/<variant>.
std::filesystem::path model_dir(const std::string& variant);

// All tensors of tests/data/<variant>.ref.safetensors (or of a name that has a dot itself), in
// memory; throws when the file is absent, so that the test fails. Integer tensors keep their dtype.
class Reference {
 public:
  explicit Reference(const std::string& variant);

  bool has(const std::string& name) const { return tensors_.contains(name); }
  const Tensor& at(const std::string& name) const;  // throws when there is none
  int64_t count(const std::string& prefix, const std::string& suffix) const;  // prefix{i}suffix
  std::vector<std::string> names(const std::string& prefix) const;

 private:
  std::string path_;
  std::map<std::string, Tensor> tensors_;
};

// Largest absolute difference, and RMS of the difference over RMS of `expected`. Infinite when the
// shapes differ or a value is not finite.
double max_abs(const Tensor& actual, const Tensor& expected);
double relative_rms(const Tensor& actual, const Tensor& expected);

// gtest expectations that name the stage and print both measures.
void expect_close(const std::string& stage, const Tensor& actual, const Tensor& expected,
                  double gate);
void expect_relative_rms(const std::string& stage, const Tensor& actual, const Tensor& expected,
                         double gate);
void expect_equal(const std::string& stage, const Tensor& actual, const Tensor& expected);

// Collects what the networks tap while it lives.
class TapRecorder {
 public:
  TapRecorder();
  ~TapRecorder();
  std::map<std::string, Tensor> values;  // the first value of each name
};

}  // namespace genvid::parity
