// The only file that knows FFmpeg's C interface by version (5.1 to 8) and who frees what.
// Everything else in media/ uses these owners, check() for return codes and the shims below.
#pragma once

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/crc.h>
#include <libavutil/display.h>
#include <libavutil/imgutils.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>
}

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "genvid/error.h"
#include "media/free_with.h"

namespace genvid::media::av {

using Frame = std::unique_ptr<AVFrame, PointerFree<av_frame_free>>;
using Packet = std::unique_ptr<AVPacket, PointerFree<av_packet_free>>;
using CodecContext = std::unique_ptr<AVCodecContext, PointerFree<avcodec_free_context>>;
using InputFormat = std::unique_ptr<AVFormatContext, PointerFree<avformat_close_input>>;
using OutputFormat = std::unique_ptr<AVFormatContext, ValueFree<avformat_free_context>>;
using Scaler = std::unique_ptr<SwsContext, ValueFree<sws_freeContext>>;

// Sends FFmpeg's log to core/log.h (debug level: every failure also reaches the caller as an Error)
// and quiets the encoders that print by themselves. Called by everything that opens something.
void install_log();

// FFmpeg's text for a negative return code, with the last error line that this thread's libraries
// logged since the previous call ("width not divisible by 2"): the codes alone say little.
std::string error_text(int code);

// Throws Error(kind, "what: error text") when code < 0, else returns code.
int check(int code, const std::string& what, ErrorKind kind = ErrorKind::kOutput);

// Memory for an owner; throws Error(kMemory) when there is none.
Frame new_frame();
Packet new_packet();
CodecContext new_codec_context(const AVCodec* codec);

// A dictionary of options. What a codec or muxer did not take stays in it: leftovers() names them.
class Options {
 public:
  Options() = default;
  explicit Options(const std::map<std::string, std::string>& values);
  ~Options() { av_dict_free(&dict_); }
  Options(const Options&) = delete;
  Options& operator=(const Options&) = delete;

  void set(const char* key, const std::string& value);
  AVDictionary** out() { return &dict_; }
  AVDictionary* release();
  std::string leftovers() const;  // "a=1, b=2", empty when all were taken

 private:
  AVDictionary* dict_ = nullptr;
};

// --- version shims ---

// Software pixel formats that the encoder takes; empty = it does not say.
std::vector<AVPixelFormat> encoder_pix_fmts(const AVCodec* codec);

void set_frame_duration(AVFrame* frame, int64_t duration);

// Of a stream. ProRes is of limited range by its specification; since FFmpeg 7 nobody says so.
AVColorRange color_range(const AVCodecParameters& parameters);

// The 3x3 display matrix of a stream, or nullptr.
const int32_t* stream_display_matrix(const AVStream* stream);

// avio_alloc_context's write callback took a mutable buffer before FFmpeg 7.
#if LIBAVFORMAT_VERSION_INT >= AV_VERSION_INT(61, 0, 0)
using WriteBuffer = const uint8_t*;
#else
using WriteBuffer = uint8_t*;
#endif

}  // namespace genvid::media::av
