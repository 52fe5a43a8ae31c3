#include "families/genvid_tiny/text_encoder.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/argmax.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/tensor.h>

#include <utility>

#include "families/genvid_tiny/config.h"
#include "nn/attention.h"
#include "nn/linear.h"
#include "nn/norm.h"
#include "tensor/tap.h"
#include "text/prompt_clean.h"
#include "text/tokenizer.h"

namespace genvid::genvid_tiny {
namespace {

constexpr double kEps = 1e-6;

struct Block {
  int64_t heads;
  LayerNorm n1, n2;
  Linear qkv, o, w1, w2;

  Block(const WeightMap& w, const TextEncoderConfig& c)
      : heads(c.heads()),
        n1(w.scope("n1"), c.dim, kEps),
        n2(w.scope("n2"), c.dim, kEps),
        qkv(w.scope("qkv"), c.dim, 3 * c.dim),
        o(w.scope("o"), c.dim, c.dim),
        w1(w.scope("w1"), c.dim, 4 * c.dim),
        w2(w.scope("w2"), 4 * c.dim, c.dim) {}

  Tensor operator()(const Tensor& x) const {
    const Tensor projected = qkv(n1(x)).unflatten(-1, {3, heads, -1});  // [1, S, 3, N, K]
    const auto part = [&](int64_t i) { return projected.select(2, i); };
    const Tensor y = x + o(attention(part(0), part(1), part(2)));
    return y + w2(at::gelu(w1(n2(y)), "tanh"));
  }
};

struct Head {
  std::string name;
  std::vector<std::string> classes;
  Linear layer;
};

std::unique_ptr<Tokenizer> open_tokenizer(const ModelFolder& model) {
  return open_sentencepiece(model.file("tokenizer", "spiece.model"));
}

class TinyEncoder final : public TextEncoder {
 public:
  TinyEncoder(const WeightMap& w, const TextEncoderConfig& config, at::Device device,
              std::unique_ptr<Tokenizer> tokenizer)
      : config_(config),
        device_(device),
        tokenizer_(std::move(tokenizer)),
        embed_(w.get("embed.weight", {config.vocab_size, config.dim})),
        position_(w.get("position", {config.max_tokens, config.dim})),
        norm_(w.scope("norm"), config.dim, kEps) {
    for (int64_t i = 0; i < config.layers; ++i) {
      blocks_.emplace_back(w.scope("blocks").scope(i), config);
    }
    for (const auto& [name, classes] : config.attributes) {
      heads_.push_back(
          {name, classes,
           Linear(w.scope("heads").scope(name), config.dim, static_cast<int64_t>(classes.size()))});
    }
  }

  // Real tokens alone, [1, S, D]: there is no padding to mask.
  Tensor encode(const std::string& prompt) override {
    const TapScope scope("text");
    const std::vector<int32_t> ids =
        tokenizer_->encode(clean_prompt(prompt), static_cast<int>(config_.max_tokens));
    Tensor x = (rows(ids) + position_.narrow(0, 0, static_cast<int64_t>(ids.size()))).unsqueeze(0);
    for (size_t i = 0; i < blocks_.size(); ++i) {
      x = blocks_[i](x);
      tap("block" + std::to_string(i), x);
    }
    return norm_(x);
  }

  std::optional<std::vector<NamedAttribute>> attributes(const std::string& prompt) override {
    if (heads_.empty()) return std::nullopt;
    const Tensor pooled = encode(prompt).mean(1);
    std::vector<NamedAttribute> named;
    for (const Head& head : heads_) {
      const Tensor scores = head.layer(pooled);
      tap("attribute." + head.name, scores);
      const auto best = scores.argmax(-1).item<int64_t>();
      // Class 0 is "unsaid".
      if (best > 0) named.push_back({head.name, head.classes[static_cast<size_t>(best)]});
    }
    return named;
  }

 private:
  Tensor rows(const std::vector<int32_t>& ids) const {
    for (const int32_t id : ids) {
      if (id < 0 || id >= config_.vocab_size) {
        throw Error(ErrorKind::kModel,
                    "the tokenizer gives id " + std::to_string(id) + ", but the text encoder has " +
                        std::to_string(config_.vocab_size) +
                        " embeddings; tokenizer/ and text_encoder/ do not belong together");
      }
    }
    return embed_.index_select(0, at::tensor(ids, at::kInt).to(device_));
  }

  TextEncoderConfig config_;
  at::Device device_;
  std::unique_ptr<Tokenizer> tokenizer_;
  Tensor embed_, position_;
  std::vector<Block> blocks_;
  LayerNorm norm_;
  std::vector<Head> heads_;
};

}  // namespace

std::unique_ptr<TextEncoder> load_text_encoder(const LoadContext& context) {
  const ModelComponent files = context.model->component("text_encoder");
  const TextEncoderConfig config =
      parse_text_encoder_config(files.config, "text_encoder/config.json");
  auto tokenizer = open_tokenizer(*context.model);
  const WeightMap weights = WeightMap::open(files, context.device, {at::kFloat, {}});
  auto encoder =
      std::make_unique<TinyEncoder>(weights, config, context.device, std::move(tokenizer));
  weights.fill();
  return encoder;
}

std::vector<int64_t> tokenize(const ModelFolder& model, const std::string& prompt) {
  const TextEncoderConfig config =
      parse_text_encoder_config(model.component("text_encoder").config, "text_encoder/config.json");
  const auto tokenizer = open_tokenizer(model);
  const std::vector<int32_t> ids =
      tokenizer->encode(clean_prompt(prompt), static_cast<int>(config.max_tokens));
  std::vector<int64_t> padded(ids.begin(), ids.end());
  padded.resize(static_cast<size_t>(config.max_tokens), tokenizer->pad_id());
  return padded;
}

}  // namespace genvid::genvid_tiny
