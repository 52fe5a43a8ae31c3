#include "media/video_writer.h"

#include <atomic>
#include <csignal>
#include <exception>
#include <new>
#include <thread>

#include "media/encoder.h"
#include "media/frame_queue.h"
#include "media/frame_stage.h"
#include "media/packet_sink.h"
#include "media/preview_sheet.h"
#include "media/target_check.h"

namespace genvid::media {
namespace {

std::unique_ptr<PacketSink> make_packet_sink(const OutputPlan& plan, const OutputOptions& options) {
  switch (plan.kind) {
    case OutputPlan::Kind::kStdout:
      return make_stdout_sink(plan, options);
    case OutputPlan::Kind::kImages:
      return make_image_sink(plan, options);
    case OutputPlan::Kind::kFile:
      break;
  }
  return make_file_sink(plan, options);
}

// A closed pipe or a file size limit should fail a write, not end the process. Both signals go to
// the thread that writes, so blocking them there is enough and leaves the process's handlers alone.
void block_write_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGPIPE);
  sigaddset(&signals, SIGXFSZ);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

class VideoWriter : public FrameSink {
 public:
  explicit VideoWriter(const OutputOptions& options)
      : options_(options), plan_(plan_output(options)) {}

  ~VideoWriter() override {
    if (!thread_.joinable()) return;
    queue_.close();
    packets_->abort();
    thread_.join();
  }

  void begin(const FrameSpec& spec) override {
    if (spec.layout != FrameLayout::kGbrpF32 || spec.frames < 1 || packets_ != nullptr) {
      throw Error(ErrorKind::kUsage, "a clip of " + std::to_string(spec.frames) +
                                         " frames cannot begin here; it needs at least one, once");
    }
    spec_ = spec;
    written_spec_ = written_spec(plan_, options_, spec);
    check_geometry(plan_, {written_spec_.width, written_spec_.height}, written_spec_.fps);
    check_target(plan_, options_.overwrite);
    encoder_ = std::make_unique<Encoder>(plan_, written_spec_);
    stage_ = std::make_unique<FrameStage>(spec_, written_spec_, options_.watermark);
    if (!options_.preview.empty())
      preview_ = std::make_unique<PreviewSheet>(options_, written_spec_);
    packets_ = make_packet_sink(plan_, options_);
    thread_ = std::thread([this] { run(); });
  }

  void write(const FrameView& view) override {
    if (written_ == spec_.frames) {
      throw Error(ErrorKind::kOutput, "more than the announced " + std::to_string(spec_.frames) +
                                          " frames were written");
    }
    if (!queue_.push(view)) join_and_rethrow();
    ++written_;
  }

  void finish() override {
    if (written_ != spec_.frames) {
      throw Error(ErrorKind::kOutput, "only " + std::to_string(written_) + " of " +
                                          std::to_string(spec_.frames) +
                                          " frames were made; the output is not kept");
    }
    finishing_ = true;
    queue_.end();
    join_and_rethrow();
  }

 private:
  // The encoder thread.
  void run() {
    block_write_signals();
    try {
      auto on_packet = [this](AVPacket* packet) { packets_->write(packet); };
      packets_->start(encoder_->context());
      int64_t in = 0, out = 0;
      while (auto view = queue_.pop()) {
        for (int64_t k = repeats_of(in++, spec_, written_spec_); k > 0; --k) {
          const FrameView frame = stage_->process(*view);
          if (preview_ != nullptr) preview_->add(out, frame);
          encoder_->encode(frame, on_packet);
          ++out;
        }
      }
      if (!finishing_) return;  // given up: leave the part file to be removed
      encoder_->flush(on_packet);
      packets_->commit(written_spec_.frames);
      if (preview_ != nullptr) preview_->commit();
    } catch (const std::bad_alloc&) {
      error_ = std::make_exception_ptr(
          Error(ErrorKind::kMemory, "out of memory while encoding with " + plan_.encoder.encoder));
      queue_.close();
    } catch (...) {
      error_ = std::current_exception();
      queue_.close();
    }
  }

  void join_and_rethrow() {
    if (thread_.joinable()) thread_.join();
    if (error_ != nullptr) std::rethrow_exception(error_);
  }

  OutputOptions options_;
  OutputPlan plan_;
  FrameSpec spec_, written_spec_;  // as it comes, as it is written
  std::unique_ptr<Encoder> encoder_;
  std::unique_ptr<FrameStage> stage_;
  std::unique_ptr<PreviewSheet> preview_;
  std::unique_ptr<PacketSink> packets_;
  FrameQueue queue_;
  std::thread thread_;
  std::exception_ptr error_;  // set by the thread before it ends, read after join
  std::atomic<bool> finishing_{false};
  int64_t written_ = 0;
};

}  // namespace

std::unique_ptr<FrameSink> open_output(const OutputOptions& options) {
  return std::make_unique<VideoWriter>(options);
}

}  // namespace genvid::media
