#include "media/frame_convert.h"

#include <bit>
#include <cmath>
#include <cstring>

#include "media/output_plan.h"

namespace genvid::media {
namespace {

// BITEXACT: the same bytes on every CPU, whatever its vector instructions.
constexpr int kScaleFlags =
    SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT | SWS_FULL_CHR_H_INP | SWS_BITEXACT;

void set_option(SwsContext* scaler, const char* name, int64_t value) {
  av::check(av_opt_set_int(scaler, name, value, 0), std::string("swscale option ") + name);
}

av::Scaler make_scaler(int width, int height, AVPixelFormat format) {
  av::Scaler scaler(sws_alloc_context());
  if (scaler == nullptr) throw Error(ErrorKind::kMemory, "out of memory for colour conversion");
  SwsContext* s = scaler.get();
  set_option(s, "srcw", width);
  set_option(s, "srch", height);
  set_option(s, "src_format", AV_PIX_FMT_GBRPF32);
  set_option(s, "dstw", width);
  set_option(s, "dsth", height);
  set_option(s, "dst_format", format);
  set_option(s, "sws_flags", kScaleFlags);
  // Chroma sits on the left samples, between two rows, as it is tagged: swscale would centre it.
  const AVPixFmtDescriptor* desc = av_pix_fmt_desc_get(format);
  if (desc->log2_chroma_w != 0) set_option(s, "dst_h_chr_pos", 0);
  if (desc->log2_chroma_h != 0) set_option(s, "dst_v_chr_pos", 128);
  av::check(sws_init_context(s, nullptr, nullptr), "cannot set up colour conversion");
  const int* bt709 = sws_getCoefficients(SWS_CS_ITU709);
  av::check(sws_setColorspaceDetails(s, bt709, 1, bt709, 0, 0, 1 << 16, 1 << 16),
            "cannot set BT.709 for colour conversion");
  return scaler;
}

const float* row_of(const FrameView& view, int plane, int y) {
  return reinterpret_cast<const float*>(static_cast<const uint8_t*>(view.plane[plane]) +
                                        view.stride[plane] * y);
}

// nearbyint rounds half to even in the default mode; NaN becomes 0.
inline uint32_t quantise(float value, float top) {
  float clamped = value > 0.0f ? (value < 1.0f ? value : 1.0f) : 0.0f;
  return static_cast<uint32_t>(std::nearbyintf(clamped * top));
}

void fill_component(const FrameView& view, int plane, AVFrame* frame,
                    const AVComponentDescriptor& comp, bool big_endian) {
  const float top = static_cast<float>((1u << comp.depth) - 1);
  for (int y = 0; y < frame->height; ++y) {
    const float* in = row_of(view, plane, y);
    uint8_t* out = frame->data[comp.plane] +
                   static_cast<ptrdiff_t>(frame->linesize[comp.plane]) * y + comp.offset;
    if (comp.depth <= 8) {
      for (int x = 0; x < frame->width; ++x) {
        out[static_cast<ptrdiff_t>(x) * comp.step] = static_cast<uint8_t>(quantise(in[x], top));
      }
      continue;
    }
    for (int x = 0; x < frame->width; ++x) {
      auto value = static_cast<uint16_t>(quantise(in[x], top) << comp.shift);
      if (big_endian == (std::endian::native == std::endian::little)) {
        value = static_cast<uint16_t>(value << 8 | value >> 8);
      }
      std::memcpy(out + static_cast<ptrdiff_t>(x) * comp.step, &value, 2);
    }
  }
}

void fill_rgb(const FrameView& view, AVFrame* frame, AVPixelFormat format) {
  const AVPixFmtDescriptor* desc = av_pix_fmt_desc_get(format);
  constexpr int kPlaneOf[3] = {2, 0, 1};  // R, G, B in a G, B, R view
  for (int c = 0; c < 3; ++c) {
    fill_component(view, kPlaneOf[c], frame, desc->comp[c],
                   (desc->flags & AV_PIX_FMT_FLAG_BE) != 0);
  }
}

}  // namespace

ColorTags color_tags(AVPixelFormat format, bool still) {
  ColorTags tags;
  if (is_rgb(format) || format == AV_PIX_FMT_PAL8) {
    tags.space = AVCOL_SPC_RGB;
    tags.range = AVCOL_RANGE_JPEG;
    tags.chroma = AVCHROMA_LOC_UNSPECIFIED;
  }
  if (still) tags.transfer = AVCOL_TRC_IEC61966_2_1;
  return tags;
}

FrameConverter::FrameConverter(int width, int height, AVPixelFormat format, const ColorTags& tags)
    : width_(width), height_(height), format_(format), tags_(tags) {
  if (!is_rgb(format)) scaler_ = make_scaler(width, height, format);
}

void FrameConverter::fresh_buffer() {
  frame_ = av::new_frame();
  frame_->format = format_;
  frame_->width = width_;
  frame_->height = height_;
  frame_->sample_aspect_ratio = {1, 1};
  frame_->color_primaries = tags_.primaries;
  frame_->color_trc = tags_.transfer;
  frame_->colorspace = tags_.space;
  frame_->color_range = tags_.range;
  frame_->chroma_location = tags_.chroma;
  av::set_frame_duration(frame_.get(), 1);
  av::check(av_frame_get_buffer(frame_.get(), 0), "cannot allocate a frame");
  // Padding bytes (the 0 of bgr0) are coded too: they must not hold what the heap held.
  for (int p = 0; p < AV_NUM_DATA_POINTERS && frame_->buf[p] != nullptr; ++p) {
    std::memset(frame_->buf[p]->data, 0, frame_->buf[p]->size);
  }
}

AVFrame* FrameConverter::convert(const FrameView& view, int64_t pts) {
  if (frame_ == nullptr || av_frame_is_writable(frame_.get()) == 0) fresh_buffer();
  if (scaler_ == nullptr) {
    fill_rgb(view, frame_.get(), format_);
  } else {
    const uint8_t* planes[4] = {};
    int strides[4] = {};
    for (int p = 0; p < 3; ++p) {
      planes[p] = static_cast<const uint8_t*>(view.plane[p]);
      strides[p] = static_cast<int>(view.stride[p]);
    }
    av::check(sws_scale(scaler_.get(), planes, strides, 0, height_, frame_->data, frame_->linesize),
              "colour conversion failed");
  }
  frame_->pts = pts;
  return frame_.get();
}

}  // namespace genvid::media
