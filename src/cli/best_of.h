// --best-of N: the clip is sampled with N seeds, each is measured, and the one whose parts meet
// best and that drifts least is made.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "genvid/engine.h"
#include "jobs/plan.h"
#include "quality/report.h"

namespace genvid::cli {

// What was measured of a candidate.
struct SeedScore {
  uint64_t seed = 0;
  double score = 0;  // lower is better
  double seam = 0;   // the worst, in deviations
  double drift = 0;  // mean share of brightness, contrast, saturation and sharpness
};

// The worst seam in units of z = 3, plus the mean drift in units of 10 %. A clip that is black,
// plain or frozen for the most part loses to every other.
SeedScore score_of(uint64_t seed, const quality::Report& report);

// Makes every candidate of plan.candidates, writes no clip, and leaves the winner's seed in
// plan.spec.seed. Its latents are then where plan.spec.keep says, so that the engine only decodes
// them (a causal clip keeps none and is sampled again). Those of the others are removed. A batch's
// plan.spec.keep says where to keep latents; an earlier process's choice or candidates found there
// are gone on from. Else they lie in a folder beside the output that lives as long as this.
class SeedChoice {
 public:
  SeedChoice(Engine& engine, const std::string& output, Plan& plan);
  ~SeedChoice();
  SeedChoice(const SeedChoice&) = delete;
  SeedChoice& operator=(const SeedChoice&) = delete;

  bool made() const { return made_; }
  // "seed 7 is the best of 3: 5 scored 1.20 (seams 2.1, drift 5 %), ..."; empty without a choice.
  const std::string& text() const { return text_; }
  Json scores_json() const;  // [{"seed": 5, "score": 1.2, "seam": 2.1, "drift": 0.05}, ...]

 private:
  std::vector<SeedScore> measure_all(Engine& engine, const Plan& plan) const;
  KeepSpec keep_of(uint64_t seed) const;

  KeepSpec asked_;
  std::string prefix_;  // of all candidates' files
  std::string folder_;  // of our own, or empty
  std::string text_;
  std::vector<SeedScore> scores_;
  bool made_ = false;
};

}  // namespace genvid::cli
