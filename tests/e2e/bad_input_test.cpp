// Every wrong input ends in its exit code and exactly one line on stderr, before the engine loads.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "e2e/run_helper.h"

namespace genvid::e2e {
namespace {

namespace fs = std::filesystem;

void expect_refused(const Result& r, int code, const std::string& part) {
  EXPECT_EQ(r.code, code) << r.err;
  EXPECT_EQ(r.out, "");
  EXPECT_EQ(r.err.rfind("genvid: error: ", 0), 0u) << r.err;
  EXPECT_EQ(std::count(r.err.begin(), r.err.end(), '\n'), 1) << r.err;
  EXPECT_NE(r.err.find(part), std::string::npos) << "no \"" << part << "\" in: " << r.err;
}

class BadInput : public ::testing::Test {
 protected:
  // A prompt, an output and a model that are good, then what the test adds.
  Result with(std::vector<std::string> more, const std::string& model = "tiny-wan21") {
    std::vector<std::string> args = {"a house", "-o", out_, "--model", models(model)};
    args.insert(args.end(), more.begin(), more.end());
    return genvid(args);
  }

  // A copy of a tiny checkpoint that may be spoiled.
  std::string copy_model(const std::string& name) {
    const std::string dir = dir_ / "model";
    fs::copy(models(name), dir, fs::copy_options::recursive);
    return dir;
  }
  Result run_model(const std::string& dir) {
    return genvid({"a house", "-o", out_, "--model", dir});
  }

  void TearDown() override { EXPECT_FALSE(fs::exists(out_)) << "a refused run left a file"; }

  TempDir dir_;
  std::string out_ = dir_ / "out.mp4";
};

TEST_F(BadInput, Usage) {
  expect_refused(genvid({}), 2, "no prompt");
  expect_refused(genvid({"a house"}), 2, "-o FILE");
  expect_refused(genvid({"", "-o", out_, "--model", models("tiny-wan21")}), 2, "prompt");
  expect_refused(genvid({" ", "-o", out_, "--model", models("tiny-wan21")}), 2, "prompt is empty");
  expect_refused(genvid({"a", "house", "-o", out_}), 2, "quotes");
  expect_refused(with({"--stepz", "3"}), 2, "--steps");
  expect_refused(with({"--prompt", "again"}), 2, "once");
  expect_refused(with({"--steps"}), 2, "--steps");
  expect_refused(genvid({"models"}), 2, "");
  expect_refused(genvid({"models", "check"}), 2, "MODEL");
  expect_refused(genvid({"info"}), 2, "FILE");
  expect_refused(genvid({"batch", "--limt", "3"}), 2, "--limit\"?; see genvid batch --help");
  expect_refused(genvid({"keys", "init", "--bits"}), 2, "see genvid keys init --help");
}

TEST_F(BadInput, Values) {
  const std::vector<std::vector<std::string>> cases = {{"--steps", "0"},
                                                       {"--steps", "1.5"},
                                                       {"--steps", "99999999999999999999"},
                                                       {"--seed", "-1"},
                                                       {"--seed", "x"},
                                                       {"--size", "48"},
                                                       {"--size", "49x32"},
                                                       {"--size", "0x32"},
                                                       {"--size", "100000x100000"},
                                                       {"--size", "48x32x1"},
                                                       {"--seconds", "0"},
                                                       {"--seconds", "-1"},
                                                       {"--seconds", "nan"},
                                                       {"--seconds", "1e30"},
                                                       {"--frames", "0"},
                                                       {"--frames", "100001"},
                                                       {"--fps", "0"},
                                                       {"--fps", "1/0"},
                                                       {"--fps", "1000"},
                                                       {"--guidance-scale", "inf"},
                                                       {"--shift", "0"},
                                                       {"--scheduler", "x"},
                                                       {"--dtype", "fp8"},
                                                       {"--vae-dtype", "x"},
                                                       {"--device", "tpu"},
                                                       {"--noise", "x"},
                                                       {"--threads", "-1"},
                                                       {"--progress", "x"},
                                                       {"--log-level", "x"},
                                                       {"--crf", "99"}};
  for (const auto& args : cases) {
    SCOPED_TRACE(args[0] + " " + args[1]);
    expect_refused(with(args), 2, args[0]);
  }
  expect_refused(with({"--seconds", "1", "--frames", "5"}), 2, "not both");
}

TEST_F(BadInput, Prompts) {
  const std::vector<std::string> rest = {"-o", out_, "--model", models("tiny-wan21")};
  const auto run = [&](std::vector<std::string> prompt, const std::string& input = "") {
    prompt.insert(prompt.end(), rest.begin(), rest.end());
    return genvid(prompt, input);
  };
  expect_refused(run({"a \xff"}), 2, "UTF-8");
  expect_refused(run({"-"}, std::string(70000, 'a')), 2, "65536");
  expect_refused(run({"-"}, ""), 2, "prompt");
  expect_refused(run({"--prompt-file", dir_ / "none.txt"}), 2, "none.txt");
  std::ofstream(dir_ / "big.txt") << std::string(70000, 'a');
  expect_refused(run({"--prompt-file", dir_ / "big.txt"}), 2, "big.txt");
}

TEST_F(BadInput, Outputs) {
  const auto to = [&](const std::string& path, std::vector<std::string> more = {}) {
    std::vector<std::string> args = {"a house", "-o", path, "--model", models("tiny-wan21")};
    args.insert(args.end(), more.begin(), more.end());
    return genvid(args);
  };
  expect_refused(to(dir_ / "out.xyz"), 2, "xyz");
  expect_refused(to(dir_ / "none/out.mp4"), 4, "none");
  std::ofstream(dir_ / "here.mp4") << "mine";
  expect_refused(to(dir_ / "here.mp4"), 4, "--overwrite");
  EXPECT_EQ(read_bytes(dir_ / "here.mp4"), "mine");
  EXPECT_NE(to(out_, {"--codec", "no-such-codec"}).code, 0);
  expect_refused(with({"--save-latents", dir_ / "none/l.safetensors"}), 4, "--save-latents");
}

TEST_F(BadInput, Models) {
  expect_refused(genvid({"a", "-o", out_, "--model", "no-such-model"}), 3, "tiny-wan21");
  expect_refused(genvid({"a", "-o", out_, "--model", dir_ / "none"}), 3, "none");
  expect_refused(genvid({"a", "-o", out_, "--model", dir_.path()}), 3, "model_index.json");
  expect_refused(with({}, "tiny-wan21-i2v"), 2, "--image");
  expect_refused(with({"--image", dir_ / "none.png"}, "tiny-wan21-i2v"), 2, "none.png");
  expect_refused(with({"--image", dir_ / "none.png"}), 2, "--image");
}

TEST_F(BadInput, SpoiledModelFolders) {
  const std::string dir = copy_model("tiny-wan21");
  const auto edit = [&](const std::string& file, const std::string& from, const std::string& to,
                        const std::string& part) {
    SCOPED_TRACE(file + ": " + from + " -> " + to);
    const std::string path = dir + "/" + file;
    const std::string good = read_bytes(path);
    std::string bad = good;
    const size_t at = bad.find(from);
    ASSERT_NE(at, std::string::npos);
    bad.replace(at, from.size(), to);
    fs::remove(path);
    std::ofstream(path, std::ios::binary) << bad;
    expect_refused(run_model(dir), 3, part);
    std::ofstream(path, std::ios::binary | std::ios::trunc) << good;
  };
  const std::string weights = "transformer/diffusion_pytorch_model.safetensors";
  edit("model_index.json", "WanPipeline", "OtherPipeline", "OtherPipeline");
  edit("model_index.json", "{", "{{", "model_index.json");
  edit("transformer/config.json", "\"num_layers\": 2", "\"num_layers\": 3", "missing weight");
  edit("transformer/config.json", "\"num_layers\": 2", "\"num_layers\": 1", "unexpected weight");
  edit("transformer/config.json", "\"ffn_dim\": 80", "\"ffn_dim\": 81", "expected [81");
  edit("vae/config.json", "\"z_dim\": 16", "\"z_dim\": 12", "");
  edit(weights, "norm2.weight", "norm9.weight", "norm9.weight");
  edit(weights, "\"F32\"", "\"F64\"", "");
  edit("genvid.json", "_steps\": 6", "_steps\": \"six\"", "num_inference_steps");
  fs::resize_file(dir + "/" + weights, 1000);
  expect_refused(run_model(dir), 3, "diffusion_pytorch_model.safetensors");
  fs::remove(dir + "/" + weights);
  expect_refused(run_model(dir), 3, "transformer");
}

TEST_F(BadInput, TokenizerMissing) {
  const std::string dir = copy_model("tiny-wan21");
  fs::remove(dir + "/tokenizer/spiece.model");
  expect_refused(run_model(dir), 3, "spiece.model");
}

TEST_F(BadInput, NoGpu) {
  if (fs::exists("/proc/driver/nvidia/version") || fs::exists("/dev/nvidiactl")) GTEST_SKIP();
  expect_refused(with({"--device", "cuda"}), 7, "driver");
  expect_refused(with({"--device", "cuda:3"}), 7, "cuda:3");
}

TEST_F(BadInput, Presets) {
  const std::string preset = dir_ / "p.json";
  const auto run = [&](const std::string& text) {
    std::ofstream(preset, std::ios::trunc) << text;
    return with({"--config", preset});
  };
  expect_refused(run("{"), 2, "p.json");
  expect_refused(run(R"({"sede": 1})"), 2, "seed");
  expect_refused(run(R"({"seed": "one"})"), 2, "seed");
  expect_refused(with({"--config", dir_ / "none.json"}), 2, "none.json");
}

TEST_F(BadInput, DecodeAndInfo) {
  expect_refused(
      genvid({"decode", dir_ / "none.safetensors", "-o", out_, "--model", models("tiny-wan21")}), 2,
      "none.safetensors");
  expect_refused(genvid({"info", dir_ / "none.mp4"}), 2, "none.mp4");
  std::ofstream(dir_ / "text.mp4") << "not a video";
  expect_refused(genvid({"info", dir_ / "text.mp4"}), 2, "text.mp4");
}

}  // namespace
}  // namespace genvid::e2e
