#include "media/media_input.h"
#include "media/quote.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace genvid::media {
namespace {

constexpr int kBufferBytes = 1 << 16;

// By content, not by name. Left out: lists that name other files (concat, hls), text art (tty),
// devices, subtitles.
constexpr const char* kFormats =
    "png_pipe,jpeg_pipe,jpegls_pipe,webp_pipe,bmp_pipe,tiff_pipe,gif,apng,exr_pipe,dpx_pipe,"
    "ppm_pipe,pgm_pipe,pam_pipe,pbm_pipe,psd_pipe,sgi_pipe,qoi_pipe,jpegxl_pipe,jpegxl_anim,"
    "j2k_pipe,mov,matroska,avi,mpegts,mpeg,ivf,yuv4mpegpipe,flv";

int refuse_open(AVFormatContext*, AVIOContext**, const char*, int, AVDictionary**) {
  return AVERROR(EPERM);
}

}  // namespace

InputFile::InputFile(const std::string& path) {
  std::string shown = quote(path);
  // NONBLOCK: opening a FIFO would wait for its writer.
  fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd_ < 0) {
    throw Error(ErrorKind::kUsage, "cannot open " + shown + ": " + std::strerror(errno));
  }
  struct stat info {};
  std::string why;
  if (fstat(fd_, &info) != 0) {
    why = std::strerror(errno);
  } else if (S_ISDIR(info.st_mode)) {
    why = "it is a folder";
  } else if (!S_ISREG(info.st_mode)) {
    why = "it is not a regular file";
  } else if (info.st_size == 0) {
    why = "it is empty";
  }
  if (!why.empty()) {
    ::close(fd_);
    throw Error(ErrorKind::kUsage, "cannot read " + shown + ": " + why);
  }
  bytes_ = static_cast<uint64_t>(info.st_size);
}

InputFile::~InputFile() { ::close(fd_); }

struct MediaInput::Io {
  int fd;
  int64_t at = 0;
  int64_t bytes;
  AVIOContext* context = nullptr;

  Io(int descriptor, uint64_t size) : fd(descriptor), bytes(static_cast<int64_t>(size)) {
    auto* buffer = static_cast<unsigned char*>(av_malloc(kBufferBytes));
    if (buffer != nullptr) {
      context = avio_alloc_context(buffer, kBufferBytes, 0, this, &Io::read, nullptr, &Io::seek);
    }
    if (context == nullptr) {
      av_free(buffer);
      throw Error(ErrorKind::kMemory, "out of memory for reading a file");
    }
  }
  ~Io() {
    av_freep(&context->buffer);
    avio_context_free(&context);
  }
  static int read(void* self, uint8_t* data, int count) {
    auto* io = static_cast<Io*>(self);
    ssize_t n = ::pread(io->fd, data, static_cast<size_t>(count), io->at);
    if (n < 0) return AVERROR(errno);
    if (n == 0) return AVERROR_EOF;
    io->at += n;
    return static_cast<int>(n);
  }
  static int64_t seek(void* self, int64_t offset, int whence) {
    auto* io = static_cast<Io*>(self);
    int64_t target = offset;
    switch (whence & ~AVSEEK_FORCE) {
      case AVSEEK_SIZE:
        return io->bytes;
      case SEEK_CUR:
        target += io->at;
        break;
      case SEEK_END:
        target += io->bytes;
        break;
      default:
        break;
    }
    if (target < 0) return AVERROR(EINVAL);
    return io->at = target;
  }
};

MediaInput::MediaInput(const InputFile& file, int64_t max_pixels)
    : io_(std::make_unique<Io>(file.fd(), file.bytes())), max_pixels_(max_pixels) {
  av::install_log();
  constexpr const char* kWhat = "not a picture or video that FFmpeg knows";
  AVFormatContext* raw = avformat_alloc_context();
  if (raw == nullptr) throw Error(ErrorKind::kMemory, "out of memory for reading a file");
  raw->pb = io_->context;
  raw->io_open = refuse_open;
  av::Options options;
  options.set("format_whitelist", kFormats);
  // On failure FFmpeg frees the context.
  av::check(avformat_open_input(&raw, "", nullptr, options.out()), kWhat, ErrorKind::kUsage);
  format_.reset(raw);

  std::vector<av::Options> per_stream(format_->nb_streams);
  std::vector<AVDictionary*> dicts;
  for (av::Options& stream_options : per_stream) {
    stream_options.set("max_pixels", std::to_string(max_pixels));
    stream_options.set("threads", "1");
    dicts.push_back(stream_options.release());
  }
  int code = avformat_find_stream_info(format_.get(), dicts.empty() ? nullptr : dicts.data());
  for (AVDictionary*& dict : dicts) av_dict_free(&dict);
  av::check(code, kWhat, ErrorKind::kUsage);
  int index = av_find_best_stream(format_.get(), AVMEDIA_TYPE_VIDEO, -1, -1, nullptr, 0);
  if (index < 0) throw Error(ErrorKind::kUsage, "it holds no picture");
  video_ = format_->streams[index];
}

MediaInput::~MediaInput() = default;

av::CodecContext MediaInput::open_decoder() const {
  const AVCodec* codec = avcodec_find_decoder(video_->codecpar->codec_id);
  if (codec == nullptr) {
    throw Error(ErrorKind::kUsage, std::string("this FFmpeg has no decoder for ") +
                                       avcodec_get_name(video_->codecpar->codec_id));
  }
  av::CodecContext context = av::new_codec_context(codec);
  av::check(avcodec_parameters_to_context(context.get(), video_->codecpar), "cannot decode",
            ErrorKind::kUsage);
  context->max_pixels = max_pixels_;
  context->thread_count = 1;
  context->err_recognition = AV_EF_EXPLODE | AV_EF_CRCCHECK;
  av::check(avcodec_open2(context.get(), codec, nullptr), "cannot decode", ErrorKind::kUsage);
  return context;
}

}  // namespace genvid::media
