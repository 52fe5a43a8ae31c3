// Pictures of users: right colours, right way up, and every hostile file a clear line.
#include "media/image_reader.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cmath>

#include "media/av.h"
#include "media/probe.h"
#include "unit/media/media_helper.h"

namespace genvid::media {
namespace {

void write_png(const TempDir& dir, const std::string& name, int width, int height,
               const Painter& paint) {
  OutputOptions options;
  options.path = dir / "t_%d.png";
  write_clip(options, make_spec(width, height, 1), paint);
  std::filesystem::rename(dir / "t_1.png", dir / name);
}

// A JPEG of flat colours by FFmpeg's encoder, full range BT.601 as JFIF says.
std::string jpeg_bytes(int width, int height, const std::function<Color(int x, int y)>& paint) {
  av::CodecContext context = av::new_codec_context(avcodec_find_encoder(AV_CODEC_ID_MJPEG));
  context->width = width;
  context->height = height;
  context->pix_fmt = AV_PIX_FMT_YUVJ444P;
  context->color_range = AVCOL_RANGE_JPEG;
  context->time_base = {1, 1};
  context->flags |= AV_CODEC_FLAG_QSCALE;
  context->global_quality = FF_QP2LAMBDA * 1;
  av::check(avcodec_open2(context.get(), nullptr, nullptr), "mjpeg");
  av::Frame frame = av::new_frame();
  frame->format = context->pix_fmt;
  frame->width = width;
  frame->height = height;
  frame->quality = FF_QP2LAMBDA * 1;
  av::check(av_frame_get_buffer(frame.get(), 0), "frame");
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      Color c = paint(x, y);
      double luma = 0.299 * c[0] + 0.587 * c[1] + 0.114 * c[2];
      double values[3] = {luma * 255, 128 + 255 * (c[2] - luma) / 1.772,
                          128 + 255 * (c[0] - luma) / 1.402};
      for (int p = 0; p < 3; ++p) {
        frame->data[p][frame->linesize[p] * y + x] =
            static_cast<uint8_t>(std::lround(std::clamp(values[p], 0.0, 255.0)));
      }
    }
  }
  frame->pts = 0;
  av::Packet packet = av::new_packet();
  av::check(avcodec_send_frame(context.get(), frame.get()), "send");
  av::check(avcodec_send_frame(context.get(), nullptr), "flush");
  av::check(avcodec_receive_packet(context.get(), packet.get()), "receive");
  return {reinterpret_cast<char*>(packet->data), static_cast<size_t>(packet->size)};
}

// An APP1 segment with nothing but an orientation, right after the start marker.
std::string with_orientation(const std::string& jpeg, int orientation) {
  std::string exif = std::string("Exif\0\0", 6) + std::string("II*\0\x08\0\0\0", 8) +
                     std::string("\x01\0", 2) + std::string("\x12\x01\x03\0\x01\0\0\0", 8) +
                     std::string(1, static_cast<char>(orientation)) + std::string(7, '\0');
  std::string segment = "\xff\xe1";
  size_t length = exif.size() + 2;
  segment += static_cast<char>(length >> 8);
  segment += static_cast<char>(length & 255);
  return jpeg.substr(0, 2) + segment + exif + jpeg.substr(2);
}

std::array<int, 3> pixel(const Image& image, int x, int y) {
  size_t at =
      3 * (static_cast<size_t>(y) * static_cast<size_t>(image.width) + static_cast<size_t>(x));
  return {image.pixels[at], image.pixels[at + 1], image.pixels[at + 2]};
}

void expect_near(const std::array<int, 3>& got, const Color& want, int tolerance,
                 const std::string& where) {
  for (size_t c = 0; c < 3; ++c) {
    EXPECT_NEAR(got[c], want[c] * 255, tolerance) << where << " channel " << c;
  }
}

TEST(ImageReader, APngOfTheSameSizeIsExact) {
  TempDir dir;
  write_png(dir, "a.png", 67, 45, noise);
  Image image = read_image(dir / "a.png", {67, 45});
  ASSERT_EQ(image.pixels.size(), size_t{67 * 45 * 3});
  for (int y = 0; y < 45; ++y) {
    for (int x = 0; x < 67; ++x) {
      auto want = noise_bytes(x, y, 0);
      auto got = pixel(image, x, y);
      for (size_t c = 0; c < 3; ++c) ASSERT_EQ(got[c], want[c]) << x << "," << y;
    }
  }
}

TEST(ImageReader, JpegIsFullRangeBt601) {
  TempDir dir;
  write_bytes(dir / "a.jpg", jpeg_bytes(256, 64, [](int x, int) { return bars(x, 256); }));
  Image image = read_image(dir / "a.jpg", {256, 64});
  for (int bar = 0; bar < 8; ++bar) {
    int x = bar * 32 + 16;
    expect_near(pixel(image, x, 32), bars(x, 256), 3, "bar " + std::to_string(bar));
  }
}

TEST(ImageReader, VideoIsReadByItsTags) {
  TempDir dir;
  for (std::string name : {"a.mp4", "a.mov", "a.mkv", "a.webm"}) {
    OutputOptions options;
    options.path = dir / name;
    write_clip(options, make_spec(256, 64, 3), [](int x, int, int) { return bars(x, 256); });
    Image image = read_image(options.path, {256, 64});
    for (int bar = 0; bar < 8; ++bar) {
      int x = bar * 32 + 16;
      expect_near(pixel(image, x, 32), bars(x, 256), 3, name + " bar " + std::to_string(bar));
    }
  }
}

TEST(ImageReader, TurnsPhotosUpright) {
  TempDir dir;
  // Corners of the stored picture: red, green / blue, white.
  const Color kRed{1, 0, 0}, kGreen{0, 1, 0}, kBlue{0, 0, 1}, kWhite{1, 1, 1};
  auto paint = [&](int x, int y) {
    return y < 24 ? (x < 32 ? kRed : kGreen) : (x < 32 ? kBlue : kWhite);
  };
  std::string plain = jpeg_bytes(64, 48, paint);
  // What each orientation shows in the corners: top left, top right, bottom left, bottom right.
  const std::array<Color, 4> kShown[8] = {
      {kRed, kGreen, kBlue, kWhite}, {kGreen, kRed, kWhite, kBlue}, {kWhite, kBlue, kGreen, kRed},
      {kBlue, kWhite, kRed, kGreen}, {kRed, kBlue, kGreen, kWhite}, {kBlue, kRed, kWhite, kGreen},
      {kWhite, kGreen, kBlue, kRed}, {kGreen, kWhite, kRed, kBlue}};
  for (int orientation = 1; orientation <= 8; ++orientation) {
    write_bytes(dir / "a.jpg", with_orientation(plain, orientation));
    bool swapped = orientation >= 5;
    int w = swapped ? 48 : 64, h = swapped ? 64 : 48;
    Image image = read_image(dir / "a.jpg", {w, h});
    const auto& want = kShown[orientation - 1];
    std::string where = "orientation " + std::to_string(orientation);
    expect_near(pixel(image, 8, 8), want[0], 4, where + " top left");
    expect_near(pixel(image, w - 9, 8), want[1], 4, where + " top right");
    expect_near(pixel(image, 8, h - 9), want[2], 4, where + " bottom left");
    expect_near(pixel(image, w - 9, h - 9), want[3], 4, where + " bottom right");
  }
}

TEST(ImageReader, CropsTheMiddleToTheShape) {
  TempDir dir;
  // Left third red, middle green, right blue: a square shows the middle alone.
  write_png(dir, "a.png", 300, 100, [](int x, int, int) {
    return x < 100 ? Color{1, 0, 0} : x < 200 ? Color{0, 1, 0} : Color{0, 0, 1};
  });
  Image image = read_image(dir / "a.png", {64, 64});
  EXPECT_EQ(image.width, 100) << "at its own resolution";
  EXPECT_EQ(image.height, 100);
  for (int x : {8, 50, 92}) expect_near(pixel(image, x, 30), {0, 1, 0}, 1, std::to_string(x));
}

TEST(ImageReader, GreyAndDeepPictures) {
  TempDir dir;
  OutputOptions options;
  options.path = dir / "deep_%d.png";
  options.pix_fmt = "rgb48be";
  write_clip(options, make_spec(64, 32, 1), [](int x, int, int) { return bars(x, 64); });
  Image image = read_image(dir / "deep_1.png", {64, 32});
  for (int bar = 0; bar < 8; ++bar) {
    expect_near(pixel(image, bar * 8 + 4, 16), bars(bar * 8 + 4, 64), 1, std::to_string(bar));
  }
  // PGM: grey, full range.
  std::string pgm = "P5\n64 32\n255\n";
  for (int i = 0; i < 64 * 32; ++i) pgm += static_cast<char>(i % 64 * 4);
  write_bytes(dir / "a.pgm", pgm);
  image = read_image(dir / "a.pgm", {64, 32});
  for (int x = 0; x < 64; ++x) {
    expect_near(pixel(image, x, 7), Color{x * 4 / 255.0, x * 4 / 255.0, x * 4 / 255.0}, 0,
                "grey " + std::to_string(x));
  }
}

TEST(ImageReader, HostileFiles) {
  TempDir dir;
  write_png(dir, "good.png", 200, 100, noise);
  std::string png = read_bytes(dir / "good.png");
  std::string jpeg = jpeg_bytes(256, 256, [](int x, int y) { return noise(x, y, 0); });
  auto put = [&](const std::string& name, const std::string& bytes) {
    write_bytes(dir / name, bytes);
  };
  put("text.png", "This is no picture at all.\n");
  put("text.txt", "Nor is this one.\n");
  put("list.jpg", "ffconcat version 1.0\nfile good.png\n");
  put("play.png", "#EXTM3U\n#EXTINF:1,\ngood.png\n");
  put("empty.png", "");
  put("cut.png", png.substr(0, png.size() / 2));
  put("head.png", png.substr(0, 40));
  put("cut.jpg", jpeg.substr(0, jpeg.size() / 3));
  put("zeros.png", std::string(1 << 20, '\0'));
  std::string huge = png;  // 30000x30000 in the header, its checksum made right
  for (size_t at : {size_t{16}, size_t{20}}) {
    huge[at] = huge[at + 1] = 0;
    huge[at + 2] = 0x75;
    huge[at + 3] = 0x30;
  }
  uint32_t crc = ~av_crc(av_crc_get_table(AV_CRC_32_IEEE_LE), ~0u,
                         reinterpret_cast<const uint8_t*>(huge.data()) + 12, 17);
  for (size_t i = 0; i < 4; ++i) huge[29 + i] = static_cast<char>(crc >> (24 - 8 * i));
  put("huge.png", huge);
  std::string ppm = "P6\n1 1\n255\nabc";
  put("one.ppm", ppm);
  ASSERT_EQ(mkfifo((dir / "fifo.png").c_str(), 0600), 0);
  std::filesystem::create_directory(dir / "folder.png");
  std::filesystem::create_symlink("/dev/zero", dir / "zero.png");

  struct Hostile {
    std::string name, says;
  };
  const Hostile kCases[] = {{"text.png", "FFmpeg knows"},
                            {"text.txt", "FFmpeg knows"},
                            {"list.jpg", "FFmpeg knows"},
                            {"play.png", "FFmpeg knows"},
                            {"empty.png", "empty"},
                            {"cut.png", ""},
                            {"head.png", ""},
                            {"cut.jpg", ""},
                            {"zeros.png", ""},
                            {"huge.png", "image size"},
                            {"one.ppm", "1x1"},
                            {"fifo.png", "regular file"},
                            {"folder.png", "folder"},
                            {"zero.png", "regular file"},
                            {"missing.png", "No such file"}};
  for (const Hostile& c : kCases) {
    auto start = std::chrono::steady_clock::now();
    Error error = error_of([&] { read_image(dir / c.name, {64, 64}); });
    std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    EXPECT_EQ(error.kind(), ErrorKind::kUsage) << c.name;
    std::string text = error.what();
    EXPECT_NE(text.find(c.name), std::string::npos) << text;
    EXPECT_NE(text.find(c.says), std::string::npos) << text;
    EXPECT_LT(took.count(), 10) << c.name;
  }
}

TEST(Probe, WhatIsNoMediaFileIsAnError) {
  TempDir dir;
  write_bytes(dir / "text.mp4", "This is no film.\n");
  write_bytes(dir / "list.mp4", "#EXTM3U\n#EXTINF:1,\n/etc/passwd\n");
  write_bytes(dir / "empty.mp4", "");
  std::filesystem::create_symlink("/dev/zero", dir / "zero.mp4");
  for (std::string name : {"text.mp4", "list.mp4", "empty.mp4", "zero.mp4", "missing.mp4"}) {
    Error error = error_of([&] { probe(dir / name); });
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    EXPECT_NE(std::string(error.what()).find(name), std::string::npos) << error.what();
  }
}

TEST(Probe, ATruncatedClipIsAnErrorOrHasFewerFrames) {
  TempDir dir;
  for (std::string name : {"a.mp4", "a.mkv"}) {
    OutputOptions options;
    options.path = dir / name;
    write_clip(options, make_spec(64, 64, 12), noise);
    std::string whole = read_bytes(options.path);
    for (size_t part = 1; part < 8; ++part) {
      write_bytes(dir / "cut", whole.substr(0, whole.size() * part / 8));
      try {
        EXPECT_LT(probe(dir / "cut").frames, 12) << name << " " << part;
      } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::kUsage);
      }
    }
  }
}

TEST(ImageReader, EveryTruncationOfAPngIsAnErrorOrThePicture) {
  TempDir dir;
  write_png(dir, "good.png", 32, 32, noise);
  std::string png = read_bytes(dir / "good.png");
  Image whole = read_image(dir / "good.png", {32, 32});
  for (size_t bytes = 0; bytes < png.size(); bytes += 97) {
    write_bytes(dir / "cut.png", png.substr(0, bytes));
    try {
      Image image = read_image(dir / "cut.png", {32, 32});
      EXPECT_EQ(image.pixels, whole.pixels) << "after " << bytes << " of " << png.size();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    }
  }
}

}  // namespace
}  // namespace genvid::media
