#include "diffusion/noise.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/randn.h>

#include <vector>

#include "core/philox.h"
#include "genvid/error.h"

namespace genvid {
namespace {

// Stream k of the seed is the first noise of clip k.
Tensor philox_noise(uint64_t seed, uint64_t clip, at::IntArrayRef shape, int64_t first_frame) {
  const int64_t channels = shape[1], frames = shape[2], plane = shape[3] * shape[4];
  Tensor out = at::empty(shape, at::kFloat);
  float* data = out.mutable_data_ptr<float>();
  for (int64_t t = 0; t < frames; ++t) {
    for (int64_t c = 0; c < channels; ++c) {
      const auto first = static_cast<uint64_t>(((t + first_frame) * channels + c) * plane);
      normal_noise(seed, clip, first,
                   {data + (c * frames + t) * plane, static_cast<size_t>(plane)});
    }
  }
  return out;
}

}  // namespace

Tensor initial_noise(const std::string& kind, uint64_t seed, at::IntArrayRef shape, uint64_t clip,
                     int64_t first_frame) {
  if (kind == "philox") return philox_noise(seed, clip, shape, first_frame);
  if (kind == "torch") {
    at::Generator generator = at::detail::createCPUGenerator(seed + clip);
    return at::randn(shape, generator, at::kFloat);
  }
  throw Error(ErrorKind::kUsage, "unknown noise '" + kind + "'; use philox or torch");
}

}  // namespace genvid
