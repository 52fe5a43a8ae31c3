#include "media/image_decode.h"

#include <cstdlib>
#include <string>

#include "core/limits.h"
#include "media/image_orient.h"
#include "media/output_plan.h"

namespace genvid::media {
namespace {

av::CodecContext open_decoder(const AVStream* stream) {
  const AVCodec* codec = avcodec_find_decoder(stream->codecpar->codec_id);
  if (codec == nullptr) {
    throw Error(ErrorKind::kUsage, std::string("this FFmpeg has no decoder for ") +
                                       avcodec_get_name(stream->codecpar->codec_id));
  }
  av::CodecContext context = av::new_codec_context(codec);
  av::check(avcodec_parameters_to_context(context.get(), stream->codecpar), "cannot decode",
            ErrorKind::kUsage);
  context->max_pixels = kMaxImagePixels;
  context->thread_count = 1;
  // Half a picture is an error, not a picture with a grey half.
  context->err_recognition = AV_EF_EXPLODE | AV_EF_CRCCHECK;
  av::check(avcodec_open2(context.get(), codec, nullptr), "cannot decode", ErrorKind::kUsage);
  return context;
}

av::Frame first_frame(const MediaInput& input) {
  constexpr int kMaxPackets = 1000;
  av::CodecContext context = open_decoder(input.video());
  av::Packet packet = av::new_packet();
  av::Frame frame = av::new_frame();
  for (int n = 0; n < kMaxPackets; ++n) {
    int code = av_read_frame(input.format(), packet.get());
    if (code >= 0 && packet->stream_index != input.video()->index) {
      av_packet_unref(packet.get());
      continue;
    }
    bool end = code < 0;
    av::check(avcodec_send_packet(context.get(), end ? nullptr : packet.get()), "cannot decode",
              ErrorKind::kUsage);
    av_packet_unref(packet.get());
    code = avcodec_receive_frame(context.get(), frame.get());
    if (code == 0) return frame;
    if (code == AVERROR(EAGAIN) && !end) continue;
    av::check(code, "cannot decode", ErrorKind::kUsage);
  }
  throw Error(ErrorKind::kUsage, "no picture in its first packets");
}

void check_size(int width, int height) {
  std::string shown = std::to_string(width) + "x" + std::to_string(height);
  if (width < limits::kMinSide || height < limits::kMinSide) {
    throw Error(ErrorKind::kUsage, "it is " + shown + " pixels; a side needs at least " +
                                       std::to_string(limits::kMinSide));
  }
  if (int64_t{width} * height > kMaxImagePixels) {
    throw Error(ErrorKind::kUsage, "it is " + shown + " pixels, more than " +
                                       std::to_string(kMaxImagePixels / 1'000'000) +
                                       " million; make it smaller first");
  }
}

bool is_still(AVCodecID id) {
  const AVCodecDescriptor* descriptor = avcodec_descriptor_get(id);
  return descriptor != nullptr && (descriptor->props & AV_CODEC_PROP_INTRA_ONLY) != 0 &&
         (id == AV_CODEC_ID_MJPEG || id == AV_CODEC_ID_WEBP || id == AV_CODEC_ID_JPEG2000);
}

// Tags first. Without them: BT.601 for pictures (JFIF and WebP say so) and small video, else 709.
int color_matrix(const AVFrame& frame, AVCodecID id) {
  if (frame.colorspace != AVCOL_SPC_UNSPECIFIED && frame.colorspace != AVCOL_SPC_RGB) {
    return frame.colorspace;
  }
  return is_still(id) || frame.height < 720 ? AVCOL_SPC_SMPTE170M : AVCOL_SPC_BT709;
}

bool is_full_range(const AVFrame& frame) {
  const AVPixFmtDescriptor* desc = av_pix_fmt_desc_get(static_cast<AVPixelFormat>(frame.format));
  if (frame.color_range == AVCOL_RANGE_JPEG) return true;
  if (desc->nb_components <= 2) return frame.color_range != AVCOL_RANGE_MPEG;  // grey pictures
  return std::string(desc->name).rfind("yuvj", 0) == 0;
}

av::Scaler make_scaler(const AVFrame& frame, AVCodecID id) {
  auto format = static_cast<AVPixelFormat>(frame.format);
  av::Scaler scaler(sws_alloc_context());
  if (scaler == nullptr) throw Error(ErrorKind::kMemory, "out of memory for a picture");
  SwsContext* s = scaler.get();
  auto set = [&](const char* name, int64_t value) {
    av::check(av_opt_set_int(s, name, value, 0), std::string("swscale option ") + name);
  };
  set("srcw", frame.width);
  set("srch", frame.height);
  set("src_format", format);
  set("dstw", frame.width);
  set("dsth", frame.height);
  set("dst_format", AV_PIX_FMT_RGB24);
  set("sws_flags",
      SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT | SWS_FULL_CHR_H_INP | SWS_BITEXACT);
  const AVPixFmtDescriptor* desc = av_pix_fmt_desc_get(format);
  if (frame.chroma_location == AVCHROMA_LOC_LEFT && desc->log2_chroma_w != 0) {
    set("src_h_chr_pos", 0);
    if (desc->log2_chroma_h != 0) set("src_v_chr_pos", 128);
  }
  av::check(sws_init_context(s, nullptr, nullptr),
            std::string("cannot convert ") + desc->name + " to RGB", ErrorKind::kUsage);
  if (!is_rgb(format) && (desc->flags & AV_PIX_FMT_FLAG_PAL) == 0) {
    const int* table = sws_getCoefficients(color_matrix(frame, id));
    // Its return value only says that a path without tables was chosen.
    sws_setColorspaceDetails(s, table, is_full_range(frame) ? 1 : 0, table, 1, 0, 1 << 16, 1 << 16);
  }
  return scaler;
}

Image to_rgb(const AVFrame& frame, AVCodecID id) {
  av::Scaler scaler = make_scaler(frame, id);
  // Rows padded to 64 bytes: swscale's vector code may write past the end of a row.
  av::Frame rgb = av::new_frame();
  rgb->format = AV_PIX_FMT_RGB24;
  rgb->width = frame.width;
  rgb->height = frame.height;
  av::check(av_frame_get_buffer(rgb.get(), 64), "out of memory for a picture", ErrorKind::kUsage);
  av::check(sws_scale(scaler.get(), frame.data, frame.linesize, 0, frame.height, rgb->data,
                      rgb->linesize),
            "cannot convert to RGB", ErrorKind::kUsage);
  Image image{frame.width, frame.height, {}};
  size_t row = size_t{3} * static_cast<size_t>(frame.width);
  image.pixels.reserve(row * static_cast<size_t>(frame.height));
  for (int y = 0; y < frame.height; ++y) {
    const uint8_t* from = rgb->data[0] + static_cast<ptrdiff_t>(rgb->linesize[0]) * y;
    image.pixels.insert(image.pixels.end(), from, from + row);
  }
  return image;
}

// The display matrix of an EXIF orientation (1..8), row by row as in FFmpeg.
void matrix_of_exif(int orientation, int32_t (&matrix)[9]) {
  static constexpr int kTurns[8][4] = {{1, 0, 0, 1}, {-1, 0, 0, 1}, {-1, 0, 0, -1}, {1, 0, 0, -1},
                                       {0, 1, 1, 0}, {0, 1, -1, 0}, {0, -1, -1, 0}, {0, -1, 1, 0}};
  const int* turn = kTurns[orientation - 1];
  int32_t values[9] = {turn[0] << 16, turn[1] << 16, 0, turn[2] << 16, turn[3] << 16, 0, 0, 0,
                       1 << 30};
  std::copy(values, values + 9, matrix);
}

Image upright(Image image, const AVFrame* frame, const AVStream* stream) {
  const AVFrameSideData* side = av_frame_get_side_data(frame, AV_FRAME_DATA_DISPLAYMATRIX);
  if (side != nullptr && side->size >= 9 * sizeof(int32_t)) {
    return orient(std::move(image), reinterpret_cast<const int32_t*>(side->data));
  }
  if (const int32_t* matrix = av::stream_display_matrix(stream)) {
    return orient(std::move(image), matrix);
  }
  const AVDictionaryEntry* tag = av_dict_get(frame->metadata, "Orientation", nullptr, 0);
  long orientation = tag != nullptr ? std::strtol(tag->value, nullptr, 10) : 0;
  if (orientation < 2 || orientation > 8) return image;
  int32_t matrix[9];
  matrix_of_exif(static_cast<int>(orientation), matrix);
  return orient(std::move(image), matrix);
}

}  // namespace

Image decode_image(const InputFile& file) {
  MediaInput input(file, kMaxImagePixels);
  const AVCodecParameters* par = input.video()->codecpar;
  if (par->width > 0 && par->height > 0) check_size(par->width, par->height);
  av::Frame frame = first_frame(input);
  check_size(frame->width, frame->height);
  Image image = to_rgb(*frame, par->codec_id);
  return upright(std::move(image), frame.get(), input.video());
}

}  // namespace genvid::media
