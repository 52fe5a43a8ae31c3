// What the tests of long rollouts' plans share: a short request, and what a checkpoint makes of it.
#pragma once

#include <gtest/gtest.h>

#include "jobs/plan.h"

namespace genvid::test {

// folder: from the root of the tree.
inline Plan plan_in(const std::string& folder, const Request& r) {
  return make_plan(r, ModelFolder::open(std::filesystem::path(GENVID_SOURCE_DIR) / folder));
}

inline Request request(double seconds) {
  Request r;
  r.prompt = "a house";
  r.device = "cpu";
  r.seconds = seconds;
  return r;
}

inline void expect_refused_in(const std::string& folder, const Request& r,
                              const std::string& part) {
  try {
    plan_in(folder, r);
    ADD_FAILURE() << "accepted; expected an error with: " << part;
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kUsage) << e.what();
    EXPECT_NE(std::string(e.what()).find(part), std::string::npos) << e.what();
  }
}

}  // namespace genvid::test
