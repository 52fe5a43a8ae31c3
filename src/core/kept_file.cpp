#include "core/kept_file.h"

#include <algorithm>
#include <charconv>
#include <map>

#include "core/crc32c.h"
#include "core/input_file.h"
#include "core/limits.h"
#include "core/log.h"

namespace genvid {
namespace {

namespace fs = std::filesystem;
using Metadata = std::map<std::string, std::string>;

constexpr char kVersion[] = "1";

[[noreturn]] void refuse(std::string_view what, const std::string& why) {
  throw Error(ErrorKind::kOutput, log::printable(what) + ": " + why);
}

std::string hex8(uint32_t value) {
  char text[12];
  std::snprintf(text, sizeof(text), "%08x", value);
  return text;
}

// Everything in the file that means something, in an order of its own.
class Digest {
 public:
  explicit Digest(const Metadata& metadata) {
    for (const auto& [key, value] : metadata) {
      if (key != "crc32c") text(key), text(value);
    }
  }
  void tensor(const std::string& name, DType dtype, const std::vector<int64_t>& shape,
              std::span<const uint8_t> bytes) {
    text(name);
    text(dtype_name(dtype));
    for (const int64_t d : shape) text(std::to_string(d));
    crc_ = crc32c({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, crc_);
  }
  std::string hex() const { return hex8(crc_); }

 private:
  void text(std::string_view part) {
    crc_ = crc32c(std::to_string(part.size()) + ":", crc_);
    crc_ = crc32c(part, crc_);
  }
  uint32_t crc_ = 0;
};

Metadata metadata_of(const KeptLabel& label) {
  return {{"genvid_kept", kVersion},
          {"kind", label.kind},
          {"key", label.key},
          {"made_on", label.made_on},
          {"part", std::to_string(label.part)},
          {"step", std::to_string(label.step)}};
}

int64_t number_of(const Metadata& metadata, const char* key, int64_t most, std::string_view what) {
  const std::string& text = metadata.at(key);
  int64_t value = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0 || value > most) {
    refuse(what, std::string("its ") + key + " is not a number from 0 to " + std::to_string(most));
  }
  return value;
}

std::string crc_of(const SafetensorsHeader& header, std::span<const uint8_t> bytes) {
  Digest digest(header.metadata);
  for (const TensorEntry& t : header.tensors) {
    digest.tensor(t.name, t.dtype, t.shape, bytes.subspan(t.offset, t.bytes));
  }
  return digest.hex();
}

KeptLabel label_of(const Metadata& metadata, std::string_view what) {
  for (const char* key : {"genvid_kept", "kind", "key", "made_on", "part", "step", "crc32c"}) {
    if (!metadata.contains(key)) refuse(what, std::string("it says no ") + key);
  }
  if (metadata.at("genvid_kept") != kVersion) {
    refuse(what, "it is of version " + log::printable(metadata.at("genvid_kept").substr(0, 20)) +
                     ", not " + kVersion);
  }
  KeptLabel label;
  label.kind = metadata.at("kind");
  label.key = metadata.at("key");
  label.made_on = metadata.at("made_on");
  label.part = number_of(metadata, "part", limits::kMaxFrames, what);
  label.step = number_of(metadata, "step", limits::kMaxSteps, what);
  return label;
}

std::vector<uint8_t> read_bytes(const fs::path& path, uint64_t max_bytes) {
  const InputFile file(path, ErrorKind::kOutput);
  if (file.size() > max_bytes) {
    refuse(path.string(), "it has " + std::to_string(file.size()) + " bytes, at most " +
                              std::to_string(max_bytes) + " are expected");
  }
  std::vector<uint8_t> bytes(file.size());
  if (!bytes.empty()) file.read_at(0, bytes.data(), bytes.size());
  return bytes;
}

void require_label(const KeptLabel& label, const KeptLabel& expected, std::string_view what) {
  if (label.kind != expected.kind) refuse(what, "it holds " + log::printable(label.kind));
  if (label.key != expected.key) refuse(what, "it belongs to another clip");
  if (label.part != expected.part) {
    refuse(what, "it is part " + std::to_string(label.part) + " of the clip, not part " +
                     std::to_string(expected.part));
  }
  if (!expected.made_on.empty() && label.made_on != expected.made_on) {
    refuse(what, "it was made on \"" + log::printable(label.made_on.substr(0, 120)) +
                     "\", this is \"" + expected.made_on + "\"");
  }
}

}  // namespace

const TensorEntry* KeptFile::find(std::string_view name) const {
  const auto it = std::find_if(tensors.begin(), tensors.end(),
                               [&](const TensorEntry& t) { return t.name == name; });
  return it == tensors.end() ? nullptr : &*it;
}

std::string kept_file_crc(std::span<const uint8_t> bytes) {
  try {
    return crc_of(parse_safetensors_header(bytes, bytes.size(), "x"), bytes);
  } catch (const Error&) {
    return "";
  }
}

KeptFile parse_kept_file(std::vector<uint8_t> bytes, std::string_view what) {
  KeptFile file;
  file.bytes = std::move(bytes);
  SafetensorsHeader header;
  try {
    header = parse_safetensors_header(file.bytes, file.bytes.size(), what);
  } catch (const Error& e) {
    throw Error(ErrorKind::kOutput, e.what());
  }
  file.label = label_of(header.metadata, what);
  if (crc_of(header, file.bytes) != header.metadata.at("crc32c"))
    refuse(what, "it is damaged (CRC-32C)");
  file.tensors = std::move(header.tensors);
  return file;
}

std::optional<KeptFile> read_kept_file(const fs::path& path, const KeptLabel& expected,
                                       uint64_t max_bytes) {
  std::error_code error;
  if (!fs::exists(fs::symlink_status(path, error))) return std::nullopt;
  try {
    KeptFile file = parse_kept_file(read_bytes(path, max_bytes), path.string());
    require_label(file.label, expected, path.string());
    return file;
  } catch (const Error& e) {
    log::warn("not used: " + std::string(e.what()));
    return std::nullopt;
  }
}

void write_kept_file(const fs::path& path, const KeptLabel& label,
                     const std::vector<TensorData>& tensors) {
  Metadata metadata = metadata_of(label);
  std::vector<const TensorData*> order;
  for (const TensorData& t : tensors) order.push_back(&t);
  // As write_safetensors places them.
  std::sort(order.begin(), order.end(), [](const TensorData* a, const TensorData* b) {
    const size_t bytes_a = dtype_bytes(a->dtype);
    const size_t bytes_b = dtype_bytes(b->dtype);
    return bytes_a != bytes_b ? bytes_a > bytes_b : a->name < b->name;
  });
  Digest digest(metadata);
  for (const TensorData* t : order) digest.tensor(t->name, t->dtype, t->shape, t->bytes);
  metadata["crc32c"] = digest.hex();
  write_safetensors(path, tensors, metadata, true);
}

}  // namespace genvid
