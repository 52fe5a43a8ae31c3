#!/usr/bin/env python3
"""Golden tensors of diffusion forcing: tests/data/diffusion-forcing.ref.safetensors, tests/data/forcing_cases.json.

make_diffusion_forcing.py [--model models/tiny-skyreels-v2-df] [--refs tests/data]

Runs diffusers' SkyReelsV2 transformer and pipelines: single calls with timesteps per frame, another frame rate and a
block-causal mask; schedule matrices; whole clips. What they draw from torch is replaced by genvid's own noise
(philox_reference.py): stream 0, counted from the clip's first latent frame, for what a window starts from; stream
2^32 + i at step i for what is added to known frames, counted from `overlap` x the window's index.

Lengths are those at which diffusers' last window and last block are whole: elsewhere it makes a shorter window, or
leaves frames of noise behind the last whole block, where genvid makes whole ones and drops what is too much.
"""

import argparse
import json
import os

import diffusers.pipelines.skyreels_v2.pipeline_skyreels_v2_diffusion_forcing as t2v
import diffusers.pipelines.skyreels_v2.pipeline_skyreels_v2_diffusion_forcing_i2v as i2v
import diffusers.pipelines.skyreels_v2.pipeline_skyreels_v2_diffusion_forcing_v2v as v2v
import torch
from diffusers import (
    AutoencoderKLWan,
    SkyReelsV2DiffusionForcingImageToVideoPipeline,
    SkyReelsV2DiffusionForcingPipeline,
    SkyReelsV2DiffusionForcingVideoToVideoPipeline,
    SkyReelsV2Transformer3DModel,
    UniPCMultistepScheduler,
)
from make_tiny_wan import test_image
from philox_reference import normal_numpy
from PIL import Image
from safetensors.torch import save_file
from tiny_tokenizer import load_tokenizer
from transformers import UMT5EncoderModel

PROMPT = "a small house by the sea at dawn"
NEGATIVE = "blurred"
SEED = 11
CHANNELS, ROWS, COLUMNS = 16, 4, 6
FACTOR = 4  # frames of a latent frame
# name: frames, window, overlap (frames), block, ar_step, addnoise, steps, guidance, fps, image
RUNS = {
    "sync": dict(frames=17, base=17, overlap=None, block=None, ar_step=0, noise=0, steps=6, guidance=6.0, fps=24),
    "async": dict(frames=21, base=21, overlap=None, block=2, ar_step=2, noise=0, steps=5, guidance=6.0, fps=24),
    "frames": dict(frames=13, base=13, overlap=None, block=None, ar_step=3, noise=0, steps=4, guidance=1.0, fps=16),
    "long": dict(frames=57, base=25, overlap=9, block=None, ar_step=0, noise=20, steps=4, guidance=6.0, fps=24),
    "long_async": dict(frames=45, base=29, overlap=13, block=2, ar_step=2, noise=20, steps=4, guidance=3.0, fps=24),
    "image": dict(frames=45, base=25, overlap=5, block=None, ar_step=0, noise=20, steps=4, guidance=5.0, fps=24),
    # Before a last picture. With more than one window diffusers takes as many frames for it as overlap: one.
    "ending": dict(frames=21, base=21, overlap=None, block=None, ar_step=1, noise=0, steps=4, guidance=5.0, fps=24),
    "ending_long": dict(frames=41, base=21, overlap=1, block=None, ar_step=0, noise=20, steps=4, guidance=5.0, fps=24),
    # Behind a video; its last frames count.
    "extend": dict(frames=41, base=25, overlap=9, block=None, ar_step=0, noise=20, steps=4, guidance=6.0, fps=24),
    "extend_async": dict(frames=45, base=29, overlap=13, block=2, ar_step=2, noise=20, steps=4, guidance=3.0, fps=16),
}
PIPELINES = {"image": i2v, "ending": i2v, "ending_long": i2v, "extend": v2v, "extend_async": v2v}  # the others: from text
VIDEO_FRAMES = 15
# latent frames, steps, ar_step, latent frames that are ready, block
MATRICES = [
    (5, 4, 0, 0, 1), (5, 4, 0, 2, 1), (6, 5, 2, 0, 2), (6, 5, 1, 2, 2), (4, 3, 3, 0, 1), (8, 3, 7, 0, 2),
    (25, 30, 5, 0, 5), (25, 30, 5, 5, 5), (31, 50, 0, 10, 1), (12, 4, 1, 0, 3), (3, 1, 1, 0, 1), (4, 2, 2, 3, 1),
]  # fmt: skip


def noise(stream, first, frames):
    plane = CHANNELS * ROWS * COLUMNS
    values = normal_numpy(SEED, stream, first * plane, frames * plane)
    return torch.from_numpy(values.reshape(1, frames, CHANNELS, ROWS, COLUMNS)).transpose(1, 2).contiguous()


class Noise:
    """Stands for torch in a pipeline's module: every draw is ours."""

    def __init__(self, module, window, overlap):
        self.module, self.window, self.overlap = module, window, overlap
        self.index, self.row = -1, -1  # of the window, of the step

    def randn_tensor(self, shape, **_):
        self.index, self.row = self.index + 1, -1
        if self.module is v2v:  # a clip's first frame is the first new one
            known = torch.zeros(1, CHANNELS, self.overlap, ROWS, COLUMNS)
            fresh = noise(0, self.index * (self.window - self.overlap), shape[2] - self.overlap)
            return torch.cat([known, fresh], 2)
        return noise(0, self.index * (self.window - self.overlap), shape[2])

    def randn_like(self, known):
        self.row += 1
        return noise(2**32 + self.row, self.index * self.overlap, known.shape[2])

    def __enter__(self):
        self.saved = self.module.randn_tensor, self.module.torch
        self.module.randn_tensor = self.randn_tensor
        self.module.torch = _Torch(self.saved[1], self.randn_like)
        return self

    def __exit__(self, *_):
        self.module.randn_tensor, self.module.torch = self.saved


class _Torch:
    def __init__(self, torch_module, randn_like):
        self._torch, self.randn_like = torch_module, randn_like

    def __getattr__(self, name):
        return getattr(self._torch, name)


def latents_of(frames):
    return (frames - 1) // FACTOR + 1


def test_video():
    """A picture that moves and grows dark."""
    rgb = torch.frombuffer(bytearray(test_image(COLUMNS * 8, ROWS * 8).tobytes()), dtype=torch.uint8)
    rgb = rgb.view(ROWS * 8, COLUMNS * 8, 3)
    return torch.stack([rgb.roll((i, 2 * i), (0, 1)) // 16 * (16 - i) for i in range(VIDEO_FRAMES)])


def last_image():
    return test_image(COLUMNS * 8, ROWS * 8).transpose(Image.Transpose.ROTATE_180)


def run(pipe, module, name, c):
    window, overlap = latents_of(c["base"]), latents_of(c["overlap"]) if c["overlap"] else 0
    whole = latents_of(c["frames"])
    assert whole == window or (whole - window) % (window - overlap) == 0, name
    assert all(n % (c["block"] or 1) == 0 for n in (whole, window, overlap)), name
    pipe.transformer.register_to_config(num_frame_per_block=1)
    arguments = dict(
        prompt=PROMPT, negative_prompt=NEGATIVE, height=ROWS * 8, width=COLUMNS * 8, num_frames=c["frames"],
        num_inference_steps=c["steps"], guidance_scale=c["guidance"], overlap_history=c["overlap"],
        addnoise_condition=c["noise"], base_num_frames=c["base"], ar_step=c["ar_step"],
        causal_block_size=c["block"], fps=c["fps"], output_type="latent",
    )  # fmt: skip
    if module is i2v:
        arguments["image"] = test_image(COLUMNS * 8, ROWS * 8)
    if name.startswith("ending"):
        arguments["last_image"] = last_image()
    if module is v2v:
        arguments["video"] = [Image.fromarray(frame.numpy()) for frame in test_video()]
    with Noise(module, window, overlap):
        latents = pipe(**arguments).frames
    if "last_image" in arguments:  # stands behind the clip
        latents = latents[:, :, :-1]
    assert latents.shape[2] == whole and latents.isfinite().all(), (name, latents.shape)
    print(name, tuple(latents.shape), f"std {float(latents.std()):.3f}")
    return latents.contiguous()


def calls(model, text):
    """Single calls; the latents of each are `call.input`."""
    x = noise(5, 0, 6)
    frames = torch.tensor([[0, 20, 999, 500, 333, 700]])
    out = {"call.input": x, "call.timesteps": frames.float()}

    def call(t, fps, forcing, block=1):
        model.register_to_config(num_frame_per_block=block)
        embed = [0 if fps == 16 else 1]
        y = model(x, t, text, enable_diffusion_forcing=forcing, fps=embed, return_dict=False)[0]
        model.register_to_config(num_frame_per_block=1)
        return y.contiguous()

    out["call.scalar"] = call(torch.tensor([700]), 24, False)
    out["call.equal"] = call(torch.full((1, 6), 700), 24, True)
    out["call.frames"] = call(frames, 24, True)
    out["call.fps16"] = call(frames, 16, True)
    out["call.blocks"] = call(frames, 24, True, 2)
    out["call.blocks_scalar"] = call(torch.tensor([700]), 24, False, 3)
    return out


def matrices(pipe):
    cases = []
    for frames, steps, ar_step, ready, block in MATRICES:
        pipe.scheduler.set_timesteps(steps)
        matrix, index, mask, interval = pipe.generate_timestep_matrix(
            frames, pipe.scheduler.timesteps, frames, ar_step, ready, block
        )
        assert all(pair == (0, frames) for pair in interval)
        cases.append(
            {
                "frames": frames,
                "steps": steps,
                "ar_step": ar_step,
                "ready": ready,
                "block": block,
                "template": pipe.scheduler.timesteps.tolist(),
                "timesteps": matrix.tolist(),
                "states": index.tolist(),
                "updated": mask.int().tolist(),
            }
        )
    return cases


@torch.no_grad()
def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default="models/tiny-skyreels-v2-df")
    parser.add_argument("--refs", default="tests/data")
    args = parser.parse_args()
    torch.set_num_threads(1)
    parts = dict(
        tokenizer=load_tokenizer(os.path.join(args.model, "tokenizer")),
        text_encoder=UMT5EncoderModel.from_pretrained(os.path.join(args.model, "text_encoder")).eval(),
        transformer=SkyReelsV2Transformer3DModel.from_pretrained(os.path.join(args.model, "transformer")).eval(),
        vae=AutoencoderKLWan.from_pretrained(os.path.join(args.model, "vae")).eval(),
        scheduler=UniPCMultistepScheduler.from_pretrained(os.path.join(args.model, "scheduler")),
    )
    pipe = SkyReelsV2DiffusionForcingPipeline(**parts)
    pipes = {
        t2v: pipe,
        i2v: SkyReelsV2DiffusionForcingImageToVideoPipeline(**parts),
        v2v: SkyReelsV2DiffusionForcingVideoToVideoPipeline(**parts),
    }
    for p in pipes.values():
        p.set_progress_bar_config(disable=True)
    prompt, _ = pipe.encode_prompt(PROMPT, None, False, max_sequence_length=512, device="cpu")
    out = calls(pipe.transformer, prompt)
    raw = test_image(COLUMNS * 8, ROWS * 8).tobytes()
    out["image.rgb8"] = torch.frombuffer(bytearray(raw), dtype=torch.uint8).view(ROWS * 8, COLUMNS * 8, 3)
    raw = last_image().tobytes()
    out["last.rgb8"] = torch.frombuffer(bytearray(raw), dtype=torch.uint8).view(ROWS * 8, COLUMNS * 8, 3)
    out["video.rgb8"] = test_video().contiguous()
    for name, constants in RUNS.items():
        module = PIPELINES.get(name, t2v)
        out[f"{name}.latents"] = run(pipes[module], module, name, constants)
    save_file(out, os.path.join(args.refs, "diffusion-forcing.ref.safetensors"))
    with open(os.path.join(args.refs, "forcing_cases.json"), "w", encoding="utf-8") as f:
        json.dump(matrices(pipe), f, separators=(",", ":"))
        f.write("\n")


if __name__ == "__main__":
    main()
