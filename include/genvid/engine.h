// The boundary between the front (no torch) and the engine (libgenvid_engine.so). Only std types
// and genvid::Error cross it. The front loads the engine when something must be computed and never
// unloads it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "genvid/clip_spec.h"
#include "genvid/frame_sink.h"

namespace genvid {

// Changes with every change of a type that crosses the boundary.
inline constexpr int kEngineAbi = 7;

// One report of a running stage; stage is one of "load", "text", "image", "denoise", "decode".
struct ProgressEvent {
  std::string stage;
  int64_t done = 0;
  int64_t total = 0;
};

class Host {
 public:
  virtual ~Host() = default;
  virtual void progress(const ProgressEvent& event) = 0;
};

// Something that a prompt names, as a model understands it: {"time", "night"}.
struct NamedAttribute {
  std::string name, value;
};

struct StageTime {
  std::string stage;
  double seconds = 0;
};

struct ClipResult {
  int64_t frames = 0;
  std::vector<StageTime> times;
  uint64_t peak_device_bytes = 0;  // 0 on CPU
  bool fp32_retry = false;         // a non-finite result was made again in fp32
  int64_t resumed_steps = 0;       // taken over from an earlier process
  bool sampled = true;             // false: decoded from latents that were kept
  std::string memory_rung;         // what made it fit after memory ran out; empty = it did not
};

// One line of `models check`.
struct CheckLine {
  std::string stage;
  double max_abs = 0;
  double relative_rms = 0;
  double gate = 0;
  std::string unit;  // "exact", "max_abs", "relative_rms", "bytes"
  bool passed = false;
  std::string note;
};

struct DeviceInfo {
  std::string name;  // "cpu", "cuda:0"
  std::string description;
  uint64_t total_bytes = 0;
  uint64_t free_bytes = 0;
};

struct EngineInfo {
  std::string torch_version;
  std::string cpu_capability;  // the ISA that ATen uses, e.g. "AVX512"
  std::string onednn_isa;
  std::vector<DeviceInfo> devices;
};

class Engine {
 public:
  virtual ~Engine() = default;
  // Throws Error; stops within one step of core/cancel.h's request, leaving the sink unfinished.
  virtual ClipResult generate(const ClipSpec& spec, FrameSink& sink) = 0;
  // Encodes the prompts of clips to come, so that the text encoder is loaded once for all of them
  // and then freed; generate() takes them from there. Of the clips, those with the first one's
  // model, device and dtype. Replaces what an earlier call left.
  virtual void encode(const std::vector<ClipSpec>& clips) = 0;
  // Whether weights that the next clip needs again may stay in memory between clips.
  virtual void hold_weights(bool hold) = 0;
  virtual ClipResult decode(const DecodeSpec& spec, FrameSink& sink) = 0;
  virtual std::vector<CheckLine> check(const CheckSpec& spec) = 0;
  virtual EngineInfo info() = 0;
  // What the spec's prompt names, for models of a small world that can tell; nothing for others.
  virtual std::optional<std::vector<NamedAttribute>> read_prompt(const ClipSpec& spec) = 0;
};

}  // namespace genvid

// Returns nullptr when abi differs. host must outlive the engine.
extern "C" genvid::Engine* genvid_engine_create(int abi, genvid::Host* host);
