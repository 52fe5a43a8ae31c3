// What a genvid-tiny checkpoint's config files say, read without torch. Unknown keys are ignored;
// every key that is used is checked for type and range, and so is what the components must agree
// on. scripts/train/README.md defines the networks.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/model_folder.h"

namespace genvid::genvid_tiny {

// What the camera does in the time of a latent: pixels by which the picture goes to the right and
// down, and the natural logarithm of what it is scaled by.
struct CameraMove {
  double right = 0, down = 0, growth = 0;

  bool operator==(const CameraMove&) const = default;
};

// What transformer/config.json and sketcher/config.json have in common.
struct TrunkConfig {
  int64_t dim = 384;
  int64_t layers = 7;
  int64_t head_dim = 64;
  int64_t mlp_ratio = 3;
  int64_t text_dim = 192;
  int64_t rows = 10, columns = 16;  // the position table's; a token is one latent position
  double rope_base = 100;
  std::array<int64_t, 3> rope_split{16, 24, 24};  // of a head: frame, row, column

  int64_t heads() const { return dim / head_dim; }
};

// transformer/config.json
struct TransformerConfig : TrunkConfig {
  int64_t in_channels = 64;
  std::array<int64_t, 3> patch{4, 16, 16};  // of a latent position: frames, rows, columns
  std::vector<CameraMove> camera_moves;     // of each camera that it tells apart
  double camera_hold = 0.5;                 // of the height: what scaling leaves in place
  double zoom_most = 0;                     // times nearer or farther in a clip; 0: any
  double keep_bias = 0;                     // of what is kept of the latent before
  double hold_bias = 0;                     // and of the anchor,
  double hold_bias_ahead = 0;               // that a camera moves towards,
  double hold_gain = 1;                     // of which the gate itself counts so much
  double keep_bias_soft = 0;                // instead of the first two, where the camera stands and
  double hold_bias_soft = 0;                // the anchor shows what is plain or soft,
  double keep_bias_hard = 0;                // and where there are hard edges
  double hold_bias_hard = 0;
  double steady = 1;            // most that what moves is made stronger, as it was
  int64_t window = 8;           // latents it sees at once
  int64_t first_window = 8;     // latents that a clip starts with
  int64_t history = 4;          // of them known, when a clip goes on
  int64_t anchor_reach = 0;     // latents for which one is the anchor of others
  double history_sigma = 0.02;  // the noise level they are told to have

  int64_t block() const { return 3 * patch[0] * patch[1] * patch[2]; }
};

// sketcher/config.json: of a position a latent's numbers, then the sketch's: facts about it, then
// outlines, each in fine x fine parts of it.
struct SketcherConfig : TrunkConfig {
  int64_t latent_channels = 64;
  int64_t facts = 12, outlines = 2, fine = 4;
  int64_t subject = 6;  // the fact that says what share of the position the subject fills

  int64_t channels() const { return latent_channels + facts + outlines * fine * fine; }
};

// text_encoder/config.json
struct TextEncoderConfig {
  int64_t vocab_size = 0;
  int64_t dim = 192;
  int64_t layers = 3;
  int64_t head_dim = 64;
  int64_t max_tokens = 48;
  // What the heads tell apart, by name; class 0 of each is "unsaid".
  std::vector<std::pair<std::string, std::vector<std::string>>> attributes;

  int64_t heads() const { return dim / head_dim; }
};

// judge/config.json: what it tells apart, by name.
struct JudgeConfig {
  int64_t latent_channels = 64;
  int64_t width = 96;
  std::vector<std::pair<std::string, std::vector<std::string>>> labels;
};

// vae/config.json
struct CodecConfig {
  int64_t latent_channels = 64;
  int64_t frames = 4, patch = 16;           // of one latent: frames, and pixels of a side
  int64_t low = 128, mid = 128, fine = 64;  // widths of the correction
  double even = 0;  // steps between frames, spread over a latent's by at most so many levels of 255
  bool decoder = false;  // the correction has weights

  int64_t block() const { return 3 * frames * patch * patch; }
};

struct ModelConfig {
  TransformerConfig transformer;
  TextEncoderConfig text_encoder;
  CodecConfig codec;
  std::optional<JudgeConfig> judge;        // a folder may come without
  std::optional<SketcherConfig> sketcher;  // and without this
};

// One file each; `what` names it in messages. Throw Error(kModel).
TransformerConfig parse_transformer_config(const Json& json, const std::string& what);
TextEncoderConfig parse_text_encoder_config(const Json& json, const std::string& what);
SketcherConfig parse_sketcher_config(const Json& json, const std::string& what);
JudgeConfig parse_judge_config(const Json& json, const std::string& what);
CodecConfig parse_codec_config(const Json& json, const std::string& what);

// `move` in a clip of so many latents: a zoom that would come nearer than `most` times, or farther,
// is slower; 0: none is. Source: scripts/train/nets.py, slowed().
CameraMove slowed(const CameraMove& move, double most, int64_t latents);

// All of a model folder, and what its components must agree on. Throws Error(kModel).
ModelConfig read_model_config(const ModelFolder& model);

}  // namespace genvid::genvid_tiny
