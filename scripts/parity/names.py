"""The original (Wan-AI) tensor names of a diffusers checkpoint, for tests of checkpoints in that layout."""

import os

from safetensors.torch import save_file

# fmt: off
_TRANSFORMER = (
    ("condition_embedder.image_embedder.norm1", "img_emb.proj.0"),
    ("condition_embedder.image_embedder.ff.net.0.proj", "img_emb.proj.1"),
    ("condition_embedder.image_embedder.ff.net.2", "img_emb.proj.3"),
    ("condition_embedder.image_embedder.norm2", "img_emb.proj.4"),
    ("condition_embedder.image_embedder.pos_embed", "img_emb.emb_pos"),
    ("condition_embedder.time_embedder.linear_1", "time_embedding.0"),
    ("condition_embedder.time_embedder.linear_2", "time_embedding.2"),
    ("condition_embedder.text_embedder.linear_1", "text_embedding.0"),
    ("condition_embedder.text_embedder.linear_2", "text_embedding.2"),
    ("condition_embedder.time_proj", "time_projection.1"),
    (".scale_shift_table", ".modulation"), (".ffn.net.0.proj", ".ffn.0"), (".ffn.net.2", ".ffn.2"))
_BLOCK_PARTS = {"norm2": "norm3", "norm3": "norm2", "attn1": "self_attn", "attn2": "cross_attn"}
_ATTENTION = ((".to_q.", ".q."), (".to_k.", ".k."), (".to_v.", ".v."), (".to_out.0.", ".o."),
              (".add_k_proj.", ".k_img."), (".add_v_proj.", ".v_img."), (".norm_added_k.", ".norm_k_img."))
_T5 = (("encoder.final_layer_norm", "norm"), ("encoder.block.", "blocks."), ("layer.0.layer_norm", "norm1"),
       ("layer.1.layer_norm", "norm2"),
       ("layer.0.SelfAttention.relative_attention_bias", "pos_embedding.embedding"),
       ("layer.0.SelfAttention.", "attn."), ("layer.1.DenseReluDense.wi_0", "ffn.gate.0"),
       ("layer.1.DenseReluDense.wi_1", "ffn.fc1"), ("layer.1.DenseReluDense.wo", "ffn.fc2"))
_VAE = (("coder.conv_in.", "coder.conv1."), ("coder.norm_out.", "coder.head.0."), ("coder.conv_out.", "coder.head.2."),
        ("mid_block.attentions.0.", "middle.1."), ("mid_block.resnets.0.", "middle.0."),
        ("mid_block.resnets.1.", "middle.2."))
_RESNET = {"norm1.gamma": "residual.0.gamma", "conv1.weight": "residual.2.weight", "conv1.bias": "residual.2.bias",
           "norm2.gamma": "residual.3.gamma", "conv2.weight": "residual.6.weight", "conv2.bias": "residual.6.bias",
           "conv_shortcut.weight": "shortcut.weight", "conv_shortcut.bias": "shortcut.bias"}
# fmt: on
_DECODER_RESNETS = 3  # num_res_blocks + 1


def _replace(name, pairs):
    for old, new in pairs:
        name = name.replace(old, new)
    return name


def transformer_name(name):
    if name == "scale_shift_table":
        return "head.modulation"
    name = _replace(name, _TRANSFORMER)
    if name.startswith("proj_out."):
        return name.replace("proj_out", "head.head")
    if not name.startswith("blocks."):
        return name
    parts = name.split(".")
    parts[2] = _BLOCK_PARTS.get(parts[2], parts[2])
    return _replace(".".join(parts), _ATTENTION)


def t5_name(name):
    if name in ("shared.weight", "encoder.embed_tokens.weight"):
        return "token_embedding.weight"
    return _replace(name, _T5)


def vae_name(name, residual):
    """residual: the Wan2.2 VAE, whose blocks are nested; those of 2.1 form one flat list"""
    old = name
    if name.startswith("post_quant_conv."):
        name = name.replace("post_quant_conv.", "conv2.")
    elif name.startswith("quant_conv."):
        name = name.replace("quant_conv.", "conv1.")
    name = _replace(name, _VAE)
    if "resnets" in old or "down_blocks" in old:
        for ending, new in _RESNET.items():
            if name.endswith("." + ending):
                name = name[: -len(ending)] + new
    if residual:
        name = name.replace("down_blocks.", "downsamples.").replace("up_blocks.", "upsamples.")
        for side in ("downsamples", "upsamples"):
            if f".{side}." in name:
                name = name.replace(".resnets.", f".{side}.")
        return name.replace(".downsampler.", ".downsamples.2.").replace(
            ".upsampler.", ".upsamples.3."
        )
    name = name.replace("encoder.down_blocks.", "encoder.downsamples.")
    if name.startswith("decoder.up_blocks."):
        parts = name.split(".")
        index = int(parts[2]) * (_DECODER_RESNETS + 1)
        index += int(parts[4]) if parts[3] == "resnets" else _DECODER_RESNETS
        name = ".".join(["decoder.upsamples", str(index)] + parts[5:])
    return name


def write_original(pipe, folder):
    os.makedirs(folder, exist_ok=True)

    def save(model, rename, file):
        state = {rename(k): v.detach().clone().contiguous() for k, v in model.state_dict().items()}
        save_file(state, os.path.join(folder, file))

    save(pipe.transformer, transformer_name, "diffusion_pytorch_model.safetensors")
    if getattr(pipe, "transformer_2", None) is not None:
        save(pipe.transformer_2, transformer_name, "low_noise.safetensors")
    save(pipe.text_encoder, t5_name, "t5.safetensors")
    save(pipe.vae, lambda name: vae_name(name, pipe.vae.config.is_residual), "vae.safetensors")
