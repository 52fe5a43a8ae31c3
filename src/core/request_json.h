// Request <-> JSON: one mapping for `--config preset.json`, job files, the settings recorded in a
// finished file, and rerun. Keys:
//   prompt negative_prompt prompt_at model output seconds num_frames size fps image last_image
//   extend only_new num_inference_steps guidance_scale guidance_scale_2 flow_shift scheduler seed
//   best_of device dtype vae_dtype threads noise init_latents save_latents format codec crf bitrate
//   pix_fmt preset encoder_options output_size output_fps preview watermark sign cert keep_unsigned
//   history embed_prompt credits likeness_consent overwrite
// size is "832x480"; fps is a number or "30000/1001"; the others are what their type in request.h
// says. null is as if the key were absent.
#pragma once

#include <span>
#include <string_view>

#include "core/json.h"
#include "genvid/request.h"

namespace genvid {

// Sets the fields that the object names and leaves the others. Checks types and the limits that
// hold for every model; what a model allows is the plan's to say. An unknown key is an error with
// a suggestion. what names the input in messages.
void apply_request_json(const Json& object, std::string_view what, ErrorKind kind,
                        Request& request);
Request request_from_json(const Json& object, std::string_view what, ErrorKind kind);

// The fields that are set or differ from Request's defaults, so that
// request_from_json(request_to_json(r)) gives r.
Json request_to_json(const Request& request);

// All keys, in the order above; for help and suggestions.
std::span<const std::string_view> request_keys();
// Those whose values name files or folders: never to be taken from a file of somebody else's.
std::span<const std::string_view> request_path_keys();

}  // namespace genvid
