#include "pipeline/kept_state.h"

#include <ATen/ops/empty.h>
#include <torch/headeronly/version.h>
#include <unistd.h>

#include <cstring>

#include "core/kept_file.h"
#include "core/kept_names.h"
#include "core/log.h"
#include "genvid/error.h"
#include "weights/weight_store.h"

namespace genvid {
namespace {

constexpr char kLatents[] = "latents";
constexpr char kSolver[] = "solver.";

std::string latents_path(const KeepSpec& keep) { return kept_latents_path(keep.prefix, keep.part); }

std::string sampling_path(const KeepSpec& keep) { return kept_sampling_path(keep.prefix); }

// All that the bytes of a step depend on besides the clip's own settings.
std::string made_on(const ClipSpec& spec, const LoadContext& context) {
  return spec.device + ", " + c10::toString(context.dtype) + ", VAE " +
         c10::toString(context.vae_dtype) + ", " + std::to_string(spec.threads) +
         " threads, torch " TORCH_VERSION;
}

// Room for the latents and a solver's history of them.
uint64_t most_bytes(const Tensor& latents) {
  return static_cast<uint64_t>(latents.numel()) * 4 * 16 + (uint64_t{1} << 20);
}

DType file_dtype(at::ScalarType dtype) {
  switch (dtype) {
    case at::kHalf:
      return DType::kF16;
    case at::kBFloat16:
      return DType::kBF16;
    default:
      return DType::kF32;
  }
}

// A tensor of the same shape as the clip's latents.
Tensor tensor_of(const KeptFile& file, const TensorEntry& entry, at::IntArrayRef shape) {
  if (!is_weight_dtype(entry.dtype) || at::IntArrayRef(entry.shape) != shape) {
    throw Error(ErrorKind::kOutput, "its tensor '" + entry.name + "' does not fit this clip");
  }
  Tensor t = at::empty(shape, scalar_type(entry.dtype));
  std::memcpy(t.mutable_data_ptr(), file.bytes.data() + entry.offset, entry.bytes);
  return t;
}

void write(const std::string& path, const KeptLabel& label, const Scheduler::State& tensors) {
  std::vector<Tensor> host;
  std::vector<TensorData> data;
  for (const auto& [name, value] : tensors) {
    const at::ScalarType dtype = value.scalar_type();
    const bool small = dtype == at::kHalf || dtype == at::kBFloat16;
    host.push_back(value.to(at::kCPU, small ? dtype : at::kFloat).contiguous());
    const Tensor& t = host.back();
    data.push_back(
        {name,
         file_dtype(t.scalar_type()),
         t.sizes().vec(),
         {static_cast<const uint8_t*>(t.const_data_ptr()), static_cast<size_t>(t.nbytes())}});
  }
  write_kept_file(path, label, data);
}

}  // namespace

std::optional<Tensor> kept_latents(const ClipSpec& spec, at::IntArrayRef shape) {
  if (spec.keep.prefix.empty()) return std::nullopt;
  const std::string path = latents_path(spec.keep);
  const KeptLabel expected{kLatents, spec.keep.key, "", spec.keep.part, 0};
  const auto file = read_kept_file(path, expected, most_bytes(at::empty(shape, at::kMeta)));
  if (!file) return std::nullopt;
  const TensorEntry* entry = file->find(kLatents);
  if (entry == nullptr || entry->dtype != DType::kF32 || at::IntArrayRef(entry->shape) != shape) {
    log::warn("not used: " + log::printable(path) + ": its latents do not fit this clip");
    return std::nullopt;
  }
  return tensor_of(*file, *entry, shape);
}

void keep_latents(const ClipSpec& spec, const Tensor& latents) {
  if (spec.keep.prefix.empty()) return;
  const KeptLabel label{kLatents, spec.keep.key, spec.device, spec.keep.part, 0};
  try {
    write(latents_path(spec.keep), label, {{kLatents, latents.to(at::kFloat)}});
  } catch (const Error& e) {
    log::warn("the latents are not kept: " + std::string(e.what()));
    return;
  }
  if (::unlink(sampling_path(spec.keep).c_str()) != 0 && errno != ENOENT) {
    log::debug("cannot remove the sampling state");
  }
}

StepKeeper::StepKeeper(const ClipSpec& spec, const LoadContext& context, int64_t total)
    : keep_(spec.keep), made_on_(made_on(spec, context)), total_(total) {}

int64_t StepKeeper::resume(Scheduler& scheduler, Tensor& latents) {
  if (keep_.prefix.empty()) return 0;
  const std::string path = sampling_path(keep_);
  const auto file =
      read_kept_file(path, {"sampling", keep_.key, made_on_, keep_.part, 0}, most_bytes(latents));
  if (!file) return 0;
  try {
    if (file->label.step < 1 || file->label.step > total_ || file->find(kLatents) == nullptr) {
      throw Error(ErrorKind::kOutput, "it is at step " + std::to_string(file->label.step) + " of " +
                                          std::to_string(total_));
    }
    Scheduler::State state;
    Tensor restored;
    for (const TensorEntry& entry : file->tensors) {
      Tensor t = tensor_of(*file, entry, latents.sizes()).to(latents.device());
      if (entry.name == kLatents) {
        restored = std::move(t);
      } else if (entry.name.starts_with(kSolver)) {
        state[entry.name.substr(sizeof(kSolver) - 1)] = std::move(t);
      }
    }
    scheduler.restore(file->label.step, state);
    latents = restored;
  } catch (const Error& e) {
    log::warn("not used: " + log::printable(path) + ": " + e.what());
    return 0;
  }
  first_ = done_ = saved_ = file->label.step;
  return first_;
}

void StepKeeper::stepped(int64_t done, const Scheduler& scheduler, const Tensor& latents) {
  done_ = done;
  latents_ = latents;
  if (keep_.prefix.empty() || keep_.checkpoint_steps <= 0 || done == total_) return;
  if (done % keep_.checkpoint_steps != 0) return;
  const std::chrono::duration<double> spent = Clock::now() - start_;
  const double whole =
      spent.count() / static_cast<double>(done - first_) * static_cast<double>(total_);
  if (whole >= keep_.checkpoint_seconds) save(scheduler);
}

void StepKeeper::interrupted(const Scheduler& scheduler) {
  if (!keep_.prefix.empty() && done_ > saved_) save(scheduler);
}

void StepKeeper::save(const Scheduler& scheduler) {
  Scheduler::State tensors{{kLatents, latents_}};
  for (const auto& [name, value] : scheduler.state()) tensors[kSolver + name] = value;
  try {
    write(sampling_path(keep_), {"sampling", keep_.key, made_on_, keep_.part, done_}, tensors);
    saved_ = done_;
  } catch (const Error& e) {
    log::warn("the sampling state is not kept: " + std::string(e.what()));
  }
}

}  // namespace genvid
