#include "families/wan/describe.h"

#include <algorithm>
#include <set>

#include "families/model_settings.h"

namespace genvid::wan {
namespace {

bool matches(const ModelFolder& model) {
  const auto name = model.index().find("_class_name");
  return name != model.index().end() && name->is_string() &&
         (*name == "WanPipeline" || *name == "WanImageToVideoPipeline" ||
          is_diffusion_forcing(name->get<std::string>()));
}

bool is_22(const ModelConfig& c) { return c.transformer_2.has_value() || c.expand_timesteps; }

std::string task(const ModelConfig& c) {
  if (c.diffusion_forcing) return "DF";
  if (c.expand_timesteps) return "TI2V";
  if (!c.concat_condition()) return "T2V";
  return c.transformer.pos_embed_seq_len > 0 ? "FLF2V" : "I2V";
}

// The name of a published size; empty for any other.
std::string size_label(const ModelConfig& c) {
  const int64_t dim = c.transformer.dim(), layers = c.transformer.num_layers;
  if (dim == 1536 && layers == 30) return "1.3B";
  if (dim == 3072 && layers == 30) return "5B";
  if (dim == 5120 && layers == 40) return c.transformer_2 ? "A14B" : "14B";
  return "";
}

// "Wan2.1 T2V-1.3B", the parts put together with `space`.
std::string full_name(const ModelConfig& c, const char* space) {
  const std::string label = size_label(c);
  const char* name = c.diffusion_forcing ? "SkyReels-V2" : is_22(c) ? "Wan2.2" : "Wan2.1";
  return name + std::string(space) + task(c) + (label.empty() ? "" : "-" + label);
}

Geometry geometry(const ModelConfig& c) {
  Geometry g;
  g.latent_channels = static_cast<int>(c.vae.z_dim);
  g.temporal_factor = static_cast<int>(c.vae.scale_factor_temporal);
  g.spatial_factor = static_cast<int>(c.vae.scale_factor_spatial);
  g.size_multiple = g.spatial_factor * static_cast<int>(std::max(c.transformer.patch_size[1],
                                                                 c.transformer.patch_size[2]));
  // The window that the published models were trained on.
  g.max_frames = c.diffusion_forcing ? 97 : c.expand_timesteps ? 121 : 81;
  // The position table of the transformer ends here.
  const int64_t positions = c.transformer.rope_max_seq_len;
  g.max_frames = std::min(g.max_frames, (positions - 1) * g.temporal_factor + 1);
  g.max_side = static_cast<int>(std::min<int64_t>(positions * g.size_multiple, 1 << 20));
  return g;
}

void check_causal(const ModelConfig& c, Traits& t) {
  if (c.concat_condition() || c.transformer_2) {
    throw Error(
        ErrorKind::kModel,
        "genvid.json: rollout: " + t.title +
            (c.transformer_2 ? " has two transformers" : " sees its picture in every frame") +
            " and cannot make clips block by block; take the rollout out");
  }
  t.causal->max_latents = c.transformer.rope_max_seq_len;
  if (t.causal->block > t.causal->max_latents) {
    throw Error(ErrorKind::kModel, "genvid.json: rollout: a block of " +
                                       std::to_string(t.causal->block) + " latent frames; " +
                                       t.title + " has positions for " +
                                       std::to_string(t.causal->max_latents));
  }
}

void forcing_defaults(const ModelConfig& c, Traits& t) {
  t.forcing = ForcingRollout();
  t.last_image = ImageInput::kOptional;
  t.forcing->causal_block_size = c.transformer.num_frame_per_block;
  t.size = {960, 544};
  t.guidance_scale = t.guidance_scale_2 = 6.0;
}

// Positions start anew in every window, so that the clip itself may be of any length.
void take_forcing_window(const ModelConfig& c, Traits& t) {
  Geometry& g = t.geometry;
  const int64_t most = g.frames_of(c.transformer.rope_max_seq_len);
  g.max_frames = t.forcing->base_num_frames;
  if (g.max_frames > most) {
    throw Error(ErrorKind::kModel, "genvid.json: rollout: \"base_num_frames\" is " +
                                       std::to_string(g.max_frames) + "; " + t.title +
                                       " has positions for " + std::to_string(most));
  }
}

Traits traits(const ModelFolder& model) {
  const ModelConfig c = read_model_config(model);
  Traits t;
  t.title = full_name(c, " ");
  t.geometry = geometry(c);
  if (c.concat_condition()) {
    t.image = ImageInput::kRequired;
    // With CLIP tokens a second picture needs the position table that tells the two apart.
    const bool clip = c.transformer.image_dim > 0;
    if (c.transformer.pos_embed_seq_len > 0) {
      t.last_image = ImageInput::kRequired;
    } else if (!clip) {
      t.last_image = ImageInput::kOptional;
    }
  } else if (c.pins_frames()) {
    t.image = ImageInput::kOptional;
  }
  t.two_experts = c.transformer_2.has_value();

  // The reference pipelines' own defaults; configs/ has what was recommended for each model.
  t.size = {832, 480};
  t.fps = c.pins_frames() ? Rational{24, 1} : Rational{16, 1};
  t.seconds = static_cast<double>(t.geometry.max_frames) / t.fps.value();
  t.shift = c.scheduler.shift;
  t.scheduler = c.scheduler.name;
  if (c.diffusion_forcing) forcing_defaults(c, t);
  const std::string preset = preset_name(c);
  apply_settings(read_preset(preset), "configs/" + preset + ".json", t);
  apply_settings(model.settings(), "genvid.json", t);
  if (t.causal) check_causal(c, t);
  if (t.forcing) take_forcing_window(c, t);
  return t;
}

bool holds(const ModelFolder& model, const std::string& component, const std::string& tensor) {
  for (const auto& file : model.component(component).files) {
    for (const TensorEntry& t : read_safetensors_header(file).tensors) {
      if (t.name == tensor) return true;
    }
  }
  return false;
}

// Two components are saved under either of two names, by the class that saved them.
std::vector<ExpectedTensor> expected(const ModelFolder& model) {
  const ModelConfig config = read_model_config(model);
  std::vector<ExpectedTensor> all = expected_tensors(config);
  const std::string prefix = "vision_model.";
  const bool bare_vision =
      config.image_encoder && holds(model, "image_encoder", "embeddings.class_embedding");
  const bool table_by_alias = !holds(model, "text_encoder", "shared.weight") &&
                              holds(model, "text_encoder", "encoder.embed_tokens.weight");
  for (ExpectedTensor& t : all) {
    if (bare_vision && t.component == "image_encoder" && t.name.rfind(prefix, 0) == 0) {
      t.name.erase(0, prefix.size());
    }
    if (table_by_alias && t.component == "text_encoder") {
      if (t.name == "shared.weight") t.required = false;
      if (t.name == "encoder.embed_tokens.weight") t.required = true;
    }
  }
  return all;
}

std::vector<StageCost> model_costs(const ModelFolder& model, const ClipShape& clip) {
  return costs(read_model_config(model), clip);
}

std::string tensor_name(const std::string& component, const std::string& in_file) {
  return component.starts_with("transformer") ? transformer_tensor_name(in_file) : in_file;
}

}  // namespace

std::string preset_name(const ModelConfig& c) {
  const std::string label = size_label(c);
  if (label.empty()) return "";
  std::string name = full_name(c, "-");
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char ch) { return static_cast<char>(std::tolower(ch)); });
  return name;
}

const Description& description() {
  static const Description d{"wan", matches, traits, expected, model_costs, nullptr, tensor_name};
  return d;
}

}  // namespace genvid::wan
