// The authors' own names of the transformer's tensors, against the reference's converter of them:
// tests/data/wan_original_names.json, made by scripts/parity/make_original_names.py.
#include <gtest/gtest.h>

#include <set>

#include "core/json.h"
#include "families/wan/describe.h"

namespace genvid {
namespace {

Json names() {
  return read_json_file(std::string(GENVID_SOURCE_DIR) + "/tests/data/wan_original_names.json",
                        ErrorKind::kModel);
}

TEST(WanOriginalNames, AreThoseOfTheReference) {
  const Json all = names();
  ASSERT_GT(all.size(), 50u);
  for (const auto& [original, expected] : all.items()) {
    for (const char* wrapper : {"", "model.", "generator_ema.model.", "generator.model.",
                                "module.model.", "model._fsdp_wrapped_module."}) {
      EXPECT_EQ(wan::transformer_tensor_name(wrapper + original), expected) << wrapper << original;
    }
    // As the reference names it already.
    EXPECT_EQ(wan::transformer_tensor_name(expected), expected);
  }
}

TEST(WanOriginalNames, FsdpWrapsEveryBlock) {
  EXPECT_EQ(wan::transformer_tensor_name(
                "model._fsdp_wrapped_module.blocks.0._fsdp_wrapped_module.self_attn.q.weight"),
            "blocks.0.attn1.to_q.weight");
}

TEST(WanOriginalNames, OthersStayAsTheyAre) {
  for (const char* name : {"", "x", "blocks", "blocks.", "blocks.0", "blocks.0.", "model", "head",
                           "blocks.x.y", "lora_A.weight"}) {
    EXPECT_EQ(wan::transformer_tensor_name(name), name);
  }
}

// Every tensor that a causal checkpoint, or one for diffusion forcing, must hold has an original
// name.
TEST(WanOriginalNames, CoverAWholeTransformer) {
  const Json all = names();
  std::set<std::string> covered;
  for (const auto& [original, expected] : all.items()) covered.insert(expected);
  for (const char* folder : {"/tests/data/tiny-wan21-causal", "/models/tiny-skyreels-v2-df"}) {
    const ModelFolder model = ModelFolder::open(std::string(GENVID_SOURCE_DIR) + folder);
    for (const ExpectedTensor& t : find_description(model).expected_tensors(model)) {
      if (t.component != "transformer") continue;
      std::string name = t.name;
      if (name.starts_with("blocks.")) name = "blocks.7" + name.substr(name.find('.', 7));
      EXPECT_TRUE(covered.contains(name)) << name;
    }
  }
}

}  // namespace
}  // namespace genvid
