// check_output(): everything about an output that can fail before weights are loaded.
#include "core/atomic_file.h"
#include "core/log.h"
#include "media/child.h"
#include "media/encoder.h"
#include "media/packet_sink.h"
#include "media/preview_sheet.h"
#include "media/seal_file.h"
#include "media/target_check.h"
#include "media/video_writer.h"

namespace genvid::media {
namespace {

// Encodes one grey frame and drains. Some encoders accept settings when opened and fail with the
// first frame; libsvtav1 never returns when closed without one.
std::vector<uint8_t> encode_grey(const OutputPlan& plan, const FrameSpec& spec) {
  std::vector<float> grey(static_cast<size_t>(spec.width) * static_cast<size_t>(spec.height), 0.5f);
  FrameView view;
  view.plane.fill(grey.data());
  view.stride.fill(static_cast<ptrdiff_t>(sizeof(float)) * spec.width);
  Encoder encoder(plan, spec, 1);
  bool any = false;
  auto on_packet = [&](AVPacket*) { any = true; };
  encoder.encode(view, on_packet);
  encoder.flush(on_packet);
  if (!any) throw Error(ErrorKind::kUnavailable, "the encoder gave no data for a frame");
  return {};
}

void try_encoder(const OutputPlan& plan, Size size, Rational fps) {
  FrameSpec spec{size.width, size.height, fps, 1, FrameLayout::kGbrpF32};
  ChildLimits limits;
  limits.seconds = 20;
  limits.memory_bytes = 0;  // encoders of large frames need much
  limits.may_open_files = true;
  std::string what = "encoder " + plan.encoder.encoder;
  try {
    run_in_child(what, limits, [&] { return encode_grey(plan, spec); });
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kCancelled) throw;
    std::string others;
    for (const std::string& name : usable_codecs()) others += (others.empty() ? "" : ", ") + name;
    throw Error(ErrorKind::kUnavailable,
                std::string(error.what()) + "; choose another with --codec (here: " + others + ")");
  }
}

// Room for the file at a rate that the encoder hardly goes below: a refusal is then certain to be
// right.
uint64_t least_bytes(const OutputPlan& plan, Size size, int64_t frames) {
  constexpr uint64_t kFloor = 64 * 1024;
  double bits =
      plan.encoder.bits_per_pixel * size.width * size.height * static_cast<double>(frames);
  return kFloor + static_cast<uint64_t>(bits / 8);
}

}  // namespace

void check_output(const OutputOptions& options, Size size, Rational fps, int64_t frames) {
  OutputPlan plan = plan_output(options);
  const FrameSpec spec =
      written_spec(plan, options, {size.width, size.height, fps, frames, FrameLayout::kGbrpF32});
  size = {spec.width, spec.height};
  check_geometry(plan, size, spec.fps);
  check_target(plan, options.overwrite);
  const bool pictures = plan.kind == OutputPlan::Kind::kImages;
  if (options.sealer != nullptr && !pictures) check_sealable(plan.path, options.overwrite);
  if (plan.kind == OutputPlan::Kind::kFile) AtomicFile probe(plan.path, options.overwrite);
  if (plan.kind == OutputPlan::Kind::kImages) make_image_sink(plan, options);
  if (!options.preview.empty()) PreviewSheet preview(options, spec);
  check_free_space(plan, least_bytes(plan, size, spec.frames));
  try_encoder(plan, size, spec.fps);
}

}  // namespace genvid::media
