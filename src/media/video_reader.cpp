#include "media/video_reader.h"

#include <algorithm>
#include <cstring>

#include "core/image_resize.h"
#include "core/limits.h"
#include "media/child.h"
#include "media/image_orient.h"
#include "media/media_input.h"
#include "media/quote.h"
#include "media/rgb_converter.h"

namespace genvid::media {
namespace {

constexpr size_t kSizeBytes = 2 * sizeof(int);

class Reader {
 public:
  Reader(const InputFile& file, const ReadOptions& options, const Emit& emit)
      : input_(file, int64_t{limits::kMaxSide} * limits::kMaxSide),
        context_(input_.open_decoder()),
        options_(options),
        emit_(emit) {}

  void run() {
    av::Packet packet = av::new_packet();
    int code = 0;
    while ((code = av_read_frame(input_.format(), packet.get())) >= 0) {
      if (packet->stream_index == input_.video()->index) decode(packet.get());
      av_packet_unref(packet.get());
    }
    if (code != AVERROR_EOF) av::check(code, "it is damaged", ErrorKind::kUsage);
    decode(nullptr);
    if (frames_ == 0) throw Error(ErrorKind::kUsage, "it holds no frames");
  }

 private:
  void decode(const AVPacket* packet) {
    av::check(avcodec_send_packet(context_.get(), packet), "cannot decode frame " + number(),
              ErrorKind::kUsage);
    for (;;) {
      int code = avcodec_receive_frame(context_.get(), frame_.get());
      if (code == AVERROR(EAGAIN) || code == AVERROR_EOF) return;
      av::check(code, "cannot decode frame " + number(), ErrorKind::kUsage);
      give(*frame_);
    }
  }

  void give(const AVFrame& frame) {
    const int64_t most = options_.max_frames > 0 ? options_.max_frames : limits::kMaxFrames;
    if (++frames_ > most) {
      throw Error(ErrorKind::kUsage, "it has more than " + std::to_string(most) + " frames");
    }
    Size size{frame.width, frame.height};
    if (options_.max_width > 0 && size.width > options_.max_width) {
      size.height =
          std::max(1, static_cast<int>(int64_t{size.height} * options_.max_width / size.width));
      size.width = options_.max_width;
    }
    Image image = converter_.convert(frame, context_->codec_id, size);
    if (const int32_t* matrix = av::stream_display_matrix(input_.video())) {
      image = orient(std::move(image), matrix);
    }
    if (options_.size.width > 0) {
      image = resize_image(crop_to_shape(std::move(image), options_.size), options_.size,
                           Resample::kLanczos);
    }
    std::vector<uint8_t> piece = std::move(image.pixels);
    const int shape[2] = {image.width, image.height};
    piece.resize(piece.size() + kSizeBytes);
    std::memcpy(piece.data() + piece.size() - kSizeBytes, shape, kSizeBytes);
    emit_(piece);
  }

  std::string number() const { return std::to_string(frames_); }

  MediaInput input_;
  av::CodecContext context_;
  av::Frame frame_ = av::new_frame();
  const ReadOptions& options_;
  const Emit& emit_;
  RgbConverter converter_;
  int64_t frames_ = 0;
};

}  // namespace

void for_each_frame(const std::string& path, const ReadOptions& options,
                    const std::function<void(Image&& frame)>& take) {
  InputFile file(path);
  av::install_log();
  ChildLimits limits;
  limits.seconds = options.max_seconds;
  const std::string what = "cannot read frames from " + quote(path);
  stream_from_child(
      what, limits, [&](const Emit& emit) { Reader(file, options, emit).run(); },
      [&](std::vector<uint8_t>&& piece) {
        int shape[2] = {0, 0};
        if (piece.size() >= kSizeBytes) {
          std::memcpy(shape, piece.data() + piece.size() - kSizeBytes, kSizeBytes);
          piece.resize(piece.size() - kSizeBytes);
        }
        if (shape[0] < 1 || shape[1] < 1 ||
            piece.size() !=
                size_t{3} * static_cast<size_t>(shape[0]) * static_cast<size_t>(shape[1])) {
          throw Error(ErrorKind::kUsage, what + ": its process gave a piece that is no frame");
        }
        take(Image{shape[0], shape[1], std::move(piece)});
      });
}

}  // namespace genvid::media
