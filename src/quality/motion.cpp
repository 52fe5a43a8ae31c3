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

Vector refine(const Grey& from, const Grey& to, Block b, const Best& best) {
  constexpr float kNever = std::numeric_limits<float>::max();
  const auto sum = [&](int dx, int dy) {
    return difference(from, to, b, best.dx + dx, best.dy + dy, kNever);
  };
  const int left = b.x + best.dx, top = b.y + best.dy;
  Vector v{static_cast<float>(best.dx), static_cast<float>(best.dy)};
  // At the picture's edge one neighbour is missing, and a half of the parabola would lean outwards.
  if (left > 0 && left + kBlock < to.width) v.dx += between(sum(-1, 0), best.sum, sum(1, 0));
  if (top > 0 && top + kBlock < to.height) v.dy += between(sum(0, -1), best.sum, sum(0, 1));
  v.weight = texture(from, b);
  v.error = best.sum / (kBlock * kBlock);
  return v;
}

// Weighted least squares of dx = tx + z x, dy = ty + z y, positions from the centre.
GlobalMotion fit(const MotionField& field, const std::vector<float>& weights) {
  double w = 0, wx = 0, wy = 0, wxx = 0, wu = 0, wv = 0, wxu = 0;
  const double cx = 0.5 * (field.columns - 1), cy = 0.5 * (field.rows - 1);
  for (int r = 0; r < field.rows; ++r) {
    for (int c = 0; c < field.columns; ++c) {
      const size_t i = static_cast<size_t>(r) * field.columns + c;
      const double k = weights[i], x = (c - cx) * field.block, y = (r - cy) * field.block;
      const Vector& m = field.vectors[i];
      w += k;
      wx += k * x;
      wy += k * y;
      wxx += k * (x * x + y * y);
      wu += k * m.dx;
      wv += k * m.dy;
      wxu += k * (x * m.dx + y * m.dy);
    }
  }
  GlobalMotion g;
  if (w <= 0) return g;
  const double spread = wxx - (wx * wx + wy * wy) / w;
  g.zoom = spread > 1e-6 ? (wxu - (wx * wu + wy * wv) / w) / spread : 0;
  g.dx = (wu - g.zoom * wx) / w;
  g.dy = (wv - g.zoom * wy) / w;
  g.known = true;
  return g;
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
  std::vector<float> weights;
  for (const Vector& v : field.vectors) weights.push_back(v.weight > 4.f ? 1.f : 0.f);
  if (std::count(weights.begin(), weights.end(), 1.f) < 6) return {};
  GlobalMotion g;
  for (int round = 0; round < 3; ++round) {
    g = fit(field, weights);
    std::vector<float> off;
    const double cx = 0.5 * (field.columns - 1), cy = 0.5 * (field.rows - 1);
    for (size_t i = 0; i < field.vectors.size(); ++i) {
      const double x = (static_cast<double>(i % field.columns) - cx) * field.block;
      const double y = (static_cast<double>(i / field.columns) - cy) * field.block;
      off.push_back(static_cast<float>(std::hypot(field.vectors[i].dx - g.dx - g.zoom * x,
                                                  field.vectors[i].dy - g.dy - g.zoom * y)));
    }
    std::vector<float> used;
    for (size_t i = 0; i < off.size(); ++i) {
      if (field.vectors[i].weight > 4.f) used.push_back(off[i]);
    }
    std::nth_element(used.begin(), used.begin() + static_cast<long>(used.size() / 2), used.end());
    const float limit = std::max(0.5f, 2.f * used[used.size() / 2]);
    for (size_t i = 0; i < off.size(); ++i) {
      weights[i] = field.vectors[i].weight > 4.f && off[i] <= limit ? 1.f : 0.f;
    }
  }
  return g;
}

}  // namespace genvid::quality
