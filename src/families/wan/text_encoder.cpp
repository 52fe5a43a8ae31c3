#include "families/wan/text_encoder.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/log.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/rsqrt.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/tanh.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>

#include <cmath>
#include <utility>

#include "core/cancel.h"
#include "families/wan/config.h"
#include "nn/linear.h"
#include "tensor/tap.h"
#include "text/prompt_clean.h"
#include "text/tokenizer.h"
#include "weights/weight_map.h"

namespace genvid::wan {
namespace {

// RMS norm as T5 rounds it: the variance in fp32, the quotient rounded to a half-precision
// weight's dtype, then the weight.
struct T5Norm {
  Tensor weight;
  double eps;
  T5Norm(const WeightMap& w, const TextEncoderConfig& c)
      : weight(w.get("weight", {c.d_model})), eps(c.layer_norm_epsilon) {}

  Tensor operator()(const Tensor& x) const {
    const Tensor variance = at::pow(x.to(at::kFloat), 2).mean(-1, /*keepdim=*/true);
    Tensor normed = x * at::rsqrt(variance + eps);
    if (weight.scalar_type() != at::kFloat) normed = normed.to(weight.scalar_type());
    return weight * normed;
  }
};

// One rounding per operation, as transformers writes it out: a fused gelu differs in bf16.
Tensor gelu_new(const Tensor& x) {
  const double kScale = std::sqrt(2.0 / M_PI);
  return 0.5 * x * (1.0 + at::tanh(kScale * (x + 0.044715 * at::pow(x, 3.0))));
}

// [S, S] int64: row i, column j holds the bucket of the distance j - i. Half of the buckets are for
// keys behind the query; of each half, half are exact and half grow logarithmically.
Tensor relative_buckets(const TextEncoderConfig& c, int64_t length) {
  const int64_t buckets = c.relative_attention_num_buckets / 2;
  const int64_t exact = buckets / 2;
  const Tensor position = at::arange(length, at::kLong);
  const Tensor relative = position.unsqueeze(0) - position.unsqueeze(1);
  const Tensor distance = at::abs(relative);
  // In fp32 like the reference, because whole powers of two sit on the edges of buckets. Distances
  // below `exact` are raised to it only to keep the logarithm finite; their value is not used.
  const double span =
      std::log(static_cast<double>(c.relative_attention_max_distance) / static_cast<double>(exact));
  const Tensor ratio = at::log(distance.clamp_min(exact).to(at::kFloat) / exact) / span;
  const Tensor large = ((ratio * (buckets - exact)).to(at::kLong) + exact).clamp_max(buckets - 1);
  return at::where(distance < exact, distance, large) + (relative > 0).to(at::kLong) * buckets;
}

struct SelfAttention {
  int64_t heads, width;
  Linear q, k, v, o;
  Tensor bias;  // [buckets, heads]; every layer has its own
  SelfAttention(const WeightMap& w, const TextEncoderConfig& c)
      : heads(c.num_heads),
        width(c.d_kv),
        q(w.scope("q"), c.d_model, c.num_heads * c.d_kv, false),
        k(w.scope("k"), c.d_model, c.num_heads * c.d_kv, false),
        v(w.scope("v"), c.d_model, c.num_heads * c.d_kv, false),
        o(w.scope("o"), c.num_heads * c.d_kv, c.d_model, false),
        bias(w.get("relative_attention_bias.weight",
                   {c.relative_attention_num_buckets, c.num_heads})) {}

  Tensor operator()(const Tensor& x, const Tensor& buckets) const {
    const auto split = [&](const Tensor& t) {
      return t.view({1, -1, heads, width}).transpose(1, 2);
    };
    const Tensor mask = at::embedding(bias, buckets).permute({2, 0, 1}).unsqueeze(0).contiguous();
    const Tensor out = at::scaled_dot_product_attention(split(q(x)), split(k(x)), split(v(x)), mask,
                                                        /*dropout_p=*/0.0, /*is_causal=*/false,
                                                        /*scale=*/1.0);
    return o(out.transpose(1, 2).reshape({1, -1, heads * width}));
  }
};

struct FeedForward {
  Linear wi_0, wi_1, wo;
  FeedForward(const WeightMap& w, const TextEncoderConfig& c)
      : wi_0(w.scope("wi_0"), c.d_model, c.d_ff, false),
        wi_1(w.scope("wi_1"), c.d_model, c.d_ff, false),
        wo(w.scope("wo"), c.d_ff, c.d_model, false) {}

  Tensor operator()(const Tensor& x) const {
    const Tensor gated = gelu_new(wi_0(x)) * wi_1(x);
    return wo(gated.to(wo.weight.scalar_type()));
  }
};

struct Block {
  T5Norm attention_norm;
  SelfAttention attention;
  T5Norm ffn_norm;
  FeedForward ffn;
  Block(const WeightMap& w, const TextEncoderConfig& c)
      : attention_norm(w.scope("layer.0.layer_norm"), c),
        attention(w.scope("layer.0.SelfAttention"), c),
        ffn_norm(w.scope("layer.1.layer_norm"), c),
        ffn(w.scope("layer.1.DenseReluDense"), c) {}

  Tensor operator()(Tensor x, const Tensor& buckets) const {
    x = x + attention(attention_norm(x), buckets);
    return x + ffn(ffn_norm(x));
  }
};

class Umt5Encoder : public TextEncoder {
 public:
  Umt5Encoder(const WeightMap& w, const TextEncoderConfig& config, const LoadContext& context,
              std::unique_ptr<Tokenizer> tokenizer)
      : config_(config),
        context_(context),
        tokenizer_(std::move(tokenizer)),
        final_norm_(w.scope("encoder.final_layer_norm"), config) {
    // Few of its rows are needed for a prompt, so the table stays in the file, in its own dtype.
    const char* alias = "encoder.embed_tokens.weight";
    const char* name = !w.has("shared.weight") && w.has(alias) ? alias : "shared.weight";
    table_ = w.get_mapped(name, {config.vocab_size, config.d_model});
    for (int64_t i = 0; i < config.num_layers; ++i) {
      blocks_.emplace_back(w.scope("encoder.block").scope(i), config);
    }
  }

  // Attention ignores padding and every other step is per token, so only the prompt's own tokens
  // are computed.
  Tensor encode(const std::string& prompt) override {
    const TapScope scope("t5");
    Tensor x = embed(tokenizer_->encode(clean_prompt(prompt), kTextTokens));
    tap("embed", x);
    const Tensor buckets = relative_buckets(config_, x.size(1)).to(context_.device);
    for (size_t i = 0; i < blocks_.size(); ++i) {
      throw_if_cancelled();
      x = blocks_[i](x, buckets);
      tap("block" + std::to_string(i), x);
    }
    x = final_norm_(x);
    tap("final", x);
    Tensor padded = at::zeros({1, kTextTokens, config_.d_model},
                              at::TensorOptions().dtype(context_.dtype).device(context_.device));
    padded.narrow(1, 0, x.size(1)).copy_(x);
    return padded;
  }

 private:
  Tensor embed(const std::vector<int32_t>& ids) const {
    for (const int32_t id : ids) {
      if (id < 0 || id >= config_.vocab_size) {
        throw Error(ErrorKind::kModel,
                    "the tokenizer gives id " + std::to_string(id) + ", but the text encoder has " +
                        std::to_string(config_.vocab_size) +
                        " embeddings; tokenizer/ and text_encoder/ do not belong together");
      }
    }
    const Tensor rows = table_.index_select(0, at::tensor(ids, at::kInt));
    return rows.unsqueeze(0).to(context_.device, context_.dtype);
  }

  TextEncoderConfig config_;
  LoadContext context_;
  std::unique_ptr<Tokenizer> tokenizer_;
  Tensor table_;
  std::vector<Block> blocks_;
  T5Norm final_norm_;
};

std::unique_ptr<Tokenizer> open_tokenizer(const ModelFolder& model) {
  return open_sentencepiece(model.file("tokenizer", "spiece.model"));
}

}  // namespace

std::unique_ptr<TextEncoder> load_text_encoder(const LoadContext& context) {
  const ModelComponent component = context.model->component("text_encoder");
  const TextEncoderConfig config =
      parse_text_encoder_config(component.config, (component.dir / "config.json").string());
  auto tokenizer = open_tokenizer(*context.model);
  DtypePolicy policy{context.dtype, {}};
  // fp16 overflows there; transformers keeps it in fp32 too.
  if (context.dtype == at::kHalf) policy.keep_fp32.push_back("wo");
  const WeightMap weights = WeightMap::open(component, context.device, policy);
  auto encoder = std::make_unique<Umt5Encoder>(weights, config, context, std::move(tokenizer));
  // Two names of one table.
  weights.fill({"shared.weight", "encoder.embed_tokens.weight"});
  return encoder;
}

std::vector<int64_t> tokenize(const ModelFolder& model, const std::string& prompt) {
  const auto tokenizer = open_tokenizer(model);
  const std::vector<int32_t> ids = tokenizer->encode(clean_prompt(prompt), kTextTokens);
  std::vector<int64_t> padded(ids.begin(), ids.end());
  padded.resize(kTextTokens, tokenizer->pad_id());
  return padded;
}

}  // namespace genvid::wan
