// One clip from spec to sink, with what to do when a stage fails.
#pragma once

#include "genvid/clip_spec.h"
#include "genvid/engine.h"
#include "genvid/frame_sink.h"

namespace genvid {

ClipResult generate_clip(const ClipSpec& spec, FrameSink& sink, Host& host);
void encode_clips(const std::vector<ClipSpec>& clips, Host& host);
// What the prompt names, as far as the model's text encoder can tell.
std::optional<std::vector<NamedAttribute>> read_clip_prompt(const ClipSpec& spec);
ClipResult decode_clip(const DecodeSpec& spec, FrameSink& sink, Host& host);

}  // namespace genvid
