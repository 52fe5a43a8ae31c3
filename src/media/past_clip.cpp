#include "media/past_clip.h"

#include <deque>
#include <functional>
#include <limits>
#include <utility>

#include "core/limits.h"
#include "genvid/error.h"
#include "media/frame_stage.h"
#include "media/quote.h"
#include "media/video_reader.h"

namespace genvid::media {
namespace {

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
  throw Error(ErrorKind::kUsage, "cannot go on from " + quote(path) + ": " + why);
}

Rational rate_of(const FileInfo& info, const std::string& path) {
  if (info.fps.num > 0 && info.fps.den > 0) return info.fps;
  refuse(path, "it states no frame rate");
}

// Every frame of the new rate; take gets how often each frame of the file is shown.
void for_each_retimed(const std::string& path, Rational from_fps, const PastFormat& format,
                      const std::function<void(Image&& frame, int64_t times)>& take) {
  FrameSpec from, to;
  from.fps = from_fps;
  to.fps = format.fps;
  from.frames = to.frames = std::numeric_limits<int64_t>::max();
  ReadOptions options;
  options.size = format.size;
  int64_t n = 0;
  for_each_frame(path, options, [&](Image&& frame) {
    if (const int64_t times = repeats_of(n++, from, to); times > 0) take(std::move(frame), times);
  });
}

// As the encoder takes frames: planes G, B, R in [0, 1].
FrameView view_of(const Image& image) {
  const size_t area = static_cast<size_t>(image.width) * static_cast<size_t>(image.height);
  const auto planes = std::make_shared<std::vector<float>>(3 * area);
  constexpr size_t kRgbOfGbr[3] = {1, 2, 0};
  FrameView view;
  for (size_t p = 0; p < 3; ++p) {
    float* plane = planes->data() + p * area;
    for (size_t i = 0; i < area; ++i) {
      plane[i] = static_cast<float>(image.pixels[3 * i + kRgbOfGbr[p]]) / 255.0f;
    }
    view.plane[p] = plane;
    view.stride[p] = static_cast<ptrdiff_t>(sizeof(float)) * image.width;
  }
  view.keep_alive = planes;
  return view;
}

class AfterPast final : public FrameSink {
 public:
  AfterPast(std::unique_ptr<FrameSink> output, std::string path, int64_t frames)
      : output_(std::move(output)), path_(std::move(path)), past_(frames) {}

  void begin(const FrameSpec& spec) override {
    FrameSpec whole = spec;
    whole.frames += past_;
    const PastFormat format{{spec.width, spec.height}, spec.fps};
    const Rational fps = rate_of(probe(path_), path_);
    int64_t written = 0;
    for_each_retimed(path_, fps, format, [&](Image&& frame, int64_t times) {
      // Only now: the reader's process is a fork, best made before the encoder has threads.
      if (written == 0) output_->begin(whole);
      const FrameView view = view_of(frame);
      for (; times > 0 && written < past_; --times, ++written) output_->write(view);
      if (times > 0) refuse(path_, "it changed while the clip was made");
    });
    if (written != past_) refuse(path_, "it changed while the clip was made");
  }
  void write(const FrameView& frame) override { output_->write(frame); }
  void finish() override { output_->finish(); }

 private:
  std::unique_ptr<FrameSink> output_;
  std::string path_;
  int64_t past_;
};

}  // namespace

PastClip read_past(const std::string& path, const PastFormat& format, int64_t keep) {
  PastClip past;
  past.info = probe(path);
  const Rational fps = rate_of(past.info, path);
  if (past.info.frames == 1) refuse(path, "it is a single picture; start from it with --image");
  std::deque<Image> last;
  for_each_retimed(path, fps, format, [&](Image&& frame, int64_t times) {
    if (times > limits::kMaxFrames || (past.frames += times) > limits::kMaxFrames) {
      refuse(path, "it is more than " + std::to_string(limits::kMaxFrames) +
                       " frames at the new clip's rate; cut it first");
    }
    for (int64_t i = 0; i < std::min(times, keep); ++i) last.push_back(frame);
    while (static_cast<int64_t>(last.size()) > keep) last.pop_front();
  });
  past.last.assign(std::make_move_iterator(last.begin()), std::make_move_iterator(last.end()));
  return past;
}

std::unique_ptr<FrameSink> after_past(std::unique_ptr<FrameSink> output, const std::string& path,
                                      int64_t frames) {
  return std::make_unique<AfterPast>(std::move(output), path, frames);
}

}  // namespace genvid::media
