#include "pipeline/clip_delivery.h"

#include <ATen/ops/cat.h>

#include "core/cancel.h"
#include "core/log.h"
#include "pipeline/closed_loop.h"
#include "pipeline/decode.h"
#include "pipeline/past.h"
#include "pipeline/rescue.h"
#include "weights/tensor_file.h"

namespace genvid {

ClipDelivery::ClipDelivery(const Family& family, const LoadContext& context, const ClipSpec& spec,
                           const FrameSpec& frames, FrameSink& sink, StageClock& clock,
                           int64_t latents)
    : family_(family),
      spec_(spec),
      context_(context),
      sink_(sink),
      clock_(clock),
      feeder_(sink, frames),
      total_(latents) {}

void ClipDelivery::open() {
  clock_.start("load", 0);
  vae_ = family_.load_vae(context_);
  decoder_ = vae_->open_decoder();
}

Tensor ClipDelivery::take_past(int64_t latents) {
  open();
  const Geometry geometry = family_.description->traits(*context_.model).geometry;
  const Tensor past = past_latents(*vae_, context_, spec_, geometry, latents);
  Tensor decoded;
  for (int64_t t = 0; t < past.size(2); ++t) decoded = decoder_->push(past.narrow(2, t, 1));
  joint_ = Joint(spec_.past.back(), decoded);
  if (keeps_latents()) {
    parts_.push_back(past.to(at::kCPU, at::kFloat).clone());
    start_.context = past.size(2);
    start_.shown = spec_.past.back();
  }
  return past;
}

void ClipDelivery::push(const Tensor& latents) {
  if (keeps_latents()) {
    parts_.push_back(latents.to(at::kCPU, at::kFloat).clone());
  }
  if (!spec_.closes) decode(latents);
}

void ClipDelivery::decode(const Tensor& latents) {
  if (failed_) return;
  if (!decoder_) open();
  clock_.start("decode", total_, done_);
  try {
    for (int64_t t = 0; t < latents.size(2) && !feeder_.complete(); ++t) {
      throw_if_cancelled();
      feeder_.write(joint_(decoder_->push(latents.narrow(2, t, 1).to(context_.device))));
      clock_.advance(++done_);
    }
  } catch (const Error& e) {
    if (e.kind() != ErrorKind::kOutput || spec_.rescue_latents.empty()) throw;
    log::warn(std::string(e.what()) + "; sampling goes on, so that its latents can be kept");
    failed_ = e;
  }
}

void ClipDelivery::finish() {
  if (spec_.closes) {
    const Tensor all = closed_loop(collected()), end = loop_start(all);
    parts_ = {all};
    open();
    for (int64_t t = 0; t < end.size(2); ++t) {
      decoder_->push(end.narrow(2, t, 1).to(context_.device));
    }
    start_.loop = true;
    decode(all);
  }
  if (!spec_.save_latents.empty()) write_latents(spec_.save_latents, collected(), true, start_);
  if (failed_) rethrow_with_rescue(*failed_, spec_, collected(), start_);
  clock_.start("encode", 0);
  try {
    sink_.finish();
  } catch (const Error& e) {
    if (parts_.empty()) throw;
    rethrow_with_rescue(e, spec_, collected(), start_);
  }
  clock_.stop();
}

bool ClipDelivery::keeps_latents() const {
  return spec_.closes || !spec_.save_latents.empty() || !spec_.rescue_latents.empty();
}

Tensor ClipDelivery::collected() const { return at::cat(parts_, 2); }

}  // namespace genvid
