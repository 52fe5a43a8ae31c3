#include "pipeline/compare.h"

#include <cmath>

namespace genvid {
namespace {

std::string shape_text(const Tensor& t) {
  std::string out = "[";
  for (int64_t i = 0; i < t.dim(); ++i) out += (i ? ", " : "") + std::to_string(t.size(i));
  return out + "]";
}

// False with a note when the two cannot be compared at all.
bool comparable(CheckLine& line, const Tensor& ours, const Tensor& ref) {
  if (ours.defined() && ours.numel() == ref.numel()) return true;
  line.note = "shape " + (ours.defined() ? shape_text(ours) : std::string("none")) +
              ", reference " + shape_text(ref);
  return false;
}

CheckLine measure(const std::string& stage, const Tensor& ours_in, const Tensor& ref_in,
                  double gate, bool relative) {
  CheckLine line;
  line.stage = stage;
  line.gate = gate;
  line.unit = relative ? "relative_rms" : "max_abs";
  const Tensor matched = match_rows(ours_in, ref_in);
  if (!comparable(line, matched, ref_in)) return line;
  const Tensor ref = ref_in.to(at::kCPU, at::kDouble).reshape({-1});
  const Tensor difference = matched.to(at::kCPU, at::kDouble).reshape({-1}).sub(ref);
  line.max_abs = difference.abs().max().item<double>();
  const double power = ref.square().mean().item<double>();
  line.relative_rms = std::sqrt(difference.square().mean().item<double>() / (power + 1e-30));
  const double measured = relative ? line.relative_rms : line.max_abs;
  line.passed = measured <= gate;  // false for NaN
  return line;
}

}  // namespace

Tensor match_rows(const Tensor& ours, const Tensor& ref) {
  if (!ours.defined() || ours.numel() == ref.numel()) return ours;
  if (ours.dim() == 0 || ref.dim() == 0 || ours.numel() == 0 || ref.numel() == 0) return {};
  const int64_t width = ref.size(-1);
  if (ours.numel() % width != 0) return {};
  const Tensor rows = ours.reshape({-1, width});
  const int64_t ref_rows = ref.numel() / width;
  if (ref_rows % rows.size(0) != 0) return {};
  return rows.repeat_interleave(ref_rows / rows.size(0), 0);
}

CheckLine compare_max_abs(const std::string& stage, const Tensor& ours, const Tensor& ref,
                          double gate) {
  return measure(stage, ours, ref, gate, false);
}

CheckLine compare_relative_rms(const std::string& stage, const Tensor& ours, const Tensor& ref,
                               double gate) {
  return measure(stage, ours, ref, gate, true);
}

CheckLine compare_exact(const std::string& stage, const Tensor& ours, const Tensor& ref) {
  CheckLine line;
  line.stage = stage;
  line.unit = "exact";
  if (!comparable(line, ours, ref)) return line;
  const Tensor difference =
      ours.to(at::kCPU, at::kDouble).reshape({-1}).sub(ref.to(at::kDouble).reshape({-1}));
  line.max_abs = difference.abs().max().item<double>();
  line.passed = line.max_abs == 0.0;
  return line;
}

CheckLine compare_bytes(const std::string& stage, const Tensor& ours, const Tensor& ref) {
  CheckLine line;
  line.stage = stage;
  line.unit = "bytes";
  line.gate = 0.002;
  if (!comparable(line, ours, ref)) return line;
  const Tensor difference =
      ours.to(at::kShort).reshape({-1}).sub(ref.to(at::kShort).reshape({-1})).abs();
  line.max_abs = difference.max().item<double>();
  line.relative_rms = difference.ne(0).to(at::kDouble).mean().item<double>();
  line.passed = line.max_abs <= 1.0 && line.relative_rms <= line.gate;
  line.note = "share of bytes off: " + std::to_string(line.relative_rms);
  return line;
}

}  // namespace genvid
