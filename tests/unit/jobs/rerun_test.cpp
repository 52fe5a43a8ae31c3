#include "jobs/rerun.h"

#include <gtest/gtest.h>

#include "core/request_json.h"
#include "media/sha256.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"

namespace genvid {
namespace {

using test::expect_error;

const std::string kSecret(64, 'a');
const std::string kId = "3f2504e0-4f89-8d3a-9a0c-0305e82c3301";

Json record() {
  Json r = parse_json(
      R"({"genvid":"0","model":"tiny","num_frames":32,"size":"48x32","fps":16,"seed":7,
"num_inference_steps":2,"guidance_scale":5,"flow_shift":3,"scheduler":"euler","rollout":"overlap",
"device":"cpu","dtype":"fp32","vae_dtype":"bf16","threads":2,"noise":"torch","codec":"h265",
"crf":20,"pix_fmt":"yuv420p","watermark":false,"family":"x","title":"y","created":"z"})",
      "record", ErrorKind::kUsage);
  r["clip_id"] = kId;
  r["secret_check"] = text_hmac(kSecret, kId, "check", "").substr(0, 8);
  r["prompt_hmac"] = text_hmac(kSecret, kId, "prompt", "a house");
  r["negative_prompt_hmac"] = text_hmac(kSecret, kId, "negative_prompt", "fog");
  return r;
}

RerunSources sources() {
  RerunSources s;
  s.what = "a.mp4";
  s.secret = kSecret;
  return s;
}

HistoryEntry history() {
  HistoryEntry e;
  e.clip_id = kId;
  e.prompt = "a house";
  e.negative_prompt = "fog";
  return e;
}

TEST(Rerun, EverySettingComesBack) {
  const Request r = request_of_record(record(), "a.mp4");
  const Json back = request_to_json(r);
  for (const auto& [key, value] : back.items()) EXPECT_EQ(value, record().at(key)) << key;
  EXPECT_EQ(back.size(), 19u) << back.dump();
}

TEST(Rerun, ARecordNamesNoFileAndNoFolder) {
  Json r = record();
  for (const char* key : {"output", "image", "last_image", "extend", "init_latents", "save_latents",
                          "sign", "preview"}) {
    r[key] = "/etc/passwd";
  }
  r["overwrite"] = true;
  EXPECT_EQ(request_to_json(request_of_record(r, "a.mp4")),
            request_to_json(request_of_record(record(), "a.mp4")));
  for (const char* model : {"../x", "/x", "..", ".", ".hidden", ""}) {
    r["model"] = model;
    expect_error(ErrorKind::kUsage, "a.mp4", [&] { request_of_record(r, "a.mp4"); });
  }
}

TEST(Rerun, WhatIsNoRecordIsRefused) {
  for (const Json& r : {Json(nullptr), Json::array(), Json::object(), Json{{"seed", 1}}}) {
    expect_error(ErrorKind::kUsage, "no settings", [&] { request_of_record(r, "a.mp4"); });
  }
  expect_error(ErrorKind::kUsage, "lack", [] { request_of_record({{"genvid", "0"}}, "a.mp4"); });
  Json r = record();
  r["seed"] = "seven";
  expect_error(ErrorKind::kUsage, "seed", [&] { request_of_record(r, "a.mp4"); });
}

TEST(Rerun, EncoderOptionsOfOthersAreNotUsed) {
  Json r = record();
  r["encoder_options"] = "x264-params=stats=/etc/x";
  RerunSources s = sources();
  s.history = history();
  const RerunPlan others = plan_rerun(r, s);
  EXPECT_TRUE(others.request.encoder_options.empty());
  EXPECT_EQ(others.notes.size(), 1u);
  s.history->record = r;
  EXPECT_EQ(plan_rerun(r, s).request.encoder_options, "x264-params=stats=/etc/x");
}

TEST(Rerun, PromptFromTheHistory) {
  RerunSources s = sources();
  expect_error(ErrorKind::kUsage, "--prompt", [&] { plan_rerun(record(), s); });
  s.history = history();
  const RerunPlan plan = plan_rerun(record(), s);
  EXPECT_EQ(plan.request.prompt, "a house");
  EXPECT_EQ(plan.request.negative_prompt, "fog");
  EXPECT_TRUE(plan.notes.empty());
}

TEST(Rerun, AGivenPromptIsCheckedWhereItCanBe) {
  RerunSources s = sources();
  s.prompt = "a house";
  s.negative_prompt = "fog";
  EXPECT_TRUE(plan_rerun(record(), s).notes.empty());
  s.prompt = "a house ";
  expect_error(ErrorKind::kUsage, "HMAC", [&] { plan_rerun(record(), s); });
  s.prompt = "a house";
  s.negative_prompt = "rain";
  expect_error(ErrorKind::kUsage, "negative prompt", [&] { plan_rerun(record(), s); });
  // On another machine nobody can tell: it is said, and the clip is made.
  s.secret = std::string(64, 'b');
  const RerunPlan other = plan_rerun(record(), s);
  ASSERT_EQ(other.notes.size(), 1u);
  EXPECT_NE(other.notes[0].find("another user's secret"), std::string::npos);
  s.negative_prompt.reset();
  EXPECT_EQ(plan_rerun(record(), s).notes.size(), 2u);
}

TEST(Rerun, AnEmbeddedPromptWins) {
  Json r = record();
  r["prompt"] = "a boat";
  r["negative_prompt"] = "";
  RerunSources s = sources();
  s.history = history();
  const RerunPlan plan = plan_rerun(r, s);
  EXPECT_EQ(plan.request.prompt, "a boat");
  EXPECT_EQ(plan.request.negative_prompt, "");
  s.prompt = "a house";
  expect_error(ErrorKind::kUsage, "leave --prompt out", [&] { plan_rerun(r, s); });
}

TEST(Rerun, PicturesAreFoundAndChecked) {
  const test::TempDir dir;
  test::write_file(dir / "a.png", "first");
  test::write_file(dir / "b.png", "second");
  const std::string digest = media::sha256("first");
  RerunSources s = sources();
  s.prompt = "a house";
  s.negative_prompt = "fog";
  s.inputs["image"] = (dir / "a.png").string();
  expect_error(ErrorKind::kUsage, "without --image", [&] { plan_rerun(record(), s); });
  Json r = record();
  r["inputs"] = {{"image", digest}};
  EXPECT_EQ(plan_rerun(r, s).request.image, (dir / "a.png").string());
  s.inputs["image"] = (dir / "b.png").string();
  expect_error(ErrorKind::kUsage, "sha256", [&] { plan_rerun(r, s); });
  s.inputs.clear();
  expect_error(ErrorKind::kUsage, "give --image", [&] { plan_rerun(r, s); });
  s.history = history();
  s.history->inputs["image"] = {(dir / "a.png").string(), digest};
  EXPECT_EQ(plan_rerun(r, s).request.image, (dir / "a.png").string());
  test::write_file(dir / "a.png", "changed");
  expect_error(ErrorKind::kUsage, "sha256", [&] { plan_rerun(r, s); });
  std::filesystem::remove(dir / "a.png");
  expect_error(ErrorKind::kUsage, "a.png", [&] { plan_rerun(r, s); });
}

}  // namespace
}  // namespace genvid
