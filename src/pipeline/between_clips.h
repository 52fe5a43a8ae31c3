// What stays in memory from clip to clip of a batch: prompts encoded ahead, and the transformer
// that the next clip needs again. One for the process, as the memory is.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "families/family.h"
#include "genvid/clip_spec.h"

namespace genvid {

class BetweenClips {
 public:
  // Encoded prompts, on the host, without their padding.
  void put_prompt(const LoadContext& context, const std::string& text, const Tensor& embeds);
  // As the text encoder gave it; undefined when it is not here.
  Tensor prompt(const LoadContext& context, const std::string& text) const;
  void clear_prompts() { prompts_.clear(); }

  // Weights are held only while this is on.
  void hold_weights(bool hold);
  // The transformer of the last clip, if it is this one; any other is freed.
  std::shared_ptr<Denoiser> denoiser(const LoadContext& context, const std::string& component);
  void put_denoiser(const LoadContext& context, const std::string& component,
                    std::shared_ptr<Denoiser> denoiser);

  void clear();

 private:
  struct Embeds {
    Tensor rows;  // [1, S', D]
    int64_t length = 0;
  };
  std::map<std::string, Embeds> prompts_;
  bool hold_ = false;
  std::string denoiser_name_;
  std::shared_ptr<Denoiser> denoiser_;
};

BetweenClips& between_clips();

}  // namespace genvid
