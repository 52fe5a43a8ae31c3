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

ClipMakerInfo maker() {
  return {"1.2.3", "tiny-wan21", std::string(64, 'd'), "2.11.0", "AVX2", std::string(64, 'a')};
}

Plan plan_of(const Request& r) {
  return make_plan(r, ModelFolder::open(fs::path(GENVID_SOURCE_DIR) / "models/tiny-wan21"));
}

ClipIdentity identity_of(const Request& r, const ClipMakerInfo& m = maker()) {
  return identify_clip(plan_of(r), r, m);
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
  Plan plan = plan_of(r);
  const ClipId none = identify_clip(plan, r, maker()).id;
  plan.spec.image = Image{1, 1, {1, 2, 3}};
  const ClipId one = identify_clip(plan, r, maker()).id;
  plan.spec.image->pixels[2] = 4;
  EXPECT_NE(one, none);
  EXPECT_NE(identify_clip(plan, r, maker()).id, one);
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
  const Plan plan = plan_of(r);
  const ClipIdentity identity = identify_clip(plan, r, maker());
  const Json record = clip_record(plan, r, maker(), identity);
  EXPECT_EQ(record.at("clip_id"), identity.id.text());
  EXPECT_EQ(record.at("created"), identity.created);
  EXPECT_EQ(record.at("genvid"), "1.2.3");
  EXPECT_EQ(record.at("model_digest"), maker().model_digest);
  EXPECT_EQ(record.dump().find("a house"), std::string::npos);
  EXPECT_EQ(record.dump().find(maker().secret), std::string::npos);
  EXPECT_FALSE(record.contains("signed"));
}

// The model's own default differs from guidance_scale, so a rerun must be told.
TEST(Record, HoldsTheGuidanceOfWindowsThatGoOn) {
  Request r = base();
  r.seconds = 10;
  const Plan plan =
      make_plan(r, ModelFolder::open(fs::path(GENVID_SOURCE_DIR) / "models/tiny-genvid"));
  ASSERT_EQ(plan.spec.guidance_scale, plan.spec.guidance_scale_2);
  const Json record = clip_record(plan, r, maker(), identify_clip(plan, r, maker()));
  EXPECT_EQ(record.at("guidance_scale_2"), plan.spec.guidance_scale_2);
}

TEST(Record, NobodyFindsThePromptByTrying) {
  ClipMakerInfo other = maker(), none = maker();
  other.secret = std::string(64, 'b');
  none.secret.clear();
  const ClipIdentity mine = identity_of(base());
  EXPECT_NE(identity_of(base(), other).id, mine.id);
  EXPECT_NE(identity_of(base(), none).id, identity_of(base(), none).id) << "random";
  const Json record = clip_record(plan_of(base()), base(), maker(), mine);
  const std::string id = mine.id.text();
  EXPECT_EQ(record.at("prompt_hmac"), text_hmac(maker().secret, id, "prompt", "a house"));
  EXPECT_NE(record.at("prompt_hmac"), text_hmac(other.secret, id, "prompt", "a house"));
  EXPECT_NE(record.at("prompt_hmac"), text_hmac(maker().secret, "x", "prompt", "a house"));
  EXPECT_FALSE(clip_record(plan_of(base()), base(), none, mine).contains("prompt_hmac"));
}

TEST(Record, ThePromptIsEmbeddedOnRequest) {
  Request r = base();
  r.embed_prompt = true;
  r.sign = "key.pem";
  const Json record = clip_record(plan_of(r), r, maker(), identity_of(r));
  EXPECT_EQ(record.at("prompt"), "a house");
  EXPECT_FALSE(record.contains("prompt_hmac"));
  EXPECT_EQ(record.at("signed"), true);
  EXPECT_EQ(record.dump().find("key.pem"), std::string::npos);
}

TEST(Record, FoundAmongTags) {
  EXPECT_EQ(record_in({{"comment", R"({"genvid":"1","seed":4})"}}).at("seed"), 4);
  EXPECT_EQ(record_in({{"COMMENT", R"({"genvid":"1"})"}}).at("genvid"), "1");
  for (const char* text : {"", "{", "hello", "{\"a\":1}", "[1]", "{\"genvid\":1} x"}) {
    EXPECT_TRUE(record_in({{"comment", text}}).is_null()) << text;
  }
  EXPECT_TRUE(record_in({{"title", R"({"genvid":"1"})"}}).is_null());
}

}  // namespace
}  // namespace genvid
