// One open FFmpeg encoder fed with float frames. It knows no file: packets go to a callback.
#pragma once

#include <functional>

#include "genvid/frame_sink.h"
#include "media/frame_convert.h"
#include "media/output_plan.h"

namespace genvid::media {

class Encoder {
 public:
  using OnPacket = std::function<void(AVPacket*)>;

  // threads: a constant by default, since some encoders' bytes depend on it.
  static constexpr int kThreads = 4;
  Encoder(const OutputPlan& plan, const FrameSpec& spec, int threads = kThreads);

  void encode(const FrameView& view, const OnPacket& on_packet);
  void flush(const OnPacket& on_packet);

  const AVCodecContext& context() const { return *context_; }

 private:
  void send(AVFrame* frame, const OnPacket& on_packet);

  std::string name_;
  av::CodecContext context_;
  av::Packet packet_;
  FrameConverter converter_;
  int64_t next_pts_ = 0;
};

}  // namespace genvid::media
