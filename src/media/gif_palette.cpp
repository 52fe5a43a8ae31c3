#include "media/gif_palette.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "media/muxer.h"
#include "media/quote.h"

namespace genvid::media {
namespace {

constexpr int kBinBits = 5;
constexpr size_t kColours = 255;  // and one for "as before"

using Bins = std::vector<const PaletteMaker::Bin*>;

double mean(const PaletteMaker::Bin& bin, size_t channel) {
  return static_cast<double>(bin.sum[channel]) / static_cast<double>(bin.count);
}

// A part of the colours, with the channel in which it differs most.
struct Box {
  Bins bins;
  uint64_t count = 0;
  std::array<double, 3> middle{};
  size_t widest = 0;
  double error = 0;  // squared, in the widest channel

  explicit Box(Bins held) : bins(std::move(held)) {
    for (const auto* bin : bins) {
      count += bin->count;
      for (size_t c = 0; c < 3; ++c) middle[c] += static_cast<double>(bin->sum[c]);
    }
    for (double& m : middle) m /= static_cast<double>(count);
    if (bins.size() < 2) return;
    for (size_t c = 0; c < 3; ++c) {
      double sum = 0;
      for (const auto* bin : bins) {
        const double d = mean(*bin, c) - middle[c];
        sum += d * d * static_cast<double>(bin->count);
      }
      if (sum > error) {
        error = sum;
        widest = c;
      }
    }
  }

  // Splits at the mean of the widest channel; both parts hold something when error > 0.
  std::pair<Box, Box> split() const {
    Bins low, high;
    for (const auto* bin : bins) (mean(*bin, widest) < middle[widest] ? low : high).push_back(bin);
    return {Box(std::move(low)), Box(std::move(high))};
  }
};

// Bayer's 8 x 8 pattern: 0..63.
int bayer(int x, int y) {
  int value = 0;
  for (int bit = 0; bit < 3; ++bit) {
    const int a = x >> bit & 1, b = y >> bit & 1;
    value |= ((a ^ b) << 1 | b) << (2 * (2 - bit));
  }
  return value;
}

uint8_t to_byte(float value) {
  const float clamped = value > 0.0f ? (value < 1.0f ? value : 1.0f) : 0.0f;
  return static_cast<uint8_t>(std::nearbyintf(clamped * 255.0f));
}

int squared(int v) { return v * v; }

}  // namespace

PaletteMaker::PaletteMaker() : bins_(size_t{1} << (3 * kBinBits)) {}

void PaletteMaker::count(const uint8_t* rgb, size_t pixels) {
  constexpr int kShift = 8 - kBinBits;
  for (size_t i = 0; i < pixels; ++i, rgb += 3) {
    const size_t at = static_cast<size_t>(rgb[0] >> kShift) << (2 * kBinBits) |
                      static_cast<size_t>(rgb[1] >> kShift) << kBinBits |
                      static_cast<size_t>(rgb[2] >> kShift);
    Bin& bin = bins_[at];
    ++bin.count;
    for (size_t c = 0; c < 3; ++c) bin.sum[c] += rgb[c];
  }
}

std::vector<uint32_t> PaletteMaker::choose(size_t most) const {
  Bins used;
  for (const Bin& bin : bins_) {
    if (bin.count > 0) used.push_back(&bin);
  }
  if (used.empty()) return {0};
  std::vector<Box> boxes = {Box(std::move(used))};
  while (boxes.size() < most) {
    const auto worst = std::max_element(
        boxes.begin(), boxes.end(), [](const Box& a, const Box& b) { return a.error < b.error; });
    if (worst->error <= 0) break;
    auto [low, high] = worst->split();
    *worst = std::move(low);
    boxes.push_back(std::move(high));
  }
  std::vector<uint32_t> colours;
  for (const Box& box : boxes) {
    uint32_t colour = 0;
    for (const double m : box.middle) colour = colour << 8 | static_cast<uint32_t>(m + 0.5);
    colours.push_back(colour);
  }
  return colours;
}

GifPalette::GifPalette(int width, int height, std::string folder)
    : width_(width),
      height_(height),
      folder_(std::move(folder)),
      rgb_(static_cast<size_t>(width) * static_cast<size_t>(height) * 3) {
  fd_ = ::open(folder_.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd_ < 0) {  // a file system without unnamed files
    std::string name = folder_ + "/.genvid-gif.XXXXXX";
    fd_ = ::mkostemp(name.data(), O_CLOEXEC);
    if (fd_ >= 0) ::unlink(name.c_str());
  }
  if (fd_ < 0) throw_write_error("a temporary file in " + quote(folder_), AVERROR(errno));
}

GifPalette::~GifPalette() { ::close(fd_); }

void GifPalette::add(const FrameView& view) {
  constexpr size_t kPlaneOf[3] = {2, 0, 1};  // R, G, B in a G, B, R view
  for (size_t c = 0; c < 3; ++c) {
    const auto* plane = static_cast<const uint8_t*>(view.plane[kPlaneOf[c]]);
    uint8_t* out = rgb_.data() + c;
    for (int y = 0; y < height_; ++y) {
      const auto* row = reinterpret_cast<const float*>(plane + view.stride[kPlaneOf[c]] * y);
      for (int x = 0; x < width_; ++x, out += 3) *out = to_byte(row[x]);
    }
  }
  maker_.count(rgb_.data(), rgb_.size() / 3);
  for (size_t done = 0; done < rgb_.size();) {
    const ssize_t n = ::write(fd_, rgb_.data() + done, rgb_.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw_write_error("a temporary file in " + quote(folder_), AVERROR(errno));
    done += static_cast<size_t>(n);
  }
  ++frames_;
}

void GifPalette::choose_palette() {
  palette_ = maker_.choose(kColours);
  nearest_.resize(size_t{1} << 18);
  for (size_t i = 0; i < nearest_.size(); ++i) {
    nearest_[i] = nearest(static_cast<int>(i >> 12) * 4 + 2, static_cast<int>(i >> 6 & 63) * 4 + 2,
                          static_cast<int>(i & 63) * 4 + 2);
  }
  // The pattern reaches about half way to the next colour.
  double sum = 0;
  for (const uint32_t a : palette_) {
    int best = std::numeric_limits<int>::max();
    for (const uint32_t b : palette_) {
      if (a == b) continue;
      int distance = 0;
      for (int shift = 0; shift <= 16; shift += 8) {
        distance +=
            squared(static_cast<int>(a >> shift & 255) - static_cast<int>(b >> shift & 255));
      }
      best = std::min(best, distance);
    }
    sum += std::sqrt(std::min(best, 4096));
  }
  constexpr double kMost = 16;
  spread_ = static_cast<int>(std::min(kMost, sum / static_cast<double>(palette_.size()) * 0.6));
}

uint8_t GifPalette::nearest(int r, int g, int b) const {
  int best = std::numeric_limits<int>::max();
  size_t found = 0;
  for (size_t i = 0; i < palette_.size(); ++i) {
    const int dr = r - static_cast<int>(palette_[i] >> 16),
              dg = g - static_cast<int>(palette_[i] >> 8 & 255),
              db = b - static_cast<int>(palette_[i] & 255);
    const int distance = 2 * dr * dr + 4 * dg * dg + db * db;  // as the eye sees them
    if (distance < best) {
      best = distance;
      found = i;
    }
  }
  return static_cast<uint8_t>(found);
}

void GifPalette::map(AVFrame* frame) const {
  auto* colours = reinterpret_cast<uint32_t*>(frame->data[1]);
  std::fill(colours, colours + 256, 0u);  // the last one transparent, for what stays
  for (size_t i = 0; i < palette_.size(); ++i) colours[i] = 0xff000000u | palette_[i];
  std::array<int, 64> offsets{};
  for (int i = 0; i < 64; ++i) {
    offsets[static_cast<size_t>(i)] = (2 * bayer(i & 7, i >> 3) - 63) * spread_ / 126;
  }
  const uint8_t* rgb = rgb_.data();
  for (int y = 0; y < height_; ++y) {
    uint8_t* out = frame->data[0] + static_cast<ptrdiff_t>(frame->linesize[0]) * y;
    for (int x = 0; x < width_; ++x, rgb += 3) {
      const int offset = offsets[static_cast<size_t>((y & 7) << 3 | (x & 7))];
      size_t key = 0;
      for (int c = 0; c < 3; ++c) {
        key = key << 6 | static_cast<size_t>(std::clamp(rgb[c] + offset, 0, 255) >> 2);
      }
      out[x] = nearest_[key];
    }
  }
}

void GifPalette::replay(const std::function<void(AVFrame*)>& on_frame) {
  choose_palette();
  for (int64_t n = 0; n < frames_; ++n) {
    const auto bytes = static_cast<ssize_t>(rgb_.size());
    if (::pread(fd_, rgb_.data(), rgb_.size(), n * bytes) != bytes) {
      throw_write_error("again, from a temporary file in " + quote(folder_), AVERROR(EIO));
    }
    // A frame of its own: the encoder holds on to the one before.
    av::Frame frame = av::new_frame();
    frame->format = AV_PIX_FMT_PAL8;
    frame->width = width_;
    frame->height = height_;
    av::check(av_frame_get_buffer(frame.get(), 0), "cannot allocate a frame");
    map(frame.get());
    frame->pts = n;
    av::set_frame_duration(frame.get(), 1);
    on_frame(frame.get());
  }
}

}  // namespace genvid::media
