#include "media/av.h"

#include <cstdlib>
#include <mutex>

#include "core/log.h"

namespace genvid::media::av {
namespace {

thread_local std::string t_last_error;

void log_callback(void* context, int level, const char* format, va_list args) {
  if (level > AV_LOG_WARNING) return;
  char line[512];
  int print_prefix = 1;
  av_log_format_line2(context, level, format, args, line, sizeof line, &print_prefix);
  std::string text(line);
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  if (text.empty()) return;
  // The prefix "[libx264 @ 0x55..] " holds an address: messages should be the same each time.
  if (text.front() == '[') {
    if (size_t end = text.find("] "); end != std::string::npos) text.erase(0, end + 2);
  }
  if (level <= AV_LOG_ERROR) t_last_error = text;
  log::debug("ffmpeg: " + log::printable(text));
}

}  // namespace

void install_log() {
  static std::once_flag once;
  std::call_once(once, [] {
    av_log_set_callback(log_callback);
    // libsvtav1 writes to stderr by itself unless told not to.
    setenv("SVT_LOG", "1", 0);
  });
}

std::string error_text(int code) {
  char buffer[AV_ERROR_MAX_STRING_SIZE] = {};
  av_strerror(code, buffer, sizeof buffer);
  std::string text = buffer;
  if (!t_last_error.empty()) {
    text += " (" + log::printable(t_last_error) + ")";
    t_last_error.clear();
  }
  return text;
}

int check(int code, const std::string& what, ErrorKind kind) {
  if (code < 0) {
    throw Error(code == AVERROR(ENOMEM) ? ErrorKind::kMemory : kind,
                what + ": " + error_text(code));
  }
  t_last_error.clear();
  return code;
}

namespace {
template <typename Owner, typename T>
Owner own(T* pointer, const char* what) {
  if (pointer == nullptr) {
    throw Error(ErrorKind::kMemory, std::string("out of memory for ") + what);
  }
  return Owner(pointer);
}
}  // namespace

Frame new_frame() { return own<Frame>(av_frame_alloc(), "a frame"); }
Packet new_packet() { return own<Packet>(av_packet_alloc(), "a packet"); }
CodecContext new_codec_context(const AVCodec* codec) {
  return own<CodecContext>(avcodec_alloc_context3(codec), "a codec");
}

Options::Options(const std::map<std::string, std::string>& values) {
  for (const auto& [key, value] : values) set(key.c_str(), value);
}

void Options::set(const char* key, const std::string& value) {
  check(av_dict_set(&dict_, key, value.c_str(), 0), "cannot set an FFmpeg option");
}

AVDictionary* Options::release() {
  AVDictionary* dict = dict_;
  dict_ = nullptr;
  return dict;
}

std::string Options::leftovers() const {
  std::string text;
  const AVDictionaryEntry* entry = nullptr;
  while ((entry = av_dict_get(dict_, "", entry, AV_DICT_IGNORE_SUFFIX)) != nullptr) {
    text += (text.empty() ? "" : ", ") + std::string(entry->key) + "=" + entry->value;
  }
  return text;
}

std::vector<AVPixelFormat> encoder_pix_fmts(const AVCodec* codec) {
  const AVPixelFormat* list = nullptr;
#if LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(61, 13, 100)
  const void* found = nullptr;
  int count = 0;
  if (avcodec_get_supported_config(nullptr, codec, AV_CODEC_CONFIG_PIX_FORMAT, 0, &found, &count) >=
      0) {
    list = static_cast<const AVPixelFormat*>(found);
  }
#else
  list = codec->pix_fmts;
#endif
  std::vector<AVPixelFormat> formats;
  for (; list != nullptr && *list != AV_PIX_FMT_NONE; ++list) {
    const AVPixFmtDescriptor* desc = av_pix_fmt_desc_get(*list);
    if (desc != nullptr && (desc->flags & AV_PIX_FMT_FLAG_HWACCEL) == 0) formats.push_back(*list);
  }
  return formats;
}

void set_frame_duration(AVFrame* frame, int64_t duration) {
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(58, 0, 100)
  frame->duration = duration;
#else
  frame->pkt_duration = duration;
#endif
}

AVColorRange color_range(const AVCodecParameters& parameters) {
  if (parameters.color_range == AVCOL_RANGE_UNSPECIFIED &&
      parameters.codec_id == AV_CODEC_ID_PRORES) {
    return AVCOL_RANGE_MPEG;
  }
  return parameters.color_range;
}

const int32_t* stream_display_matrix(const AVStream* stream) {
#if LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(60, 31, 102)
  const AVPacketSideData* data =
      av_packet_side_data_get(stream->codecpar->coded_side_data,
                              stream->codecpar->nb_coded_side_data, AV_PKT_DATA_DISPLAYMATRIX);
  if (data == nullptr || data->size < 9 * sizeof(int32_t)) return nullptr;
  return reinterpret_cast<const int32_t*>(data->data);
#else
  size_t bytes = 0;
  const uint8_t* data = av_stream_get_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, &bytes);
  if (data == nullptr || bytes < 9 * sizeof(int32_t)) return nullptr;
  return reinterpret_cast<const int32_t*>(data);
#endif
}

}  // namespace genvid::media::av
