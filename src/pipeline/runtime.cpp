#include "pipeline/runtime.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>

#include "tensor/device.h"
#include "tensor/room.h"

namespace genvid {

LoadContext load_context(const ModelFolder& model, const std::string& device,
                         const std::string& dtype, const std::string& vae_dtype, int threads) {
  return_freed_memory_where_limited();
  if (threads > 0) at::set_num_threads(threads);
  at::globalContext().setFloat32MatmulPrecision("highest");
  at::globalContext().setAllowTF32CuDNN(false);
  LoadContext context;
  context.model = &model;
  context.device = parse_device(device);
  context.dtype = parse_dtype(dtype);
  context.vae_dtype = parse_dtype(vae_dtype);
  reset_peak_device_bytes(context.device);
  return context;
}

uint64_t finish_device(const LoadContext& context) {
  synchronize(context.device);
  const uint64_t peak = peak_device_bytes(context.device);
  empty_device_cache(context.device);
  return peak;
}

}  // namespace genvid
