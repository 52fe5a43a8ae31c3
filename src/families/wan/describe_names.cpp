// The transformer's tensors as the authors' own code names them, which is how distilled and causal
// checkpoints are published, to diffusers' names. A name that is no such name stays as it is.
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "families/wan/describe.h"

namespace genvid::wan {
namespace {

using Rename = std::pair<std::string_view, std::string_view>;

// What training code wraps a network in, outermost first.
constexpr std::array<std::string_view, 5> kWrappers = {"generator_ema.", "generator.", "module.",
                                                       "model.", "model."};
constexpr std::string_view kFsdp = "_fsdp_wrapped_module.";

// Beginnings of names outside the blocks.
constexpr std::array kOutside = {
    Rename{"time_embedding.0.", "condition_embedder.time_embedder.linear_1."},
    Rename{"time_embedding.2.", "condition_embedder.time_embedder.linear_2."},
    Rename{"time_projection.1.", "condition_embedder.time_proj."},
    Rename{"text_embedding.0.", "condition_embedder.text_embedder.linear_1."},
    Rename{"text_embedding.2.", "condition_embedder.text_embedder.linear_2."},
    Rename{"img_emb.proj.0.", "condition_embedder.image_embedder.norm1."},
    Rename{"img_emb.proj.1.", "condition_embedder.image_embedder.ff.net.0.proj."},
    Rename{"img_emb.proj.3.", "condition_embedder.image_embedder.ff.net.2."},
    Rename{"img_emb.proj.4.", "condition_embedder.image_embedder.norm2."},
    Rename{"img_emb.emb_pos", "condition_embedder.image_embedder.pos_embed"},
    Rename{"head.modulation", "scale_shift_table"},
    Rename{"head.head.", "proj_out."},
    Rename{"fps_projection.0.", "fps_projection.net.0.proj."},  // SkyReels-V2 DF
    Rename{"fps_projection.2.", "fps_projection.net.2."},
};
// Beginnings of names inside a block. The norm before cross-attention is the third there and the
// second here; the second there has no weights.
constexpr std::array kInBlock = {
    Rename{"modulation", "scale_shift_table"},
    Rename{"norm3.", "norm2."},
    Rename{"ffn.0.", "ffn.net.0.proj."},
    Rename{"ffn.2.", "ffn.net.2."},
    Rename{"self_attn.", "attn1."},
    Rename{"cross_attn.", "attn2."},
};
constexpr std::array kInAttention = {
    Rename{"q.", "to_q."},
    Rename{"k.", "to_k."},
    Rename{"v.", "to_v."},
    Rename{"o.", "to_out.0."},
    Rename{"k_img.", "add_k_proj."},
    Rename{"v_img.", "add_v_proj."},
    Rename{"norm_k_img.", "norm_added_k."},
    Rename{"norm_q_img.", "norm_added_q."},
};

template <size_t N>
std::string renamed(std::string_view name, const std::array<Rename, N>& table) {
  for (const auto& [from, to] : table) {
    if (name.starts_with(from)) return std::string(to) + std::string(name.substr(from.size()));
  }
  return std::string(name);
}

std::string without_wrappers(const std::string& in_file) {
  std::string name = in_file;
  for (size_t at; (at = name.find(kFsdp)) != std::string::npos;) name.erase(at, kFsdp.size());
  for (const std::string_view wrapper : kWrappers) {
    if (name.starts_with(wrapper)) name.erase(0, wrapper.size());
  }
  return name;
}

std::string in_block(std::string_view name) {
  std::string out = renamed(name, kInBlock);
  const bool attention = name.starts_with("self_attn.") || name.starts_with("cross_attn.");
  if (!attention) return out;
  constexpr size_t kPrefix = sizeof("attn1.") - 1;
  return out.substr(0, kPrefix) + renamed(std::string_view(out).substr(kPrefix), kInAttention);
}

}  // namespace

std::string transformer_tensor_name(const std::string& in_file) {
  const std::string name = without_wrappers(in_file);
  constexpr std::string_view kBlocks = "blocks.";
  if (!name.starts_with(kBlocks)) return renamed(name, kOutside);
  const size_t end = name.find('.', kBlocks.size());
  if (end == std::string::npos) return name;
  return name.substr(0, end + 1) + in_block(std::string_view(name).substr(end + 1));
}

}  // namespace genvid::wan
