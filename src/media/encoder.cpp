#include "media/encoder.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>

#include "media/quote.h"
#include "media/target_check.h"

namespace genvid::media {
namespace {

// In the middle of a shot x264's next whole picture shows as a step. To seek, a player decodes what
// lies behind one: as much as 250 frames (x264's default) of 720p are more frames of a small clip.
int x264_keyframe_distance(const FrameSpec& spec) {
  constexpr int64_t kUsual = 250, kMost = 1500;
  const int64_t pixels = int64_t{spec.width} * spec.height;
  return static_cast<int>(std::clamp(kUsual * 1280 * 720 / pixels, kUsual, kMost));
}

// Small pictures are looked at enlarged, and cost little: from 640x360 down to genvid-tiny's
// 256x160 the rate factor falls by 8. What moves by less than a level there, as a sky does, would
// otherwise be held still for seconds.
// What the user chose by `tune` stays.
void suit_small_pictures(const FrameSpec& spec, double usual,
                         std::map<std::string, std::string>& options) {
  constexpr double kLarge = 640 * 360, kSmall = 256 * 160, kFiner = 8;
  const double pixels = std::clamp(static_cast<double>(spec.width) * spec.height, kSmall, kLarge);
  const double finer = kFiner * std::log2(kLarge / pixels) / std::log2(kLarge / kSmall);
  if (std::lround(finer) == 0) return;
  options["crf"] = std::to_string(std::lround(usual - finer));
  options.emplace("tune", "film");
}

void set_geometry(AVCodecContext* context, const OutputPlan& plan, const FrameSpec& spec) {
  context->width = spec.width;
  context->height = spec.height;
  context->pix_fmt = plan.pix_fmt;
  context->sample_aspect_ratio = {1, 1};
  context->time_base = {static_cast<int>(spec.fps.den), static_cast<int>(spec.fps.num)};
  context->framerate = {static_cast<int>(spec.fps.num), static_cast<int>(spec.fps.den)};
  context->codec_tag = plan.codec_tag;
  if (plan.encoder.encoder == "libx264") context->gop_size = x264_keyframe_distance(spec);
}

void set_color(AVCodecContext* context, const ColorTags& tags) {
  context->color_primaries = tags.primaries;
  context->color_trc = tags.transfer;
  context->colorspace = tags.space;
  context->color_range = tags.range;
  context->chroma_sample_location = tags.chroma;
}

ColorTags tags_for(const OutputPlan& plan) {
  return color_tags(plan.pix_fmt, plan.kind == OutputPlan::Kind::kImages);
}

}  // namespace

Encoder::Encoder(const OutputPlan& plan, const FrameSpec& spec, int threads)
    : name_(plan.encoder.encoder), packet_(av::new_packet()) {
  av::install_log();
  if (plan.is_gif()) {
    palette_ = std::make_unique<GifPalette>(spec.width, spec.height, folder_of(plan.path));
  } else {
    converter_.emplace(spec.width, spec.height, plan.pix_fmt, tags_for(plan));
  }
  const AVCodec* codec = avcodec_find_encoder_by_name(name_.c_str());
  if (codec == nullptr) throw Error(ErrorKind::kUnavailable, "this FFmpeg has no encoder " + name_);
  context_ = av::new_codec_context(codec);
  set_geometry(context_.get(), plan, spec);
  set_color(context_.get(), tags_for(plan));
  context_->thread_count = threads;
  context_->flags |= AV_CODEC_FLAG_BITEXACT;
  const AVOutputFormat* muxer =
      plan.muxer.empty() ? nullptr : av_guess_format(plan.muxer.c_str(), nullptr, nullptr);
  if (muxer != nullptr && (muxer->flags & AVFMT_GLOBALHEADER) != 0) {
    context_->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
  }
  std::map<std::string, std::string> named = plan.encoder.options;
  if (plan.quality_by_size) suit_small_pictures(spec, plan.encoder.crf, named);
  av::Options options(named);
  av::check(avcodec_open2(context_.get(), codec, options.out()),
            "cannot open encoder " + name_ + " for " + std::to_string(spec.width) + "x" +
                std::to_string(spec.height) + " " + av_get_pix_fmt_name(plan.pix_fmt),
            ErrorKind::kUnavailable);
  if (std::string left = options.leftovers(); !left.empty()) {
    throw Error(ErrorKind::kUsage, "encoder " + name_ + " does not know the option " +
                                       log::printable(left) + "; see ffmpeg -h encoder=" + name_);
  }
}

void Encoder::encode(const FrameView& view, const OnPacket& on_packet) {
  if (palette_ != nullptr) return palette_->add(view);
  send(converter_->convert(view, next_pts_++), on_packet);
}

void Encoder::flush(const OnPacket& on_packet) {
  if (palette_ != nullptr) {
    palette_->replay([&](AVFrame* frame) { send(frame, on_packet); });
  }
  send(nullptr, on_packet);
}

void Encoder::send(AVFrame* frame, const OnPacket& on_packet) {
  av::check(avcodec_send_frame(context_.get(), frame), "encoder " + name_ + " failed");
  for (;;) {
    int code = avcodec_receive_packet(context_.get(), packet_.get());
    if (code == AVERROR(EAGAIN) || code == AVERROR_EOF) return;
    av::check(code, "encoder " + name_ + " failed");
    if (packet_->duration == 0) packet_->duration = 1;
    on_packet(packet_.get());
    av_packet_unref(packet_.get());
  }
}

}  // namespace genvid::media
