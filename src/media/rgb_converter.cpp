#include "media/rgb_converter.h"

#include "media/output_plan.h"

namespace genvid::media {
namespace {

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

av::Scaler make_scaler(const AVFrame& frame, AVCodecID id, Size out) {
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
  set("dstw", out.width);
  set("dsth", out.height);
  set("dst_format", AV_PIX_FMT_RGB24);
  // Averaging is the right way down: it weighs every pixel, and is quick.
  const bool smaller = out.width < frame.width || out.height < frame.height;
  set("sws_flags", (smaller ? SWS_AREA : SWS_BICUBIC) | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT |
                       SWS_FULL_CHR_H_INP | SWS_BITEXACT);
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

}  // namespace

Image RgbConverter::convert(const AVFrame& frame, AVCodecID id, Size size) {
  const Key key{frame.width, frame.height, frame.format, frame.colorspace, frame.color_range, size};
  if (scaler_ == nullptr || !(key == key_)) {
    scaler_ = make_scaler(frame, id, size);
    key_ = key;
  }
  // Rows padded to 64 bytes: swscale's vector code may write past the end of a row.
  av::Frame rgb = av::new_frame();
  rgb->format = AV_PIX_FMT_RGB24;
  rgb->width = size.width;
  rgb->height = size.height;
  av::check(av_frame_get_buffer(rgb.get(), 64), "out of memory for a picture", ErrorKind::kUsage);
  av::check(sws_scale(scaler_.get(), frame.data, frame.linesize, 0, frame.height, rgb->data,
                      rgb->linesize),
            "cannot convert to RGB", ErrorKind::kUsage);
  Image image{size.width, size.height, {}};
  size_t row = size_t{3} * static_cast<size_t>(size.width);
  image.pixels.reserve(row * static_cast<size_t>(size.height));
  for (int y = 0; y < size.height; ++y) {
    const uint8_t* from = rgb->data[0] + static_cast<ptrdiff_t>(rgb->linesize[0]) * y;
    image.pixels.insert(image.pixels.end(), from, from + row);
  }
  return image;
}

}  // namespace genvid::media
