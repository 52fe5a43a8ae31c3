#include "nn/attention.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/scaled_dot_product_attention.h>

#include <algorithm>
#include <vector>

namespace genvid {

Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v) {
  // The fused kernels take the transposed views as they are and write their output in [B, L, N, K]
  // order, so that no copy is made on either side.
  const Tensor out =
      at::scaled_dot_product_attention(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2));
  return out.transpose(1, 2).flatten(2);
}

Tensor block_causal_attention(const Tensor& q, const Tensor& k, const Tensor& v, int64_t block) {
  std::vector<Tensor> out;
  for (int64_t first = 0; first < q.size(1); first += block) {
    const int64_t end = std::min(first + block, q.size(1));
    out.push_back(
        attention(q.narrow(1, first, end - first), k.narrow(1, 0, end), v.narrow(1, 0, end)));
  }
  return at::cat(out, 1);
}

}  // namespace genvid
