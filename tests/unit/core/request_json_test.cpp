#include "core/request_json.h"

#include <gtest/gtest.h>

#include "core/parse_values.h"
#include "support/expect_error.h"

namespace genvid {
namespace {

using test::expect_error;

Request read(std::string_view text) {
  return request_from_json(parse_json(text, "p.json", ErrorKind::kUsage), "p.json",
                           ErrorKind::kUsage);
}

void refused(std::string_view text, const std::string& part) {
  expect_error(ErrorKind::kUsage, part, [&] { read(text); });
}

constexpr const char* kFull = R"({
  "prompt": "a house", "negative_prompt": "blurry", "model": "models/x", "output": "o.mp4",
  "seconds": 2.5, "size": "832x480", "fps": "30000/1001", "image": "a.png", "last_image": "b.png",
  "extend": "c.mp4", "only_new": true, "prompt_at": "5s a boat", "best_of": 3,
  "num_inference_steps": 20, "guidance_scale": 4.5, "guidance_scale_2": 3, "flow_shift": 5,
  "scheduler": "euler", "seed": 18446744073709551615, "device": "cuda:1", "dtype": "bf16",
  "vae_dtype": "fp32", "threads": 2, "rollout":"overlap","noise": "torch", "init_latents": "i.safetensors",
  "save_latents": "s.safetensors", "codec": "libx264", "crf": 18, "pix_fmt": "yuv420p10le",
  "watermark": false, "overwrite": true, "format": "mkv", "bitrate": 500000, "preset": "slow",
  "encoder_options": "g=12", "output_size": "96x64", "output_fps": 25, "preview": "p.png",
  "sign": "k.pem", "cert": "c.pem", "keep_unsigned": true, "history": false, "embed_prompt": true,
  "overlap_history": 37, "causal_block_size": 5, "ar_step": 4, "addnoise_condition": 20.5,
  "credits": "A", "likeness_consent": "none"})";

TEST(RequestJson, ReadsEveryKey) {
  const Request r = read(kFull);
  EXPECT_EQ(r.prompt, "a house");
  EXPECT_EQ(r.negative_prompt, "blurry");
  EXPECT_EQ(r.model, "models/x");
  EXPECT_EQ(r.output, "o.mp4");
  EXPECT_EQ(r.seconds, 2.5);
  EXPECT_FALSE(r.frames.has_value());
  EXPECT_EQ(r.size, (Size{832, 480}));
  EXPECT_EQ(r.fps, (Rational{30000, 1001}));
  EXPECT_EQ(r.image, "a.png");
  EXPECT_EQ(r.last_image, "b.png");
  EXPECT_EQ(r.extend, "c.mp4");
  EXPECT_TRUE(r.only_new);
  EXPECT_EQ(r.prompt_at, "5s a boat");
  EXPECT_EQ(r.best_of, 3);
  EXPECT_EQ(r.num_inference_steps, 20);
  EXPECT_EQ(r.guidance_scale, 4.5);
  EXPECT_EQ(r.guidance_scale_2, 3.0);
  EXPECT_EQ(r.shift, 5.0);
  EXPECT_EQ(r.scheduler, "euler");
  EXPECT_EQ(r.seed, UINT64_MAX);
  EXPECT_EQ(r.device, "cuda:1");
  EXPECT_EQ(r.dtype, "bf16");
  EXPECT_EQ(r.vae_dtype, "fp32");
  EXPECT_EQ(r.threads, 2);
  EXPECT_EQ(r.overlap_history, 37);
  EXPECT_EQ(r.causal_block_size, 5);
  EXPECT_EQ(r.ar_step, 4);
  EXPECT_EQ(r.addnoise_condition, 20.5);
  EXPECT_EQ(r.noise, "torch");
  EXPECT_EQ(r.init_latents, "i.safetensors");
  EXPECT_EQ(r.save_latents, "s.safetensors");
  EXPECT_EQ(r.codec, "libx264");
  EXPECT_EQ(r.crf, 18);
  EXPECT_EQ(r.pix_fmt, "yuv420p10le");
  EXPECT_FALSE(r.watermark);
  EXPECT_TRUE(r.overwrite);
  EXPECT_EQ(read(R"({"num_frames": 81})").frames, 81);
}

TEST(RequestJson, WritesWhatItReads) {
  const Json full = parse_json(kFull, "p.json", ErrorKind::kUsage);
  EXPECT_EQ(request_to_json(read(kFull)), full);
  EXPECT_EQ(full.size() + 1, request_keys().size());  // all but num_frames
  EXPECT_EQ(request_to_json(Request()), Json::object());
  const Json frames = Json::parse(R"({"num_frames":81,"fps":24})");
  EXPECT_EQ(request_to_json(request_from_json(frames, "p", ErrorKind::kUsage)), frames);
}

TEST(RequestJson, ALayerChangesOnlyWhatItNames) {
  Request r = read(kFull);
  apply_request_json(Json::parse(R"({"num_frames":9,"seed":null,"crf":0})"), "l", ErrorKind::kUsage,
                     r);
  EXPECT_EQ(r.frames, 9);
  EXPECT_FALSE(r.seconds.has_value());
  EXPECT_EQ(r.seed, UINT64_MAX);
  EXPECT_EQ(r.crf, 0);
  EXPECT_EQ(r.prompt, "a house");
  apply_request_json(Json::parse(R"({"seconds":1})"), "l", ErrorKind::kUsage, r);
  EXPECT_EQ(r.seconds, 1.0);
  EXPECT_FALSE(r.frames.has_value());
}

TEST(RequestJson, AFailedLayerChangesNothing) {
  Request r = read(kFull);
  const Json bad = Json::parse(R"({"prompt":"other","threads":-1})");
  expect_error(ErrorKind::kUsage, "threads",
               [&] { apply_request_json(bad, "l", ErrorKind::kUsage, r); });
  EXPECT_EQ(r.prompt, "a house");
}

TEST(RequestJson, RefusesUnknownKeysWithASuggestion) {
  refused(R"({"promt":"x"})", "p.json: unknown key \"promt\"; did you mean \"prompt\"?");
  refused(R"({"frames":9})", "unknown key \"frames\"; did you mean \"num_frames\"?");
  refused(R"({"zzzzzzz":9})", "unknown key \"zzzzzzz\"");
  refused(R"({"a\u001b[2J":9})", "unknown key \"a\\x1B[2J\"");
  refused("[]", "p.json is array, expected an object");
}

TEST(RequestJson, RefusesWrongTypesAndValues) {
  refused(R"({"prompt":1})", "\"prompt\" is 1, expected a string");
  refused("{\"prompt\":\"" + std::string(65'537, 'x') + "\"}", "has 65537 bytes, at most 65536");
  refused("{\"output\":\"" + std::string(4097, 'x') + "\"}", "has 4097 bytes, at most 4096");
  refused(R"({"output":"a\u0000b"})", "\"output\" contains a NUL byte");
  refused(R"({"seconds":0})", "\"seconds\" is 0, expected a number in");
  refused(R"({"seconds":-1})", "\"seconds\" is -1");
  refused(R"({"seconds":1,"num_frames":2})", "both given");
  refused(R"({"num_frames":0})", "an integer in [1, 100000]");
  refused(R"({"num_frames":1.5})", "an integer in [1, 100000]");
  refused(R"({"num_frames":18446744073709551615})", "an integer in [1, 100000]");
  for (const char* size : {"832", "832x", "x480", "832x480x1", "832 x 480", "-832x480", "+832x480",
                           "8x480", "832x9000", "99999999999x480", "832X480", "0x10x20"}) {
    refused("{\"size\":\"" + std::string(size) + "\"}", "\"size\" must be a size");
  }
  refused(R"({"size":[832,480]})", "expected a string");
  for (const char* fps : {"0", "-24", "241", "0.5", "\"24/0\"", "\"-24/1\"", "\"24/1/1\"",
                          "\"nan\"", "\"inf\"", "\"0x18\"", "\"24 \"", "true", "\"\"", "1e300"}) {
    refused("{\"fps\":" + std::string(fps) + "}", "\"fps\" must be a frame rate");
  }
  refused(R"({"seed":-1})", "\"seed\" must be an integer in [0, 2^64 - 1]");
  refused(R"({"seed":1.0})", "\"seed\" must be");
  refused(R"({"seed":"1"})", "\"seed\" must be");
  refused(R"({"scheduler":"unipcc"})",
          "\"scheduler\" is \"unipcc\", expected one of unipc, euler, euler-even, renoise; did you "
          "mean \"unipc\"?");
  refused(R"({"dtype":"fp16"})", "expected one of auto, fp32, bf16");
  refused(R"({"noise":""})", "expected one of philox, torch");
  for (const char* device : {"gpu", "cuda:", "cuda:x", "cuda:-1", "cuda:1024", "cpu:0", ""}) {
    refused("{\"device\":\"" + std::string(device) + "\"}", "\"device\"");
  }
  refused(R"({"codec":"../x"})", "\"codec\" must be a plain word");
  refused(R"({"crf":64})", "[0, 63]");
  refused(R"({"threads":1025})", "[0, 1024]");
  refused(R"({"num_inference_steps":1001})", "[1, 1000]");
  refused(R"({"watermark":"no"})", "true or false");
}

TEST(ParseValues, ReadsRatesAsPeopleWriteThem) {
  EXPECT_EQ(parse_rate("24"), (Rational{24, 1}));
  EXPECT_EQ(parse_rate("23.976"), (Rational{24000, 1001}));
  EXPECT_EQ(parse_rate("23.98"), (Rational{24000, 1001}));
  EXPECT_EQ(parse_rate("29.97"), (Rational{30000, 1001}));
  EXPECT_EQ(parse_rate("59.94"), (Rational{60000, 1001}));
  EXPECT_EQ(parse_rate("12.5"), (Rational{25, 2}));
  EXPECT_EQ(parse_rate("48/2"), (Rational{24, 1}));
  EXPECT_EQ(parse_rate("9223372036854775807/9223372036854775807"), (Rational{1, 1}));
  EXPECT_FALSE(parse_rate("24fps").has_value());
  EXPECT_FALSE(rate_of(0.0001).has_value());
  EXPECT_EQ(to_text(Rational{24, 1}), "24");
  EXPECT_EQ(to_text(Rational{24000, 1001}), "24000/1001");
}

TEST(ParseValues, TakesNumbersWholeOrNotAtAll) {
  EXPECT_EQ(parse_integer("-9223372036854775808"), INT64_MIN);
  EXPECT_EQ(parse_unsigned("18446744073709551615"), UINT64_MAX);
  EXPECT_EQ(parse_number("1e-3"), 0.001);
  for (const char* bad : {"", " 1", "1 ", "+1", "1x", "0x10", "9223372036854775808"}) {
    EXPECT_FALSE(parse_integer(bad).has_value()) << bad;
  }
  for (const char* bad : {"", "-1", "18446744073709551616"}) {
    EXPECT_FALSE(parse_unsigned(bad).has_value()) << bad;
  }
  for (const char* bad : {"", "nan", "inf", "-inf", "1e400", "1,5", "0x1p3", "1.5 "}) {
    EXPECT_FALSE(parse_number(bad).has_value()) << bad;
  }
}

}  // namespace
}  // namespace genvid
