// What is tried, one thing after another, when memory runs out in the middle of a clip. Each stage
// starts where the ladder stands, so that a clip goes down it once.
#pragma once

#include <functional>
#include <string>

#include "families/family.h"
#include "genvid/clip_spec.h"

namespace genvid {

class MemoryLadder {
 public:
  enum class Stage { kSampling, kDecoding };

  explicit MemoryLadder(const LoadContext& context) : context_(context) {}

  // Calls body until memory suffices. Throws Error(kMemory) below the last rung.
  void run(Stage stage, const std::function<void()>& body);

  bool encoder_on_host() const { return encoder_on_host_; }
  int64_t vae_tiles() const { return vae_tiles_; }  // a side
  bool tile_after_tile() const { return tile_after_tile_; }
  const std::string& taken() const { return taken_; }  // "" or what was done, for people

 private:
  bool step_down(Stage stage, const std::string& why);

  const LoadContext& context_;
  bool freed_ = false;
  bool encoder_on_host_ = false;
  int64_t vae_tiles_ = 1;
  bool tile_after_tile_ = false;
  std::string taken_;
};

// The text of the exception in flight when it means that memory ran out, else "". Call in a catch.
std::string out_of_memory();

// Asks for more memory than any machine has where GENVID_FAIL says "NAME:oom".
void maybe_run_out_of_memory(const char* name);

}  // namespace genvid
