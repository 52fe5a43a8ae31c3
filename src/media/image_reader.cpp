#include "media/image_reader.h"

#include <cstring>
#include <utility>

#include "core/image_resize.h"
#include "core/limits.h"
#include "media/child.h"
#include "media/image_decode.h"
#include "media/quote.h"

namespace genvid::media {
namespace {

constexpr size_t kSizeBytes = 2 * sizeof(int);

}  // namespace

Image read_image(const std::string& path, Size size) {
  constexpr uint64_t kMaxFileBytes = 4ull << 30;
  std::string shown = quote(path);
  if (std::min(size.width, size.height) < 1 ||
      std::max(size.width, size.height) > 2 * limits::kMaxSide) {
    throw Error(ErrorKind::kUsage, "cannot crop " + shown + " to the shape of " +
                                       std::to_string(size.width) + "x" +
                                       std::to_string(size.height));
  }
  InputFile file(path);
  if (file.bytes() > kMaxFileBytes) {
    throw Error(ErrorKind::kUsage, "cannot read " + shown + ": it is larger than 4 GiB");
  }
  av::install_log();
  ChildLimits limits;
  std::string what = "cannot read a picture from " + shown;
  // The child sends the pixels, then width and height.
  std::vector<uint8_t> bytes = run_in_child(what, limits, [&] {
    Image image = crop_to_shape(decode_image(file), size);
    std::vector<uint8_t> out = std::move(image.pixels);
    out.resize(out.size() + kSizeBytes);
    const int size_of[2] = {image.width, image.height};
    std::memcpy(out.data() + out.size() - kSizeBytes, size_of, kSizeBytes);
    return out;
  });
  Image image;
  if (bytes.size() >= kSizeBytes) {
    int size_of[2];
    std::memcpy(size_of, bytes.data() + bytes.size() - kSizeBytes, kSizeBytes);
    image.width = size_of[0];
    image.height = size_of[1];
    bytes.resize(bytes.size() - kSizeBytes);
    image.pixels = std::move(bytes);
  }
  if (image.width < 1 || image.height < 1 ||
      image.pixels.size() !=
          size_t{3} * static_cast<size_t>(image.width) * static_cast<size_t>(image.height)) {
    throw Error(ErrorKind::kUsage, what + ": its process gave too little data");
  }
  return image;
}

}  // namespace genvid::media
