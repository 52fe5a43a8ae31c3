// A muxed file: written beside its target, read again, then renamed into place.
#include <unistd.h>

#include <cerrno>

#include "core/atomic_file.h"
#include "media/file_tail.h"
#include "media/muxer.h"
#include "media/packet_sink.h"
#include "media/quote.h"
#include "media/read_info.h"
#include "media/seal_file.h"

namespace genvid::media {
namespace {

class FileSink : public PacketSink {
 public:
  FileSink(const OutputPlan& plan, const OutputOptions& options)
      : path_(plan.path),
        target_(quote(plan.path)),
        seal_{options.sealer.get(), options.overwrite, options.keep_unsigned},
        file_(plan.path, options.overwrite),
        muxer_(plan, options, target_),
        tail_(file_tail(plan, options)) {}
  ~FileSink() override { avio_closep(&io_); }

  void start(const AVCodecContext& context) override {
    // "file:" because FFmpeg reads what stands before a ':' in a name as a protocol.
    std::string url = "file:" + file_.part_path().string();
    int code = avio_open2(&io_, url.c_str(), AVIO_FLAG_WRITE, nullptr, nullptr);
    if (code < 0) throw_write_error(target_, code);
    muxer_.start(io_, url, context);
  }

  void write(AVPacket* packet) override { muxer_.write(packet); }

  void commit(int64_t frames) override {
    muxer_.finish();
    if (int code = avio_closep(&io_); code < 0) throw_write_error(target_, code);
    append_tail();
    int64_t found = read_info(InputFile(file_.part_path().string())).frames;
    if (found != frames) {
      throw Error(ErrorKind::kOutput, "read " + std::to_string(found) + " frames of " + target_ +
                                          " back where " + std::to_string(frames) +
                                          " were written; the file is not kept");
    }
    if (seal_.sealer != nullptr) {
      commit_sealed(file_, path_, frames, seal_);
    } else {
      file_.commit();
    }
  }

 private:
  void append_tail() {
    if (tail_.bytes.empty()) return;
    if (lseek(file_.fd(), -tail_.replaces, SEEK_END) < 0)
      throw_write_error(target_, AVERROR(errno));
    file_.write_all(tail_.bytes.data(), tail_.bytes.size());
  }

  std::string path_;
  std::string target_;
  SealOptions seal_;  // options live as long as the writer
  AtomicFile file_;   // before io_'s last use, so that it outlives it
  Muxer muxer_;
  FileTail tail_;
  AVIOContext* io_ = nullptr;
};

}  // namespace

std::unique_ptr<PacketSink> make_file_sink(const OutputPlan& plan, const OutputOptions& options) {
  return std::make_unique<FileSink>(plan, options);
}

}  // namespace genvid::media
