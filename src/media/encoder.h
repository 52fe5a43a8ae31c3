// One open FFmpeg encoder fed with float frames. It knows no file: packets go to a callback. A GIF
// gives all of them at the end, when its colours are known.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "genvid/frame_sink.h"
#include "media/frame_convert.h"
#include "media/gif_palette.h"
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
  std::optional<FrameConverter> converter_;  // or, for a GIF:
  std::unique_ptr<GifPalette> palette_;
  int64_t next_pts_ = 0;
};

}  // namespace genvid::media
