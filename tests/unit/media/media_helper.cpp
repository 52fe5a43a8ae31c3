#include "unit/media/media_helper.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "media/av.h"

namespace genvid::media {

namespace fs = std::filesystem;

TempDir::TempDir() {
  std::string name = (fs::temp_directory_path() / "genvid_media_XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
  path_ = name;
}

TempDir::~TempDir() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::vector<std::string> TempDir::names() const {
  std::vector<std::string> found;
  for (const auto& entry : fs::directory_iterator(path_)) found.push_back(entry.path().filename());
  std::sort(found.begin(), found.end());
  return found;
}

FrameView make_frame(int width, int height, int n, const Painter& paint) {
  size_t area = static_cast<size_t>(width) * static_cast<size_t>(height);
  auto memory = std::make_shared<std::vector<float>>(3 * area);
  float* g = memory->data();
  float* b = g + area;
  float* r = b + area;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      Color color = paint(x, y, n);
      *r++ = static_cast<float>(color[0]);
      *g++ = static_cast<float>(color[1]);
      *b++ = static_cast<float>(color[2]);
    }
  }
  FrameView view;
  view.plane = {memory->data(), memory->data() + area, memory->data() + 2 * area};
  view.stride.fill(static_cast<ptrdiff_t>(sizeof(float)) * width);
  view.keep_alive = memory;
  return view;
}

FrameSpec make_spec(int width, int height, int64_t frames, Rational fps) {
  return {width, height, fps, frames, FrameLayout::kGbrpF32};
}

void write_clip(const OutputOptions& options, const FrameSpec& spec, const Painter& paint) {
  auto sink = open_output(options);
  sink->begin(spec);
  for (int n = 0; n < spec.frames; ++n) {
    sink->write(make_frame(spec.width, spec.height, n, paint));
  }
  sink->finish();
}

Color bars(int x, int width) {
  static const Color kBars[8] = {{191, 191, 191}, {191, 191, 0}, {0, 191, 191}, {0, 191, 0},
                                 {191, 0, 191},   {191, 0, 0},   {0, 0, 191},   {16, 128, 240}};
  Color color = kBars[x * 8 / width];
  for (double& c : color) c /= 255.0;
  return color;
}

std::array<uint8_t, 3> noise_bytes(int x, int y, int n) {
  std::array<uint8_t, 3> bytes;
  for (int c = 0; c < 3; ++c) {
    uint32_t v = static_cast<uint32_t>(x) * 2654435761u + static_cast<uint32_t>(y) * 40503u +
                 static_cast<uint32_t>(n) * 97u + static_cast<uint32_t>(c) * 8191u;
    v ^= v >> 13;
    v *= 0x5bd1e995u;
    bytes[static_cast<size_t>(c)] = static_cast<uint8_t>(v >> 24);
  }
  return bytes;
}

Color noise(int x, int y, int n) {
  auto b = noise_bytes(x, y, n);
  return {b[0] / 255.0, b[1] / 255.0, b[2] / 255.0};
}

Color Decoded::rgb_at(int x, int y) const {
  auto sample = [&](size_t p, int sx, int sy) {
    int w = -((-width) >> sx);
    return static_cast<double>(planes[p][static_cast<size_t>((y >> sy) * w + (x >> sx))]);
  };
  if (rgb) {
    double scale = 255.0 / ((1 << depth) - 1);
    return {sample(0, 0, 0) * scale, sample(1, 0, 0) * scale, sample(2, 0, 0) * scale};
  }
  double unit = 1 << (depth - 8);
  double luma = (sample(0, 0, 0) / unit - 16) / 219;
  double cb = (sample(1, chroma_shift[0], chroma_shift[1]) / unit - 128) / 224;
  double cr = (sample(2, chroma_shift[0], chroma_shift[1]) / unit - 128) / 224;
  constexpr double kr = 0.2126, kb = 0.0722, kg = 1 - kr - kb;
  double r = luma + 2 * (1 - kr) * cr;
  double b = luma + 2 * (1 - kb) * cb;
  double g = (luma - kr * r - kb * b) / kg;
  return {r * 255, g * 255, b * 255};
}

namespace {

Decoded unpack(const AVFrame* frame) {
  const AVPixFmtDescriptor* desc = av_pix_fmt_desc_get(static_cast<AVPixelFormat>(frame->format));
  Decoded out;
  out.width = frame->width;
  out.height = frame->height;
  out.depth = desc->comp[0].depth;
  out.rgb = (desc->flags & AV_PIX_FMT_FLAG_RGB) != 0;
  out.chroma_shift = {desc->log2_chroma_w, desc->log2_chroma_h};
  for (int c = 0; c < 3; ++c) {
    bool sub = c > 0 && !out.rgb;
    int w = sub ? -((-frame->width) >> desc->log2_chroma_w) : frame->width;
    int h = sub ? -((-frame->height) >> desc->log2_chroma_h) : frame->height;
    std::vector<uint16_t> line(static_cast<size_t>(w));
    for (int y = 0; y < h; ++y) {
      av_read_image_line(line.data(), const_cast<const uint8_t**>(frame->data), frame->linesize,
                         desc, 0, y, c, w, 0);
      out.planes[static_cast<size_t>(c)].insert(out.planes[static_cast<size_t>(c)].end(),
                                                line.begin(), line.end());
    }
  }
  return out;
}

}  // namespace

std::vector<Decoded> decode(const std::string& path) {
  AVFormatContext* raw = nullptr;
  av::check(avformat_open_input(&raw, ("file:" + path).c_str(), nullptr, nullptr), path);
  av::InputFormat input(raw);
  av::check(avformat_find_stream_info(raw, nullptr), path);
  const AVCodecParameters* par = raw->streams[0]->codecpar;
  const AVCodec* codec = avcodec_find_decoder(par->codec_id);
  av::CodecContext context = av::new_codec_context(codec);
  av::check(avcodec_parameters_to_context(context.get(), par), path);
  av::check(avcodec_open2(context.get(), codec, nullptr), path);
  av::Packet packet = av::new_packet();
  av::Frame frame = av::new_frame();
  std::vector<Decoded> frames;
  for (bool more = true; more;) {
    more = av_read_frame(raw, packet.get()) >= 0;
    av::check(avcodec_send_packet(context.get(), more ? packet.get() : nullptr), path);
    av_packet_unref(packet.get());
    while (avcodec_receive_frame(context.get(), frame.get()) == 0) {
      frames.push_back(unpack(frame.get()));
    }
  }
  return frames;
}

std::string output_of(const std::string& command) {
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("popen");
  std::string text;
  char buffer[4096];
  while (size_t n = fread(buffer, 1, sizeof buffer, pipe)) text.append(buffer, n);
  const int status = pclose(pipe);
  if (status != 0) text += "exit status " + std::to_string(status);
  return text;
}

std::string ffmpeg_complaints(const std::string& path) {
  return output_of("ffmpeg -nostdin -v warning -threads 1 -i 'file:" + path + "' -f null -");
}

std::string read_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void write_bytes(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

Error error_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
    return error;
  }
  ADD_FAILURE() << "no Error was thrown";
  return Error(ErrorKind::kUsage, "");
}

}  // namespace genvid::media
