#include "jobs/marks.h"

#include <gtest/gtest.h>

#include "core/clip_id.h"

namespace genvid {
namespace {

const char kId[] = "3f2504e0-4f89-8d3a-9a0c-0305e82c3301";
const char kOther[] = "4f2504e0-4f89-8d3a-9a0c-0305e82c3301";

Json record() { return {{"genvid", "0"}, {"clip_id", kId}, {"seed", 1}, {"signed", true}}; }

// A file with everything in order.
FileMarks whole() {
  FileMarks m;
  m.path = "a.mp4";
  m.record = record();
  m.xmp = media::XmpFields{};
  m.xmp->system_name = "genvid";
  m.xmp->unique_id = std::string("urn:uuid:") + kId;
  m.watermark = media::WatermarkReading{};
  m.watermark->found = m.watermark->crc_ok = true;
  m.watermark->log10_p = -40;
  m.watermark->payload.clip_id = ClipId::parse(kId)->short_id();
  m.c2pa.state = "valid";
  m.c2pa.embedded = true;
  const Json manifest = {
      {"assertions", {{{"label", "org.genvid.generation"}, {"data", record()}}}}};
  m.c2pa.manifest = manifest.dump();
  return m;
}

// "tags=valid xmp=..." and the code.
std::string states(const FileMarks& marks) {
  const Verdict verdict = judge(marks);
  std::string all;
  for (const LayerVerdict& layer : verdict.layers) all += layer.name + "=" + layer.state + " ";
  return all + std::to_string(exit_code(verdict));
}

TEST(Marks, WholeAndNothing) {
  EXPECT_EQ(states(whole()), "tags=valid xmp=valid watermark=valid c2pa=valid 0");
  FileMarks nothing;
  nothing.watermark = media::WatermarkReading{};
  EXPECT_EQ(states(nothing), "tags=none xmp=none watermark=none c2pa=none 3");
}

TEST(Marks, UnsignedIsNoFault) {
  FileMarks m = whole();
  m.c2pa = {};
  m.record.erase("signed");
  EXPECT_EQ(states(m), "tags=valid xmp=valid watermark=valid c2pa=none 0");
  m.record["watermark"] = false;
  m.watermark = media::WatermarkReading{};
  EXPECT_EQ(states(m), "tags=valid xmp=valid watermark=none c2pa=none 0");
  m.xmp.reset();
  m.xmp_possible = false;
  EXPECT_EQ(states(m), "tags=valid xmp=none watermark=none c2pa=none 0");
}

TEST(Marks, EachLayerIsMissed) {
  FileMarks m = whole();
  m.record = nullptr;
  EXPECT_EQ(states(m), "tags=missing xmp=valid watermark=valid c2pa=valid 1");
  m = whole();
  m.xmp.reset();
  EXPECT_EQ(states(m), "tags=valid xmp=missing watermark=valid c2pa=valid 1");
  m = whole();
  m.watermark = media::WatermarkReading{};
  EXPECT_EQ(states(m), "tags=valid xmp=valid watermark=missing c2pa=valid 1");
  m = whole();
  m.c2pa = {};
  EXPECT_EQ(states(m), "tags=valid xmp=valid watermark=valid c2pa=missing 1");
  // All that a re-encoder leaves.
  m.record = nullptr;
  m.xmp.reset();
  EXPECT_EQ(states(m), "tags=missing xmp=missing watermark=valid c2pa=none 1");
}

TEST(Marks, EachLayerIsSeenToBeDamaged) {
  FileMarks m = whole();
  m.c2pa.state = "invalid";
  m.c2pa.reasons = {"assertion.bmffHash.mismatch"};
  EXPECT_EQ(states(m), "tags=valid xmp=valid watermark=valid c2pa=damaged 1");
  m = whole();
  m.record["seed"] = 2;
  EXPECT_EQ(states(m), "tags=damaged xmp=valid watermark=valid c2pa=valid 1");
  m = whole();
  m.record["clip_id"] = kOther;
  EXPECT_EQ(states(m), "tags=damaged xmp=valid watermark=valid c2pa=valid 1");
  m = whole();
  m.xmp->unique_id = std::string("urn:uuid:") + kOther;
  EXPECT_EQ(states(m), "tags=valid xmp=damaged watermark=valid c2pa=valid 1");
  m = whole();
  m.xmp->digital_source_type = "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture";
  EXPECT_EQ(states(m), "tags=valid xmp=damaged watermark=valid c2pa=valid 1");
  m = whole();
  m.xmp.reset();
  m.xmp_problem = "no XMP";
  EXPECT_EQ(states(m), "tags=valid xmp=damaged watermark=valid c2pa=valid 1");
  m = whole();
  m.watermark->payload.clip_id ^= 1;
  EXPECT_EQ(states(m), "tags=valid xmp=valid watermark=damaged c2pa=valid 1");
  m = whole();
  m.watermark->crc_ok = false;
  EXPECT_EQ(states(m), "tags=valid xmp=valid watermark=damaged c2pa=valid 1");
}

// Another program's file is judged by what it has.
TEST(Marks, OthersFiles) {
  FileMarks m;
  m.watermark = media::WatermarkReading{};
  m.c2pa.state = "trusted";
  m.c2pa.manifest = R"({"claim_generator":"camera","assertions":[]})";
  EXPECT_EQ(states(m), "tags=none xmp=none watermark=none c2pa=valid 0");
  m.xmp = media::XmpFields{};
  m.xmp->digital_source_type = "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture";
  EXPECT_EQ(states(m), "tags=none xmp=valid watermark=none c2pa=valid 0");
  m.c2pa.manifest =
      "{\"assertions\":[1,{\"label\":7},{\"label\":\"org.genvid."
      "generation\"}]}";
  EXPECT_EQ(states(m), "tags=none xmp=valid watermark=none c2pa=valid 0");
  m.c2pa.manifest = "no JSON";
  EXPECT_EQ(states(m), "tags=none xmp=valid watermark=none c2pa=valid 0");
}

TEST(Marks, JsonSaysAll) {
  const Json json = to_json(whole(), judge(whole()));
  EXPECT_EQ(json.at("state"), "valid");
  EXPECT_EQ(json.at("layers").at("watermark").at("reading").at("clip_id"), "3f2504e0-4f89");
  EXPECT_EQ(json.at("layers").at("tags").at("record"), record());
  EXPECT_EQ(json.at("layers").at("c2pa").at("credentials").at("manifest").at("assertions").size(),
            1u);
}

}  // namespace
}  // namespace genvid
