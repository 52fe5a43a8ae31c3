#include "kernels/rms_rope.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>

#include <algorithm>
#include <vector>

#include "kernels/rows.h"

namespace genvid {
namespace {

constexpr int64_t kTokensPerTask = 64;

// All heads of a token stand together, as they leave a projection.
bool dense_heads(const Tensor& x) {
  return x.dim() == 4 && x.stride(3) == 1 && x.stride(2) == x.size(3);
}

bool table_fits(const Tensor& table, const Tensor& x) {
  return !table.defined() || (table.scalar_type() == at::kFloat && table.is_contiguous() &&
                              table.size(0) == x.size(1) && table.size(1) * 2 == x.size(3));
}

void run(const Tensor& x, const Tensor& out, const Tensor& cos, const Tensor& sin,
         at::IntArrayRef split, float eps) {
  const int64_t length = x.size(1), heads = x.size(2), width = x.size(3), row = heads * width;
  const bool half = x.scalar_type() == at::kBFloat16;
  const auto* in = static_cast<const char*>(x.const_data_ptr());
  auto* to = static_cast<char*>(out.mutable_data_ptr());
  const int64_t bytes = static_cast<int64_t>(x.element_size());
  const float* c = cos.defined() ? cos.const_data_ptr<float>() : nullptr;
  const float* s = sin.defined() ? sin.const_data_ptr<float>() : nullptr;
  at::parallel_for(0, x.size(0) * length, kTokensPerTask, [&](int64_t begin, int64_t end) {
    std::vector<float> buffer(static_cast<size_t>(row));
    for (int64_t i = begin; i < end; ++i) {
      const int64_t b = i / length, l = i % length;
      const char* from = in + (b * x.stride(0) + l * x.stride(1)) * bytes;
      float* values = half ? buffer.data() : reinterpret_cast<float*>(to + i * row * bytes);
      if (half) {
        rows::from_bf16(reinterpret_cast<const uint16_t*>(from), values, row);
      } else {
        std::copy_n(reinterpret_cast<const float*>(from), row, values);
      }
      rows::rms_rope(values, heads, width, c == nullptr ? c : c + l * width / 2,
                     s == nullptr ? s : s + l * width / 2, {split.data(), split.size()}, eps);
      if (half) rows::to_bf16(values, reinterpret_cast<uint16_t*>(to + i * row * bytes), row);
    }
  });
}

}  // namespace

Tensor rms_rope(const Tensor& x, const Tensor& cos, const Tensor& sin, at::IntArrayRef split,
                double eps) {
  const bool known = x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16;
  if (!x.is_cpu() || !known || !dense_heads(x) || !table_fits(cos, x) || !table_fits(sin, x)) {
    return rms_rope_plain(x, cos, sin, split, eps);
  }
  const Tensor out = at::empty(x.sizes(), x.options());
  run(x, out, cos, sin, split, static_cast<float>(eps));
  return out;
}

Tensor rms_rope_plain(const Tensor& x, const Tensor& cos, const Tensor& sin, at::IntArrayRef split,
                      double eps) {
  const Tensor wide = x.to(at::kFloat);
  const Tensor y = wide * wide.square().mean(-1, true).add_(eps).rsqrt_();
  if (!cos.defined()) return y.to(x.scalar_type()).contiguous();
  const Tensor out = at::empty(y.sizes(), y.options());
  int64_t at = 0;
  for (const int64_t width : split) {
    const int64_t n = width / 2;
    const Tensor a = y.narrow(-1, at, n), b = y.narrow(-1, at + n, n);
    const Tensor c = cos.narrow(1, at / 2, n).unsqueeze(1);  // [L, 1, n]
    const Tensor s = sin.narrow(1, at / 2, n).unsqueeze(1);
    out.narrow(-1, at, n).copy_(a * c - b * s);
    out.narrow(-1, at + n, n).copy_(b * c + a * s);
    at += width;
  }
  return out.to(x.scalar_type());
}

}  // namespace genvid
