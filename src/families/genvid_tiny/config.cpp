#include "families/genvid_tiny/config.h"

#include <cmath>

#include "core/log.h"

namespace genvid::genvid_tiny {
namespace {

constexpr ErrorKind kKind = ErrorKind::kModel;
constexpr int64_t kMaxWidth = 1 << 14;
constexpr int64_t kMaxLayers = 256;
constexpr size_t kMaxAttributes = 64, kMaxClasses = 4096;
// Of a camera, in the time of a latent: pixels, and the logarithm of a scale.
constexpr double kMaxShift = 4096, kMaxGrowth = 4;

using WordLists = std::vector<std::pair<std::string, std::vector<std::string>>>;

void require(bool ok, const std::string& what, const std::string& problem) {
  if (!ok) throw Error(kKind, what + ": " + problem);
}

int64_t width(const JsonObject& o, const std::string& key) {
  return o.require_integer(key, 1, kMaxWidth);
}

int64_t head_width(const JsonObject& o, const std::string& what, int64_t dim) {
  const int64_t head_dim = width(o, "head_dim");
  require(head_dim % 2 == 0 && dim % head_dim == 0, what,
          "head_dim " + std::to_string(head_dim) + " must be even and divide dim " +
              std::to_string(dim));
  return head_dim;
}

void check_rope(const TrunkConfig& c, const std::string& what) {
  int64_t sum = 0;
  for (const int64_t n : c.rope_split) {
    require(n % 2 == 0, what, "rope_split must be even numbers");
    sum += n;
  }
  require(sum == c.head_dim, what,
          "rope_split adds up to " + std::to_string(sum) + ", but head_dim is " +
              std::to_string(c.head_dim));
}

std::array<int64_t, 3> patch(const JsonObject& o, const std::string& what) {
  const auto values = o.integers("patch", {4, 16, 16}, 1, 64, 3);
  require(values.size() == 3 && values[1] == values[2], what, "patch must be [frames, side, side]");
  return {values[0], values[1], values[2]};
}

std::vector<CameraMove> camera_moves(const Json& json, const std::string& what) {
  const std::string must = "camera_moves must be 1 to " + std::to_string(kMaxClasses) +
                           " lists of three numbers: pixels to the right and down, growth";
  const auto found = json.find("camera_moves");
  require(
      found != json.end() && found->is_array() && !found->empty() && found->size() <= kMaxClasses,
      what, must);
  std::vector<CameraMove> moves;
  for (const Json& one : *found) {
    require(one.is_array() && one.size() == 3, what, must);
    for (const Json& value : one) require(value.is_number(), what, must);
    const CameraMove m{one[0].get<double>(), one[1].get<double>(), one[2].get<double>()};
    require(std::abs(m.right) <= kMaxShift && std::abs(m.down) <= kMaxShift &&
                std::abs(m.growth) <= kMaxGrowth,
            what,
            "camera_moves: at most " + std::to_string(static_cast<int>(kMaxShift)) +
                " pixels and a growth of " + std::to_string(static_cast<int>(kMaxGrowth)));
    moves.push_back(m);
  }
  return moves;
}

// An object of lists of words; none when the key is missing.
WordLists word_lists(const Json& json, const std::string& key, size_t least,
                     const std::string& what) {
  WordLists lists;
  const auto found = json.find(key);
  if (found == json.end()) return lists;
  require(found->is_object() && found->size() <= kMaxAttributes, what,
          key + " must be an object of at most " + std::to_string(kMaxAttributes) + " lists");
  for (const auto& [name, classes] : found->items()) {
    require(classes.is_array() && classes.size() >= least && classes.size() <= kMaxClasses, what,
            key + ": each must be a list of " + std::to_string(least) + " to " +
                std::to_string(kMaxClasses) + " words");
    std::vector<std::string> words;
    for (const Json& word : classes) {
      require(word.is_string(), what, key + ": a list holds something that is no word");
      words.push_back(word.get<std::string>());
    }
    lists.emplace_back(name, std::move(words));
  }
  return lists;
}

void read_trunk(const JsonObject& o, const std::string& what, TrunkConfig& c) {
  c.dim = width(o, "dim");
  c.layers = o.require_integer("layers", 1, kMaxLayers);
  c.head_dim = head_width(o, what, c.dim);
  c.mlp_ratio = o.require_integer("mlp_ratio", 1, 64);
  c.text_dim = width(o, "text_dim");
  c.rows = o.require_integer("rows", 1, 1024);
  c.columns = o.require_integer("columns", 1, 1024);
  c.rope_base = o.number("rope_base", c.rope_base, 1, 1e6);
  const auto split = o.integers("rope_split", {16, 24, 24}, 2, kMaxWidth, 3);
  require(split.size() == 3, what, "rope_split must be [frame, row, column]");
  c.rope_split = {split[0], split[1], split[2]};
  check_rope(c, what);
  const std::string prediction = o.string("prediction", "x0");
  require(prediction == "x0", what,
          "prediction is \"" + log::printable(prediction) + "\", but only \"x0\" is supported");
}

void check_equal(int64_t a, int64_t b, const std::string& what) {
  require(a == b, what, "is " + std::to_string(a) + ", expected " + std::to_string(b));
}

}  // namespace

TransformerConfig parse_transformer_config(const Json& json, const std::string& what) {
  const JsonObject o(json, what, kKind);
  TransformerConfig c;
  read_trunk(o, what, c);
  c.in_channels = width(o, "in_channels");
  c.patch = patch(o, what);
  c.camera_moves = camera_moves(json, what);
  c.camera_hold = o.number("camera_hold", c.camera_hold, 0, 1);
  c.zoom_most = o.number("zoom_most", c.zoom_most, 0, 1e6);
  require(c.zoom_most == 0 || c.zoom_most > 1, what, "zoom_most must be more than 1, or 0 for any");
  c.keep_bias = o.number("keep_bias", c.keep_bias, -100, 100);
  c.hold_bias = o.number("hold_bias", c.hold_bias, -100, 100);
  c.hold_bias_ahead = o.number("hold_bias_ahead", c.hold_bias, -100, 100);
  c.hold_gain = o.number("hold_gain", c.hold_gain, 0, 100);
  c.keep_bias_soft = o.number("keep_bias_soft", c.keep_bias, -100, 100);
  c.keep_bias_hard = o.number("keep_bias_hard", c.keep_bias, -100, 100);
  c.hold_bias_soft = o.number("hold_bias_soft", c.hold_bias, -100, 100);
  c.hold_bias_hard = o.number("hold_bias_hard", c.hold_bias, -100, 100);
  c.steady = o.number("steady", c.steady, 1, 100);
  c.window = o.require_integer("window", 2, 1024);
  c.first_window = o.integer("first_window", c.window, 1, c.window);
  c.history = o.require_integer("history", 1, 1024);
  require(c.history < c.window, what, "history must be less than window");
  c.anchor_reach = o.require_integer("anchor_reach", c.window, 1 << 20);
  c.history_sigma = o.number("history_sigma", c.history_sigma, 1e-6, 0.5);
  return c;
}

TextEncoderConfig parse_text_encoder_config(const Json& json, const std::string& what) {
  const JsonObject o(json, what, kKind);
  TextEncoderConfig c;
  c.vocab_size = o.require_integer("vocab_size", 3, 1 << 20);
  c.dim = width(o, "dim");
  c.layers = o.require_integer("layers", 1, kMaxLayers);
  c.head_dim = head_width(o, what, c.dim);
  c.max_tokens = o.require_integer("max_tokens", 2, 4096);
  c.attributes = word_lists(json, "attributes", 2, what);
  return c;
}

CameraMove slowed(const CameraMove& move, double most, int64_t latents) {
  const double grown = std::abs(move.growth) * static_cast<double>(latents);
  if (most == 0 || grown <= std::log(most)) return move;
  const double pace = std::log(most) / grown;
  return {move.right * pace, move.down * pace, move.growth * pace};
}

SketcherConfig parse_sketcher_config(const Json& json, const std::string& what) {
  const JsonObject o(json, what, kKind);
  SketcherConfig c;
  read_trunk(o, what, c);
  c.latent_channels = width(o, "latent_channels");
  c.facts = o.require_integer("facts", 1, 1024);
  c.subject = o.require_integer("subject", 0, c.facts - 1);
  c.outlines = o.require_integer("outlines", 1, 64);
  c.fine = o.require_integer("fine", 2, 16);
  require(c.fine % 2 == 0, what, "fine must be even");
  return c;
}

JudgeConfig parse_judge_config(const Json& json, const std::string& what) {
  const JsonObject o(json, what, kKind);
  JudgeConfig c;
  c.latent_channels = width(o, "latent_channels");
  c.width = width(o, "width");
  require(c.width % 8 == 0, what, "width must be a multiple of 8");
  c.labels = word_lists(json, "labels", 1, what);
  require(!c.labels.empty(), what, "labels must name what the judge tells apart");
  return c;
}

CodecConfig parse_codec_config(const Json& json, const std::string& what) {
  const JsonObject o(json, what, kKind);
  CodecConfig c;
  c.latent_channels = width(o, "latent_channels");
  const auto size = patch(o, what);
  c.frames = size[0];
  c.patch = size[1];
  // The decoder doubles twice, then spreads over 4x4 pixels.
  require(c.patch == 16, what, "patch must be 16 pixels a side");
  const int64_t first = o.integer("first_latent_frames", c.frames, 1, 64);
  require(first == c.frames, what, "first_latent_frames must be the frames of every latent");
  c.low = width(o, "low");
  c.mid = width(o, "mid");
  c.fine = width(o, "fine");
  c.even = o.number("even", c.even, 0, 255);
  c.decoder = o.boolean("decoder", false);
  return c;
}

ModelConfig read_model_config(const ModelFolder& model) {
  ModelConfig m;
  m.transformer =
      parse_transformer_config(model.component("transformer").config, "transformer/config.json");
  m.text_encoder =
      parse_text_encoder_config(model.component("text_encoder").config, "text_encoder/config.json");
  m.codec = parse_codec_config(model.component("vae").config, "vae/config.json");
  if (model.has("judge")) {
    m.judge = parse_judge_config(model.component("judge").config, "judge/config.json");
    check_equal(m.judge->latent_channels, m.codec.latent_channels,
                "judge/config.json: latent_channels");
  }
  if (model.has("sketcher")) {
    m.sketcher = parse_sketcher_config(model.component("sketcher").config, "sketcher/config.json");
    const SketcherConfig& s = *m.sketcher;
    check_equal(s.latent_channels, m.codec.latent_channels,
                "sketcher/config.json: latent_channels");
    check_equal(s.text_dim, m.text_encoder.dim, "sketcher/config.json: text_dim");
    check_equal(s.rows, m.transformer.rows, "sketcher/config.json: rows");
    check_equal(s.columns, m.transformer.columns, "sketcher/config.json: columns");
    check_equal(m.transformer.first_window, 1,
                "transformer/config.json: first_window beside a sketcher");
  }
  check_equal(m.transformer.in_channels, m.codec.latent_channels,
              "transformer/config.json: in_channels");
  check_equal(m.transformer.patch[0], m.codec.frames, "transformer/config.json: patch's frames");
  check_equal(m.transformer.patch[1], m.codec.patch, "transformer/config.json: patch's side");
  check_equal(m.transformer.text_dim, m.text_encoder.dim, "transformer/config.json: text_dim");
  return m;
}

}  // namespace genvid::genvid_tiny
