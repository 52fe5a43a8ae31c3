#include "families/genvid_tiny/denoiser.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "families/genvid_tiny/sketcher.h"
#include "families/genvid_tiny/transformer.h"
#include "nn/network_input.h"

namespace genvid::genvid_tiny {
namespace {

// Modulation decides what a noise level does; it stays exact, as do the ends of the network.
const std::vector<std::string> kKeepFp32 = {"t1",  "t2",  "pool", "ada",  "mod",   "mod_out",
                                            "inp", "out", "keep", "hold", "place", "camera"};
// A prompt and a negative prompt.
constexpr size_t kPromptsKept = 2;

void check_input(const TrunkConfig& c, int64_t channels, const Tensor& latents,
                 const Tensor& timestep) {
  const bool grid = latents.dim() == 5 && latents.size(0) == 1 && latents.size(1) == channels &&
                    latents.size(3) >= 1 && latents.size(3) <= c.rows && latents.size(4) >= 1 &&
                    latents.size(4) <= c.columns;
  if (!grid) {
    throw Error(ErrorKind::kUsage, "the transformer got latents " + shape_text(latents) +
                                       ", expected [1, " + std::to_string(channels) +
                                       ", T, H, W] of at most " + std::to_string(c.rows) + " x " +
                                       std::to_string(c.columns) + " positions");
  }
  check_timestep(timestep, latents.size(2));
}

class TinyDenoiser final : public Denoiser {
 public:
  TinyDenoiser(Transformer transformer, std::optional<Sketcher> sketcher, at::Device device)
      : transformer_(std::move(transformer)), sketcher_(std::move(sketcher)), device_(device) {}

  void begin_clip(int64_t latents) override {
    clip_latents_ = latents;
    prompts_.clear();
  }

  Tensor predict(const Tensor& latents, const Tensor& timestep, const Tensor& prompt_embeds,
                 const Conditioning& conditioning) override {
    return predict_each(latents, timestep, {prompt_embeds}, conditioning).front();
  }

  std::vector<Tensor> predict_each(const Tensor& latents, const Tensor& timestep,
                                   const std::vector<Tensor>& prompts,
                                   const Conditioning& conditioning) override {
    for (const Tensor& p : prompts) remember(p, std::max(kPromptsKept, prompts.size()));
    if (is_start(latents)) return predict_start(latents, timestep, prompts, conditioning.side);
    check_input(transformer_.config(), transformer_.config().in_channels, latents, timestep);
    std::vector<const PromptContext*> contexts;
    for (const Tensor& p : prompts) contexts.push_back(&prompt(p).context);
    const Tensor x = latents.to(device_, at::kFloat);
    Tensor x0 = transformer_.forward(x, distinct_timesteps(timestep, device_), contexts,
                                     rope(x.size(2), x.size(3), x.size(4)),
                                     anchor(conditioning, x, contexts.front()->camera));
    if (conditioning.side.latents.defined()) {
      x0 = transformer_.camera().beside(x0.squeeze(2), conditioning.side).unsqueeze(2);
    }
    return velocities(x, x0, timestep);
  }

  Tensor finished_start(const Tensor& start) const override {
    return is_start(start) ? start.narrow(1, 0, transformer_.config().in_channels) : start;
  }

  double leads(const Tensor& start, const Tensor& prompt_embeds) override {
    if (!is_start(start)) return 0;
    remember(prompt_embeds, kPromptsKept);
    return sketcher_->leads(sketch(start), prompt(prompt_embeds).context.camera);
  }

  Tensor between_tiles(const Tensor& latents) override {
    const Tensor moved = transformer_.camera().between(picture(latents));
    if (!is_start(latents)) return moved.unsqueeze(2);
    return at::cat({moved, sketcher_->between(sketch(latents))}, 1).unsqueeze(2);
  }

  Tensor back_to_tiles(const Tensor& moved, const Tensor& latents) override {
    return transformer_.camera().back(picture(moved), picture(latents)).unsqueeze(2);
  }

  CameraPan pan(const Tensor& prompt_embeds) override {
    remember(prompt_embeds, kPromptsKept);
    const CameraMove& move = prompt(prompt_embeds).context.camera;
    if (move.growth != 0) return {.growth = move.growth};
    if (move.right != 0 && move.down != 0) return {};
    const auto& patch = transformer_.config().patch;
    return {move.right / static_cast<double>(patch[2]), move.down / static_cast<double>(patch[1])};
  }

  Tensor carried(const Tensor& latent, const Tensor& prompt_embeds, double latents) override {
    remember(prompt_embeds, kPromptsKept);
    const CameraMove& move = prompt(prompt_embeds).context.camera;
    return transformer_.camera().carry(picture(latent), move, latents).unsqueeze(2);
  }

  Tensor toned(const Tensor& made, const Tensor& latent, const Tensor& like) override {
    return transformer_.camera().toned(picture(made), picture(latent), picture(like)).unsqueeze(2);
  }

 private:
  struct Prompt {
    Tensor embeds;  // held, so that identity means equality
    PromptContext context;
    std::optional<TextContext> sketch;  // as the sketcher sees it, once that was asked
  };

  // Whether these are a start's channels: a latent frame with its sketch.
  bool is_start(const Tensor& latents) const {
    return sketcher_ && latents.dim() == 5 && latents.size(1) == sketcher_->config().channels();
  }

  // [1, C, h, w] of one latent frame, without the sketch that it may have.
  Tensor picture(const Tensor& latents) const {
    return latents.narrow(1, 0, transformer_.config().in_channels)
        .to(device_, at::kFloat)
        .squeeze(2);
  }

  // [1, sketch, h, w] of a start.
  Tensor sketch(const Tensor& start) const {
    const int64_t from = transformer_.config().in_channels;
    return start.narrow(1, from, start.size(1) - from).to(device_, at::kFloat).squeeze(2);
  }

  std::vector<Tensor> predict_start(const Tensor& latents, const Tensor& timestep,
                                    const std::vector<Tensor>& prompts, const DrawnSide& side) {
    check_input(sketcher_->config(), sketcher_->config().channels(), latents, timestep);
    if (latents.size(2) != 1) {
      throw Error(ErrorKind::kUsage,
                  "the sketcher draws one latent frame, got " + std::to_string(latents.size(2)));
    }
    std::vector<const TextContext*> contexts;
    for (const Tensor& embeds : prompts) {
      Prompt& p = prompt(embeds);
      if (!p.sketch) p.sketch = sketcher_->trunk().context(embeds.to(device_, at::kFloat));
      contexts.push_back(&*p.sketch);
    }
    const Tensor x = latents.to(device_, at::kFloat);
    Tensor x0 = sketcher_->forward(x, distinct_timesteps(timestep, device_), contexts,
                                   rope(1, x.size(3), x.size(4)));
    if (side.latents.defined()) x0 = beside(x0, side);
    return velocities(x, x0, timestep);
  }

  // A start x0 [B, C + sketch, 1, h, w] with what is known of `side` in its place.
  Tensor beside(const Tensor& x0, const DrawnSide& side) const {
    DrawnSide known = side;
    known.latents = finished_start(side.latents);
    const Tensor there = transformer_.camera().beside(picture(x0), known).unsqueeze(2);
    Tensor lines = sketch(x0);
    if (is_start(side.latents)) {
      const int64_t axis = side.axis - 1, from = side.first ? side.count : 0;
      const int64_t count = lines.size(axis) - side.count;
      lines = lines.clone();
      lines.narrow(axis, from, count).copy_(sketch(side.latents).narrow(axis, from, count));
    }
    return at::cat({there, lines.unsqueeze(2)}, 1);
  }

  // Of each row of x0, a prompt's.
  std::vector<Tensor> velocities(const Tensor& x, const Tensor& x0, const Tensor& timestep) const {
    const Tensor sigma =
        timestep.to(device_, at::kFloat).div(1000.0).clamp_min(1e-6).view({1, 1, -1, 1, 1});
    std::vector<Tensor> out;
    for (int64_t b = 0; b < x0.size(0); ++b) {
      out.push_back(x.sub(x0.narrow(0, b, 1)).div_(sigma));
    }
    return out;
  }

  Prompt& prompt(const Tensor& embeds) {
    return *std::find_if(prompts_.begin(), prompts_.end(),
                         [&](const Prompt& p) { return p.embeds.is_same(embeds); });
  }

  // Makes the prompt the newest of those kept.
  void remember(const Tensor& embeds, size_t kept) {
    const auto found = std::find_if(prompts_.begin(), prompts_.end(),
                                    [&](const Prompt& p) { return p.embeds.is_same(embeds); });
    if (found != prompts_.end()) {
      std::rotate(found, found + 1, prompts_.end());
      return;
    }
    if (embeds.dim() != 3 || embeds.size(2) != transformer_.config().text_dim) {
      throw Error(ErrorKind::kModel, "the transformer got prompt embeddings " + shape_text(embeds) +
                                         ", expected [1, S, " +
                                         std::to_string(transformer_.config().text_dim) + "]");
    }
    if (prompts_.size() == kept) prompts_.erase(prompts_.begin());
    PromptContext context = transformer_.context(embeds.to(device_, at::kFloat));
    context.camera = slowed(context.camera, transformer_.config().zoom_most, clip_latents_);
    prompts_.push_back({embeds, std::move(context), {}});
  }

  const RopeTable& rope(int64_t frames, int64_t rows, int64_t columns) {
    const std::vector<int64_t> grid{frames, rows, columns};
    if (grid != rope_grid_) {
      rope_ = transformer_.trunk().rope(frames, rows, columns);
      rope_grid_ = grid;
    }
    return rope_;
  }

  // Carried on once for a window, not at each of its steps. A camera that stands sees the clip's
  // first picture for ever, one that moves leaves it behind.
  const Anchor& anchor(const Conditioning& conditioning, const Tensor& x, const CameraMove& move) {
    const AnchorFrame& shown = move == CameraMove{} ? conditioning.start : conditioning.anchor;
    const Tensor& latent = shown.latents;
    if (!latent.defined()) {
      static const Anchor none;
      return none;
    }
    const int64_t frames = latent.dim() == 5 && latent.size(2) != 1 ? x.size(2) : 1;
    const std::vector<int64_t> want{1, x.size(1), frames, x.size(3), x.size(4)};
    if (latent.sizes() != at::IntArrayRef(want)) {
      throw Error(ErrorKind::kUsage, "the transformer got an anchor " + shape_text(latent) +
                                         " for latents " + shape_text(x));
    }
    const bool same = anchored_.defined() && anchored_.is_same(latent) &&
                      anchor_age_ == shown.age && anchor_move_ == move &&
                      anchor_.latents.size(2) == x.size(2);
    if (!same) {
      anchor_ = transformer_.anchor(latent.to(device_, at::kFloat), shown.age, x.size(2), move);
      anchored_ = latent;
      anchor_age_ = shown.age;
      anchor_move_ = move;
    }
    return anchor_;
  }

  Transformer transformer_;
  std::optional<Sketcher> sketcher_;
  at::Device device_;
  int64_t clip_latents_ = 0;
  std::vector<Prompt> prompts_;  // least recently used first
  std::vector<int64_t> rope_grid_;
  RopeTable rope_;
  Tensor anchored_;  // what anchor_ was made of, held so that identity means equality
  double anchor_age_ = 0;
  CameraMove anchor_move_;
  Anchor anchor_;
};

}  // namespace

std::unique_ptr<Denoiser> load_denoiser(const LoadContext& context, const std::string& component) {
  DtypePolicy policy{context.dtype, {}};
  if (context.dtype != at::kFloat) policy.keep_fp32 = kKeepFp32;
  const ModelComponent files = context.model->component(component);
  const WeightMap weights = WeightMap::open(files, context.device, policy);
  Transformer transformer(
      weights, parse_transformer_config(files.config, component + "/config.json"), context.dtype);
  weights.fill();
  std::optional<Sketcher> sketcher;
  if (context.model->has("sketcher")) {
    const ModelComponent more = context.model->component("sketcher");
    const WeightMap own = WeightMap::open(more, context.device, policy);
    sketcher.emplace(own, parse_sketcher_config(more.config, "sketcher/config.json"),
                     context.dtype);
    own.fill();
  }
  return std::make_unique<TinyDenoiser>(std::move(transformer), std::move(sketcher),
                                        context.device);
}

}  // namespace genvid::genvid_tiny
