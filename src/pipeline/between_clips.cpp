#include "pipeline/between_clips.h"

#include <ATen/ops/zeros.h>

namespace genvid {
namespace {

std::string name_of(const LoadContext& context, const std::string& part) {
  return context.model->dir().string() + "\n" + context.device.str() + "\n" +
         c10::toString(context.dtype) + "\n" + part;
}

// Rows up to the last that is not all zero.
int64_t used_rows(const Tensor& embeds) {
  const Tensor any = embeds.ne(0).any(2).view({-1}).contiguous();
  const bool* used = any.const_data_ptr<bool>();
  int64_t rows = any.numel();
  while (rows > 1 && !used[rows - 1]) --rows;
  return rows;
}

}  // namespace

BetweenClips& between_clips() {
  static BetweenClips* all = new BetweenClips;  // outlives the tensor library's own statics
  return *all;
}

void BetweenClips::put_prompt(const LoadContext& context, const std::string& text,
                              const Tensor& embeds) {
  const Tensor host = embeds.to(at::kCPU);
  prompts_[name_of(context, text)] = {host.narrow(1, 0, used_rows(host)).clone(), host.size(1)};
}

Tensor BetweenClips::prompt(const LoadContext& context, const std::string& text) const {
  const auto it = prompts_.find(name_of(context, text));
  if (it == prompts_.end()) return {};
  const Tensor& rows = it->second.rows;
  Tensor embeds = at::zeros({1, it->second.length, rows.size(2)}, rows.options());
  embeds.narrow(1, 0, rows.size(1)).copy_(rows);
  return embeds.to(context.device);
}

void BetweenClips::hold_weights(bool hold) {
  hold_ = hold;
  if (!hold) denoiser_.reset();
}

std::shared_ptr<Denoiser> BetweenClips::denoiser(const LoadContext& context,
                                                 const std::string& component) {
  if (denoiser_name_ != name_of(context, component)) denoiser_.reset();
  return denoiser_;
}

void BetweenClips::put_denoiser(const LoadContext& context, const std::string& component,
                                std::shared_ptr<Denoiser> denoiser) {
  if (!hold_) return;
  denoiser_name_ = name_of(context, component);
  denoiser_ = std::move(denoiser);
}

void BetweenClips::clear() {
  prompts_.clear();
  denoiser_.reset();
}

}  // namespace genvid
