#include "families/model_settings.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "core/data_dir.h"

namespace genvid {
namespace {

Traits apply(const char* json) {
  Traits t;
  apply_settings(parse_json(json, "test", ErrorKind::kModel), "genvid.json", t);
  return t;
}

TEST(ModelSettings, LaysKeysOverTraits) {
  const Traits t = apply(
      R"({"genvid": 1, "size": "96x64", "seconds": 0.375, "fps": 23.976, "num_inference_steps": 4,
          "guidance_scale": 4, "guidance_scale_2": 3, "shift": 5, "scheduler": "euler",
          "dtype": "bf16", "negative_prompt": "blur", "rollout": {"window": 21}})");
  EXPECT_EQ(t.size, (Size{96, 64}));
  EXPECT_EQ(t.seconds, 0.375);
  EXPECT_EQ(t.fps, (Rational{24000, 1001}));
  EXPECT_EQ(t.num_inference_steps, 4);
  EXPECT_EQ(t.guidance_scale, 4);
  EXPECT_EQ(t.guidance_scale_2, 3);
  EXPECT_EQ(t.shift, 5);
  EXPECT_EQ(t.scheduler, "euler");
  EXPECT_EQ(t.dtype, "bf16");
  EXPECT_EQ(t.negative_prompt, "blur");
}

TEST(ModelSettings, ReadsHowAClipStarts) {
  const Traits t =
      apply(R"({"scheduler": "euler-even", "drafts": 6, "first_steps": 24, "first_eta": 0.6,
                             "first_redrawn": 8})");
  EXPECT_EQ(t.drafts, 6);
  EXPECT_EQ(t.first_steps, 24);
  EXPECT_EQ(t.first_eta, 0.6);
  EXPECT_EQ(t.first_redrawn, 8);
}

TEST(ModelSettings, OneGuidanceScaleIsForBothExperts) {
  EXPECT_EQ(apply(R"({"guidance_scale": 4})").guidance_scale_2, 4);
}

TEST(ModelSettings, RefusesWhatItKnowsToBeWrong) {
  for (const char* bad : {R"({"size": "96"})", R"({"size": "97x64"})", R"({"size": "96x64x3"})",
                          R"({"size": "-8x64"})", R"({"size": "8x64"})", R"({"size": 96})",
                          R"({"num_inference_steps": 0})", R"({"num_inference_steps": 1.5})",
                          R"({"fps": 0})", R"({"scheduler": "ddim"})", R"({"dtype": "fp16"})",
                          R"({"genvid": 2})", R"({"seconds": -1})", R"({"first_steps": -1})",
                          R"({"scheduler": "euler-even", "first_eta": 1.5})",
                          R"({"scheduler": "euler-even", "first_redrawn": -1})",
                          R"({"scheduler": "unipc", "first_redrawn": 4})",
                          R"({"scheduler": "unipc", "first_eta": 0.5})"}) {
    try {
      apply(bad);
      ADD_FAILURE() << "accepted " << bad;
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), ErrorKind::kModel) << bad;
      EXPECT_NE(std::string(e.what()).find("genvid.json"), std::string::npos) << e.what();
    }
  }
}

TEST(ModelSettings, ReadsACausalRollout) {
  const Traits t = apply(
      R"({"scheduler": "renoise", "rollout": {"kind": "causal", "block": 3, "window": 12, "sink": 3,
          "timesteps": [1000, 937.5, 625]}})");
  ASSERT_TRUE(t.causal);
  EXPECT_EQ(t.causal->block, 3);
  EXPECT_EQ(t.causal->window, 12);
  EXPECT_EQ(t.causal->sink, 3);
  EXPECT_EQ(t.causal->timesteps, (std::vector<double>{1000, 937.5, 625}));
  EXPECT_EQ(t.num_inference_steps, 3);
  EXPECT_EQ(t.scheduler, "renoise");
}

TEST(ModelSettings, ReadsSceneCuts) {
  const Traits t = apply(
      R"({"rollout": {"kind": "causal", "block": 3, "window": 9, "sink": 3, "recache": false,
          "cut": {"offset": 8, "prompt_prefix": "Cut. "}}})");
  EXPECT_FALSE(t.causal->recache);
  ASSERT_TRUE(t.causal->cut);
  EXPECT_EQ(t.causal->cut->offset, 8);
  EXPECT_EQ(t.causal->cut->prompt_prefix, "Cut. ");
  const Traits plain = apply(R"({"rollout": {"kind": "causal", "block": 3, "window": 9}})");
  EXPECT_TRUE(plain.causal->recache);
  EXPECT_FALSE(plain.causal->cut);
}

TEST(ModelSettings, RefusesRolloutsThatDoNotFit) {
  for (const char* bad :
       {R"({"rollout": 3})", R"({"rollout": {"kind": "causal"}})",
        R"({"rollout": {"kind": "causal", "block": 0, "window": 12}})",
        R"({"rollout": {"kind": "causal", "block": 3, "window": 13}})",
        R"({"rollout": {"kind": "causal", "block": 3, "window": 12, "sink": 2}})",
        R"({"rollout": {"kind": "causal", "block": 3, "window": 12, "sink": 12}})",
        R"({"rollout": {"kind": "causal", "block": 3, "window": 12, "sink": -3}})",
        R"({"rollout": {"kind": "causal", "block": 3, "window": 12, "timesteps": [900, 1000]}})",
        R"({"rollout": {"kind": "causal", "block": 3, "window": 12, "timesteps": [1200]}})",
        R"({"rollout": {"kind": "causal", "block": 3, "window": 12, "timesteps": [500, 0]}})",
        R"({"rollout": {"kind": "causal", "block": 3, "window": 9, "cut": {"offset": 8}}})",
        R"({"rollout": {"kind": "causal", "block": 3, "window": 9, "recache": 1}})",
        R"({"rollout": {"kind": "causal", "block": 3, "window": 9, "recache": false, "cut": 8}})",
        R"({"rollout": {"kind": "causal", "block": 3, "window": 9, "recache": false, "cut": {}}})",
        R"({"rollout": {"kind": "causal", "block": 3, "window": 9, "recache": false,
            "cut": {"offset": -1}}})",
        R"({"rollout": {"kind": "causal", "block": 3, "window": 6, "sink": 3, "recache": false,
            "cut": {"offset": 8}}})",
        R"({"scheduler": "renoise"})",
        R"({"scheduler": "renoise", "rollout": {"kind": "causal", "block": 3, "window": 12}})"}) {
    try {
      apply(bad);
      ADD_FAILURE() << "accepted " << bad;
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), ErrorKind::kModel) << bad;
      EXPECT_NE(std::string(e.what()).find("genvid.json"), std::string::npos) << e.what();
    }
  }
}

TEST(ModelSettings, ReadsDiffusionForcing) {
  const Json json = parse_json(
      R"({"rollout": {"kind": "diffusion-forcing", "base_num_frames": 121, "overlap_history": 37,
          "causal_block_size": 5, "ar_step": 5, "addnoise_condition": 20}})",
      "test", ErrorKind::kModel);
  Traits t;
  EXPECT_THROW(apply_settings(json, "genvid.json", t), Error) << "no checkpoint of that kind";
  t.forcing = ForcingRollout();
  apply_settings(json, "genvid.json", t);
  EXPECT_EQ(t.forcing->base_num_frames, 121);
  EXPECT_EQ(t.forcing->overlap_history, 37);
  EXPECT_EQ(t.forcing->causal_block_size, 5);
  EXPECT_EQ(t.forcing->ar_step, 5);
  EXPECT_EQ(t.forcing->addnoise_condition, 20);
  for (const char* bad : {R"({"ar_step": -1})", R"({"overlap_history": 0})",
                          R"({"causal_block_size": 1.5})", R"({"addnoise_condition": 1001})"}) {
    Json wrong = parse_json(bad, "test", ErrorKind::kModel);
    wrong["kind"] = "diffusion-forcing";
    EXPECT_THROW(apply_settings({{"rollout", wrong}}, "genvid.json", t), Error) << bad;
  }
}

TEST(ModelSettings, CausalPresetsAreGood) {
  for (const char* name :
       {"longlive-2.0-5b", "longlive-1.3b", "self-forcing-1.3b", "causal-forcing-1.3b"}) {
    Traits t;
    const Json preset = read_preset(name);
    ASSERT_FALSE(preset.empty()) << name;
    apply_settings(preset, name, t);
    ASSERT_TRUE(t.causal) << name;
    EXPECT_EQ(t.causal->timesteps.size(), 4u) << name;
  }
}

TEST(ModelSettings, EveryPresetInConfigsIsGood) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(data_dir() / "configs")) {
    if (entry.path().extension() != ".json") continue;
    const std::string name = entry.path().stem().string();
    const bool forcing = name.rfind("skyreels", 0) == 0;
    if (name.rfind("wan", 0) != 0 && !forcing) continue;
    Traits t;
    if (forcing) t.forcing = ForcingRollout();
    apply_settings(read_preset(name), name, t);
    EXPECT_GT(t.size.width, 0) << name;
    EXPECT_GT(t.seconds, 0) << name;
    ++count;
  }
  EXPECT_GE(count, 10);
  EXPECT_TRUE(read_preset("no-such-preset").empty());
}

}  // namespace
}  // namespace genvid
