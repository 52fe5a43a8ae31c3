// What the media tests share: a folder that goes away, pictures to encode, and a decoder of their
// own whose BT.709 arithmetic does not come from swscale.
#pragma once

#include <array>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "genvid/error.h"
#include "genvid/frame_sink.h"
#include "media/video_writer.h"

namespace genvid::media {

class TempDir {
 public:
  TempDir();
  ~TempDir();
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  const std::filesystem::path& path() const { return path_; }
  std::vector<std::string> names() const;  // sorted, hidden ones too

 private:
  std::filesystem::path path_;
};

using Color = std::array<double, 3>;                        // R, G, B in [0,1]
using Painter = std::function<Color(int x, int y, int n)>;  // column, row, frame

FrameView make_frame(int width, int height, int n, const Painter& paint);
FrameSpec make_spec(int width, int height, int64_t frames, Rational fps = {24, 1});

// begin, write all, finish.
void write_clip(const OutputOptions& options, const FrameSpec& spec, const Painter& paint);

// Eight bars of media-typical colours, and values that are exact in 8 bits and differ everywhere.
Color bars(int x, int width);
Color noise(int x, int y, int n);
std::array<uint8_t, 3> noise_bytes(int x, int y, int n);

// A decoded frame with samples as numbers.
struct Decoded {
  int width = 0, height = 0, depth = 8;
  bool rgb = false;
  std::array<int, 2> chroma_shift{0, 0};
  std::array<std::vector<int>, 3> planes;  // Y U V, or R G B; chroma planes subsampled
  int luma(int x, int y) const { return planes[0][static_cast<size_t>(y) * width + x]; }
  // 0..255, by BT.709 limited range for YUV.
  Color rgb_at(int x, int y) const;
};
std::vector<Decoded> decode(const std::string& path);

// What the ffmpeg program says when it decodes all of the file; "" when it has nothing to say.
std::string ffmpeg_complaints(const std::string& path);
// What a command prints.
std::string output_of(const std::string& command);

std::string read_bytes(const std::string& path);
void write_bytes(const std::string& path, const std::string& bytes);

// Runs `work` and gives the Error it throws; a test failure and kUsage with no text otherwise.
Error error_of(const std::function<void()>& work);

}  // namespace genvid::media
