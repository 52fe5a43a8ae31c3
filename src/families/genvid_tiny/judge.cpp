#include "families/genvid_tiny/judge.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/amax.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/group_norm.h>
#include <ATen/ops/log_softmax.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "families/genvid_tiny/config.h"
#include "nn/convolution.h"
#include "nn/linear.h"
#include "tensor/tap.h"

namespace genvid::genvid_tiny {
namespace {

constexpr int64_t kGroups = 8;

struct GroupNorm {
  Tensor weight, bias;
  GroupNorm(const WeightMap& w, int64_t channels)
      : weight(w.get("weight", {channels})), bias(w.get("bias", {channels})) {}
  // Over [N, h, w, C].
  Tensor operator()(const Tensor& x) const {
    return at::group_norm(x.permute({0, 3, 1, 2}).contiguous(), kGroups, weight, bias)
        .permute({0, 2, 3, 1})
        .contiguous();
  }
};

struct Residual {
  GroupNorm norm1, norm2;
  Conv2d conv1, conv2;
  Residual(const WeightMap& w, int64_t channels)
      : norm1(w.scope("norm1"), channels),
        norm2(w.scope("norm2"), channels),
        conv1(w.scope("conv1"), channels, channels, 3, 1, 1),
        conv2(w.scope("conv2"), channels, channels, 3, 1, 1) {}
  Tensor operator()(const Tensor& x) const {
    return x + conv2(at::gelu(norm2(conv1(at::gelu(norm1(x))))));
  }
};

struct Head {
  std::string name;
  std::vector<std::string> labels;
  Linear layer;
};

class TinyJudge final : public PictureJudge {
 public:
  TinyJudge(const WeightMap& w, const JudgeConfig& c)
      : first_(w.scope("conv.0"), c.latent_channels, c.width, 3, 1, 1),
        narrow_{{w.scope("conv.1"), c.width}, {w.scope("conv.2"), c.width}},
        half_(w.scope("conv.3"), c.width, 2 * c.width, 3, 2, 1),
        wide_{{w.scope("conv.4"), 2 * c.width}, {w.scope("conv.5"), 2 * c.width}},
        norm_(w.scope("conv.6"), 2 * c.width) {
    for (const auto& [name, labels] : c.labels) {
      heads_.push_back(
          {name, labels,
           Linear(w.scope("read").scope(name), 4 * c.width, static_cast<int64_t>(labels.size()))});
    }
  }

  bool judges(const std::vector<NamedAttribute>& named) const override {
    return std::any_of(heads_.begin(), heads_.end(),
                       [&](const Head& head) { return asked(head, named).has_value(); });
  }

  double score(const Tensor& latents, const std::vector<NamedAttribute>& named) const override {
    const Tensor seen = look(latents);
    double sum = 0;
    int count = 0;
    for (const Head& head : heads_) {
      const Tensor scores = head.layer(seen).mean(0);
      tap("judge." + head.name, scores);
      if (const auto label = asked(head, named)) {
        sum += at::log_softmax(scores, -1)[*label].item<double>();
        ++count;
      }
    }
    return count > 0 ? sum / count : 0;
  }

 private:
  // The head's label that is named, if any.
  static std::optional<int64_t> asked(const Head& head, const std::vector<NamedAttribute>& named) {
    for (const NamedAttribute& n : named) {
      if (n.name != head.name) continue;
      const auto label = std::find(head.labels.begin(), head.labels.end(), n.value);
      if (label != head.labels.end()) return label - head.labels.begin();
    }
    return std::nullopt;
  }

  // [1, C, T, h, w] to [T, 4 width].
  Tensor look(const Tensor& latents) const {
    Tensor x = latents[0].permute({1, 2, 3, 0}).contiguous();
    x = first_(x);
    for (const Residual& r : narrow_) x = r(x);
    x = half_(x);
    for (const Residual& r : wide_) x = r(x);
    x = at::gelu(norm_(x));
    return at::cat({x.mean({1, 2}), at::amax(x, {1, 2})}, 1);
  }

  Conv2d first_;
  std::vector<Residual> narrow_;
  Conv2d half_;
  std::vector<Residual> wide_;
  GroupNorm norm_;
  std::vector<Head> heads_;
};

}  // namespace

std::unique_ptr<PictureJudge> load_judge(const LoadContext& context) {
  if (!context.model->has("judge")) return nullptr;
  const ModelComponent files = context.model->component("judge");
  const JudgeConfig config = parse_judge_config(files.config, "judge/config.json");
  const WeightMap weights = WeightMap::open(files, context.device, {at::kFloat, {}});
  auto judge = std::make_unique<TinyJudge>(weights, config);
  weights.fill();
  return judge;
}

}  // namespace genvid::genvid_tiny
