#include "families/genvid_tiny/describe.h"

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "core/input_file.h"
#include "core/limits.h"
#include "families/model_settings.h"

namespace genvid::genvid_tiny {
namespace {

bool matches(const ModelFolder& model) {
  const auto name = model.index().find("_class_name");
  return name != model.index().end() && name->is_string() && *name == "GenvidTinyPipeline";
}

Traits traits(const ModelFolder& model) {
  const ModelConfig c = read_model_config(model);
  const TransformerConfig& dit = c.transformer;
  Traits t;
  t.title = "genvid-tiny";
  Geometry& g = t.geometry;
  g.latent_channels = static_cast<int>(c.codec.latent_channels);
  g.temporal_factor = static_cast<int>(c.codec.frames);
  g.first_frames = static_cast<int>(c.codec.frames);
  g.spatial_factor = static_cast<int>(c.codec.patch);
  g.size_multiple = g.spatial_factor;
  g.max_frames = g.frames_of(dit.window);
  g.only_size = {static_cast<int>(dit.columns * c.codec.patch),
                 static_cast<int>(dit.rows * c.codec.patch)};
  t.history_latents = dit.history;
  if (dit.first_window < dit.window) t.first_latents = dit.first_window;
  if (c.sketcher) t.start_channels = c.sketcher->channels();
  t.anchor_reach = dit.anchor_reach;
  t.history_timestep = 1000.0 * dit.history_sigma;
  t.image = t.last_image = ImageInput::kOptional;
  t.cpu_bf16 = true;
  t.size = g.only_size;
  t.fps = {12, 1};
  t.seconds = 10;
  t.num_inference_steps = 12;
  t.guidance_scale = 3.0;
  t.guidance_scale_2 = 1.0;
  t.shift = 3.0;
  t.scheduler = "euler-even";
  apply_settings(model.settings(), "genvid.json", t);
  if (!c.judge) t.drafts = 1;
  return t;
}

std::vector<ExpectedTensor> expected(const ModelFolder& model) {
  return expected_tensors(read_model_config(model));
}

std::vector<StageCost> model_costs(const ModelFolder& model, const ClipShape& clip) {
  return costs(read_model_config(model), clip);
}

std::vector<std::string> words_in(const std::filesystem::path& file) {
  std::istringstream text(read_file(file, limits::kConfigBytes, ErrorKind::kModel));
  std::vector<std::string> words;
  for (std::string word; text >> word;) words.push_back(word);
  return words;
}

Vocabulary vocabulary(const ModelFolder& model) {
  const std::filesystem::path dir = model.file("tokenizer", "spiece.model").parent_path();
  Vocabulary v;
  std::error_code error;
  if (std::filesystem::exists(dir / "known_words.txt", error)) {
    v.known = words_in(dir / "known_words.txt");
  }
  if (std::filesystem::exists(dir / "neutral_words.txt", error)) {
    v.neutral = words_in(dir / "neutral_words.txt");
  }
  for (const auto& [name, classes] : read_model_config(model).text_encoder.attributes) {
    if (name != "subject" && name != "setting" && name != "mover") continue;
    for (size_t i = 1; i < classes.size(); ++i) {
      if (classes[i] != "none" &&
          std::find(v.things.begin(), v.things.end(), classes[i]) == v.things.end()) {
        v.things.push_back(classes[i]);
      }
    }
  }
  return v;
}

}  // namespace

const Description& description() {
  static const Description d{"genvid_tiny", matches, traits, expected, model_costs, vocabulary};
  return d;
}

}  // namespace genvid::genvid_tiny
