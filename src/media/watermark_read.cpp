// detect_watermark(): decodes a file and looks for the mark at the sizes it may have been put in.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <functional>

#include "media/child.h"
#include "media/media_input.h"
#include "media/plane_resize.h"
#include "media/quote.h"
#include "media/watermark.h"

namespace genvid::media {
namespace {

constexpr int64_t kMaxPixels = int64_t{8192} * 8192;
constexpr int64_t kMostFrames = 4000;  // of a film more than enough; the mark repeats

// Luma of a frame in levels of 8-bit limited range.
class LumaReader {
 public:
  const std::vector<float>& read(const AVFrame& frame) {
    const auto format = static_cast<AVPixelFormat>(frame.format);
    const AVPixFmtDescriptor* desc = av_pix_fmt_desc_get(format);
    const auto width = static_cast<size_t>(frame.width);
    luma_.resize(width * static_cast<size_t>(frame.height));
    line_.resize(width);
    const bool palette = (desc->flags & AV_PIX_FMT_FLAG_PAL) != 0;
    const bool rgb = (desc->flags & AV_PIX_FMT_FLAG_RGB) != 0 || palette;
    const bool full = rgb || frame.color_range == AVCOL_RANGE_JPEG;
    constexpr float kWeights[3] = {0.2126f, 0.7152f, 0.0722f};
    for (int y = 0; y < frame.height; ++y) {
      float* out = luma_.data() + width * static_cast<size_t>(y);
      std::fill(out, out + width, full ? 16.0f : 0.0f);
      for (int c = 0; c < (rgb ? 3 : 1); ++c) {
        av_read_image_line(line_.data(), const_cast<const uint8_t**>(frame.data), frame.linesize,
                           desc, 0, y, c, frame.width, palette ? 1 : 0);
        const int depth = palette ? 8 : desc->comp[c].depth;
        float scale = 255.0f / static_cast<float>((1 << depth) - 1);
        if (!full) scale = 1.0f / static_cast<float>(1 << (depth - 8));
        if (full) scale *= 219.0f / 255.0f;
        if (rgb) scale *= kWeights[c];
        for (size_t x = 0; x < width; ++x) out[x] += scale * line_[x];
      }
    }
    return luma_;
  }

 private:
  std::vector<float> luma_;
  std::vector<uint16_t> line_;
};

bool can_read(const AVFrame& frame) {
  const AVPixFmtDescriptor* desc = av_pix_fmt_desc_get(static_cast<AVPixelFormat>(frame.format));
  constexpr uint64_t kNo = AV_PIX_FMT_FLAG_HWACCEL | AV_PIX_FMT_FLAG_FLOAT | AV_PIX_FMT_FLAG_BAYER |
                           AV_PIX_FMT_FLAG_BITSTREAM;
  return desc != nullptr && (desc->flags & kNo) == 0 && desc->comp[0].depth >= 8 &&
         desc->comp[0].depth <= 16;
}

// Every frame of the video, in order.
void decode_all(const MediaInput& input, const std::function<void(const AVFrame&)>& on_frame) {
  const AVStream* stream = input.video();
  const AVCodec* codec = avcodec_find_decoder(stream->codecpar->codec_id);
  if (codec == nullptr) throw Error(ErrorKind::kUsage, "this FFmpeg cannot decode it");
  av::CodecContext context = av::new_codec_context(codec);
  av::check(avcodec_parameters_to_context(context.get(), stream->codecpar), "cannot decode",
            ErrorKind::kUsage);
  context->max_pixels = kMaxPixels;
  context->thread_count = 1;
  av::check(avcodec_open2(context.get(), codec, nullptr), "cannot decode", ErrorKind::kUsage);
  av::Packet packet = av::new_packet();
  av::Frame frame = av::new_frame();
  int64_t frames = 0;
  for (bool more = true; more && frames < kMostFrames;) {
    more = av_read_frame(input.format(), packet.get()) >= 0;
    if (more && packet->stream_index != stream->index) {
      av_packet_unref(packet.get());
      continue;
    }
    // A damaged packet costs its frames, not the answer.
    avcodec_send_packet(context.get(), more ? packet.get() : nullptr);
    av_packet_unref(packet.get());
    while (frames < kMostFrames && avcodec_receive_frame(context.get(), frame.get()) == 0) {
      on_frame(*frame);
      ++frames;
    }
  }
  if (frames == 0) throw Error(ErrorKind::kUsage, "no frame of it can be decoded");
}

// The detectors of one file: at its own size, and at those it may have been scaled from.
class Search {
 public:
  Search(std::string key, std::optional<Size> original)
      : key_(std::move(key)), original_(original) {}

  void add(const AVFrame& frame) {
    if (!can_read(frame)) throw Error(ErrorKind::kUsage, "its pixel format is none to look at");
    const Size size{frame.width, frame.height};
    if (detectors_.empty()) open(size);
    if (!(size == own_)) return;  // a file that changes its size: the first one counts
    const std::vector<float>& luma = reader_.read(frame);
    for (Place& place : detectors_) {
      if (!place.resizer) {
        place.detector->add(luma.data());
        continue;
      }
      place.resizer->resize(luma.data(), static_cast<ptrdiff_t>(sizeof(float)) * own_.width,
                            place.scaled.data());
      place.detector->add(place.scaled.data());
    }
  }

  WatermarkReading result() const {
    WatermarkReading best;
    // Every size that was looked at is another chance for chance.
    const double penalty = std::log10(static_cast<double>(std::max<size_t>(detectors_.size(), 1)));
    for (const Place& place : detectors_) {
      WatermarkReading reading = place.detector->result();
      reading.log10_p = std::min(0.0, reading.log10_p + penalty);
      reading.found = reading.found && reading.log10_p < -9;
      reading.crc_ok = reading.crc_ok && reading.found;
      if (&place == detectors_.data() || reading.log10_p < best.log10_p) best = reading;
      if (best.crc_ok) break;
    }
    return best;
  }

 private:
  struct Place {
    std::unique_ptr<WatermarkDetector> detector;
    std::optional<PlaneResizer> resizer;
    std::vector<float> scaled;
  };

  void open(Size size) {
    own_ = size;
    place(size);
    if (original_) place(*original_);
    // What genvid's models make by default, in the same shape.
    constexpr Size kUsual[] = {{256, 160},  {832, 480},  {480, 832},  {1280, 720},
                               {720, 1280}, {1280, 704}, {704, 1280}, {1024, 576}};
    for (const Size& usual : kUsual) {
      const double shape = static_cast<double>(size.width) / size.height;
      const double other = static_cast<double>(usual.width) / usual.height;
      if (std::abs(shape / other - 1) < 0.01) place(usual);
    }
  }

  void place(Size size) {
    if (size.width < 16 || size.height < 16 || int64_t{size.width} * size.height > kMaxPixels)
      return;
    for (const Size& known : sizes_) {
      if (known == size) return;
    }
    sizes_.push_back(size);
    Place made;
    made.detector = std::make_unique<WatermarkDetector>(size, key_);
    if (!(size == own_)) {
      made.resizer.emplace(own_, size);
      made.scaled.resize(static_cast<size_t>(size.width) * static_cast<size_t>(size.height));
    }
    detectors_.push_back(std::move(made));
  }

  std::string key_;
  std::optional<Size> original_;
  Size own_;
  LumaReader reader_;
  std::vector<Place> detectors_;
  std::vector<Size> sizes_;
};

template <typename T>
void put(std::vector<uint8_t>& out, T value) {
  const size_t at = out.size();
  out.resize(at + sizeof value);
  std::memcpy(out.data() + at, &value, sizeof value);
}

template <typename T>
T take(const uint8_t*& in) {
  T value;
  std::memcpy(&value, in, sizeof value);
  in += sizeof value;
  return value;
}

std::vector<uint8_t> to_bytes(const WatermarkReading& r) {
  std::vector<uint8_t> out;
  put(out, r.log10_p);
  put(out, r.payload.clip_id);
  put(out, r.payload.system_id);
  put(out, r.size);
  put(out, static_cast<uint8_t>(r.found));
  put(out, static_cast<uint8_t>(r.crc_ok));
  return out;
}

WatermarkReading from_bytes(const std::vector<uint8_t>& bytes) {
  WatermarkReading r;
  const uint8_t* in = bytes.data();
  r.log10_p = take<double>(in);
  r.payload.clip_id = take<uint64_t>(in);
  r.payload.system_id = take<uint16_t>(in);
  r.size = take<Size>(in);
  r.found = take<uint8_t>(in) != 0;
  r.crc_ok = take<uint8_t>(in) != 0;
  return r;
}

}  // namespace

WatermarkReading detect_watermark(const std::string& path, std::string_view key,
                                  std::optional<Size> original) {
  const InputFile file(path);
  av::install_log();
  ChildLimits limits;
  limits.seconds = 600;  // a film takes a while to decode
  const std::string what = "cannot look for a mark in " + quote(path);
  const std::string held(key);
  return from_bytes(run_in_child(what, limits, [&] {
    const MediaInput input(file, kMaxPixels);
    Search search(held, original);
    decode_all(input, [&](const AVFrame& frame) { search.add(frame); });
    return to_bytes(search.result());
  }));
}

}  // namespace genvid::media
