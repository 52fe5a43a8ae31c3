// A muxed stream on standard output.
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>

#include "core/cancel.h"
#include "media/file_tail.h"
#include "media/muxer.h"
#include "media/packet_sink.h"

namespace genvid::media {
namespace {

constexpr int kBufferBytes = 1 << 16;

// Writes at most PIPE_BUF bytes after poll(): such a write never blocks, so that a reader which has
// stopped reading cannot keep the program from ending.
class StdoutSink : public PacketSink {
 public:
  StdoutSink(const OutputPlan& plan, const OutputOptions& options)
      : muxer_(plan, options, "standard output"), tail_(file_tail(plan, options)) {
    auto* buffer = static_cast<unsigned char*>(av_malloc(kBufferBytes));
    if (buffer != nullptr) {
      io_ = avio_alloc_context(buffer, kBufferBytes, 1, this, nullptr, &StdoutSink::write_some,
                               nullptr);
    }
    if (io_ == nullptr) {
      av_free(buffer);
      throw Error(ErrorKind::kMemory, "out of memory for standard output");
    }
  }

  ~StdoutSink() override {
    av_freep(&io_->buffer);
    avio_context_free(&io_);
  }

  void start(const AVCodecContext& context) override { muxer_.start(io_, "", context); }
  void write(AVPacket* packet) override { muxer_.write(packet); }
  void commit(int64_t) override {
    muxer_.finish();
    const std::string& tail = tail_.bytes;
    avio_write(io_, reinterpret_cast<const unsigned char*>(tail.data()),
               static_cast<int>(tail.size()));
    avio_flush(io_);
    if (io_->error < 0) throw_write_error("standard output", io_->error);
  }
  void abort() noexcept override { aborted_ = true; }

 private:
  static int write_some(void* self, av::WriteBuffer data, int bytes) {
    return static_cast<StdoutSink*>(self)->write_all(data, bytes);
  }

  int write_all(const uint8_t* data, int bytes) {
    for (int done = 0; done < bytes;) {
      pollfd ready{STDOUT_FILENO, POLLOUT, 0};
      int polled = poll(&ready, 1, 100);
      if (aborted_ || cancel_signal() != 0) return AVERROR_EXIT;
      if (polled == 0 || (polled < 0 && errno == EINTR)) continue;
      ssize_t n = ::write(STDOUT_FILENO, data + done,
                          static_cast<size_t>(std::min(bytes - done, int{PIPE_BUF})));
      if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
      if (n < 0) return AVERROR(errno);
      done += static_cast<int>(n);
    }
    return bytes;
  }

  Muxer muxer_;
  FileTail tail_;
  AVIOContext* io_ = nullptr;
  std::atomic<bool> aborted_{false};
};

}  // namespace

std::unique_ptr<PacketSink> make_stdout_sink(const OutputPlan& plan, const OutputOptions& options) {
  return std::make_unique<StdoutSink>(plan, options);
}

}  // namespace genvid::media
