#include "media/image_decode.h"

#include <cstdlib>
#include <string>

#include "core/limits.h"
#include "media/image_orient.h"
#include "media/rgb_converter.h"

namespace genvid::media {
namespace {

av::Frame first_frame(const MediaInput& input) {
  constexpr int kMaxPackets = 1000;
  av::CodecContext context = input.open_decoder();
  av::Packet packet = av::new_packet();
  av::Frame frame = av::new_frame();
  for (int n = 0; n < kMaxPackets; ++n) {
    int code = av_read_frame(input.format(), packet.get());
    if (code >= 0 && packet->stream_index != input.video()->index) {
      av_packet_unref(packet.get());
      continue;
    }
    bool end = code < 0;
    av::check(avcodec_send_packet(context.get(), end ? nullptr : packet.get()), "cannot decode",
              ErrorKind::kUsage);
    av_packet_unref(packet.get());
    code = avcodec_receive_frame(context.get(), frame.get());
    if (code == 0) return frame;
    if (code == AVERROR(EAGAIN) && !end) continue;
    av::check(code, "cannot decode", ErrorKind::kUsage);
  }
  throw Error(ErrorKind::kUsage, "no picture in its first packets");
}

void check_size(int width, int height) {
  std::string shown = std::to_string(width) + "x" + std::to_string(height);
  if (width < limits::kMinSide || height < limits::kMinSide) {
    throw Error(ErrorKind::kUsage, "it is " + shown + " pixels; a side needs at least " +
                                       std::to_string(limits::kMinSide));
  }
  if (int64_t{width} * height > kMaxImagePixels) {
    throw Error(ErrorKind::kUsage, "it is " + shown + " pixels, more than " +
                                       std::to_string(kMaxImagePixels / 1'000'000) +
                                       " million; make it smaller first");
  }
}

// The display matrix of an EXIF orientation (1..8), row by row as in FFmpeg.
void matrix_of_exif(int orientation, int32_t (&matrix)[9]) {
  static constexpr int kTurns[8][4] = {{1, 0, 0, 1}, {-1, 0, 0, 1}, {-1, 0, 0, -1}, {1, 0, 0, -1},
                                       {0, 1, 1, 0}, {0, 1, -1, 0}, {0, -1, -1, 0}, {0, -1, 1, 0}};
  const int* turn = kTurns[orientation - 1];
  int32_t values[9] = {turn[0] << 16, turn[1] << 16, 0, turn[2] << 16, turn[3] << 16, 0, 0, 0,
                       1 << 30};
  std::copy(values, values + 9, matrix);
}

Image upright(Image image, const AVFrame* frame, const AVStream* stream) {
  const AVFrameSideData* side = av_frame_get_side_data(frame, AV_FRAME_DATA_DISPLAYMATRIX);
  if (side != nullptr && side->size >= 9 * sizeof(int32_t)) {
    return orient(std::move(image), reinterpret_cast<const int32_t*>(side->data));
  }
  if (const int32_t* matrix = av::stream_display_matrix(stream)) {
    return orient(std::move(image), matrix);
  }
  const AVDictionaryEntry* tag = av_dict_get(frame->metadata, "Orientation", nullptr, 0);
  long orientation = tag != nullptr ? std::strtol(tag->value, nullptr, 10) : 0;
  if (orientation < 2 || orientation > 8) return image;
  int32_t matrix[9];
  matrix_of_exif(static_cast<int>(orientation), matrix);
  return orient(std::move(image), matrix);
}

}  // namespace

Image decode_image(const InputFile& file) {
  MediaInput input(file, kMaxImagePixels);
  const AVCodecParameters* par = input.video()->codecpar;
  if (par->width > 0 && par->height > 0) check_size(par->width, par->height);
  av::Frame frame = first_frame(input);
  check_size(frame->width, frame->height);
  Image image = RgbConverter().convert(*frame, par->codec_id, {frame->width, frame->height});
  return upright(std::move(image), frame.get(), input.video());
}

}  // namespace genvid::media
