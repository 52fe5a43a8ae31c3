#include "diffusion/sigmas.h"

#include <cmath>

namespace genvid {
namespace {

constexpr double kTrainTimesteps = 1000.0;

double shifted(double sigma, double shift) { return shift * sigma / (1.0 + (shift - 1.0) * sigma); }

// numpy.linspace(start, stop, count) at i, with the same rounding.
double linspace_at(double start, double stop, int count, int i) {
  if (count == 1) return start;
  if (i == count - 1) return stop;
  return i * ((stop - start) / (count - 1)) + start;
}

}  // namespace

FlowSigmas shifted_sigmas(int num_inference_steps, double shift) {
  FlowSigmas out;
  for (int i = 0; i < num_inference_steps; ++i) {
    double sigma =
        shifted(linspace_at(1.0, 1.0 / kTrainTimesteps, num_inference_steps + 1, i), shift);
    if (i == 0 && std::fabs(sigma - 1.0) < 1e-6) sigma -= 1e-6;
    out.timesteps.push_back(std::trunc(sigma * kTrainTimesteps));
    out.sigmas.push_back(static_cast<float>(sigma));
  }
  out.sigmas.push_back(0.0f);
  return out;
}

FlowSigmas even_sigmas(int num_inference_steps, double shift) {
  FlowSigmas out;
  for (int i = 0; i <= num_inference_steps; ++i) {
    const double u = 1.0 - static_cast<double>(i) / num_inference_steps;
    const auto sigma = static_cast<float>(shifted(u, shift));
    out.sigmas.push_back(sigma);
    if (i < num_inference_steps) {
      out.timesteps.push_back(static_cast<double>(sigma) * kTrainTimesteps);
    }
  }
  return out;
}

FlowSigmas twice_shifted_sigmas(int num_inference_steps, double shift) {
  // The ends of the training table are float values in the reference.
  const float s = static_cast<float>(shift);
  const auto table_end = [s, shift](float sigma) {
    return s * sigma / (1.0f + static_cast<float>(shift - 1.0) * sigma);
  };
  const double t_max = static_cast<double>(table_end(1.0f)) * kTrainTimesteps;
  const double t_min = static_cast<double>(table_end(1.0f / 1000.0f)) * kTrainTimesteps;
  FlowSigmas out;
  for (int i = 0; i < num_inference_steps; ++i) {
    const double sigma =
        shifted(linspace_at(t_max, t_min, num_inference_steps, i) / kTrainTimesteps, shift);
    out.sigmas.push_back(static_cast<float>(sigma));
    out.timesteps.push_back(out.sigmas.back() * static_cast<float>(kTrainTimesteps));
  }
  out.sigmas.push_back(0.0f);
  return out;
}

FlowSigmas listed_sigmas(const std::vector<double>& timesteps) {
  FlowSigmas out;
  out.timesteps = timesteps;
  for (const double t : timesteps) out.sigmas.push_back(static_cast<float>(t / kTrainTimesteps));
  out.sigmas.push_back(0.0f);
  return out;
}

}  // namespace genvid
