// Motion between two small grey pictures by block matching: no learned flow, the same on every
// machine. A pyramid of two levels reaches far at little cost.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace genvid::quality {

// Grey values 0..255, row-major.
struct Grey {
  int width = 0;
  int height = 0;
  std::vector<float> values;
  float at(int x, int y) const { return values[static_cast<size_t>(y) * width + x]; }
};

Grey half(const Grey& image);

// How steep a block is across and down, and both at once: means of squared (multiplied) steps
// between neighbours. Along an edge nothing can be seen to move.
struct Slopes {
  float xx = 0, xy = 0, yy = 0;
};

struct Vector {
  float dx = 0;  // pixels, from the first picture to the second
  float dy = 0;
  float weight = 0;  // texture of the block: flat blocks say nothing about motion
  float error = 0;   // mean absolute difference after the motion
  Slopes slopes;
};

struct MotionField {
  int columns = 0;
  int rows = 0;
  int block = 8;
  std::vector<Vector> vectors;
};

// Both of one size, at least 16x16.
MotionField match_blocks(const Grey& from, const Grey& to);

// What the camera did: position p moves by shift + zoom * (p - centre). Least squares over textured
// blocks, each across its edges alone; those that disagree most are left out.
struct GlobalMotion {
  double dx = 0;    // pixels; the picture's content moves right when positive
  double dy = 0;    // pixels; down when positive
  double zoom = 0;  // relative growth; positive when things grow
  bool known = false;
};
GlobalMotion global_motion(const MotionField& field);

}  // namespace genvid::quality
