#include "core/latents_file.h"

#include "core/log.h"
#include "genvid/error.h"

namespace genvid {
namespace {

[[noreturn]] void refuse(const std::filesystem::path& path, const std::string& why) {
  throw Error(ErrorKind::kUsage, log::printable(path.string()) + why);
}

}  // namespace

TensorEntry latents_entry(const std::filesystem::path& path) {
  SafetensorsHeader header;
  try {
    header = read_safetensors_header(path);
  } catch (const Error& e) {
    throw Error(ErrorKind::kUsage, std::string("cannot read latents: ") + e.what());
  }
  if (header.tensors.size() != 1) {
    refuse(path, " holds " + std::to_string(header.tensors.size()) +
                     " tensors; latents are one tensor [1, C, T, H, W]");
  }
  const TensorEntry& t = header.tensors.front();
  if (t.dtype != DType::kF32 || t.shape.size() != 5 || t.shape[0] != 1 || t.bytes == 0) {
    refuse(path, ": tensor '" + log::printable(t.name) + "' is not fp32 [1, C, T, H, W]");
  }
  return t;
}

}  // namespace genvid
