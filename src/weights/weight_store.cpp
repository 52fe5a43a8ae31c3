#include "weights/weight_store.h"

#include <ATen/Parallel.h>
#include <ATen/ops/copy.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <exception>
#include <mutex>
#include <sstream>
#include <thread>
#include <utility>

#include "core/cancel.h"

namespace genvid {
namespace {

constexpr int64_t kChunkElements = int64_t{1} << 20;
// Below ATen's grain size, so that a cast inside a reader thread starts no further threads.
constexpr int64_t kCastElements = int64_t{1} << 14;

std::string shape_text(at::IntArrayRef shape) {
  std::ostringstream out;
  out << shape;
  return out.str();
}

bool keeps_fp32(const std::string& name, const DtypePolicy& policy) {
  std::istringstream parts(name);
  for (std::string part; std::getline(parts, part, '.');) {
    if (std::find(policy.keep_fp32.begin(), policy.keep_fp32.end(), part) !=
        policy.keep_fp32.end()) {
      return true;
    }
  }
  return false;
}

}  // namespace

bool is_weight_dtype(DType dtype) {
  return dtype == DType::kF16 || dtype == DType::kBF16 || dtype == DType::kF32 ||
         dtype == DType::kF64;
}

at::ScalarType scalar_type(DType dtype) {
  switch (dtype) {
    case DType::kBool:
      return at::kBool;
    case DType::kU8:
      return at::kByte;
    case DType::kI8:
      return at::kChar;
    case DType::kI16:
      return at::kShort;
    case DType::kI32:
      return at::kInt;
    case DType::kI64:
      return at::kLong;
    case DType::kF16:
      return at::kHalf;
    case DType::kBF16:
      return at::kBFloat16;
    case DType::kF32:
      return at::kFloat;
    case DType::kF64:
      return at::kDouble;
    case DType::kF8E4M3:
    case DType::kF8E5M2:
      break;
  }
  throw Error(ErrorKind::kModel,
              "dtype " + std::string(dtype_name(dtype)) + " has no tensor type here");
}

WeightStore::WeightStore(const ModelComponent& component, at::Device device, DtypePolicy policy,
                         const TensorNames& names)
    : name_(component.name),
      dir_(component.dir.string()),
      device_(device),
      policy_(std::move(policy)) {
  for (const auto& path : component.files) {
    for (TensorEntry& entry : read_safetensors_header(path).tensors) {
      const std::string in_file = entry.name;
      const std::string name = names ? names(in_file) : in_file;
      entry.name = name;
      Item item{std::move(entry), maps_.size(), Tensor(), false};
      if (!items_.emplace(name, std::move(item)).second) {
        throw Error(ErrorKind::kModel, dir_ + ": weight '" + in_file + "' is there twice" +
                                           (name == in_file ? "" : ", as '" + name + "', too") +
                                           "; keep one copy of the weights");
      }
    }
    maps_.push_back(std::make_shared<MappedFile>(path));
    files_.push_back(std::make_unique<InputFile>(path, ErrorKind::kModel));
  }
}

at::ScalarType WeightStore::target_dtype(const Item& item) const {
  return keeps_fp32(item.entry.name, policy_) ? at::kFloat : policy_.compute;
}

WeightStore::Item& WeightStore::checked_item(const std::string& name, at::IntArrayRef shape) {
  const auto found = items_.find(name);
  if (found == items_.end()) {
    throw Error(ErrorKind::kModel, "missing weight '" + name + "' in " + dir_ +
                                       "; the files are incomplete or do not fit its config.json");
  }
  Item& item = found->second;
  if (at::IntArrayRef(item.entry.shape) != shape) {
    throw Error(ErrorKind::kModel, "weight '" + name + "' in " + dir_ + " has shape " +
                                       shape_text(item.entry.shape) + ", expected " +
                                       shape_text(shape));
  }
  if (!is_weight_dtype(item.entry.dtype)) {
    throw Error(ErrorKind::kModel, "weight '" + name + "' in " + dir_ + " has dtype " +
                                       std::string(dtype_name(item.entry.dtype)) +
                                       ", expected F32, F16, BF16 or F64");
  }
  return item;
}

Tensor WeightStore::in_place(const Item& item) const {
  const auto& map = maps_[item.shard];
  const uint8_t* data = map->bytes().data() + item.entry.offset;
  const at::ScalarType dtype = scalar_type(item.entry.dtype);
  if (reinterpret_cast<uintptr_t>(data) % c10::elementSize(dtype) != 0) return {};
  // Read-only pages: nothing writes to a weight. The deleter keeps the mapping alive.
  return at::from_blob(
      const_cast<uint8_t*>(data), item.entry.shape, [map](void*) {},
      at::TensorOptions().dtype(dtype));
}

Tensor WeightStore::bind(const std::string& name, at::IntArrayRef shape) {
  Item& item = checked_item(name, shape);
  if (item.tensor.defined()) return item.tensor;
  const at::ScalarType dtype = target_dtype(item);
  if (device_.is_cpu() && scalar_type(item.entry.dtype) == dtype) item.tensor = in_place(item);
  if (item.tensor.defined()) return item.tensor;
  item.tensor = at::empty(shape, at::TensorOptions().dtype(dtype).device(device_));
  item.pending = true;
  return item.tensor;
}

Tensor WeightStore::bind_mapped(const std::string& name, at::IntArrayRef shape) {
  Item& item = checked_item(name, shape);
  if (item.tensor.defined()) return item.tensor;
  item.tensor = in_place(item);
  if (item.tensor.defined()) return item.tensor;
  item.tensor = at::empty(shape, at::TensorOptions().dtype(scalar_type(item.entry.dtype)));
  const auto bytes = maps_[item.shard]->bytes().subspan(item.entry.offset, item.tensor.nbytes());
  std::memcpy(item.tensor.mutable_data_ptr(), bytes.data(), bytes.size());
  return item.tensor;
}

void WeightStore::fill(const std::vector<std::string>& ignored) {
  check_unused(ignored);
  std::vector<Chunk> chunks;
  for (auto& [name, item] : items_) {
    if (!item.pending) continue;
    for (int64_t first = 0; first < item.tensor.numel(); first += kChunkElements) {
      chunks.push_back({&item, first, std::min(kChunkElements, item.tensor.numel() - first)});
    }
    item.pending = false;
  }
  // In the order of the files, so that a disk sees sequential reads.
  std::sort(chunks.begin(), chunks.end(), [](const Chunk& a, const Chunk& b) {
    return std::tuple(a.item->shard, a.item->entry.offset, a.first) <
           std::tuple(b.item->shard, b.item->entry.offset, b.first);
  });
  read(chunks);
}

void WeightStore::check_unused(const std::vector<std::string>& ignored) const {
  std::string names;
  int64_t unused = 0;
  for (const auto& [name, item] : items_) {
    const bool skip = std::any_of(ignored.begin(), ignored.end(),
                                  [&name](const auto& prefix) { return name.starts_with(prefix); });
    if (item.tensor.defined() || skip) continue;
    if (++unused <= 10) names += (names.empty() ? "'" : ", '") + name + "'";
  }
  if (unused == 0) return;
  throw Error(ErrorKind::kModel, std::to_string(unused) + " tensors in " + dir_ +
                                     " belong to nothing that its config.json describes: " + names +
                                     (unused > 10 ? ", ..." : ""));
}

void WeightStore::read(const std::vector<Chunk>& chunks) const {
  std::atomic<size_t> next{0};
  std::mutex mutex;
  std::exception_ptr failure;
  const auto work = [&] {
    const c10::InferenceMode inference;
    std::vector<uint8_t> buffer;
    try {
      for (size_t i = next++; i < chunks.size(); i = next++) {
        throw_if_cancelled();
        read_chunk(chunks[i], buffer);
      }
    } catch (...) {
      next = chunks.size();
      const std::lock_guard lock(mutex);
      if (!failure) failure = std::current_exception();
    }
  };
  const auto wanted = static_cast<size_t>(std::max(1, at::get_num_threads()));
  std::vector<std::thread> threads;
  for (size_t i = 1; i < std::min(wanted, chunks.size()); ++i) threads.emplace_back(work);
  work();
  for (std::thread& thread : threads) thread.join();
  if (failure) std::rethrow_exception(failure);
}

void WeightStore::read_chunk(const Chunk& chunk, std::vector<uint8_t>& buffer) const {
  const TensorEntry& entry = chunk.item->entry;
  const auto element = static_cast<int64_t>(dtype_bytes(entry.dtype));
  buffer.resize(static_cast<size_t>(chunk.count * element));
  files_[chunk.item->shard]->read_at(entry.offset + static_cast<uint64_t>(chunk.first * element),
                                     buffer.data(), static_cast<size_t>(chunk.count * element));
  const Tensor source = at::from_blob(buffer.data(), {chunk.count},
                                      at::TensorOptions().dtype(scalar_type(entry.dtype)));
  const Tensor target = chunk.item->tensor.view({-1}).narrow(0, chunk.first, chunk.count);
  if (!device_.is_cpu()) {
    target.copy_(source);
    return;
  }
  for (int64_t at = 0; at < chunk.count; at += kCastElements) {
    const int64_t n = std::min(kCastElements, chunk.count - at);
    target.narrow(0, at, n).copy_(source.narrow(0, at, n));
  }
}

}  // namespace genvid
