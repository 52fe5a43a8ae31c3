// Every tiny checkpoint of the tree: to every kind of file, and against its reference from prompt
// to latents through the program itself.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "e2e/run_helper.h"

namespace genvid::e2e {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

const std::string kData = std::string(GENVID_SOURCE_DIR) + "/tests/data/";

// Which pictures a checkpoint takes, told by its name.
bool needs_image(const std::string& name) {
  const bool only = name.find("i2v") != std::string::npos && name.find("ti2v") == std::string::npos;
  return only || name.find("flf2v") != std::string::npos;
}
bool takes_last_image(const std::string& name) {
  return name.find("flf2v") != std::string::npos || name.find("skyreels") != std::string::npos;
}
bool takes_image(const std::string& name) {
  return name.find("i2v") != std::string::npos || takes_last_image(name);
}

std::vector<std::string> tiny_models() {
  std::vector<std::string> names;
  for (const auto& e : fs::directory_iterator(models(""))) {
    const std::string name = e.path().filename().string();
    if (name.rfind("tiny-", 0) == 0) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> references() {
  std::vector<std::string> names;
  const std::string suffix = ".ref.json";
  for (const auto& e : fs::directory_iterator(kData)) {
    const std::string name = e.path().filename().string();
    if (name.size() > suffix.size() && name.ends_with(suffix)) {
      names.push_back(name.substr(0, name.size() - suffix.size()));
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

constexpr auto by_name = [](const auto& info) { return test_name({info.param}); };

void make_picture(const std::string& file, const std::string& filter) {
  ASSERT_EQ(
      run_program("ffmpeg", {"-v", "error", "-f", "lavfi", "-i", filter, "-frames:v", "1", file})
          .code,
      0);
}

using Args = std::vector<std::string>;

Args command(const std::string& model, const std::string& out, const Args& more) {
  Args args = {"a house", "-o", out,         "--model", models(model), "--device", "cpu",
               "--seed",  "5",  "--threads", "1"};
  args.insert(args.end(), more.begin(), more.end());
  return args;
}

std::string stream_entries(const std::string& file) {
  return run_program("ffprobe",
                     {"-v", "error", "-count_frames", "-select_streams", "v:0", "-show_entries",
                      "stream=codec_name,width,height,r_frame_rate,nb_read_frames:"
                      "format=duration",
                      "-of", "default=nw=1", file})
      .out;
}

void expect_stream(const std::string& file, const Args& parts) {
  const std::string text = stream_entries(file);
  for (const std::string& p : parts) {
    EXPECT_NE(text.find(p), std::string::npos) << p << " not in:\n" << text;
  }
}

class Variant : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    const std::string name = GetParam();
    if (takes_image(name)) make_picture(dir_ / "first.png", "testsrc=size=80x64");
    if (takes_last_image(name)) make_picture(dir_ / "last.png", "testsrc2=size=80x64");
  }
  Args pictures() const {
    Args args;
    if (takes_image(GetParam())) args = {"--image", dir_ / "first.png"};
    if (takes_last_image(GetParam())) {
      args.insert(args.end(), {"--last-image", dir_ / "last.png"});
    }
    return args;
  }
  Result make(const std::string& out, Args more) const {
    const Args p = pictures();
    more.insert(more.end(), p.begin(), p.end());
    return genvid(command(GetParam(), out, more));
  }

  TempDir dir_;
};
INSTANTIATE_TEST_SUITE_P(Tiny, Variant, ::testing::ValuesIn(tiny_models()), by_name);

TEST_P(Variant, EveryKindOfFile) {
  const Args quick = {"--frames", "5", "--steps", "2", "--size", "64x64"};
  const std::vector<std::pair<std::string, std::string>> files = {
      {"a.mp4", "codec_name=h264"}, {"a.mov", "codec_name=prores"}, {"a.mkv", "codec_name=ffv1"}};
  for (const auto& [name, codec] : files) {
    const Result r = make(dir_ / name, quick);
    ASSERT_EQ(r.code, 0) << name << ": " << r.err;
    expect_stream(dir_ / name, {codec, "width=64", "height=64", "nb_read_frames=5"});
  }
  const Result images = make(dir_ / "f_%03d.png", quick);
  ASSERT_EQ(images.code, 0) << images.err;
  expect_stream(dir_ / "f_%03d.png", {"codec_name=png", "width=64", "nb_read_frames=5"});
  const Result raw = make("-", quick);
  ASSERT_EQ(raw.code, 0) << raw.err;
  EXPECT_EQ(raw.out.rfind("YUV4MPEG2 W64 H64 ", 0), 0u) << raw.out.substr(0, 40);
}

TEST_P(Variant, SameCommandSameFile) {
  for (const char* name : {"a.mp4", "b.mp4"}) {
    const Result r = make(dir_ / name, {"--frames", "5"});
    ASSERT_EQ(r.code, 0) << r.err;
  }
  EXPECT_EQ(read_bytes(dir_ / "a.mp4"), read_bytes(dir_ / "b.mp4"));
}

TEST_P(Variant, APictureIsNeededOrNot) {
  if (needs_image(GetParam())) {
    const Result r = genvid(command(GetParam(), dir_ / "a.mp4", {}));
    EXPECT_EQ(r.code, 2) << r.err;
    EXPECT_NE(r.err.find("--image"), std::string::npos) << r.err;
    return;
  }
  const Result r = genvid(command(GetParam(), dir_ / "a.mkv", {"--frames", "5"}));
  ASSERT_EQ(r.code, 0) << r.err;
  if (!takes_image(GetParam())) return;
  ASSERT_EQ(make(dir_ / "b.mkv", {"--frames", "5"}).code, 0);
  EXPECT_NE(read_bytes(dir_ / "a.mkv"), read_bytes(dir_ / "b.mkv"))
      << "the picture changes nothing";
}

// The bytes of one tensor of a safetensors file.
std::string tensor_bytes(const std::string& file, const std::string& name,
                         const std::string& dtype) {
  const std::string bytes = read_bytes(file);
  uint64_t length = 0;
  if (bytes.size() < 8) throw std::runtime_error(file + " is too short");
  std::memcpy(&length, bytes.data(), 8);
  const Json entry = Json::parse(bytes.substr(8, length)).at(name);
  if (entry.at("dtype") != dtype) throw std::runtime_error(name + " is not " + dtype);
  const uint64_t begin = entry.at("data_offsets").at(0), end = entry.at("data_offsets").at(1);
  return bytes.substr(8 + length + begin, end - begin);
}

std::vector<float> tensor(const std::string& file, const std::string& name) {
  const std::string bytes = tensor_bytes(file, name, "F32");
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

double max_abs(const std::vector<float>& a, const std::vector<float>& b) {
  if (a.size() != b.size() || a.empty()) return INFINITY;
  double worst = 0;
  for (size_t i = 0; i < a.size(); ++i) worst = std::max(worst, std::fabs(double(a[i]) - b[i]));
  return worst;
}

TEST_P(Variant, ThreadCountsAgreeWithinTheGate) {
  const auto latents = [&](const char* threads) {
    const std::string file = dir_ / (std::string(threads) + ".safetensors");
    const Result r = make(dir_ / (std::string(threads) + ".mkv"),
                          {"--frames", "9", "--threads", threads, "--save-latents", file});
    EXPECT_EQ(r.code, 0) << r.err;
    return tensor(file, "latents");
  };
  EXPECT_LE(max_abs(latents("1"), latents("2")), 5e-4);
}

const char* const kPictures[] = {"image.rgb8", "image_last.rgb8"};

class Against : public ::testing::TestWithParam<std::string> {
 protected:
  const std::string reference_ = kData + GetParam() + ".ref.safetensors";
  const Json json_ = Json::parse(std::ifstream(kData + GetParam() + ".ref.json"));
  std::string model() const {
    const std::string variant = json_.at("variant");
    return fs::exists(models(variant)) ? models(variant) : kData + variant;
  }
  // The reference's own pictures as files.
  Args pictures() const {
    Args args;
    for (const char* name : kPictures) {
      if (!json_.at("tensors").contains(name)) continue;
      const Json& shape = json_.at("tensors").at(name);
      const std::string size = shape.at(1).dump() + "x" + shape.at(0).dump();
      const std::string file = dir_ / (std::string(name) + ".png");
      const Result r = run_program("ffmpeg",
                                   {"-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24",
                                    "-s", size, "-i", "-", "-frames:v", "1", file},
                                   tensor_bytes(reference_, name, "U8"));
      EXPECT_EQ(r.code, 0) << r.err;
      args.insert(args.end(), {name == kPictures[0] ? "--image" : "--last-image", file});
    }
    return args;
  }
  TempDir dir_;
};
INSTANTIATE_TEST_SUITE_P(Reference, Against, ::testing::ValuesIn(references()), by_name);

TEST_P(Against, Passes) {
  const Result r = genvid({"models", "check", model(), "--against", reference_});
  EXPECT_EQ(r.code, 0) << r.out << r.err;
  EXPECT_EQ(r.out.find("FAIL"), std::string::npos) << r.out;
  EXPECT_NE(r.out.find("latents"), std::string::npos) << r.out;
}

// The program crops a picture to the clip's shape, where the reference stretches it: only
// references whose pictures have that shape can be made from the command line.
std::vector<std::string> references_of_one_shape() {
  std::vector<std::string> names;
  for (const std::string& name : references()) {
    const Json json = Json::parse(std::ifstream(kData + name + ".ref.json"));
    bool same = true;
    for (const char* picture : kPictures) {
      if (!json.at("tensors").contains(picture)) continue;
      const Json& shape = json.at("tensors").at(picture);
      const int64_t h = json.at("height"), w = json.at("width");
      same &= shape.at(0).get<int64_t>() * w == shape.at(1).get<int64_t>() * h;
    }
    if (same) names.push_back(name);
  }
  return names;
}

class Prompted : public Against {};
INSTANTIATE_TEST_SUITE_P(Reference, Prompted, ::testing::ValuesIn(references_of_one_shape()),
                         by_name);

// The reference's prompts, seed and settings on the command line give its final latents, drawn by
// the same generator or read from its file.
TEST_P(Prompted, GivesTheReferencesLatents) {
  const std::string init = dir_ / "init.safetensors";
  const std::vector<float> noise = tensor(reference_, "latents.init");
  std::string header = Json{{"noise",
                             {{"dtype", "F32"},
                              {"shape", json_.at("tensors").at("latents.init")},
                              {"data_offsets", {0, noise.size() * 4}}}}}
                           .dump();
  header.resize((header.size() + 7) / 8 * 8, ' ');
  const uint64_t length = header.size();
  std::ofstream out(init, std::ios::binary);
  out.write(reinterpret_cast<const char*>(&length), 8);
  out << header;
  out.write(reinterpret_cast<const char*>(noise.data()),
            static_cast<std::streamsize>(noise.size() * 4));
  out.close();
  const int steps = json_.at("steps");
  const auto run = [&](const std::string& name, const Args& more) {
    Args args = {"--prompt",
                 json_.at("prompt"),
                 "--negative-prompt",
                 json_.at("negative"),
                 "-o",
                 dir_ / (name + ".mkv"),
                 "--model",
                 model(),
                 "--device",
                 "cpu",
                 "--dtype",
                 "fp32",
                 "--threads",
                 "2",
                 "--steps",
                 std::to_string(steps),
                 "--frames",
                 std::to_string(json_.at("num_frames").get<int>()),
                 "--size",
                 std::to_string(json_.at("width").get<int>()) + "x" +
                     std::to_string(json_.at("height").get<int>()),
                 "--seed",
                 std::to_string(json_.at("seed").get<int64_t>()),
                 "--guidance-scale",
                 json_.at("guidance_scale").dump(),
                 "--save-latents",
                 dir_ / (name + ".st")};
    if (json_.contains("guidance_scale_2")) {
      args.insert(args.end(), {"--guidance-scale-2", json_.at("guidance_scale_2").dump()});
    }
    const Args given = pictures();
    args.insert(args.end(), given.begin(), given.end());
    args.insert(args.end(), more.begin(), more.end());
    const Result r = genvid(args);
    EXPECT_EQ(r.code, 0) << r.err;
    return tensor(dir_ / (name + ".st"), "latents");
  };
  const std::vector<float> drawn = run("drawn", {"--noise", "torch"});
  const std::vector<float> given = run("given", {"--init-latents", init});
  EXPECT_EQ(drawn, given) << "--noise torch is not what the reference's generator drew";
  EXPECT_LE(max_abs(given, tensor(reference_, "latents.final")), 5e-4);
}

TEST(Requests, OddOnes) {
  const TempDir dir;
  const auto make = [&](const std::string& name, const Args& more) {
    const Result r = genvid(command("tiny-wan21", dir / name, more));
    EXPECT_EQ(r.code, 0) << name << ": " << r.err;
    return r;
  };
  make("crop.mp4", {"--size", "50x34", "--frames", "5"});
  expect_stream(dir / "crop.mp4", {"width=50", "height=34", "nb_read_frames=5"});
  make("one.mp4", {"--frames", "1"});
  expect_stream(dir / "one.mp4", {"nb_read_frames=1"});
  const Result rate = make("rate.mp4", {"--fps", "24", "--seconds", "1"});
  expect_stream(dir / "rate.mp4", {"r_frame_rate=24/1", "nb_read_frames=24", "duration=1.000000"});
  EXPECT_NE(rate.err.find("warning"), std::string::npos) << "24 is not this model's rate";
  make("ntsc.mp4", {"--fps", "30000/1001", "--frames", "7"});
  expect_stream(dir / "ntsc.mp4", {"r_frame_rate=30000/1001", "nb_read_frames=7"});
}

// The program starts itself again to set how threads wait; what it was given must survive that.
TEST(Requests, SurviveTheRestart) {
  const TempDir dir;
  const std::string awkward = "a \"house\" at 100%\n\tby the 海, $HOME";
  const auto latents = [&](const std::string& name, Args args, const std::string& input,
                           const Args& environment) {
    args.insert(args.end(), {"-o", dir / (name + ".mkv"), "--model", models("tiny-wan21"),
                             "--frames", "5", "--steps", "2", "--seed", "1", "--device", "cpu",
                             "--threads", "1", "--save-latents", dir / name});
    const Result r = genvid(args, input, environment);
    EXPECT_EQ(r.code, 0) << r.err;
    return tensor(dir / name, "latents");
  };
  if (getenv("OMP_WAIT_POLICY") != nullptr) GTEST_SKIP() << "OMP_WAIT_POLICY is set: no restart";
  const auto once = latents("once", {"--prompt", awkward}, "", {"OMP_WAIT_POLICY=PASSIVE"});
  EXPECT_EQ(latents("again", {"--prompt", awkward, "--negative-prompt", ""}, "", {}), once);
  EXPECT_EQ(latents("input", {"-"}, awkward, {}), once);
}

}  // namespace
}  // namespace genvid::e2e
