#include "quality/motion.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace genvid::quality {
namespace {

constexpr int kBlock = 8;

struct Block {
  int x, y;
};

float difference(const Grey& from, const Grey& to, Block b, int dx, int dy, float stop) {
  float sum = 0;
  for (int y = 0; y < kBlock; ++y) {
    const float* p = &from.values[static_cast<size_t>(b.y + y) * from.width + b.x];
    const float* q = &to.values[static_cast<size_t>(b.y + y + dy) * to.width + b.x + dx];
    float row = 0;
    for (int x = 0; x < kBlock; ++x) row += std::fabs(p[x] - q[x]);
    sum += row;
    if (sum >= stop) return sum;
  }
  return sum;
}

struct Best {
  int dx = 0, dy = 0;
  float sum = std::numeric_limits<float>::max();
};

// Positions outside the picture are not tried; a tie keeps the smaller motion, which comes first.
void search(const Grey& from, const Grey& to, Block b, int cx, int cy, int radius, Best& best) {
  const auto inside = [&](int dx, int dy) {
    return b.x + dx >= 0 && b.y + dy >= 0 && b.x + dx + kBlock <= to.width &&
           b.y + dy + kBlock <= to.height;
  };
  for (int r = 0; r <= radius; ++r) {
    for (int dy = -r; dy <= r; ++dy) {
      const int step = std::abs(dy) == r ? 1 : std::max(1, 2 * r);
      for (int dx = -r; dx <= r; dx += step) {
        if (!inside(cx + dx, cy + dy)) continue;
        const float sum = difference(from, to, b, cx + dx, cy + dy, best.sum);
        if (sum < best.sum) best = {cx + dx, cy + dy, sum};
      }
    }
  }
}

// The vertex of a parabola through three sums; 0 when there is none.
float between(float before, float here, float after) {
  const float curve = before - 2 * here + after;
  return curve > 1e-3f ? std::clamp(0.5f * (before - after) / curve, -0.5f, 0.5f) : 0.f;
}

float texture(const Grey& image, Block b) {
  float sum = 0, squares = 0;
  for (int y = 0; y < kBlock; ++y) {
    for (int x = 0; x < kBlock; ++x) {
      const float v = image.at(b.x + x, b.y + y);
      sum += v;
      squares += v * v;
    }
  }
  const float n = kBlock * kBlock;
  return std::max(0.f, squares / n - sum * sum / (n * n));
}

Slopes slopes(const Grey& image, Block b) {
  Slopes out;
  for (int y = 0; y < kBlock - 1; ++y) {
    for (int x = 0; x < kBlock - 1; ++x) {
      const float here = image.at(b.x + x, b.y + y);
      const float right = image.at(b.x + x + 1, b.y + y) - here;
      const float down = image.at(b.x + x, b.y + y + 1) - here;
      out.xx += right * right;
      out.xy += right * down;
      out.yy += down * down;
    }
  }
  constexpr float kCount = (kBlock - 1) * (kBlock - 1);
  return {out.xx / kCount, out.xy / kCount, out.yy / kCount};
}

Vector refine(const Grey& from, const Grey& to, Block b, const Best& best) {
  constexpr float kNever = std::numeric_limits<float>::max();
  const auto sum = [&](int dx, int dy) {
    return difference(from, to, b, best.dx + dx, best.dy + dy, kNever);
  };
  const int left = b.x + best.dx, top = b.y + best.dy;
  Vector v;
  v.dx = static_cast<float>(best.dx);
  v.dy = static_cast<float>(best.dy);
  // At the picture's edge one neighbour is missing, and a half of the parabola would lean outwards.
  if (left > 0 && left + kBlock < to.width) v.dx += between(sum(-1, 0), best.sum, sum(1, 0));
  if (top > 0 && top + kBlock < to.height) v.dy += between(sum(0, -1), best.sum, sum(0, 1));
  v.weight = texture(from, b);
  v.slopes = slopes(from, b);
  v.error = best.sum / (kBlock * kBlock);
  return v;
}

// What each block says of the motion across and down: its slopes, one together, so that a steep
// block counts no more than another.
std::vector<Slopes> said(const MotionField& field) {
  constexpr float kFaint = 0.5f;
  std::vector<Slopes> out;
  for (const Vector& v : field.vectors) {
    const float all = v.weight > 4.f ? v.slopes.xx + v.slopes.yy + kFaint : 0.f;
    out.push_back(all > 0 ? Slopes{v.slopes.xx / all, v.slopes.xy / all, v.slopes.yy / all}
                          : Slopes{});
  }
  return out;
}

// A block's place, in pixels from the picture's middle.
struct Place {
  double x, y;
};

Place place(const MotionField& field, size_t i) {
  const auto columns = static_cast<size_t>(field.columns);
  return {(static_cast<double>(i % columns) - 0.5 * (field.columns - 1)) * field.block,
          (static_cast<double>(i / columns) - 0.5 * (field.rows - 1)) * field.block};
}

// Weighted least squares of dx = tx + z x, dy = ty + z y, where what a block misses is squared
// along its slopes.
GlobalMotion fit(const MotionField& field, const std::vector<Slopes>& said) {
  double n[3][4] = {};  // the normal equations of tx, ty, z
  for (size_t i = 0; i < said.size(); ++i) {
    const Slopes& s = said[i];
    const Vector& m = field.vectors[i];
    const auto [x, y] = place(field, i);
    const double zx = s.xx * x + s.xy * y, zy = s.xy * x + s.yy * y;
    const double mx = s.xx * m.dx + s.xy * m.dy, my = s.xy * m.dx + s.yy * m.dy;
    const double rows[3][4] = {
        {s.xx, s.xy, zx, mx}, {s.xy, s.yy, zy, my}, {zx, zy, zx * x + zy * y, mx * x + my * y}};
    for (int r = 0; r < 3; ++r) {
      for (int c = 0; c < 4; ++c) n[r][c] += rows[r][c];
    }
  }
  // Positive definite but for what no block says anything of, which stays 0.
  double solved[3] = {};
  bool there[3] = {};
  for (int k = 0; k < 3; ++k) {
    there[k] = n[k][k] > 1e-3;
    if (!there[k]) continue;
    for (int r = k + 1; r < 3; ++r) {
      const double share = n[r][k] / n[k][k];
      for (int c = k; c < 4; ++c) n[r][c] -= share * n[k][c];
    }
  }
  for (int k = 2; k >= 0; --k) {
    if (!there[k]) continue;
    double rest = n[k][3];
    for (int c = k + 1; c < 3; ++c) rest -= n[k][c] * solved[c];
    solved[k] = rest / n[k][k];
  }
  return {solved[0], solved[1], solved[2], there[0] || there[1]};
}

}  // namespace

Grey half(const Grey& image) {
  Grey out{image.width / 2, image.height / 2, {}};
  out.values.resize(static_cast<size_t>(out.width) * out.height);
  for (int y = 0; y < out.height; ++y) {
    for (int x = 0; x < out.width; ++x) {
      out.values[static_cast<size_t>(y) * out.width + x] =
          0.25f * (image.at(2 * x, 2 * y) + image.at(2 * x + 1, 2 * y) +
                   image.at(2 * x, 2 * y + 1) + image.at(2 * x + 1, 2 * y + 1));
    }
  }
  return out;
}

MotionField match_blocks(const Grey& from, const Grey& to) {
  const Grey small_from = half(from), small_to = half(to);
  MotionField field;
  field.block = kBlock;
  field.columns = from.width / kBlock;
  field.rows = from.height / kBlock;
  for (int r = 0; r < field.rows; ++r) {
    for (int c = 0; c < field.columns; ++c) {
      const Block b{c * kBlock, r * kBlock};
      Best coarse;
      const Block s{std::clamp(b.x / 2 - kBlock / 4, 0, std::max(0, small_from.width - kBlock)),
                    std::clamp(b.y / 2 - kBlock / 4, 0, std::max(0, small_from.height - kBlock))};
      if (small_from.width >= kBlock && small_from.height >= kBlock) {
        search(small_from, small_to, s, 0, 0, 5, coarse);
      }
      Best best;
      search(from, to, b, 0, 0, 1, best);
      search(from, to, b, 2 * coarse.dx, 2 * coarse.dy, 1, best);
      field.vectors.push_back(refine(from, to, b, best));
    }
  }
  return field;
}

GlobalMotion global_motion(const MotionField& field) {
  const std::vector<Slopes> all = said(field);
  const auto tells = [](const Slopes& s) { return s.xx + s.yy > 0; };
  if (std::count_if(all.begin(), all.end(), tells) < 6) return {};
  std::vector<Slopes> used = all;
  GlobalMotion g;
  for (int round = 0; round < 3; ++round) {
    g = fit(field, used);
    std::vector<float> off(all.size()), known;
    for (size_t i = 0; i < all.size(); ++i) {
      if (!tells(all[i])) continue;
      const auto [x, y] = place(field, i);
      const double dx = field.vectors[i].dx - g.dx - g.zoom * x;
      const double dy = field.vectors[i].dy - g.dy - g.zoom * y;
      const double missed = all[i].xx * dx * dx + 2 * all[i].xy * dx * dy + all[i].yy * dy * dy;
      off[i] = static_cast<float>(std::sqrt(std::max(0.0, missed)));
      known.push_back(off[i]);
    }
    const auto middle = known.begin() + static_cast<long>(known.size() / 2);
    std::nth_element(known.begin(), middle, known.end());
    const float limit = std::max(0.5f, 2.f * *middle);
    for (size_t i = 0; i < all.size(); ++i) used[i] = off[i] <= limit ? all[i] : Slopes{};
  }
  return g;
}

}  // namespace genvid::quality
