#include "weights/tensor_file.h"

#include <ATen/ops/empty.h>

#include <fstream>

#include "core/safetensors.h"
#include "genvid/error.h"
#include "weights/weight_store.h"

namespace genvid {
namespace {

Tensor read_entry(std::ifstream& file, const TensorEntry& entry, const std::string& path) {
  Tensor t = at::empty(entry.shape, scalar_type(entry.dtype));
  file.seekg(static_cast<std::streamoff>(entry.offset));
  file.read(static_cast<char*>(t.mutable_data_ptr()), static_cast<std::streamsize>(entry.bytes));
  if (!file) throw Error(ErrorKind::kModel, path + ": cannot read tensor '" + entry.name + "'");
  return t;
}

}  // namespace

TensorFile read_tensors(const std::filesystem::path& path) {
  TensorFile out;
  for_each_tensor(path, [&](const std::string& name, const Tensor& value) { out[name] = value; });
  return out;
}

void for_each_tensor(
    const std::filesystem::path& path,
    const std::function<void(const std::string& name, const Tensor& value)>& visit) {
  const SafetensorsHeader header = read_safetensors_header(path);
  std::ifstream file(path, std::ios::binary);
  for (const TensorEntry& entry : header.tensors) visit(entry.name, read_entry(file, entry, path));
}

Tensor read_latents(const std::filesystem::path& path) {
  const TensorEntry entry = latents_entry(path);
  std::ifstream file(path, std::ios::binary);
  return read_entry(file, entry, path);
}

void write_latents(const std::filesystem::path& path, const Tensor& latents, bool overwrite,
                   const LatentsStart& start) {
  const Tensor host = latents.to(at::kCPU, at::kFloat).contiguous();
  std::vector<TensorData> tensors(1);
  tensors[0].name = "latents";
  tensors[0].shape = host.sizes().vec();
  tensors[0].bytes = {static_cast<const uint8_t*>(host.const_data_ptr()),
                      static_cast<size_t>(host.nbytes())};
  if (start.shown) tensors.push_back(shown_tensor(*start.shown));
  write_safetensors(path, tensors, latents_metadata(start), overwrite);
}

}  // namespace genvid
