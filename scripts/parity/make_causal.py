#!/usr/bin/env python3
"""Golden latents of the causal rollout: tests/data/tiny-wan21-causal.ref.safetensors.

make_causal.py [--model tests/data/tiny-wan21-causal] [--refs tests/data]

The loop of Self-Forcing and LongLive written from their equations, on the layers of diffusers' WanTransformer3DModel
(its own forward knows no cache): each block of latent frames is denoised while it attends to the sink, the latest
finished blocks and itself; a pass at timestep 0 then leaves the block's keys and values. Noise is genvid's own
(philox_reference.py): stream 0 first, stream 2^32 + i after step i.

Scene cuts are those of LongLive-2.0, as its published code at commit 7860ad9 makes them (multi_shot_sink,
multi_shot_rope_offset): from the block of a cut on, positions in time grow by an offset; that block stays in the window
until the next cut's does; nothing is forgotten at once, and keys and values made under earlier prompts stay.
"""

import argparse
import os

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKLWan, UniPCMultistepScheduler, WanPipeline, WanTransformer3DModel
from safetensors.torch import save_file

from philox_reference import normal_numpy
from tiny_tokenizer import load_tokenizer
from transformers import UMT5EncoderModel

PROMPT = "a small house by the sea at dawn"
NEGATIVE = "blurred"
SEED = 11
CHANNELS, ROWS, COLUMNS = 16, 4, 6
LISTED = [1000.0, 937.5, 833.3333333333334, 625.0]
# name: block, window, sink, latent frames, timesteps (None: UniPC of 4 steps, shift 5), guidance
RUNS = {
    "sink": (3, 12, 3, 21, LISTED, 1.0),
    "nosink": (3, 6, 0, 15, LISTED, 1.0),
    "unipc": (2, 8, 2, 14, None, 1.0),
    "guided": (1, 3, 1, 6, LISTED, 3.0),
    "cuts": (2, 8, 2, 24, None, 1.0),
    "guidedcuts": (1, 4, 1, 9, LISTED, 3.0),
}
# Prompts that take over at a block, and whether there is a cut: the first one's prompt says so, the next block's not.
PREFIX = "The scene transitions. "
CHANGES = {
    "cuts": {
        3: (PREFIX + "a boat at night", True),
        4: ("a boat at night", False),
        6: ("rain", False),
        8: (PREFIX + "a forest", True),
        9: (PREFIX + "a castle on a hill", True),
        10: ("a castle on a hill", False),
    },
    "guidedcuts": {3: (PREFIX + "a boat at night", True), 4: ("a boat at night", False)},
}
OFFSET = 5  # of every cut, in latent frames
# The cached pass of every block against one masked pass: block, window, sink, blocks with a cut.
MASKS = {
    "sink": (3, 9, 3, ()),
    "nosink": (2, 6, 0, ()),
    "single": (1, 3, 2, ()),
    "alone": (3, 3, 0, ()),
    "cuts": (1, 4, 1, (3, 9, 10, 16)),
    "early": (2, 8, 4, (1, 2, 5)),
    "nopin": (3, 6, 0, (2, 4)),
}


def noise(stream, first, frames):
    plane = CHANNELS * ROWS * COLUMNS
    values = normal_numpy(SEED, stream, first * plane, frames * plane)
    return torch.from_numpy(values.reshape(1, frames, CHANNELS, ROWS, COLUMNS)).transpose(1, 2).contiguous()


def rotate(x, cos, sin):
    """Pairs (2i, 2i + 1) of the head, as complex numbers times e^(i angle)."""
    pairs = torch.view_as_complex(x.double().unflatten(-1, (-1, 2)).contiguous())
    turn = torch.complex(cos.double()[..., 0::2], sin.double()[..., 0::2])
    return torch.view_as_real(pairs * turn).flatten(-2).float()


def held(index, sink, recent, cuts):
    """The blocks that block `index` attends to: the sink, and `recent` others, of which the first block of the scene is
    never the one to go. What was first in the scene before goes like any other."""
    others, first = [], None
    for block in range(sink, index + 1):
        if len(others) == recent:
            others.remove(next(b for b in others if b != first))
        others.append(block)
        if sink > 0 and block in cuts:
            first = block
    return list(range(min(sink, index + 1))) + others


def scene(block, cuts):
    return sum(cut <= block for cut in cuts)


class Causal:
    """One prompt's view of a clip: the transformer's layers and what they remember."""

    def __init__(self, model, text, block, window, sink, cuts=()):
        self.model, self.block, self.sink, self.cuts = model, block, sink // block, cuts
        self.recent = (window - sink) // block
        self.say(text)
        self.cache = [[] for _ in model.blocks]  # per layer: (k, v) of each finished block
        self.index = 0

    def say(self, text):
        self.text = self.model.condition_embedder.text_embedder(text)

    def positions(self, latents):
        return self.table([self.index])

    def table(self, blocks):
        times = [b * self.block + i + OFFSET * scene(b, self.cuts) for b in blocks for i in range(self.block)]
        cos, sin = self.model.rope(torch.empty(1, CHANNELS, max(times) + 1, ROWS, COLUMNS))
        return tuple(x.unflatten(1, (max(times) + 1, -1))[:, times].flatten(1, 2) for x in (cos, sin))

    def attend(self, layer, attn, x, cos, sin):
        def heads(y):
            return y.unflatten(2, (attn.heads, -1))

        q = rotate(heads(attn.norm_q(attn.to_q(x))), cos, sin)
        k = rotate(heads(attn.norm_k(attn.to_k(x))), cos, sin)
        v = heads(attn.to_v(x))
        self.fresh[layer] = (k, v)
        past = [self.cache[layer][b] for b in held(self.index, self.sink, self.recent, self.cuts)[:-1]]
        keys = torch.cat([pair[0] for pair in past] + [k], 1)
        values = torch.cat([pair[1] for pair in past] + [v], 1)
        out = F.scaled_dot_product_attention(*(y.transpose(1, 2) for y in (q, keys, values)))
        return attn.to_out[0](out.transpose(1, 2).flatten(2))

    def cross(self, attn, x):
        def heads(y):
            return y.unflatten(2, (attn.heads, -1)).transpose(1, 2)

        out = F.scaled_dot_product_attention(
            heads(attn.norm_q(attn.to_q(x))), heads(attn.norm_k(attn.to_k(self.text))), heads(attn.to_v(self.text))
        )
        return attn.to_out[0](out.transpose(1, 2).flatten(2))

    def __call__(self, latents, timestep):
        """timestep: one number, or one per latent frame."""
        model, frames = self.model, latents.shape[2]
        self.fresh = [None] * len(model.blocks)
        cos, sin = self.positions(latents)
        x = model.patch_embedding(latents).flatten(2).transpose(1, 2)
        per_frame = x.shape[1] // frames
        embedder = model.condition_embedder
        t = torch.as_tensor(timestep, dtype=torch.float32).expand(frames)
        temb = embedder.time_embedder(embedder.timesteps_proj(t))
        proj = embedder.time_proj(embedder.act_fn(temb)).unflatten(1, (6, -1)).repeat_interleave(per_frame, 0)
        for i, block in enumerate(model.blocks):
            shift, scale, gate, f_shift, f_scale, f_gate = (block.scale_shift_table + proj).unbind(1)
            x = x + gate * self.attend(i, block.attn1, block.norm1(x) * (1 + scale) + shift, cos, sin)
            x = x + self.cross(block.attn2, block.norm2(x))
            x = x + f_gate * block.ffn(block.norm3(x) * (1 + f_scale) + f_shift)
        shift, scale = (model.scale_shift_table + temb.repeat_interleave(per_frame, 0).unsqueeze(1)).unbind(1)
        x = model.proj_out(model.norm_out(x) * (1 + scale) + shift)
        x = x.view(frames, ROWS // 2, COLUMNS // 2, 1, 2, 2, CHANNELS)
        return x.permute(6, 0, 3, 1, 4, 2, 5).reshape(1, CHANNELS, frames, ROWS, COLUMNS)

    def commit(self, latents):
        self(latents, 0.0)
        for kept, pair in zip(self.cache, self.fresh):
            kept.append(pair)
        self.index += 1


class Masked(Causal):
    """All blocks in one pass, without a cache: a mask says which block sees which."""

    def __init__(self, model, text, block, window, sink, cuts, blocks):
        super().__init__(model, text, block, window, sink, cuts)
        self.blocks = blocks
        seen = torch.zeros(blocks, blocks, dtype=torch.bool)
        for b in range(blocks):
            seen[b, held(b, self.sink, self.recent, cuts)] = True
        tokens = block * (ROWS // 2) * (COLUMNS // 2)
        self.mask = seen.repeat_interleave(tokens, 0).repeat_interleave(tokens, 1)

    def positions(self, latents):
        return self.table(range(self.blocks))

    def attend(self, layer, attn, x, cos, sin):
        def heads(y):
            return y.unflatten(2, (attn.heads, -1))

        q = rotate(heads(attn.norm_q(attn.to_q(x))), cos, sin)
        k = rotate(heads(attn.norm_k(attn.to_k(x))), cos, sin)
        v = heads(attn.to_v(x))
        out = F.scaled_dot_product_attention(*(y.transpose(1, 2) for y in (q, k, v)), attn_mask=self.mask)
        return attn.to_out[0](out.transpose(1, 2).flatten(2))


def masked_velocities(model, text, latents, block, window, sink, cuts, timestep):
    """Of each block in turn, noisy at `timestep`, behind clean ones."""
    out = []
    for index in range(latents.shape[2] // block):
        frames = (index + 1) * block
        t = torch.zeros(frames)
        t[-block:] = timestep
        whole = Masked(model, text, block, window, sink, cuts, index + 1)(latents[:, :, :frames], t)
        out.append(whole[:, :, -block:])
    return torch.cat(out, 2)


def sample(streams, first, frames, timesteps, guidance):
    def velocity(x, t):
        v = streams[0](x, float(t))
        if len(streams) > 1:
            other = streams[1](x, float(t))
            v = other + guidance * (v - other)
        return v

    x = noise(0, first, frames)
    if timesteps is None:
        solver = UniPCMultistepScheduler(
            prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=5.0, num_train_timesteps=1000
        )
        solver.set_timesteps(4)
        for t in solver.timesteps:
            x = solver.step(velocity(x, t), t, x, return_dict=False)[0]
        return x
    for i, t in enumerate(timesteps):
        clean = x - t / 1000 * velocity(x, t)
        if i + 1 == len(timesteps):
            return clean
        level = timesteps[i + 1] / 1000
        x = (1 - level) * clean + level * noise(2**32 + i, first, frames)


@torch.no_grad()
def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default="tests/data/tiny-wan21-causal")
    parser.add_argument("--refs", default="tests/data")
    args = parser.parse_args()
    torch.set_num_threads(1)
    model = WanTransformer3DModel.from_pretrained(os.path.join(args.model, "transformer")).eval()
    pipe = WanPipeline(
        tokenizer=load_tokenizer(os.path.join(args.model, "tokenizer")),
        text_encoder=UMT5EncoderModel.from_pretrained(os.path.join(args.model, "text_encoder")).eval(),
        transformer=model,
        vae=AutoencoderKLWan.from_pretrained(os.path.join(args.model, "vae")),
        scheduler=UniPCMultistepScheduler(),
    )

    def encode(text):
        return pipe.encode_prompt(text, NEGATIVE, True, max_sequence_length=512, device="cpu")

    prompt, negative = encode(PROMPT)
    out = {}
    for name, (block, window, sink, frames, timesteps, guidance) in RUNS.items():
        texts = [prompt, negative] if guidance > 1 else [prompt]
        changes = CHANGES.get(name, {})
        cuts = [b for b, (_, cut) in changes.items() if cut]
        streams = [Causal(model, text, block, window, sink, cuts) for text in texts]
        made = []
        for first in range(0, frames, block):
            if first // block in changes:
                streams[0].say(encode(changes[first // block][0])[0])
            made.append(sample(streams, first, block, timesteps, guidance))
            for stream in streams:
                stream.commit(made[-1])
        out[f"{name}.latents"] = torch.cat(made, 2).contiguous()
        print(name, tuple(out[f"{name}.latents"].shape), float(out[f"{name}.latents"].std()))
    latents = noise(5, 0, 18)
    out["masked.input"] = latents
    for name, (block, window, sink, cuts) in MASKS.items():
        velocities = masked_velocities(model, prompt, latents, block, window, sink, cuts, 700.0)
        out[f"masked.{name}"] = velocities.contiguous()
    # The layers put together here are those of diffusers: without a cache, its own forward says the same.
    alone = Causal(model, prompt, 3, 3, 0)
    x = noise(0, 0, 3)
    whole = model(x, torch.full((1,), 500.0), prompt, return_dict=False)[0]
    error = float((alone(x, 500.0) - whole).abs().max())
    assert error < 1e-5, error
    save_file(out, os.path.join(args.refs, "tiny-wan21-causal.ref.safetensors"))


if __name__ == "__main__":
    main()
