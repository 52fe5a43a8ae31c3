// Says what a picture shows: a small convolutional network over one latent, trained on painted
// pictures (scripts/train/recogniser.py). The pipeline keeps the draft of a clip's first picture
// that it sees the prompt in.
#pragma once

#include <memory>

#include "families/family.h"

namespace genvid::genvid_tiny {

// Null when the folder has none. Computes in fp32. Throws Error(kModel).
std::unique_ptr<PictureJudge> load_judge(const LoadContext& context);

}  // namespace genvid::genvid_tiny
