#include "families/wan/transformer_denoiser.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "families/wan/describe.h"
#include "families/wan/transformer.h"
#include "nn/network_input.h"

namespace genvid::wan {
namespace {

// Parameters that stay in fp32 when the rest is bf16 (diffusers' _keep_in_fp32_modules).
const std::vector<std::string> kKeepFp32 = {"time_embedder", "scale_shift_table", "norm1", "norm2",
                                            "norm3"};
// A prompt and a negative prompt.
constexpr size_t kPromptsKept = 2;

void check_input(const TransformerConfig& c, const Tensor& input, const Tensor& timestep) {
  const bool grid = input.dim() == 5 && input.size(0) == 1 && input.size(3) > 0 &&
                    input.size(4) > 0 && input.size(3) % c.patch_size[1] == 0 &&
                    input.size(4) % c.patch_size[2] == 0;
  if (!grid || input.size(1) != c.in_channels) {
    throw Error(
        ErrorKind::kUsage,
        "the transformer got latents " + shape_text(input) + ", expected [1, " +
            std::to_string(c.in_channels) + ", T, H, W] with H and W multiples of " +
            std::to_string(c.patch_size[1]) + " and " + std::to_string(c.patch_size[2]) +
            (input.dim() == 5 && input.size(1) < c.in_channels ? "; does this model need an image?"
                                                               : ""));
  }
  check_timestep(timestep, input.size(2));
}

class WanDenoiser final : public Denoiser {
 public:
  WanDenoiser(const WeightMap& w, const TransformerConfig& config, const LoadContext& context)
      : transformer_(w, config, context.dtype), device_(context.device) {}

  Transformer& transformer() { return transformer_; }

  Tensor predict(const Tensor& latents, const Tensor& timestep, const Tensor& prompt_embeds,
                 const Conditioning& conditioning) override {
    const TransformerConfig& c = transformer_.config();
    Tensor input = latents.to(device_, transformer_.dtype());
    if (conditioning.concat_latents.defined()) {
      input = at::cat({input, conditioning.concat_latents.to(device_, transformer_.dtype())}, 1);
    }
    check_input(c, input, timestep);
    return transformer_.forward(
        input.contiguous(), distinct_timesteps(timestep, device_),
        context(prompt_embeds, conditioning.image_embeds),
        rope(input.size(2), input.size(3) / c.patch_size[1], input.size(4) / c.patch_size[2]),
        PassOptions{.block_frames = conditioning.causal_block > 1 ? conditioning.causal_block : 0,
                    .fps = conditioning.fps});
  }

  std::unique_ptr<CausalStream> open_stream(const CausalRollout& rollout,
                                            const Tensor& prompt_embeds) override;

 private:
  class Stream;

  struct Prompt {
    Tensor prompt_embeds, image_embeds;  // held, so that identity means equality
    std::vector<KeyValues> context;
  };

  const std::vector<KeyValues>& context(const Tensor& prompt_embeds, const Tensor& image_embeds) {
    const auto found = std::find_if(prompts_.begin(), prompts_.end(), [&](const Prompt& p) {
      return p.prompt_embeds.is_same(prompt_embeds) && p.image_embeds.is_same(image_embeds);
    });
    if (found != prompts_.end()) {
      std::rotate(found, found + 1, prompts_.end());
      return prompts_.back().context;
    }
    check_embeds(prompt_embeds, image_embeds);
    // Freed before the new one is made.
    if (prompts_.size() == kPromptsKept) prompts_.erase(prompts_.begin());
    const auto here = [this](const Tensor& x) {
      return x.defined() ? x.to(device_, transformer_.dtype()) : x;
    };
    prompts_.push_back({prompt_embeds, image_embeds,
                        transformer_.context(here(prompt_embeds), here(image_embeds))});
    return prompts_.back().context;
  }

  void check_embeds(const Tensor& prompt_embeds, const Tensor& image_embeds) const {
    const TransformerConfig& c = transformer_.config();
    if (prompt_embeds.dim() != 3 || prompt_embeds.size(2) != c.text_dim) {
      throw Error(ErrorKind::kModel, "the transformer got prompt embeddings " +
                                         shape_text(prompt_embeds) + ", expected [1, S, " +
                                         std::to_string(c.text_dim) + "]");
    }
    if (c.image_dim == 0) return;
    const bool fits = image_embeds.defined() && image_embeds.dim() == 3 &&
                      image_embeds.size(2) == c.image_dim &&
                      (c.pos_embed_seq_len == 0 || image_embeds.size(1) == c.pos_embed_seq_len);
    if (!fits) {
      throw Error(
          ErrorKind::kUsage,
          "this model needs image tokens [1, " +
              (c.pos_embed_seq_len > 0 ? std::to_string(c.pos_embed_seq_len) : "S") + ", " +
              std::to_string(c.image_dim) + "]" +
              (c.pos_embed_seq_len > 0 ? ": give --image and --last-image" : ": give --image"));
    }
  }

  const RopeTable& rope(int64_t frames, int64_t rows, int64_t columns) {
    const std::vector<int64_t> grid{frames, rows, columns};
    if (grid != rope_grid_) {
      rope_ = transformer_.rope(frames, rows, columns);
      rope_grid_ = grid;
    }
    return rope_;
  }

  Transformer transformer_;
  at::Device device_;
  std::vector<Prompt> prompts_;  // least recently used first
  std::vector<int64_t> rope_grid_;
  RopeTable rope_;
};

// One clip, one prompt: the text's keys and values, and a ring with those of the latent frames.
class WanDenoiser::Stream final : public CausalStream {
 public:
  Stream(WanDenoiser& denoiser, const CausalRollout& rollout, const Tensor& prompt_embeds)
      : denoiser_(denoiser),
        block_(rollout.block),
        recache_(rollout.recache),
        cut_offset_(rollout.cut ? rollout.cut->offset : 0),
        context_(denoiser.context(prompt_embeds, {})),
        ring_(denoiser.transformer_.config().num_layers, rollout.sink / rollout.block,
              (rollout.window - rollout.sink) / rollout.block) {}

  Tensor predict(const Tensor& latents, const Tensor& timestep) override {
    const Transformer& transformer = denoiser_.transformer_;
    const TransformerConfig& c = transformer.config();
    const Tensor input = latents.to(denoiser_.device_, transformer.dtype()).contiguous();
    check_input(c, input, timestep);
    const int64_t first_frame = ring_.block() * block_ + offset_;
    if (rope_first_ != first_frame) {
      rope_ = transformer.rope(block_, input.size(3) / c.patch_size[1],
                               input.size(4) / c.patch_size[2], first_frame);
      rope_first_ = first_frame;
    }
    return transformer.forward(input, distinct_timesteps(timestep, denoiser_.device_), context_,
                               rope_, PassOptions{.cache = &ring_});
  }

  void commit(const Tensor& latents) override {
    if (recache_) {
      held_[ring_.block()] = latents.clone();
      // What the next block does not see, and the sink, which is never made again.
      std::erase_if(held_, [this](const auto& entry) {
        return entry.first < ring_.sink() || entry.first <= ring_.block() + 1 - ring_.recent();
      });
    }
    remember(latents);
  }

  // LongLive-2.0's cut: the scene's first block stays while the scene lasts, and its time is apart
  // from that of the scene before, which is still seen until its blocks have had their turn.
  void cut() override {
    offset_ += cut_offset_;
    if (ring_.sink() > 0) ring_.pin();
  }

  // LongLive's recache with a global sink: keys and values of the latest blocks come again from
  // their finished latents, block by block, under the new prompt.
  void change_prompt(const Tensor& prompt_embeds) override {
    context_ = denoiser_.context(prompt_embeds, {});
    if (held_.empty()) return;
    ring_.restart(held_.begin()->first);
    for (const auto& [block, latents] : held_) remember(latents);
  }

 private:
  // A pass at timestep 0: what it leaves in the ring is what later blocks see.
  void remember(const Tensor& latents) {
    predict(latents, at::zeros({1, latents.size(2)}, at::kFloat));
    ring_.next_block();
  }

  WanDenoiser& denoiser_;
  const int64_t block_;  // latent frames
  const bool recache_;
  const int64_t cut_offset_;
  int64_t offset_ = 0;  // latent frames between all scenes so far
  std::vector<KeyValues> context_;
  std::map<int64_t, Tensor> held_;  // finished blocks behind the sink that the next one sees
  KvRing ring_;
  RopeTable rope_;
  int64_t rope_first_ = -1;
};

std::unique_ptr<CausalStream> WanDenoiser::open_stream(const CausalRollout& rollout,
                                                       const Tensor& prompt_embeds) {
  return std::make_unique<Stream>(*this, rollout, prompt_embeds);
}

}  // namespace

std::unique_ptr<Denoiser> load_denoiser(const LoadContext& context, const std::string& component) {
  const ModelComponent files = context.model->component(component);
  const TransformerConfig config =
      parse_transformer_config(files.config, component + "/config.json");
  DtypePolicy policy{context.dtype, {}};
  if (context.dtype != at::kFloat) policy.keep_fp32 = kKeepFp32;
  const WeightMap weights = WeightMap::open(files, context.device, policy, transformer_tensor_name);
  auto denoiser = std::make_unique<WanDenoiser>(weights, config, context);
  denoiser->transformer().tap_time_per_token =
      JsonObject(context.model->index(), "model_index.json", ErrorKind::kModel)
          .boolean("expand_timesteps", false);
  // An unused twin of norm_added_k that published image models carry.
  std::vector<std::string> unused;
  for (int64_t i = 0; i < config.num_layers; ++i) {
    unused.push_back("blocks." + std::to_string(i) + ".attn2.norm_added_q.");
  }
  weights.fill(unused);
  return denoiser;
}

}  // namespace genvid::wan
