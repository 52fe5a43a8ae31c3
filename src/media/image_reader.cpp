#include "media/image_reader.h"

#include "core/limits.h"
#include "media/child.h"
#include "media/image_decode.h"
#include "media/image_resize.h"
#include "media/quote.h"

namespace genvid::media {

Image read_image(const std::string& path, Size size) {
  constexpr uint64_t kMaxFileBytes = 4ull << 30;
  std::string shown = quote(path);
  if (std::min(size.width, size.height) < 1 ||
      std::max(size.width, size.height) > 2 * limits::kMaxSide) {
    throw Error(ErrorKind::kUsage, "cannot scale " + shown + " to " + std::to_string(size.width) +
                                       "x" + std::to_string(size.height));
  }
  InputFile file(path);
  if (file.bytes() > kMaxFileBytes) {
    throw Error(ErrorKind::kUsage, "cannot read " + shown + ": it is larger than 4 GiB");
  }
  size_t expected = size_t{3} * static_cast<size_t>(size.width) * static_cast<size_t>(size.height);
  av::install_log();
  ChildLimits limits;
  limits.output_bytes = expected;
  std::string what = "cannot read a picture from " + shown;
  Image image{size.width, size.height, {}};
  image.pixels = run_in_child(what, limits, [&] { return fit(decode_image(file), size).pixels; });
  if (image.pixels.size() != expected) {
    throw Error(ErrorKind::kUsage, what + ": its process gave too little data");
  }
  return image;
}

}  // namespace genvid::media
