#include "families/genvid_tiny/describe.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "support/expect_error.h"

namespace genvid::genvid_tiny {
namespace {

Json transformer_json() {
  return {{"dim", 384},           {"layers", 7},
          {"mlp_ratio", 3},       {"in_channels", 64},
          {"text_dim", 192},      {"rows", 10},
          {"columns", 16},        {"head_dim", 64},
          {"rope_base", 100},     {"rope_split", {16, 24, 24}},
          {"prediction", "x0"},   {"window", 8},
          {"history", 4},         {"history_sigma", 0.02},
          {"patch", {4, 16, 16}}, {"camera_moves", {{0, 0, 0}, {2.5, 0, 0}, {0, -1, 0.01}}},
          {"camera_hold", 0.7},   {"anchor_reach", 30}};
}

void refused(Json json, const std::string& part) {
  test::expect_error(ErrorKind::kModel, part,
                     [&] { parse_transformer_config(json, "transformer/config.json"); });
}

Json with(const char* key, Json value) {
  Json json = transformer_json();
  json[key] = std::move(value);
  return json;
}

TEST(GenvidTinyConfig, ReadsAndChecks) {
  const TransformerConfig c = parse_transformer_config(transformer_json(), "t");
  EXPECT_EQ(c.heads(), 6);
  EXPECT_EQ(c.window, 8);
  EXPECT_EQ(c.first_window, 8);
  ASSERT_EQ(c.camera_moves.size(), 3u);
  EXPECT_DOUBLE_EQ(c.camera_moves[1].right, 2.5);
  EXPECT_DOUBLE_EQ(c.camera_moves[2].growth, 0.01);
  EXPECT_EQ(parse_transformer_config(with("first_window", 1), "t").first_window, 1);
  refused(with("first_window", 9), "first_window");
  refused(with("patch", {4, 16, 8}), "patch");
  refused(with("camera_hold", 1.5), "camera_hold");
  for (const Json& bad :
       {Json::array(), Json("left"), Json{1, 2, 3}, Json{{1, 2}}, Json{{1, 2, "3"}},
        Json{{1, 2, 3, 4}}, Json{{5000, 0, 0}}, Json{{0, 0, -5}}}) {
    refused(with("camera_moves", bad), "camera_moves");
  }
  refused(with("dim", 400), "head_dim 64 must be even and divide dim 400");
  refused(with("rope_split", {16, 24, 22}), "adds up to 62");
  refused(with("rope_split", {15, 25, 24}), "even");
  refused(with("rope_split", {32, 32}), "rope_split");
  refused(with("prediction", "noise"), "only \"x0\"");
  refused(with("history", 8), "less than window");
  refused(with("anchor_reach", 7), "anchor_reach");
  refused(with("anchor_reach", "far"), "anchor_reach");
  EXPECT_EQ(c.steady, 1);
  EXPECT_EQ(parse_transformer_config(with("steady", 1.25), "t").steady, 1.25);
  refused(with("steady", 0.9), "steady");
  refused(with("zoom_most", 0.5), "zoom_most");
  refused(with("layers", -1), "layers");
  refused(with("dim", "wide"), "dim");
  refused(with("dim", nullptr), "dim");
}

TEST(GenvidTinyConfig, ZoomsOfLongClipsAreSlower) {
  const TransformerConfig c = parse_transformer_config(with("zoom_most", 2), "t");
  const CameraMove zoom = c.camera_moves[2];
  EXPECT_EQ(parse_transformer_config(transformer_json(), "t").zoom_most, 0);
  EXPECT_EQ(slowed(zoom, 0, 1000), zoom);
  EXPECT_EQ(slowed(zoom, c.zoom_most, 0), zoom);
  EXPECT_EQ(slowed(zoom, c.zoom_most, 69), zoom);
  const CameraMove slow = slowed(zoom, c.zoom_most, 200);
  EXPECT_NEAR(std::exp(200 * slow.growth), 2, 1e-12);
  EXPECT_NEAR(slow.down / zoom.down, std::log(2) / 2, 1e-12);
  EXPECT_EQ(slowed(c.camera_moves[1], c.zoom_most, 200), c.camera_moves[1]);
}

TEST(GenvidTinyConfig, TextAndCodec) {
  const Json text{{"vocab_size", 8},  {"dim", 64},
                  {"layers", 1},      {"head_dim", 64},
                  {"max_tokens", 48}, {"attributes", {{"time", {"unsaid", "day"}}}}};
  const TextEncoderConfig c = parse_text_encoder_config(text, "t");
  ASSERT_EQ(c.attributes.size(), 1u);
  EXPECT_EQ(c.attributes[0].second[1], "day");
  for (const Json& bad :
       {Json("x"), Json{{"time", 3}}, Json{{"time", {"unsaid"}}}, Json{{"time", {"unsaid", 4}}}}) {
    Json spoiled = text;
    spoiled["attributes"] = bad;
    test::expect_error(ErrorKind::kModel, "attributes",
                       [&] { parse_text_encoder_config(spoiled, "t"); });
  }
  const Json codec{
      {"latent_channels", 64}, {"patch", {4, 16, 16}}, {"low", 128}, {"mid", 128}, {"fine", 64},
      {"decoder", true}};
  EXPECT_EQ(parse_codec_config(codec, "v").block(), 3072);
  for (const Json& bad : {Json{4, 8, 8}, Json{4, 16, 8}, Json{16, 16}, Json{0, 16, 16}}) {
    Json spoiled = codec;
    spoiled["patch"] = bad;
    test::expect_error(ErrorKind::kModel, "patch", [&] { parse_codec_config(spoiled, "v"); });
  }
  for (const Json& bad : {Json(-1), Json(256), Json("8")}) {
    Json spoiled = codec;
    spoiled["even"] = bad;
    test::expect_error(ErrorKind::kModel, "even", [&] { parse_codec_config(spoiled, "v"); });
  }
}

TEST(GenvidTinyConfig, Judge) {
  const Json json{{"latent_channels", 64}, {"width", 96}, {"labels", {{"time", {"day", "night"}}}}};
  const JudgeConfig c = parse_judge_config(json, "j");
  EXPECT_EQ(c.width, 96);
  ASSERT_EQ(c.labels.size(), 1u);
  EXPECT_EQ(c.labels[0].second[1], "night");
  const auto spoiled = [&](const char* key, Json value) {
    Json bad = json;
    bad[key] = std::move(value);
    test::expect_error(ErrorKind::kModel, key, [&] { parse_judge_config(bad, "j"); });
  };
  spoiled("width", 90);
  spoiled("width", 0);
  spoiled("latent_channels", "many");
  for (const Json& labels : {Json::object(), Json("x"), Json{{"time", 3}},
                             Json{{"time", Json::array()}}, Json{{"time", {"day", 4}}}}) {
    spoiled("labels", labels);
  }
}

TEST(GenvidTinyConfig, Sketcher) {
  Json json = transformer_json();
  json["latent_channels"] = 64;
  json["facts"] = 12;
  json["subject"] = 6;
  json["outlines"] = 2;
  json["fine"] = 4;
  const SketcherConfig c = parse_sketcher_config(json, "s");
  EXPECT_EQ(c.channels(), 64 + 12 + 2 * 16);
  EXPECT_EQ(c.heads(), 6);
  const auto spoiled = [&](const char* key, Json value) {
    Json bad = json;
    bad[key] = std::move(value);
    test::expect_error(ErrorKind::kModel, key, [&] { parse_sketcher_config(bad, "s"); });
  };
  spoiled("facts", 0);
  spoiled("subject", 12);
  spoiled("outlines", "two");
  spoiled("fine", 3);
  spoiled("fine", 0);
  spoiled("latent_channels", nullptr);
  spoiled("prediction", "noise");
  spoiled("rope_split", Json{16, 24, 22});
}

TEST(GenvidTiny, GeometryAndTraits) {
  const ModelFolder model =
      ModelFolder::open(std::filesystem::path(GENVID_SOURCE_DIR) / "models/tiny-genvid");
  ASSERT_EQ(&find_description(model), &description());
  const Traits t = description().traits(model);
  EXPECT_EQ(t.geometry.only_size, (Size{80, 64}));
  EXPECT_EQ(t.geometry.frames_of(1), 4);
  EXPECT_EQ(t.geometry.frames_of(8), 32);
  EXPECT_EQ(t.geometry.latents_of(1), 1);
  EXPECT_EQ(t.geometry.latents_of(4), 1);
  EXPECT_EQ(t.geometry.latents_of(5), 2);
  EXPECT_EQ(t.geometry.max_frames, 32);
  EXPECT_EQ(t.history_latents, 4);
  EXPECT_EQ(t.anchor_reach, 8);
  EXPECT_EQ(t.fps, (Rational{12, 1}));
  EXPECT_DOUBLE_EQ(t.history_timestep, 20.0);
}

// The shipped shape: 15.4 M values in the transformer, and the counted work of one call.
TEST(GenvidTiny, SizeAndWork) {
  ModelConfig c;
  c.transformer = parse_transformer_config(transformer_json(), "t");
  c.text_encoder.vocab_size = 3015;
  double values = 0;
  for (const ExpectedTensor& t : expected_tensors(c)) {
    if (t.component != "transformer") continue;
    double n = 1;
    for (const int64_t d : t.shape) n *= static_cast<double>(d);
    values += n;
  }
  EXPECT_NEAR(values, 15.38e6, 0.01e6);
  // 7 blocks over 1280 tokens and 48 words.
  const double block = 2.0 * 1280 * 384 * 384 * 12 + 4.0 * 1280 * 384 * (1280 + 48);
  EXPECT_DOUBLE_EQ(transformer_flops(c.transformer, 1280, 48), 7 * block + 12.0 * 1280 * 384 * 64);
  const auto stages = costs(c, {.size = {256, 160}, .frames = 32});
  ASSERT_EQ(stages.size(), 3u);
  EXPECT_EQ(stages[1].tokens, 1280);
  EXPECT_LT(stages[1].weight_bytes + stages[1].work_bytes, uint64_t{300} << 20);
}

}  // namespace
}  // namespace genvid::genvid_tiny
