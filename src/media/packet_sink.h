// Where an encoder's packets go: a muxed file, standard output, or one picture file per packet. All
// calls come from the encoder thread, except abort().
#pragma once

#include <memory>

#include "genvid/frame_sink.h"
#include "media/output_plan.h"

namespace genvid::media {

class PacketSink {
 public:
  virtual ~PacketSink() = default;  // releases; without commit() nothing stays under a final name
  virtual void start(const AVCodecContext& context) = 0;
  virtual void write(AVPacket* packet) = 0;
  // Completes, syncs, checks that `frames` are there and gives the output its final name.
  virtual void commit(int64_t frames) = 0;
  // Makes a blocked write fail soon; from any thread.
  virtual void abort() noexcept {}
};

// Opens the temporary file or folder. Throws Error(kOutput).
std::unique_ptr<PacketSink> make_file_sink(const OutputPlan& plan, const OutputOptions& options);
std::unique_ptr<PacketSink> make_stdout_sink(const OutputPlan& plan, const OutputOptions& options);
std::unique_ptr<PacketSink> make_image_sink(const OutputPlan& plan, const OutputOptions& options);

}  // namespace genvid::media
