// From the pictures of a request to what the transformer takes beside the prompt, as diffusers'
// WanImageToVideoPipeline makes it. Three ways, by what the checkpoint's configs say:
// - image tokens (2.1): the picture, or first and last picture, through the CLIP encoder;
// - appended channels (2.1 and A14B): the VAE's encoding of a video that shows the pictures and is
//   zero elsewhere, and a mask of the frames that are given;
// - pinned frames (TI2V, SkyReels-V2 DF): the first latent frame is the picture's and keeps
// timestep 0.
#pragma once

#include "families/family.h"

namespace genvid::wan {

Conditioning prepare_conditioning(const LoadContext& context, const ClipSpec& spec);

}  // namespace genvid::wan
