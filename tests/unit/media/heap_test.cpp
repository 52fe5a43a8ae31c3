// The same frames give the same file whatever the heap held before: an encoder that reads memory
// which nothing wrote would break "same seed, same bytes" in long-running processes.
#include <gtest/gtest.h>
#include <malloc.h>

#include "unit/media/media_helper.h"

namespace genvid::media {
namespace {

TEST(Heap, WhatItHeldDoesNotReachTheFile) {
  TempDir dir;
  std::string first;
  for (int fill : {0, 1, 165}) {
    mallopt(M_PERTURB, fill);  // freed and fresh blocks are filled with it
    OutputOptions options;
    options.path = dir / (std::to_string(fill) + ".mp4");
    write_clip(options, make_spec(160, 96, 40), noise);
    std::string bytes = read_bytes(options.path);
    if (first.empty()) first = bytes;
    EXPECT_TRUE(bytes == first) << "heap filled with " << fill;
  }
  mallopt(M_PERTURB, 0);
}

}  // namespace
}  // namespace genvid::media
