#include "kernels/modulate.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/addcmul.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/layer_norm.h>

#include <utility>
#include <vector>

#include "kernels/rows.h"

namespace genvid {
namespace {

constexpr int64_t kTokensPerTask = 64;

// [B, L, D] -> [B, G, L / G, D], so that [B, G, 1, D] broadcasts over it.
Tensor grouped(const Tensor& x, const Tensor& modulation) {
  return x.unflatten(1, {modulation.size(1), -1});
}

bool is_row_dtype(at::ScalarType t) { return t == at::kFloat || t == at::kBFloat16; }

bool dense_rows(const Tensor& x) {
  return x.is_cpu() && x.dim() == 3 && x.is_contiguous() && is_row_dtype(x.scalar_type());
}

// Rows of a modulation [B, G, D] of any strides with a dense last dimension, by token.
class TokenRows {
 public:
  TokenRows(const Tensor& modulation, int64_t tokens)
      : data_(modulation.defined() ? modulation.const_data_ptr<float>() : nullptr) {
    if (data_ == nullptr) return;
    batch_ = modulation.stride(0);
    group_ = modulation.stride(1);
    length_ = tokens;
    per_group_ = tokens / modulation.size(1);
  }
  const float* of(int64_t row) const {
    if (data_ == nullptr) return nullptr;
    return data_ + row / length_ * batch_ + row % length_ / per_group_ * group_;
  }
  static bool fits(const Tensor& m, const Tensor& x) {
    return !m.defined() ||
           (m.is_cpu() && m.scalar_type() == at::kFloat && m.dim() == 3 && m.stride(2) == 1 &&
            m.size(0) == x.size(0) && m.size(2) == x.size(2) && x.size(1) % m.size(1) == 0);
  }

 private:
  const float* data_;
  int64_t batch_ = 0, group_ = 0, length_ = 1, per_group_ = 1;
};

// fp32 values of row i: the tensor's own, or converted into buffer.
const float* read_row(const Tensor& x, int64_t i, int64_t n, std::vector<float>& buffer) {
  if (x.scalar_type() == at::kFloat) return x.const_data_ptr<float>() + i * n;
  rows::from_bf16(static_cast<const uint16_t*>(x.const_data_ptr()) + i * n, buffer.data(), n);
  return buffer.data();
}

}  // namespace

Tensor norm_modulate(const Tensor& x, const Tensor& scale, const Tensor& shift, double eps,
                     std::optional<at::ScalarType> dtype) {
  const at::ScalarType to = dtype.value_or(x.scalar_type());
  if (!dense_rows(x) || !is_row_dtype(to) || !TokenRows::fits(scale, x) ||
      !TokenRows::fits(shift, x) || scale.defined() != shift.defined()) {
    return norm_modulate_plain(x, scale, shift, eps, dtype);
  }
  const int64_t n = x.size(2);
  const Tensor out = at::empty(x.sizes(), x.options().dtype(to));
  void* result = out.mutable_data_ptr();
  const TokenRows scales(scale, x.size(1)), shifts(shift, x.size(1));
  at::parallel_for(0, x.size(0) * x.size(1), kTokensPerTask, [&](int64_t begin, int64_t end) {
    std::vector<float> in(static_cast<size_t>(n)), made(static_cast<size_t>(n));
    for (int64_t i = begin; i < end; ++i) {
      float* y = to == at::kFloat ? static_cast<float*>(result) + i * n : made.data();
      rows::norm_modulate(read_row(x, i, n, in), scales.of(i), shifts.of(i), y, n,
                          static_cast<float>(eps));
      if (to != at::kFloat) rows::to_bf16(y, static_cast<uint16_t*>(result) + i * n, n);
    }
  });
  return out;
}

Tensor gated_add(Tensor x, const Tensor& y, const Tensor& gate) {
  if (!dense_rows(x) || x.scalar_type() != at::kFloat || !dense_rows(y) || y.sizes() != x.sizes() ||
      !gate.defined() || !TokenRows::fits(gate, x)) {
    return gated_add_plain(std::move(x), y, gate);
  }
  const int64_t n = x.size(2);
  float* sum = x.mutable_data_ptr<float>();
  const TokenRows gates(gate, x.size(1));
  at::parallel_for(0, x.size(0) * x.size(1), kTokensPerTask, [&](int64_t begin, int64_t end) {
    std::vector<float> in(static_cast<size_t>(n));
    for (int64_t i = begin; i < end; ++i) {
      rows::gated_add(sum + i * n, read_row(y, i, n, in), gates.of(i), n);
    }
  });
  return x;
}

Tensor norm_modulate_plain(const Tensor& x, const Tensor& scale, const Tensor& shift, double eps,
                           std::optional<at::ScalarType> dtype) {
  const at::ScalarType to = dtype.value_or(x.scalar_type());
  Tensor n = at::layer_norm(x.to(at::kFloat), {x.size(-1)}, {}, {}, eps);
  if (!scale.defined()) return n.to(to);
  n = grouped(n, scale).mul_((scale + 1).unsqueeze(2)).add_(shift.unsqueeze(2));
  return n.flatten(1, 2).to(to);
}

Tensor gated_add_plain(Tensor x, const Tensor& y, const Tensor& gate) {
  const Tensor g = gate.unsqueeze(2);
  if (x.scalar_type() == at::kFloat) {
    grouped(x, gate).addcmul_(grouped(y.to(at::kFloat), gate), g);
    return x;
  }
  Tensor sum = grouped(y, gate).to(at::kFloat).mul_(g).add_(grouped(x, gate));
  return sum.flatten(1, 2).to(x.scalar_type());
}

}  // namespace genvid
