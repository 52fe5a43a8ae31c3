#include "nn/attention.h"

#include <ATen/ops/scaled_dot_product_attention.h>

namespace genvid {

Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v) {
  // The fused kernels take the transposed views as they are and write their output in [B, L, N, K]
  // order, so that no copy is made on either side.
  const Tensor out =
      at::scaled_dot_product_attention(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2));
  return out.transpose(1, 2).flatten(2);
}

}  // namespace genvid
