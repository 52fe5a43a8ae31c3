// What the conformance tests share: the tiny checkpoints of the tree, each with its family, copies
// of them that may be spoiled, and a short clip through every stage. No family is named.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "families/family.h"
#include "genvid/clip_spec.h"
#include "genvid/engine.h"
#include "genvid/frame_sink.h"
#include "support/temp_dir.h"

namespace genvid::conformance {

std::vector<std::string> tiny_models();  // folder names below models/, sorted
std::filesystem::path tiny_model(const std::string& name);

// A checkpoint opened with its family; fp32 on the CPU.
struct Checkpoint {
  ModelFolder folder;
  const Family& family;
  Traits traits;

  explicit Checkpoint(const std::filesystem::path& dir);
  LoadContext context() const;
  // The shortest clip with three latent frames; with test pictures where the model takes them.
  ClipSpec spec() const;
};

// Loads each component once, by the family's own loaders.
void load_all(const Checkpoint& checkpoint);

// Prompt, picture and noise to final latents.
Tensor make_latents(const Checkpoint& checkpoint, const ClipSpec& spec, Host& host);

// A host that calls `on_progress`, if there is one.
class TestHost final : public Host {
 public:
  std::function<void(const ProgressEvent&)> on_progress;
  void progress(const ProgressEvent& event) override {
    if (on_progress) on_progress(event);
  }
};

class CountingSink final : public FrameSink {
 public:
  void begin(const FrameSpec& spec) override { expected = spec.frames; }
  void write(const FrameView&) override { ++frames; }
  void finish() override { finished = true; }
  int64_t expected = 0, frames = 0;
  bool finished = false;
};

// A whole clip into `sink`; its latents.
Tensor make_clip(ClipSpec spec, FrameSink& sink);

// A tensor of a safetensors file, whole in memory.
struct StoredTensor {
  TensorEntry entry;
  std::vector<uint8_t> bytes;
};
using Change = std::function<void(std::vector<StoredTensor>&)>;

// A copy of a checkpoint with links followed, so that it can be changed.
class Copy {
 public:
  explicit Copy(const std::string& name);
  const std::filesystem::path& dir() const { return dir_; }
  // Rewrites the shard of `component` that holds `tensor`, and restores it when destroyed.
  class Spoiled {
   public:
    Spoiled(const Copy& copy, const std::string& component, const std::string& tensor,
            const Change& change);
    ~Spoiled();
    Spoiled(const Spoiled&) = delete;
    Spoiled& operator=(const Spoiled&) = delete;

   private:
    std::filesystem::path file_;
    std::string original_;
  };

 private:
  test::TempDir temp_;
  std::filesystem::path dir_;
};

StoredTensor& find(std::vector<StoredTensor>& tensors, const std::string& name);

bool same_bytes(const Tensor& a, const Tensor& b);
double max_abs(const Tensor& a, const Tensor& b);  // infinite when shapes differ

}  // namespace genvid::conformance
