// The same frames give the same file whatever the heap held before: an encoder that reads memory
// which nothing wrote would break "same seed, same bytes" in long-running processes.
#include <gtest/gtest.h>
#include <malloc.h>

#include <cmath>

#include "unit/media/media_helper.h"

namespace genvid::media {
namespace {

// A slow zoom with a little grain: what an encoder spreads its bits over in time.
Color zoom(int x, int y, int frame) {
  const double scale = 0.05 * (1.0 + 0.02 * frame);
  const double wave = std::sin((x - 208) * scale) * std::cos((y - 120) * scale);
  const double grain = noise_bytes(x, y, frame)[0] / 255.0 * 0.2;
  return {0.4 + 0.3 * wave + grain, 0.4 - 0.3 * wave + grain, 0.4 + grain};
}

TEST(Heap, WhatItHeldDoesNotReachTheFile) {
  TempDir dir;
  std::string first;
  for (int fill : {0, 1, 165}) {
    mallopt(M_PERTURB, fill);  // freed and fresh blocks are filled with it
    OutputOptions options;
    options.path = dir / (std::to_string(fill) + ".mp4");
    write_clip(options, make_spec(416, 240, 40), zoom);
    std::string bytes = read_bytes(options.path);
    if (first.empty()) first = bytes;
    EXPECT_TRUE(bytes == first) << "heap filled with " << fill;
  }
  mallopt(M_PERTURB, 0);
}

}  // namespace
}  // namespace genvid::media
