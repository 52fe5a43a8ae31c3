#include "media/ffmpeg_info.h"

#include "media/av.h"

namespace genvid::media {
namespace {

std::string triple(unsigned version) {
  return std::to_string(AV_VERSION_MAJOR(version)) + "." +
         std::to_string(AV_VERSION_MINOR(version)) + "." +
         std::to_string(AV_VERSION_MICRO(version));
}

}  // namespace

FfmpegInfo ffmpeg_info() {
  FfmpegInfo info;
  info.version = av_version_info();
  info.libavcodec = triple(avcodec_version());
  info.libavformat = triple(avformat_version());
  info.libswscale = triple(swscale_version());
  info.licence = avcodec_license();
  for (const char* name :
       {"libx264", "libx265", "libsvtav1", "libaom-av1", "libvpx-vp9", "prores_ks", "ffv1", "png",
        "gif", "libopenh264", "h264_nvenc", "hevc_nvenc", "av1_nvenc"}) {
    (avcodec_find_encoder_by_name(name) != nullptr ? info.encoders : info.missing).push_back(name);
  }
  return info;
}

std::string ffmpeg_summary() {
  return std::string("FFmpeg ") + av_version_info() + " (libavcodec " + triple(avcodec_version()) +
         "), licence: " + avcodec_license();
}

}  // namespace genvid::media
