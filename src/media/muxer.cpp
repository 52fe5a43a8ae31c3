#include "media/muxer.h"

#include "core/failpoint.h"
#include "media/file_tail.h"

namespace genvid::media {

void throw_write_error(const std::string& target, int code) {
  std::string next;
  if (code == AVERROR(ENOSPC)) next = "; free some space or choose another folder with -o";
  if (code == AVERROR(EPIPE)) next = "; the reader has closed its end";
  if (code == AVERROR(EFBIG)) next = "; raise the file size limit (ulimit -f)";
  throw Error(ErrorKind::kOutput, "cannot write " + target + ": " + av::error_text(code) + next);
}

Muxer::Muxer(const OutputPlan& plan, const OutputOptions& options, std::string target)
    : target_(std::move(target)), options_(plan.muxer_options) {
  av::install_log();
  AVFormatContext* raw = nullptr;
  av::check(avformat_alloc_output_context2(&raw, nullptr, plan.muxer.c_str(), nullptr),
            "cannot set up the " + plan.muxer + " container", ErrorKind::kUnavailable);
  format_.reset(raw);
  // No version, date or random number in the file: the same clip gives the same bytes.
  format_->flags |= AVFMT_FLAG_BITEXACT;
  // y4m with more than 8 bits is an extension that every reader of today knows.
  if (plan.encoder.codec == "y4m") format_->strict_std_compliance = FF_COMPLIANCE_UNOFFICIAL;
  av::Options metadata(muxer_tags(plan, options));
  format_->metadata = metadata.release();
}

int Muxer::check(int code) const {
  if (code < 0) throw_write_error(target_, code);
  return code;
}

void Muxer::start(AVIOContext* io, const std::string& url, const AVCodecContext& context) {
  format_->pb = io;
  format_->url = av_strdup(url.c_str());
  AVStream* stream = avformat_new_stream(format_.get(), nullptr);
  if (stream == nullptr || format_->url == nullptr) {
    throw Error(ErrorKind::kMemory, "out of memory for a container");
  }
  time_base_ = context.time_base;
  stream->time_base = time_base_;
  stream->avg_frame_rate = stream->r_frame_rate = context.framerate;
  stream->sample_aspect_ratio = context.sample_aspect_ratio;
  check(avcodec_parameters_from_context(stream->codecpar, &context));
  check(avformat_write_header(format_.get(), options_.out()));
  if (std::string left = options_.leftovers(); !left.empty()) {
    throw Error(ErrorKind::kUnavailable,
                "the container of this FFmpeg does not know the option " + left);
  }
}

void Muxer::write(AVPacket* packet) {
  if (failpoint("output.packet") == "enospc") throw_write_error(target_, AVERROR(ENOSPC));
  AVStream* stream = format_->streams[0];
  packet->stream_index = 0;
  av_packet_rescale_ts(packet, time_base_, stream->time_base);
  check(av_interleaved_write_frame(format_.get(), packet));
}

void Muxer::finish() {
  check(av_write_trailer(format_.get()));  // > 0 is success: a fragmented file says how many bytes
  avio_flush(format_->pb);
  check(format_->pb->error);
}

}  // namespace genvid::media
