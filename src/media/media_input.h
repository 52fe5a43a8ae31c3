// A media file of somebody else's, opened with care: a regular file, read through a descriptor that
// we opened, by known formats only, and never leading FFmpeg to another file or the network.
#pragma once

#include <string>

#include "media/av.h"

namespace genvid::media {

// Throws Error(kUsage) for what is missing, empty or no regular file, without reading it.
class InputFile {
 public:
  explicit InputFile(const std::string& path);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  int fd() const { return fd_; }
  uint64_t bytes() const { return bytes_; }

 private:
  int fd_ = -1;
  uint64_t bytes_ = 0;
};

class MediaInput {
 public:
  // Pictures of more pixels are refused while headers are read. Throws Error(kUsage).
  MediaInput(const InputFile& file, int64_t max_pixels);
  ~MediaInput();
  MediaInput(const MediaInput&) = delete;
  MediaInput& operator=(const MediaInput&) = delete;

  AVFormatContext* format() const { return format_.get(); }
  AVStream* video() const { return video_; }
  // For video(); damage is an error, not a picture with a grey half.
  av::CodecContext open_decoder() const;

 private:
  struct Io;
  std::unique_ptr<Io> io_;
  av::InputFormat format_;
  AVStream* video_ = nullptr;
  int64_t max_pixels_;
};

}  // namespace genvid::media
