// From a prompt to a file, checked with FFmpeg's own ffprobe and ffmpeg.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "e2e/run_helper.h"

namespace genvid::e2e {
namespace {

namespace fs = std::filesystem;

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

Result make(const std::string& out, std::vector<std::string> more,
            const std::string& model = "tiny-wan21") {
  std::vector<std::string> args = {"establishing shot of a house",
                                   "-o",
                                   out,
                                   "--model",
                                   models(model),
                                   "--device",
                                   "cpu",
                                   "--threads",
                                   "2",
                                   "--seed",
                                   "1"};
  args.insert(args.end(), more.begin(), more.end());
  return genvid(args);
}

// "key=value" lines of the video stream, with frames counted by decoding them.
std::string probe(const std::string& file) {
  return run_program("ffprobe",
                     {"-v", "error", "-count_frames", "-select_streams", "v:0", "-show_entries",
                      "stream=codec_name,profile,width,height,pix_fmt,r_frame_rate,"
                      "avg_frame_rate,nb_read_frames,duration,color_range,color_space,"
                      "color_transfer,color_primaries:format=duration:format_tags=comment",
                      "-of", "default=nw=1", file})
      .out;
}

void expect_all(const std::string& text, const std::vector<std::string>& parts) {
  for (const std::string& part : parts)
    EXPECT_TRUE(has(text, part)) << part << " not in:\n" << text;
}

TEST(Clip, TwoSecondsAreExactlyTwoSeconds) {
  const TempDir dir;
  const Result r = make(dir / "a.mp4", {"--seconds", "2"});
  ASSERT_EQ(r.code, 0) << r.err;
  EXPECT_EQ(r.out, (dir / "a.mp4") + "\n");
  const std::string info = probe(dir / "a.mp4");
  expect_all(
      info, {"codec_name=h264", "profile=High", "width=48", "height=32", "pix_fmt=yuv420p\n",
             "r_frame_rate=16/1", "avg_frame_rate=16/1", "nb_read_frames=32", "duration=2.000000",
             "color_range=tv", "color_space=bt709", "color_transfer=bt709", "color_primaries=bt709",
             "\"seed\":1", "\"model\":\"tiny-wan21\""});
  EXPECT_FALSE(has(info, "establishing")) << "the prompt is not for the file";
  // Nothing else is left in the folder.
  EXPECT_EQ(std::distance(fs::directory_iterator(dir.path()), fs::directory_iterator()), 1);
}

TEST(Clip, SameCommandSameBytes) {
  const TempDir dir;
  for (const char* name : {"a.mp4", "b.mp4", "c.mkv", "d.mkv"}) {
    const Result r = make(dir / name, {});
    ASSERT_EQ(r.code, 0) << r.err;
  }
  EXPECT_EQ(read_bytes(dir / "a.mp4"), read_bytes(dir / "b.mp4"));
  EXPECT_EQ(read_bytes(dir / "c.mkv"), read_bytes(dir / "d.mkv"));
  ASSERT_EQ(make(dir / "e.mp4", {"--seed", "2"}).code, 0);
  EXPECT_NE(read_bytes(dir / "a.mp4"), read_bytes(dir / "e.mp4"));
}

TEST(Clip, EveryKindOfFile) {
  const TempDir dir;
  ASSERT_EQ(make(dir / "a.mkv", {"--frames", "7", "--size", "50x34"}).code, 0);
  expect_all(probe(dir / "a.mkv"),
             {"codec_name=ffv1", "width=50", "height=34", "nb_read_frames=7"});
  ASSERT_EQ(make(dir / "a.mov", {}).code, 0);
  expect_all(probe(dir / "a.mov"), {"codec_name=prores", "nb_read_frames=13"});
  ASSERT_EQ(make(dir / "ten.mp4", {"--pix-fmt", "yuv420p10le"}).code, 0);
  expect_all(probe(dir / "ten.mp4"), {"pix_fmt=yuv420p10le", "nb_read_frames=13"});
  const Result images = make(dir / "f_%05d.png", {"--frames", "6"});
  ASSERT_EQ(images.code, 0) << images.err;
  int count = 0;
  for (const auto& e : fs::directory_iterator(dir.path())) count += e.path().extension() == ".png";
  EXPECT_EQ(count, 6);
  const Result pipe = make("-", {"--frames", "5"});
  ASSERT_EQ(pipe.code, 0) << pipe.err;
  EXPECT_EQ(pipe.out.rfind("YUV4MPEG2 W48 H32 F16:1", 0), 0u);
}

TEST(Clip, InfoShowsWhatMadeIt) {
  const TempDir dir;
  ASSERT_EQ(make(dir / "a.mp4", {"--steps", "2"}).code, 0);
  const Result text = genvid({"info", dir / "a.mp4"});
  EXPECT_EQ(text.code, 0) << text.err;
  expect_all(text.out, {"h264", "48x32", "13 frames", "made by    genvid", "num_inference_steps"});
  const Result json = genvid({"info", dir / "a.mp4", "--json"});
  expect_all(json.out, {"\"frames\": 13", "\"num_inference_steps\": 2", "\"seed\": 1"});
}

TEST(Clip, SavedLatentsDecodeToTheSameFrames) {
  const TempDir dir;
  const Result made =
      make(dir / "a.mkv", {"--save-latents", dir / "l.safetensors", "--no-watermark"});
  ASSERT_EQ(made.code, 0) << made.err;
  const Result decoded =
      genvid({"decode", dir / "l.safetensors", "-o", dir / "b.mkv", "--model", models("tiny-wan21"),
              "--device", "cpu", "--threads", "2", "--no-watermark"});
  ASSERT_EQ(decoded.code, 0) << decoded.err;
  const auto frames = [&](const char* name) {
    return run_program("ffmpeg",
                       {"-v", "error", "-i", dir / name, "-map", "0:v", "-f", "framemd5", "-"})
        .out;
  };
  EXPECT_FALSE(frames("a.mkv").empty());
  EXPECT_EQ(frames("a.mkv"), frames("b.mkv"));
}

TEST(Clip, ImagesToVideo) {
  const TempDir dir;
  ASSERT_EQ(run_program("ffmpeg", {"-v", "error", "-f", "lavfi", "-i", "testsrc=size=64x64",
                                   "-frames:v", "1", dir / "i.png"})
                .code,
            0);
  for (const char* model : {"tiny-wan21-i2v", "tiny-wan22-i2v-a14b", "tiny-wan22-ti2v"}) {
    const Result r = make(dir / (std::string(model) + ".mkv"), {"--image", dir / "i.png"}, model);
    EXPECT_EQ(r.code, 0) << model << ": " << r.err;
  }
  const Result flf =
      make(dir / "flf.mkv", {"--image", dir / "i.png", "--last-image", dir / "i.png"},
           "tiny-wan21-flf2v");
  EXPECT_EQ(flf.code, 0) << flf.err;
}

TEST(Clip, ProgressAsJsonLines) {
  const TempDir dir;
  const Result r = make(dir / "a.mp4", {"--progress", "json"});
  ASSERT_EQ(r.code, 0) << r.err;
  expect_all(r.err, {"\"stage\":\"denoise\"", "\"done\":6", "\"total\":6", "\"event\":\"done\""});
}

TEST(Clip, ModelsCheckAgainstTheReference) {
  const std::string data = std::string(GENVID_SOURCE_DIR) + "/tests/data/";
  const Result good = genvid(
      {"models", "check", models("tiny-wan21"), "--against", data + "tiny-wan21.ref.safetensors"});
  EXPECT_EQ(good.code, 0) << good.out << good.err;
  EXPECT_TRUE(has(good.out, "ok ")) << good.out;
  // The reference of other weights must not pass.
  const Result bad = genvid({"models", "check", models("tiny-wan22-a14b"), "--against",
                             data + "tiny-wan21.ref.safetensors"});
  EXPECT_EQ(bad.code, 3) << bad.out << bad.err;
}

TEST(Clip, ControlCLeavesNoFile) {
  const TempDir dir;
  const std::string program = std::string(GENVID_BINARY_DIR) + "/genvid";
  const std::string out = dir / "a.mp4";
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    if (freopen("/dev/null", "w", stderr) == nullptr) _exit(126);
    execl(program.c_str(), "genvid", "a house", "-o", out.c_str(), "--model",
          models("tiny-wan21").c_str(), "--device", "cpu", "--size", "256x256", "--steps", "1000",
          static_cast<char*>(nullptr));
    _exit(127);
  }
  std::this_thread::sleep_for(std::chrono::seconds(3));
  kill(child, SIGINT);
  int status = 0;
  waitpid(child, &status, 0);
  ASSERT_TRUE(WIFEXITED(status)) << status;
  EXPECT_EQ(WEXITSTATUS(status), 130);
  EXPECT_TRUE(fs::is_empty(dir.path()));
}

}  // namespace
}  // namespace genvid::e2e
