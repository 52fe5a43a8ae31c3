// The tensors of each component, named and shaped as scripts/train saves them.
#include "families/genvid_tiny/describe.h"
#include "families/tensor_list.h"

namespace genvid::genvid_tiny {
namespace {

void residual(TensorList& t, const std::string& name, int64_t in, int64_t width) {
  t.layer(name + ".conv.0", {width, in, 3, 3});
  t.layer(name + ".conv.1", {width, width, 3, 3});
}

void text_encoder(TensorList t, const TextEncoderConfig& c) {
  const int64_t d = c.dim;
  t.add("embed.weight", {c.vocab_size, d});
  t.add("position", {c.max_tokens, d});
  for (int64_t i = 0; i < c.layers; ++i) {
    const std::string b = "blocks." + std::to_string(i);
    t.norm(b + ".n1", d);
    t.norm(b + ".n2", d);
    t.layer(b + ".qkv", {3 * d, d});
    t.layer(b + ".o", {d, d});
    t.layer(b + ".w1", {4 * d, d});
    t.layer(b + ".w2", {d, 4 * d});
  }
  t.norm("norm", d);
  for (const auto& [name, classes] : c.attributes) {
    t.layer("heads." + name, {static_cast<int64_t>(classes.size()), d});
  }
}

void trunk(TensorList& t, const TrunkConfig& c, int64_t numbers) {
  const int64_t d = c.dim;
  t.layer("inp", {d, numbers});
  t.add("place", {c.rows, c.columns, d});
  t.layer("t1", {d, 256});
  t.layer("t2", {d, d});
  t.layer("pool", {d, c.text_dim});
  t.layer("ada", {6 * d, d});
  t.layer("mod_out", {2 * d, d});
  for (int64_t i = 0; i < c.layers; ++i) {
    const std::string b = "blocks." + std::to_string(i);
    t.layer(b + ".qkv", {3 * d, d});
    t.layer(b + ".o", {d, d});
    t.layer(b + ".cq", {d, d});
    t.layer(b + ".ckv", {2 * d, c.text_dim});
    t.layer(b + ".co", {d, d});
    t.layer(b + ".w1", {c.mlp_ratio * d, d});
    t.layer(b + ".w2", {d, c.mlp_ratio * d});
    t.add(b + ".mod", {6 * d});
  }
}

void transformer(TensorList t, const TransformerConfig& c) {
  trunk(t, c, 3 * c.in_channels);  // a latent, the cleanest before it, the anchor
  for (const char* name : {"out", "keep", "hold"}) t.layer(name, {c.in_channels, c.dim});
  t.layer("camera", {static_cast<int64_t>(c.camera_moves.size()), c.text_dim});
  t.add("camera.basis", {c.block(), c.in_channels});
  t.add("camera.mean", {c.block()});
  t.add("camera.scale", {c.in_channels});
}

void sketcher(TensorList t, const SketcherConfig& c) {
  trunk(t, c, c.channels());
  t.layer("out", {c.channels(), c.dim});
}

void judge(TensorList t, const JudgeConfig& c) {
  const int64_t n = c.width, w = 2 * c.width;
  const auto block = [&](const std::string& name, int64_t channels) {
    for (const char* i : {"1", "2"}) {
      t.norm(name + ".norm" + i, channels);
      t.layer(name + ".conv" + i, {channels, channels, 3, 3});
    }
  };
  t.layer("conv.0", {n, c.latent_channels, 3, 3});
  block("conv.1", n);
  block("conv.2", n);
  t.layer("conv.3", {w, n, 3, 3});
  block("conv.4", w);
  block("conv.5", w);
  t.norm("conv.6", w);
  for (const auto& [name, labels] : c.labels) {
    t.layer("read." + name, {static_cast<int64_t>(labels.size()), 2 * w});
  }
}

void codec(TensorList t, const CodecConfig& c) {
  t.add("pca.mean", {c.block()});
  t.add("pca.basis", {c.block(), c.latent_channels});
  t.add("pca.scale", {c.latent_channels});
  if (!c.decoder) return;
  const std::string d = "decoder.";
  t.layer(d + "inp", {c.low, 2 * c.latent_channels, 3, 3});
  residual(t, d + "mix", 2 * c.low, c.low);
  for (const char* i : {"0", "1"}) {
    residual(t, d + "low." + i, c.low, c.low);
    residual(t, d + "mid." + i, c.mid, c.mid);
    residual(t, d + "fine." + i, c.fine, c.fine);
  }
  t.layer(d + "up1", {4 * c.mid, c.low, 1, 1});
  t.layer(d + "up2", {4 * c.fine, c.mid, 1, 1});
  t.layer(d + "out", {c.frames * 3 * 16, c.fine, 3, 3});
}

}  // namespace

std::vector<ExpectedTensor> expected_tensors(const ModelConfig& c) {
  std::vector<ExpectedTensor> out;
  text_encoder(TensorList(out, "text_encoder"), c.text_encoder);
  transformer(TensorList(out, "transformer"), c.transformer);
  codec(TensorList(out, "vae"), c.codec);
  if (c.sketcher) sketcher(TensorList(out, "sketcher"), *c.sketcher);
  if (c.judge) judge(TensorList(out, "judge"), *c.judge);
  return out;
}

}  // namespace genvid::genvid_tiny
