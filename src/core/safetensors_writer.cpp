// Writes what the reference implementation would: entries ordered by element size (largest first),
// then name, so that every tensor is aligned; the header padded with spaces to eight bytes.
#include <algorithm>
#include <numeric>

#include "core/atomic_file.h"
#include "core/checked.h"
#include "core/json.h"
#include "core/log.h"
#include "core/safetensors.h"

namespace genvid {
namespace {

[[noreturn]] void refuse(const std::filesystem::path& path, const std::string& why) {
  throw Error(ErrorKind::kOutput, "cannot write " + log::printable(path.string()) + ": " + why);
}

void check_size(const std::filesystem::path& path, const TensorData& tensor) {
  std::optional<uint64_t> bytes = dtype_bytes(tensor.dtype);
  for (const int64_t dim : tensor.shape) {
    if (dim < 0) refuse(path, "tensor '" + tensor.name + "' has a negative dimension");
    bytes = checked_mul(*bytes, static_cast<uint64_t>(dim));
    if (!bytes) refuse(path, "tensor '" + tensor.name + "' is too large");
  }
  if (*bytes != tensor.bytes.size()) {
    refuse(path, "tensor '" + tensor.name + "' needs " + std::to_string(*bytes) +
                     " bytes by its shape, " + std::to_string(tensor.bytes.size()) + " were given");
  }
}

std::string make_header(const std::filesystem::path& path, const std::vector<TensorData>& tensors,
                        const std::vector<size_t>& order,
                        const std::map<std::string, std::string>& metadata) {
  // Put together by hand: Json would sort the entries and take a name twice.
  std::string header = "{";
  const auto quoted = [&](const std::string& text) {
    try {
      return Json(text).dump();
    } catch (const Json::exception&) {
      refuse(path, "'" + log::printable(text) + "' is not valid UTF-8");
    }
  };
  if (!metadata.empty()) {
    header += "\"__metadata__\":{";
    for (const auto& [key, value] : metadata) {
      if (header.back() != '{') header += ',';
      header += quoted(key) + ":" + quoted(value);
    }
    header += '}';
  }
  uint64_t offset = 0;
  for (const size_t i : order) {
    const TensorData& tensor = tensors[i];
    if (header.size() > 1) header += ',';
    header += quoted(tensor.name) + ":{\"dtype\":\"" + std::string(dtype_name(tensor.dtype)) +
              "\",\"shape\":" + Json(tensor.shape).dump() + ",\"data_offsets\":[" +
              std::to_string(offset) + "," + std::to_string(offset + tensor.bytes.size()) + "]}";
    offset += tensor.bytes.size();
  }
  header += '}';
  header.append((8 - header.size() % 8) % 8, ' ');
  return header;
}

}  // namespace

void write_safetensors(const std::filesystem::path& path, const std::vector<TensorData>& tensors,
                       const std::map<std::string, std::string>& metadata, bool overwrite) {
  std::vector<size_t> order(tensors.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    const size_t bytes_a = dtype_bytes(tensors[a].dtype);
    const size_t bytes_b = dtype_bytes(tensors[b].dtype);
    return bytes_a != bytes_b ? bytes_a > bytes_b : tensors[a].name < tensors[b].name;
  });
  uint64_t data_bytes = 0;
  for (const TensorData& tensor : tensors) {
    check_size(path, tensor);
    data_bytes += tensor.bytes.size();
  }
  const std::string header = make_header(path, tensors, order, metadata);
  std::vector<uint8_t> head(8);
  for (size_t i = 0; i < 8; ++i) head[i] = static_cast<uint8_t>(header.size() >> (8 * i));
  head.insert(head.end(), header.begin(), header.end());
  // What our own reader would refuse (a bad or double name, no elements) is not written.
  try {
    parse_safetensors_header(head, head.size() + data_bytes, path.string());
  } catch (const Error& error) {
    throw Error(ErrorKind::kOutput, error.what());
  }
  AtomicFile file(path, overwrite);
  file.write_all(head.data(), head.size());
  for (const size_t i : order) file.write_all(tensors[i].bytes.data(), tensors[i].bytes.size());
  file.commit();
}

}  // namespace genvid
