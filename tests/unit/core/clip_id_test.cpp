#include "core/clip_id.h"

#include <gtest/gtest.h>

namespace genvid {
namespace {

std::array<uint8_t, 16> counting() {
  std::array<uint8_t, 16> bytes{};
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(0xf0 + i);
  return bytes;
}

TEST(ClipId, IsAUuidOfVersion8) {
  const ClipId id(counting());
  EXPECT_EQ(id.text(), "f0f1f2f3-f4f5-86f7-b8f9-fafbfcfdfeff");
  EXPECT_TRUE(id);
  EXPECT_FALSE(ClipId());
}

TEST(ClipId, ShortIdIsTheFirstTwelveDigits) {
  const ClipId id(counting());
  EXPECT_EQ(id.short_id(), 0xf0f1f2f3f4f5u);
  EXPECT_EQ(short_id_text(id.short_id()), "f0f1f2f3-f4f5");
  EXPECT_EQ(short_id_text(0x1000000000), "00100000-0000");
}

TEST(ClipId, ReadsItsOwnText) {
  const ClipId id(counting());
  EXPECT_EQ(ClipId::parse(id.text()), id);
  EXPECT_EQ(ClipId::parse("urn:uuid:" + id.text()), id);
  EXPECT_EQ(ClipId::parse("F0F1F2F3-F4F5-86F7-B8F9-FAFBFCFDFEFF"), id);
}

TEST(ClipId, RefusesEverythingElse) {
  for (const char* text :
       {"", "f0f1f2f3-f4f5-46f7-b8f9-fafbfcfdfeff", "f0f1f2f3-f4f5-86f7-38f9-fafbfcfdfeff",
        "f0f1f2f3-f4f5-86f7-b8f9-fafbfcfdfef", "f0f1f2f3-f4f5-86f7-b8f9-fafbfcfdfeff0",
        "f0f1f2f3-f4f5-86f7-b8f9-fafbfcfdfe-f", "f0f1f2f3f-4f5-86f7-b8f9-fafbfcfdfeff",
        "g0f1f2f3-f4f5-86f7-b8f9-fafbfcfdfeff", "00000000-0000-0000-0000-000000000000"}) {
    EXPECT_FALSE(ClipId::parse(text)) << text;
  }
}

}  // namespace
}  // namespace genvid
