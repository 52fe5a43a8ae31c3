#include "cli/clip_inputs.h"

#include <cstdio>
#include <utility>

#include "core/image_resize.h"
#include "core/limits.h"
#include "core/log.h"
#include "core/parse_values.h"
#include "genvid/error.h"
#include "jobs/borders.h"
#include "jobs/record.h"
#include "media/image_reader.h"
#include "media/past_clip.h"

namespace genvid::cli {
namespace {

void tell_of_past(const std::string& path, const media::FileInfo& info, Plan& plan) {
  const std::string shown = log::printable(path);
  if (info.audio && plan.past_frames > 0) {
    plan.warnings.push_back("the sound of " + shown + " is left out");
  }
  if (info.fps.num * plan.spec.fps.den == plan.spec.fps.num * info.fps.den) return;
  char rate[32];
  std::snprintf(rate, sizeof rate, "%.6g", info.fps.value());
  plan.warnings.push_back("of the " + std::string(rate) + " frames a second of " + shown +
                          " some are repeated or left out, to play at " + to_text(plan.spec.fps));
}

void load_past(const Request& request, Plan& plan) {
  ClipSpec& spec = plan.spec;
  media::PastClip past =
      media::read_past(request.extend, {spec.size, spec.fps}, plan.rollout.past_frames);
  for (const Image& image : past.last) spec.past.push_back(extend_edges(image, spec.model_size));
  plan.past_made = record_in(past.info.tags).is_object();
  if (!request.only_new) {
    if (past.frames + spec.frames > limits::kMaxFrames) {
      throw Error(ErrorKind::kUsage, log::printable(request.extend) + " and the new frames are " +
                                         std::to_string(past.frames + spec.frames) +
                                         " frames, at most " + std::to_string(limits::kMaxFrames) +
                                         " fit a file; use --only-new");
    }
    put_past_before(plan, past.frames);
  }
  tell_of_past(request.extend, past.info, plan);
}

}  // namespace

void load_inputs(const Request& request, Plan& plan) {
  ClipSpec& spec = plan.spec;
  if (!request.image.empty()) spec.image = media::read_image(request.image, spec.model_size);
  if (!request.last_image.empty()) {
    spec.last_image = media::read_image(request.last_image, spec.model_size);
  }
  if (!request.extend.empty()) load_past(request, plan);
}

void move_inputs(Plan& from, Plan& to) {
  to.spec.image = std::move(from.spec.image);
  to.spec.last_image = std::move(from.spec.last_image);
  to.spec.past = std::move(from.spec.past);
  to.past_made = from.past_made;
  if (from.past_frames > 0) put_past_before(to, from.past_frames);
}

std::unique_ptr<FrameSink> open_clip_output(const media::OutputOptions& options,
                                            const Request& request, const Plan& plan) {
  std::unique_ptr<FrameSink> output = media::open_output(options);
  if (plan.past_frames == 0) return output;
  return media::after_past(std::move(output), request.extend, plan.past_frames);
}

}  // namespace genvid::cli
