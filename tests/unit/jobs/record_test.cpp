#include "jobs/record.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <functional>

namespace genvid {
namespace {

namespace fs = std::filesystem;

Request base() {
  Request r;
  r.prompt = "a house";
  r.device = "cpu";
  r.seed = 7;
  return r;
}

ClipIdentity identity_of(const Request& r) {
  const Plan plan =
      make_plan(r, ModelFolder::open(fs::path(GENVID_SOURCE_DIR) / "models/tiny-wan21"));
  return identify_clip(plan, r, "tiny-wan21");
}

Request changed(const std::function<void(Request&)>& change) {
  Request r = base();
  change(r);
  return r;
}

TEST(Record, TheIdFollowsFromThePixels) {
  const ClipId id = identity_of(base()).id;
  EXPECT_TRUE(id);
  EXPECT_EQ(identity_of(base()).id, id);
  const std::function<void(Request&)> others[] = {
      [](Request& r) { r.prompt = "a house "; },
      [](Request& r) { r.negative_prompt = "fog"; },
      [](Request& r) { r.seed = 8; },
      [](Request& r) { r.num_inference_steps = 3; },
      [](Request& r) {
        r.size = Size{64, 32};
      },
      [](Request& r) { r.noise = "torch"; },
      [](Request& r) { r.guidance_scale = 2.5; },
  };
  for (const auto& change : others) EXPECT_NE(identity_of(changed(change)).id, id);
  const std::function<void(Request&)> same[] = {
      [](Request& r) { r.codec = "h265"; },    [](Request& r) { r.output = "x.webm"; },
      [](Request& r) { r.threads = 3; },       [](Request& r) { r.overwrite = true; },
      [](Request& r) { r.watermark = false; },
  };
  for (const auto& change : same) EXPECT_EQ(identity_of(changed(change)).id, id);
}

TEST(Record, PicturesCount) {
  const Request r = base();
  Plan plan = make_plan(r, ModelFolder::open(fs::path(GENVID_SOURCE_DIR) / "models/tiny-wan21"));
  const ClipId none = identify_clip(plan, r, "m").id;
  plan.spec.image = Image{1, 1, {1, 2, 3}};
  const ClipId one = identify_clip(plan, r, "m").id;
  plan.spec.image->pixels[2] = 4;
  EXPECT_NE(one, none);
  EXPECT_NE(identify_clip(plan, r, "m").id, one);
}

TEST(Record, TimeCanBePinned) {
  setenv("SOURCE_DATE_EPOCH", "1790000000", 1);
  EXPECT_EQ(identity_of(base()).created, "2026-09-21T14:13:20Z");
  setenv("SOURCE_DATE_EPOCH", "tomorrow", 1);
  EXPECT_THROW(identity_of(base()), Error);
  unsetenv("SOURCE_DATE_EPOCH");
  EXPECT_GT(identity_of(base()).created, "2026-09-21T14:13:20Z");
}

TEST(Record, HoldsTheIdentityAndNoPrompt) {
  const Request r = base();
  const Plan plan =
      make_plan(r, ModelFolder::open(fs::path(GENVID_SOURCE_DIR) / "models/tiny-wan21"));
  const ClipIdentity identity = identify_clip(plan, r, "tiny-wan21");
  const Json record = clip_record(plan, r, "tiny-wan21", "1.2.3", identity);
  EXPECT_EQ(record.at("clip_id"), identity.id.text());
  EXPECT_EQ(record.at("created"), identity.created);
  EXPECT_EQ(record.at("genvid"), "1.2.3");
  EXPECT_EQ(record.dump().find("a house"), std::string::npos);
}

}  // namespace
}  // namespace genvid
