// The schedule of diffusion forcing against the reference's matrices (made by
// scripts/parity/make_diffusion_forcing.py), and what holds for all of them.
#include "core/forcing_schedule.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include <fstream>

namespace genvid {
namespace {

nlohmann::json cases() {
  std::ifstream in(std::string(GENVID_SOURCE_DIR) + "/tests/data/forcing_cases.json");
  return nlohmann::json::parse(in);
}

TEST(ForcingSchedule, IsTheReferencesMatrix) {
  const auto all = cases();
  ASSERT_GE(all.size(), 12u);
  for (const auto& c : all) {
    const int64_t block = c.at("block"), frames = c.at("frames");
    const int steps = c.at("steps");
    const ForcingSchedule plan =
        plan_forcing(frames / block, steps, c.at("ar_step"), c.at("ready").get<int64_t>() / block);
    const std::string name = c.at("frames").dump() + " frames, " + c.at("steps").dump() +
                             " steps, ar_step " + c.at("ar_step").dump() + ", block " +
                             c.at("block").dump() + ", ready " + c.at("ready").dump();
    ASSERT_EQ(plan.rows.size(), c.at("states").size()) << name;
    EXPECT_EQ(
        forcing_rows(frames / block, steps, c.at("ar_step"), c.at("ready").get<int64_t>() / block),
        static_cast<int64_t>(plan.rows.size()))
        << name;
    for (size_t r = 0; r < plan.rows.size(); ++r) {
      for (int64_t f = 0; f < frames; ++f) {
        const auto b = static_cast<size_t>(f / block), i = static_cast<size_t>(f);
        ASSERT_EQ(plan.rows[r][b], c.at("states")[r][i].get<int>()) << name << ", row " << r;
        ASSERT_EQ(plan.steps_in(r, b), c.at("updated")[r][i].get<int>() == 1)
            << name << ", row " << r << ", frame " << f;
      }
    }
  }
}

// Every block takes every step once and in order, none overtakes the one before it, and the last
// row ends with all of them done.
TEST(ForcingSchedule, IsMonotoneAndEndsWithAllDone) {
  for (const int64_t blocks : {1, 2, 7, 25}) {
    for (const int steps : {1, 2, 5, 30}) {
      for (const int64_t ar_step : {0, 1, 4, 5, 29, 30, 1000}) {
        for (const int64_t ready : {int64_t{0}, blocks / 2, blocks}) {
          const ForcingSchedule plan = plan_forcing(blocks, steps, ar_step, ready);
          EXPECT_EQ(static_cast<int64_t>(plan.rows.size()),
                    forcing_rows(blocks, steps, ar_step, ready));
          for (size_t b = 0; b < static_cast<size_t>(blocks); ++b) {
            int last = 0, taken = 0;
            for (size_t r = 0; r < plan.rows.size(); ++r) {
              const int state = plan.rows[r][b];
              EXPECT_TRUE(state == last || state == last + 1 || state == steps + 1);
              if (b > 0) {
                EXPECT_LE(state, plan.rows[r][b - 1]) << "overtaken";
              }
              if (plan.steps_in(r, b)) {
                EXPECT_EQ(state, ++taken);
              }
              last = state;
            }
            EXPECT_EQ(taken, static_cast<int64_t>(b) < ready ? 0 : steps);
            if (!plan.rows.empty()) {
              EXPECT_GE(last, steps) << "not done at the end";
            }
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace genvid
