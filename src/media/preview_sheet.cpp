#include "media/preview_sheet.h"

#include <algorithm>
#include <cmath>

#include "core/limits.h"
#include "media/encoder.h"
#include "media/png_text.h"
#include "media/quote.h"
#include "media/seal_file.h"

namespace genvid::media {
namespace {

const std::string& png_name(const OutputOptions& options) {
  if (!lower_case(options.preview).ends_with(".png")) {
    throw Error(ErrorKind::kUsage,
                "--preview is " + quote(options.preview) + ", expected a name that ends in .png");
  }
  if (options.preview == options.path) {
    throw Error(ErrorKind::kUsage, "--preview and the output are the same file");
  }
  return options.preview;
}

}  // namespace

PreviewSheet::PreviewSheet(const OutputOptions& options, const FrameSpec& spec)
    : options_(options), frames_(spec.frames), file_(png_name(options), options.overwrite) {
  cells_ = static_cast<int>(std::clamp<int64_t>(frames_, 1, kMostCells));
  const double scale = std::min(1.0, 1.0 * kMostWidth / spec.width);
  cell_ = {std::max(1, static_cast<int>(std::lround(spec.width * scale))),
           std::clamp(static_cast<int>(std::lround(spec.height * scale)), 1, 4 * kMostWidth)};
  const int columns = std::min(cells_, kColumns), rows = (cells_ + columns - 1) / columns;
  sheet_ = {columns * (cell_.width + kGap) + kGap, rows * (cell_.height + kGap) + kGap};
  const auto area = [](Size s) {
    return static_cast<size_t>(s.width) * static_cast<size_t>(s.height);
  };
  resizer_.emplace(Size{spec.width, spec.height}, cell_);
  picture_.resize(area(cell_));
  planes_.assign(3 * area(sheet_), 0.0f);
}

void PreviewSheet::add(int64_t n, const FrameView& frame) {
  if (next_ >= cells_ || n != (cells_ == 1 ? 0 : next_ * (frames_ - 1) / (cells_ - 1))) return;
  const int column = next_ % kColumns, row = next_ / kColumns;
  ++next_;
  const ptrdiff_t area = static_cast<ptrdiff_t>(sheet_.width) * sheet_.height;
  for (size_t p = 0; p < 3; ++p) {
    resizer_->resize(frame.plane[p], frame.stride[p], picture_.data());
    for (int y = 0; y < cell_.height; ++y) {
      const float* from = picture_.data() + static_cast<ptrdiff_t>(y) * cell_.width;
      const ptrdiff_t to_row = kGap + row * (cell_.height + kGap) + y;
      const ptrdiff_t to = to_row * sheet_.width + kGap + column * (cell_.width + kGap);
      std::copy(from, from + cell_.width, planes_.data() + static_cast<ptrdiff_t>(p) * area + to);
    }
  }
}

void PreviewSheet::commit() {
  OutputPlan plan;
  plan.kind = OutputPlan::Kind::kImages;
  plan.encoder = choose_encoder("png");
  plan.pix_fmt = choose_pix_fmt(plan.encoder, "");
  const FrameSpec spec{sheet_.width, sheet_.height, {1, 1}, 1, FrameLayout::kGbrpF32};
  FrameView view;
  const ptrdiff_t area = static_cast<ptrdiff_t>(sheet_.width) * sheet_.height;
  for (size_t p = 0; p < 3; ++p) {
    view.plane[p] = planes_.data() + static_cast<ptrdiff_t>(p) * area;
    view.stride[p] = static_cast<ptrdiff_t>(sizeof(float)) * sheet_.width;
  }
  const std::vector<uint8_t> text = png_text(options_);
  const auto on_packet = [&](AVPacket* packet) {
    const std::vector<uint8_t> png = png_with_text(packet, text);
    file_.write_all(png.data(), png.size());
  };
  Encoder encoder(plan, spec);
  encoder.encode(view, on_packet);
  encoder.flush(on_packet);
  if (options_.sealer == nullptr) return file_.commit();
  commit_sealed(file_, options_.preview, 1,
                {options_.sealer.get(), options_.overwrite, options_.keep_unsigned});
}

}  // namespace genvid::media
