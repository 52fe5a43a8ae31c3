#include "media/read_info.h"

#include <unistd.h>

#include <cerrno>

#include "core/limits.h"
#include "media/xmp_find.h"
#include "media/xmp_places.h"

namespace genvid::media {
namespace {

std::string name_or_unknown(const char* name) { return name == nullptr ? "unknown" : name; }

void describe_stream(const AVStream* stream, FileInfo& info) {
  const AVCodecParameters* par = stream->codecpar;
  info.codec = avcodec_get_name(par->codec_id);
  info.profile = name_or_unknown(avcodec_profile_name(par->codec_id, par->profile));
  info.pix_fmt = name_or_unknown(av_get_pix_fmt_name(static_cast<AVPixelFormat>(par->format)));
  info.width = par->width;
  info.height = par->height;
  AVRational rate = stream->avg_frame_rate.num > 0 ? stream->avg_frame_rate : stream->r_frame_rate;
  info.fps = {rate.num, rate.den == 0 ? 1 : rate.den};
  info.color_primaries = name_or_unknown(av_color_primaries_name(par->color_primaries));
  info.color_transfer = name_or_unknown(av_color_transfer_name(par->color_trc));
  info.color_space = name_or_unknown(av_color_space_name(par->color_space));
  info.color_range = name_or_unknown(av_color_range_name(av::color_range(*par)));
}

ByteSource bytes_of(const InputFile& file) {
  return {file.bytes(), [&file](uint64_t at, void* out, size_t bytes) {
            auto* to = static_cast<char*>(out);
            while (bytes > 0) {
              const ssize_t n = pread(file.fd(), to, bytes, static_cast<off_t>(at));
              if (n < 0 && errno == EINTR) continue;
              if (n <= 0) throw Error(ErrorKind::kUsage, "it cannot be read to its end");
              to += n;
              at += static_cast<uint64_t>(n);
              bytes -= static_cast<size_t>(n);
            }
          }};
}

// FFmpeg's reader of single pictures leaves a PNG's texts alone, and what it makes of a GIF goes by
// its version.
void add_what_ffmpeg_leaves(const InputFile& file, FileInfo& info) {
  if (info.codec == "png") {
    for (const auto& [key, text] : png_texts(bytes_of(file))) {
      if (key != kPngXmpKeyword) info.tags.emplace(key, text);
    }
  }
  if (info.format == "gif") {
    GifSummary gif = gif_summary(bytes_of(file));
    info.frames = gif.pictures;
    if (!gif.comment.empty()) info.tags["comment"] = std::move(gif.comment);
  }
}

}  // namespace

FileInfo read_info(const InputFile& file) {
  MediaInput media(file, limits::kMaxSide * int64_t{limits::kMaxSide});
  AVFormatContext* input = media.format();
  const AVStream* stream = media.video();
  FileInfo info;
  info.format = input->iformat->name;
  describe_stream(stream, info);
  info.audio = av_find_best_stream(input, AVMEDIA_TYPE_AUDIO, -1, -1, nullptr, 0) >= 0;

  av::Packet packet = av::new_packet();
  int code = 0;
  while ((code = av_read_frame(input, packet.get())) >= 0) {
    if (packet->stream_index == stream->index) ++info.frames;
    av_packet_unref(packet.get());
  }
  if (code != AVERROR_EOF) av::check(code, "it is damaged", ErrorKind::kUsage);

  const AVDictionaryEntry* tag = nullptr;
  while ((tag = av_dict_get(input->metadata, "", tag, AV_DICT_IGNORE_SUFFIX)) != nullptr) {
    info.tags[tag->key] = tag->value;
  }

  add_what_ffmpeg_leaves(file, info);

  if (stream->duration > 0) {
    info.seconds = static_cast<double>(stream->duration) * av_q2d(stream->time_base);
  } else if (input->duration > 0) {
    info.seconds = static_cast<double>(input->duration) / AV_TIME_BASE;
  } else if (info.fps.value() > 0) {
    info.seconds = static_cast<double>(info.frames) / info.fps.value();
  }
  return info;
}

}  // namespace genvid::media
