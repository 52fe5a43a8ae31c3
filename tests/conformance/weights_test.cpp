// Every tiny checkpoint loads, and spoiled copies of it are refused by both halves of the program,
// with a message that names the tensor.
#include <gtest/gtest.h>

#include <map>

#include "conformance/model_helper.h"
#include "jobs/model_check.h"
#include "pipeline/check.h"
#include "pipeline/generate.h"
#include "support/expect_error.h"

namespace genvid::conformance {
namespace {

class Weights : public ::testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Tiny, Weights, ::testing::ValuesIn(tiny_models()), [](const auto& info) {
  std::string name = info.param;
  for (char& c : name) c = c == '-' ? '_' : c;
  return name;
});

// Of each component the first tensor, the last and some between.
std::vector<ExpectedTensor> sample(const Checkpoint& checkpoint, size_t per_component) {
  std::map<std::string, std::vector<ExpectedTensor>> by_component;
  for (const ExpectedTensor& t : checkpoint.family.description->expected_tensors(checkpoint.folder))
    if (t.required) by_component[t.component].push_back(t);
  std::vector<ExpectedTensor> out;
  for (const auto& [component, tensors] : by_component) {
    const size_t n = std::min(per_component, tensors.size());
    for (size_t i = 0; i < n; ++i) {
      out.push_back(tensors[n == 1 ? 0 : i * (tensors.size() - 1) / (n - 1)]);
    }
  }
  return out;
}

// The front refuses it from the headers and names the tensor. So does the engine while it loads;
// returns false where it does not since it never reads that tensor (an encoder's last layer, when
// the output of the one before is what counts).
bool expect_refused(const Copy& copy, const ExpectedTensor& tensor, const std::string& named,
                    const Change& change) {
  SCOPED_TRACE(tensor.component + ": " + tensor.name);
  const Copy::Spoiled spoiled(copy, tensor.component, tensor.name, change);
  const Checkpoint checkpoint(copy.dir());
  test::expect_error(ErrorKind::kModel, named,
                     [&] { check_model(checkpoint.folder, *checkpoint.family.description); });
  try {
    load_all(checkpoint);
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kModel) << e.what();
    EXPECT_NE(std::string(e.what()).find(named), std::string::npos) << e.what();
    return true;
  }
  return false;
}

// Most tensors of every component must be needed by the engine too.
class Refusals {
 public:
  void count(const std::string& component, bool refused) {
    Counts& c = counts_[component];
    ++(refused ? c.refused : c.accepted);
  }
  ~Refusals() {
    for (const auto& [component, c] : counts_) EXPECT_GT(c.refused, c.accepted) << component;
  }

 private:
  struct Counts {
    int refused = 0, accepted = 0;
  };
  std::map<std::string, Counts> counts_;
};

TEST_P(Weights, Load) {
  const Checkpoint checkpoint(tiny_model(GetParam()));
  EXPECT_NO_THROW(load_all(checkpoint));
  EXPECT_FALSE(check_model(checkpoint.folder, *checkpoint.family.description).empty());
}

TEST_P(Weights, MissingIsRefused) {
  const Copy copy(GetParam());
  Refusals refusals;
  for (const ExpectedTensor& t : sample(Checkpoint(copy.dir()), 5)) {
    refusals.count(
        t.component, expect_refused(copy, t, t.name, [&](std::vector<StoredTensor>& tensors) {
          std::erase_if(tensors, [&](const StoredTensor& s) { return s.entry.name == t.name; });
        }));
  }
}

TEST_P(Weights, UnusedIsRefused) {
  const Copy copy(GetParam());
  for (const ExpectedTensor& t : sample(Checkpoint(copy.dir()), 1)) {
    EXPECT_TRUE(expect_refused(copy, t, "something.else", [&](std::vector<StoredTensor>& tensors) {
      StoredTensor extra = tensors.front();
      extra.entry.name = "something.else";
      tensors.push_back(extra);
    }));
  }
}

TEST_P(Weights, MisshapenIsRefused) {
  const Copy copy(GetParam());
  Refusals refusals;
  // As many values in another shape, and a row too many.
  const auto another_rank = [](StoredTensor& t) { t.entry.shape.push_back(1); };
  const auto another_row = [](StoredTensor& t) {
    const size_t row = t.bytes.size() / static_cast<size_t>(t.entry.shape.front());
    t.entry.shape.front() += 1;
    t.bytes.resize(t.bytes.size() + row);
  };
  for (const ExpectedTensor& t : sample(Checkpoint(copy.dir()), 4)) {
    for (const std::function<void(StoredTensor&)>& reshape :
         {std::function<void(StoredTensor&)>(another_rank),
          std::function<void(StoredTensor&)>(another_row)}) {
      const auto change = [&](std::vector<StoredTensor>& all) { reshape(find(all, t.name)); };
      refusals.count(t.component, expect_refused(copy, t, t.name, change));
    }
  }
}

// Integers are no weights, however many bytes they have.
TEST_P(Weights, OfAnotherTypeIsRefused) {
  const Copy copy(GetParam());
  for (const ExpectedTensor& t : sample(Checkpoint(copy.dir()), 1)) {
    EXPECT_TRUE(expect_refused(copy, t, t.name, [&](std::vector<StoredTensor>& tensors) {
      StoredTensor& s = find(tensors, t.name);
      s.entry.dtype = dtype_bytes(s.entry.dtype) == 4 ? DType::kI32 : DType::kI16;
    }));
  }
}

TEST_P(Weights, NaNIsFoundByTheCheck) {
  const Copy copy(GetParam());
  TestHost host;
  CheckSpec spec;
  spec.model_dir = copy.dir().string();
  for (const ExpectedTensor& t : sample(Checkpoint(copy.dir()), 2)) {
    SCOPED_TRACE(t.component + ": " + t.name);
    const Copy::Spoiled spoiled(copy, t.component, t.name, [&](std::vector<StoredTensor>& tensors) {
      std::vector<uint8_t>& bytes = find(tensors, t.name).bytes;
      bytes[bytes.size() - 1] = bytes[bytes.size() - 2] = 0xff;  // also a NaN in bf16 and fp16
    });
    bool named = false;
    for (const CheckLine& line : check_model(spec, host)) {
      named = named || (!line.passed && line.note.find(t.name) != std::string::npos);
    }
    EXPECT_TRUE(named);
  }
}

class NoFrames final : public FrameSink {
 public:
  void begin(const FrameSpec&) override {}
  void write(const FrameView&) override {}
  void finish() override {}
};

// A clip that fails because of them says so too.
TEST_P(Weights, NaNIsNamedByTheClipItSpoils) {
  const Copy copy(GetParam());
  const std::string component =
      Checkpoint(copy.dir()).family.stages(ModelFolder::open(copy.dir())).front().component;
  std::string name;
  for (const ExpectedTensor& t : sample(Checkpoint(copy.dir()), 1)) {
    if (t.component == component) name = t.name;
  }
  const Copy::Spoiled spoiled(copy, component, name, [&](std::vector<StoredTensor>& tensors) {
    std::vector<uint8_t>& bytes = find(tensors, name).bytes;
    std::fill(bytes.begin(), bytes.end(), uint8_t{0xff});
  });
  NoFrames sink;
  TestHost host;
  test::expect_error(ErrorKind::kModel, name,
                     [&] { generate_clip(Checkpoint(copy.dir()).spec(), sink, host); });
}

}  // namespace
}  // namespace genvid::conformance
