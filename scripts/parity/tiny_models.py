"""Tiny Wan networks with random weights: small enough for the tree, and rich enough to catch mistakes.

Every bias, norm weight and table is non-trivial. Head size 16 gives rope parts 8, 4, 4 (unequal, like
44, 42, 42); the VAEs keep two or more channels everywhere (RMS norm over one channel is a sign function)
and the published latents_mean and latents_std.
"""

import hashlib
import math

import torch
from diffusers import (
    AutoencoderKLWan,
    SkyReelsV2DiffusionForcingPipeline,
    SkyReelsV2Transformer3DModel,
    UniPCMultistepScheduler,
    WanImageToVideoPipeline,
    WanPipeline,
    WanTransformer3DModel,
)
from transformers import (
    CLIPImageProcessorPil,
    CLIPVisionConfig,
    CLIPVisionModelWithProjection,
    UMT5Config,
    UMT5EncoderModel,
)

from tiny_tokenizer import EMBEDDING_ROWS

IMAGE_DIM = 24
IMAGE_TOKENS = 5  # 28 x 28 pixels in patches of 14, and the class token

# fmt: off
LATENTS_MEAN_22 = [
    -0.2289, -0.0052, -0.1323, -0.2339, -0.2799, 0.0174, 0.1838, 0.1557, -0.1382, 0.0542, 0.2813, 0.0891,
    0.1570, -0.0098, 0.0375, -0.1825, -0.2246, -0.1207, -0.0698, 0.5109, 0.2665, -0.2108, -0.2158, 0.2502,
    -0.2055, -0.0322, 0.1109, 0.1567, -0.0729, 0.0899, -0.2799, -0.1230, -0.0313, -0.1649, 0.0117, 0.0723,
    -0.2839, -0.2083, -0.0520, 0.3748, 0.0152, 0.1957, 0.1433, -0.2944, 0.3573, -0.0548, -0.1681, -0.0667]
LATENTS_STD_22 = [
    0.4765, 1.0364, 0.4514, 1.1677, 0.5313, 0.4990, 0.4818, 0.5013, 0.8158, 1.0344, 0.5894, 1.0901, 0.6885,
    0.6165, 0.8454, 0.4978, 0.5759, 0.3523, 0.7135, 0.6804, 0.5833, 1.4146, 0.8986, 0.5659, 0.7069, 0.5338,
    0.4889, 0.4917, 0.4069, 0.4999, 0.6866, 0.4093, 0.5709, 0.6065, 0.6415, 0.4944, 0.5726, 1.2042, 0.5458,
    1.6887, 0.3971, 1.0600, 0.3943, 0.5537, 0.5444, 0.4089, 0.7468, 0.7744]
# fmt: on


def _noise(name, shape, salt):
    seed = int.from_bytes(hashlib.sha256(f"{salt}/{name}".encode()).digest()[:6], "little")
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float32)


def _is_norm_weight(name, parameter):
    return name.endswith("gamma") or (
        parameter.ndim == 1 and name.endswith("weight") and ("norm" in name or "layrnorm" in name)
    )


def _is_embedding(name, parameter):
    if name.endswith("shared.weight") or "embed_tokens" in name or "pos_embed" in name:
        return True
    return "embedding" in name and "patch" not in name and (parameter.ndim == 2 or "class" in name)


@torch.no_grad()
def randomize(model, salt, rules=()):
    """Weights scaled by fan-in, biases 0.1, norm weights 1 +- 0.2, tables 0.3; rules: (part of name, factor)"""
    for name, parameter in model.named_parameters():
        value = _noise(name, tuple(parameter.shape), salt)
        if "scale_shift_table" in name:
            value *= 0.3
        elif "relative_attention_bias" in name:
            value *= 0.7
        elif _is_norm_weight(name, parameter):
            value = 1.0 + 0.2 * value
        elif _is_embedding(name, parameter):
            pass
        elif parameter.ndim == 1:
            value *= 0.1
        else:
            value /= math.sqrt(parameter[0].numel())
        for part, factor in rules:
            if part in name:
                value *= factor
        parameter.copy_(value)
    return model.eval()


def text_encoder():
    config = UMT5Config(
        vocab_size=EMBEDDING_ROWS,
        d_model=32,
        d_kv=8,
        d_ff=64,
        num_layers=2,
        num_heads=4,
        relative_attention_num_buckets=32,
        relative_attention_max_distance=128,
        feed_forward_proj="gated-gelu",
        dropout_rate=0.1,
        layer_norm_epsilon=1e-6,
    )
    return randomize(UMT5EncoderModel(config), "t5", rules=[("SelfAttention.q", 0.7)])


def transformer(channels_in, channels_out, salt, image_dim=None, image_positions=None, kind=WanTransformer3DModel, **more):
    model = kind(
        patch_size=(1, 2, 2),
        num_attention_heads=2,
        attention_head_dim=16,
        in_channels=channels_in,
        out_channels=channels_out,
        text_dim=32,
        freq_dim=64,
        ffn_dim=80,
        num_layers=2,
        cross_attn_norm=True,
        qk_norm="rms_norm_across_heads",
        eps=1e-6,
        rope_max_seq_len=64,
        image_dim=image_dim,
        added_kv_proj_dim=32 if image_dim else None,
        pos_embed_seq_len=image_positions,
        **more,
    )
    # Sharp cross attention, so that the few text tokens win over some 490 equal padding tokens.
    return randomize(
        model,
        salt,
        rules=[
            ("attn2.norm_q.weight", 2.0),
            ("attn2.norm_k.weight", 2.0),
            ("text_embedder.linear_2.weight", 2.0),
            ("proj_out", 0.7),
        ],
    )


# Keeps decoded pixels inside (-1, 1): a clamped pixel proves nothing.
def _vae_rules(gain):
    return [("decoder.conv_out", gain), ("post_quant_conv.weight", 0.5)]


def vae21():
    model = AutoencoderKLWan(
        base_dim=3,
        z_dim=16,
        dim_mult=[1, 2, 4, 4],
        num_res_blocks=2,
        attn_scales=[],
        temperal_downsample=[False, True, True],
    )
    return randomize(model, "vae21", _vae_rules(0.45))


def vae22():
    model = AutoencoderKLWan(
        base_dim=2,
        decoder_base_dim=3,
        z_dim=48,
        dim_mult=[1, 2, 4, 4],
        num_res_blocks=2,
        temperal_downsample=[False, True, True],
        is_residual=True,
        in_channels=12,
        out_channels=12,
        patch_size=2,
        scale_factor_temporal=4,
        scale_factor_spatial=16,
        latents_mean=LATENTS_MEAN_22,
        latents_std=LATENTS_STD_22,
    )
    return randomize(model, "vae22", _vae_rules(0.38))


def image_encoder():
    config = CLIPVisionConfig(
        hidden_size=IMAGE_DIM,
        intermediate_size=48,
        num_hidden_layers=3,
        num_attention_heads=2,
        image_size=28,
        patch_size=14,
        hidden_act="gelu",
        projection_dim=16,
    )
    return randomize(CLIPVisionModelWithProjection(config), "clip")


def image_processor():
    return CLIPImageProcessorPil(size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28})


def scheduler(shift):
    return UniPCMultistepScheduler(
        prediction_type="flow_prediction",
        use_flow_sigmas=True,
        num_train_timesteps=1000,
        flow_shift=shift,
    )


def _clip():
    return {"image_encoder": image_encoder(), "image_processor": image_processor()}


def forcing_transformer():
    return transformer(16, 16, "dit_df", kind=SkyReelsV2Transformer3DModel, inject_sample_info=True)


_T2V = {
    "size": "48x32",
    "seconds": 0.8125,
    "fps": 16,
    "num_inference_steps": 6,
    "guidance_scale": 5.0,
    "dtype": "fp32",
}

# fmt: off
# name -> (pipeline class, parts, genvid.json). `parts` makes what differs from variant to variant.
VARIANTS = {
    "tiny-wan21": (WanPipeline, lambda: {
        "vae": vae21(), "scheduler": scheduler(3.0), "transformer": transformer(16, 16, "dit")}, _T2V),
    "tiny-wan21-i2v": (WanImageToVideoPipeline, lambda: {
        "vae": vae21(), "scheduler": scheduler(3.0),
        "transformer": transformer(36, 16, "dit_i2v", IMAGE_DIM), **_clip()}, _T2V),
    "tiny-wan21-flf2v": (WanImageToVideoPipeline, lambda: {
        "vae": vae21(), "scheduler": scheduler(16.0),
        "transformer": transformer(36, 16, "dit_flf", IMAGE_DIM, 2 * IMAGE_TOKENS), **_clip()}, _T2V),
    "tiny-wan22-a14b": (WanPipeline, lambda: {
        "vae": vae21(), "scheduler": scheduler(3.0), "boundary_ratio": 0.875,
        "transformer": transformer(16, 16, "dit_high"), "transformer_2": transformer(16, 16, "dit_low")},
        {**_T2V, "guidance_scale": 4.0, "guidance_scale_2": 3.0}),
    "tiny-wan22-i2v-a14b": (WanImageToVideoPipeline, lambda: {
        "vae": vae21(), "scheduler": scheduler(5.0), "boundary_ratio": 0.9,
        "transformer": transformer(36, 16, "dit_i2v_high"),
        "transformer_2": transformer(36, 16, "dit_i2v_low")},
        {**_T2V, "guidance_scale": 4.0, "guidance_scale_2": 3.0}),
    "tiny-wan22-ti2v": (WanPipeline, lambda: {
        "vae": vae22(), "scheduler": scheduler(5.0), "expand_timesteps": True,
        "transformer": transformer(48, 48, "dit5b")},
        {**_T2V, "size": "96x64", "seconds": 0.375, "fps": 24}),
    "tiny-skyreels-v2-df": (SkyReelsV2DiffusionForcingPipeline, lambda: {
        "vae": vae21(), "scheduler": scheduler(8.0), "transformer": forcing_transformer()},
        {**_T2V, "fps": 24, "guidance_scale": 6.0,
         "rollout": {"kind": "diffusion-forcing", "addnoise_condition": 20}}),
}
# fmt: on
