// The invisible mark: a keyed pattern in mid-frequency luma that carries 64 bits with an
// error-correcting code and a CRC. Put in before encoding; found in what is left after re-encoding
// and scaling. It does not survive a crop, a turn, heavy compression, or somebody who knows the key
// and wants it gone: it is one of three layers, and the weakest against malice.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "genvid/frame_sink.h"
#include "genvid/types.h"

namespace genvid::media {

struct WatermarkPayload {
  static constexpr uint16_t kGenvidSystem = 0x6756;  // "gV": made by genvid itself
  uint16_t system_id = kGenvidSystem;
  uint64_t clip_id = 0;  // 48 bits: ClipId::short_id()
  bool operator==(const WatermarkPayload&) const = default;
};

// What to put in. key: any bytes, the same for finding; empty is the public key that every genvid
// knows, so that anybody can find the mark.
struct Watermark {
  WatermarkPayload payload;
  std::string key;
};

class WatermarkEmbedder {
 public:
  // clip: as it is written; a short one needs a stronger mark, and in one that loops the mark flows
  // into its start too.
  WatermarkEmbedder(const Watermark& mark, const FrameSpec& clip);
  ~WatermarkEmbedder();

  // Adds the mark to the next frame: three float planes in [0,1], width * height each, in place.
  // The same delta goes to all three, so only luma changes.
  void embed(float* g, float* b, float* r);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

struct WatermarkReading {
  bool found = false;        // the chance of so much correlation in an unmarked clip is below 1e-9
  double log10_p = 0;        // that chance's logarithm (an upper bound over all that was tried)
  bool crc_ok = false;       // the payload came through whole
  WatermarkPayload payload;  // meaningful when crc_ok
  Size size;  // the frame size that the mark was found at (the clip's own if not scaled)
};

// For frames as they come, at their own size or the one given when the clip was scaled.
class WatermarkDetector {
 public:
  explicit WatermarkDetector(Size size, std::string_view key = {});
  ~WatermarkDetector();

  // The next frame's luma as 8-bit limited range (16..235) values, width * height floats.
  void add(const float* luma);
  WatermarkReading result() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Whether so much is enough to find the mark again after usual compression: about four seconds of
// 256 x 160. In less it may be found or not.
bool watermark_fits(Size size, int64_t frames);

// Decodes a video file or picture in a child process with limits and looks for the mark: at the
// file's size and, when it is not there, at `original` (from the record) and usual scales.
// Throws Error(kUsage) when the file cannot be read.
WatermarkReading detect_watermark(const std::string& path, std::string_view key = {},
                                  std::optional<Size> original = {});

}  // namespace genvid::media
