// 3-D convolution that sees only the past, for clips that arrive in chunks. Before the first frame
// of a clip lie zeros; between chunks a CausalState, owned by whoever decodes the clip, keeps the
// last input frames, so that any split into chunks gives what the whole clip gives.
// Activations are dense channels-last, [B, t, H, W, C] (nn/convolution.h).
#pragma once

#include <array>
#include <deque>

#include "nn/convolution.h"
#include "tensor/tensor.h"
#include "weights/weight_map.h"

namespace genvid {

// The memory of one clip. Every chunk walks the same layers in the same order, so each layer finds
// its own frames again by taking the next slot after rewind().
class CausalState {
 public:
  void rewind() { next_ = 0; }
  Tensor& next_slot();  // undefined in the first chunk
  // Uninitialised memory, shared by all layers: valid until the next call.
  Tensor workspace(at::IntArrayRef sizes, const Tensor& like);

 private:
  std::deque<Tensor> slots_;  // stable addresses
  size_t next_ = 0;
  Tensor workspace_;
};

// The input of one convolution: the frames remembered, then room for the new ones. Lets a norm
// write its result where the convolution reads it.
struct CausalWindow {
  Tensor frames;              // [B, past + t, H, W, C]
  Tensor fresh;               // its last t frames
  Tensor* history = nullptr;  // where the last frames go afterwards
};

struct CausalConv3d {
  struct Shape {
    int64_t in = 0;
    int64_t out = 0;
    std::array<int64_t, 3> kernel{3, 3, 3};  // frames, rows, columns; rows and columns are odd
    int64_t stride_t = 1;                    // with 2, push an even number of frames
  };

  Tensor weight, bias;  // [out, in, kt, kh, kw], [out]
  Shape shape;

  CausalConv3d(const WeightMap& w, const Shape& shape);

  int64_t past() const { return shape.kernel[0] - shape.stride_t; }
  // [B, t, H, W, in] -> [B, t / stride_t, H, W, out]. Takes one slot of the state.
  Tensor operator()(const Tensor& x, CausalState& state) const;

  // The same in two steps; `like` has the sizes and type of the input.
  CausalWindow open(const Tensor& like, CausalState& state) const;
  Tensor close(const CausalWindow& window) const;
};

}  // namespace genvid
