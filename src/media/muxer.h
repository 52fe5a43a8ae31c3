// One video stream in one container, written to an AVIOContext that the caller owns.
#pragma once

#include "media/output_plan.h"

namespace genvid::media {

class Muxer {
 public:
  // target: names the output in messages.
  Muxer(const OutputPlan& plan, const OutputOptions& options, std::string target);

  // url: what a muxer that reads its own file again (faststart) opens.
  void start(AVIOContext* io, const std::string& url, const AVCodecContext& context);
  void write(AVPacket* packet);
  void finish();  // the trailer, flushed

 private:
  int check(int code) const;

  std::string target_;
  av::OutputFormat format_;
  av::Options options_;
  AVRational time_base_{1, 1};
};

// "cannot write 'x': No space left on device; free some space ..."
[[noreturn]] void throw_write_error(const std::string& target, int code);

}  // namespace genvid::media
