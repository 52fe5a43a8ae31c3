#include "core/suggest.h"

#include <gtest/gtest.h>

#include <array>

namespace genvid {
namespace {

constexpr std::array<std::string_view, 5> kWords = {"prompt", "seed", "seconds", "num_frames",
                                                    "fps"};

TEST(Suggest, FindsTheNearestWord) {
  EXPECT_EQ(closest("promt", kWords), "prompt");
  EXPECT_EQ(closest("propmt", kWords), "prompt");
  EXPECT_EQ(closest("Seed", kWords), "seed");
  EXPECT_EQ(closest("num-frames", kWords), "num_frames");
  EXPECT_EQ(closest("fsp", kWords), "fps");
  EXPECT_EQ(closest("second", kWords), "seconds");
}

TEST(Suggest, FindsWordsByTheirBeginning) {
  EXPECT_EQ(closest("num", kWords), "num_frames");
  EXPECT_EQ(closest("Prom", kWords), "prompt");
  constexpr std::array<std::string_view, 3> kFlags = {"--guidance-scale-2", "--guidance-scale",
                                                      "--seed"};
  EXPECT_EQ(closest("--guidance", kFlags), "--guidance-scale");
  EXPECT_EQ(closest("--gu", kFlags), "") << "too short to tell";
  EXPECT_EQ(closest("--", kFlags), "");
  EXPECT_EQ(closest("--guidance-x", kFlags), "");
}

TEST(Suggest, StaysSilentWhenNothingIsNear) {
  EXPECT_EQ(closest("zzzzzz", kWords), "");
  EXPECT_EQ(closest("", kWords), "");
  EXPECT_EQ(closest(std::string(1'000'000, 'p'), kWords), "");
  EXPECT_EQ(did_you_mean("width", kWords), "");
  EXPECT_EQ(did_you_mean("sead", kWords), "; did you mean \"seed\"?");
}

}  // namespace
}  // namespace genvid
