#include "core/latents_file.h"

#include <fstream>

#include "core/limits.h"
#include "core/log.h"
#include "core/parse_values.h"
#include "genvid/error.h"

namespace genvid {
namespace {

constexpr char kLoop[] = "genvid_loop", kContext[] = "genvid_context";
constexpr char kShown[] = "shown_before";

[[noreturn]] void refuse(const std::filesystem::path& path, const std::string& why) {
  throw Error(ErrorKind::kUsage, log::printable(path.string()) + why);
}

SafetensorsHeader header_of(const std::filesystem::path& path) {
  try {
    return read_safetensors_header(path);
  } catch (const Error& e) {
    throw Error(ErrorKind::kUsage, std::string("cannot read latents: ") + e.what());
  }
}

TensorEntry entry_in(const SafetensorsHeader& header, const std::filesystem::path& path) {
  const TensorEntry* latents = nullptr;
  for (const TensorEntry& t : header.tensors) {
    if (t.name == kShown) continue;
    if (latents != nullptr) {
      refuse(path, " holds " + std::to_string(header.tensors.size()) +
                       " tensors; latents are one tensor [1, C, T, H, W]");
    }
    latents = &t;
  }
  if (latents == nullptr) refuse(path, " holds no latents, a tensor [1, C, T, H, W]");
  const TensorEntry& t = *latents;
  if (t.dtype != DType::kF32 || t.shape.size() != 5 || t.shape[0] != 1 || t.bytes == 0) {
    refuse(path, ": tensor '" + log::printable(t.name) + "' is not fp32 [1, C, T, H, W]");
  }
  return t;
}

// One picture as large as the latents' frames.
Image read_shown(const TensorEntry& shown, const TensorEntry& latents, const LatentsStart& start,
                 const std::filesystem::path& path) {
  const auto fits = [&] {
    if (start.context == 0 || shown.dtype != DType::kU8 || shown.shape.size() != 3) return false;
    const int64_t height = shown.shape[0], width = shown.shape[1];
    return shown.shape[2] == 3 && height >= 1 && width >= 1 && height <= limits::kMaxSide &&
           width <= limits::kMaxSide && height * latents.shape[4] == width * latents.shape[3];
  };
  if (!fits()) {
    refuse(path, std::string(": its tensor '") + kShown +
                     "' is not the frame before its latents; the file is damaged");
  }
  Image image;
  image.height = static_cast<int>(shown.shape[0]);
  image.width = static_cast<int>(shown.shape[1]);
  image.pixels.resize(shown.bytes);
  std::ifstream file(path, std::ios::binary);
  file.seekg(static_cast<std::streamoff>(shown.offset));
  file.read(reinterpret_cast<char*>(image.pixels.data()),
            static_cast<std::streamsize>(shown.bytes));
  if (!file) refuse(path, std::string(": cannot read its tensor '") + kShown + "'");
  return image;
}

}  // namespace

int64_t frames_of_latents(const LatentsStart& start, int64_t latents, int first_frames,
                          int temporal_factor) {
  if (start.loop || start.context > 0) return (latents - start.context) * temporal_factor;
  return first_frames + (latents - 1) * temporal_factor;
}

TensorEntry latents_entry(const std::filesystem::path& path) {
  return entry_in(header_of(path), path);
}

LatentsStart latents_start(const std::filesystem::path& path) {
  const SafetensorsHeader header = header_of(path);
  const TensorEntry entry = entry_in(header, path);
  const auto& metadata = header.metadata;
  LatentsStart start;
  if (const auto loop = metadata.find(kLoop); loop != metadata.end()) {
    start.loop = loop->second == "1";
  }
  if (const auto context = metadata.find(kContext); context != metadata.end()) {
    const auto count = parse_integer(context->second);
    if (!count || *count < 0 || *count >= entry.shape[2]) {
      refuse(path, ": its metadata says that " + log::printable(context->second.substr(0, 20)) +
                       " of its " + std::to_string(entry.shape[2]) +
                       " latent frames are context; the file is damaged");
    }
    start.context = *count;
  }
  for (const TensorEntry& t : header.tensors) {
    if (t.name == kShown) start.shown = read_shown(t, entry, start, path);
  }
  return start;
}

std::map<std::string, std::string> latents_metadata(const LatentsStart& start) {
  std::map<std::string, std::string> out;
  if (start.loop) out[kLoop] = "1";
  if (start.context > 0) out[kContext] = std::to_string(start.context);
  return out;
}

TensorData shown_tensor(const Image& shown) {
  TensorData data;
  data.name = kShown;
  data.dtype = DType::kU8;
  data.shape = {shown.height, shown.width, 3};
  data.bytes = shown.pixels;
  return data;
}

}  // namespace genvid
