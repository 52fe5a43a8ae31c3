#!/usr/bin/env python3
"""Builds the tiny Wan checkpoints and their reference tensors. Deterministic. See README.md.

make_tiny_wan.py [--models models] [--refs tests/data] [--variants a,b] [--suffix=TEXT] [--share] [--link DIR]
                 [--dtype fp32|fp16|bf16] [--vae-dtype D] [--shard SIZE] [--orig] [--no-ref] [--frames N]
                 [--steps N] [--threads N]
"""

import argparse
import dataclasses
import json
import os
import shutil
import tempfile

import torch
from PIL import Image

import names
from reference import Request, reference
from tiny_models import VARIANTS, text_encoder
from tiny_tokenizer import load_tokenizer, write_tokenizer

PROMPT = "Establishing shot of a small house by the sea at dawn, slow dolly in, volumetric light, 35mm film."
NEGATIVE = "blurred details, subtitles, static, worst quality, low quality, 低质量"
DTYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}
COMPONENTS = ("text_encoder", "image_encoder", "transformer", "transformer_2", "vae")


def test_image(width, height, phase=0.0):
    y, x = torch.meshgrid(torch.linspace(0, 1, height), torch.linspace(0, 1, width), indexing="ij")
    rgb = torch.stack([y, x, 0.5 + 0.5 * torch.sin(12 * (x + y) + phase)], -1)
    if phase:
        rgb = rgb.flip(-1)
    return Image.fromarray((rgb * 255).round().to(torch.uint8).numpy())


def write_json(path, value):
    with open(path, "w", encoding="utf-8") as f:
        json.dump(value, f, indent=2, ensure_ascii=False)
        f.write("\n")


def build(variant, folder, dtype=torch.float32, vae_dtype=torch.float32, shard=None):
    """One checkpoint folder in diffusers layout, with genvid.json in it."""
    pipeline, parts, settings = VARIANTS[variant]
    shutil.rmtree(folder, ignore_errors=True)
    write_tokenizer(os.path.join(folder, "tokenizer"))
    pipe = pipeline(
        tokenizer=load_tokenizer(os.path.join(folder, "tokenizer")),
        text_encoder=text_encoder(),
        **parts(),
    )
    with tempfile.TemporaryDirectory() as scratch:
        arguments = {"max_shard_size": shard} if shard else {}
        for name in COMPONENTS:
            if getattr(pipe, name, None) is not None:
                getattr(pipe, name).to(vae_dtype if name == "vae" else dtype)
        pipe.save_pretrained(scratch, **arguments)
        if shard:  # no published VAE is in several files
            shutil.rmtree(os.path.join(scratch, "vae"))
            pipe.vae.save_pretrained(os.path.join(scratch, "vae"))
        shutil.rmtree(
            os.path.join(scratch, "tokenizer")
        )  # written above, as the published folders have it
        shutil.copytree(scratch, folder, dirs_exist_ok=True)
    os.chmod(folder, 0o755)
    for parent, _, files in os.walk(folder):
        for name in files:
            os.chmod(
                os.path.join(parent, name), 0o644
            )  # whatever the umask and the libraries think
    path = os.path.join(folder, "model_index.json")
    with open(path, encoding="utf-8") as f:
        index = json.load(f)
    index["tokenizer"] = ["transformers", "T5TokenizerFast"]  # what the published folders say
    if "image_processor" in index and index["image_processor"][0]:
        index["image_processor"] = ["transformers", "CLIPImageProcessor"]
    write_json(path, index)
    write_json(os.path.join(folder, "genvid.json"), {"genvid": 1, **settings})
    return pipe


def requests(variant):
    """(name of the reference, Request) of a variant: one each, and two for TI2V

    The inside of text encoder and VAE is recorded once per set of weights, in tiny-wan21 and tiny-wan22-ti2v.
    """
    settings = VARIANTS[variant][2]
    width, height = map(int, settings["size"].split("x"))
    base = dict(
        variant=variant,
        prompt=PROMPT,
        negative=NEGATIVE,
        height=height,
        width=width,
        num_frames=13,
        steps=settings["num_inference_steps"],
        guidance_scale=settings["guidance_scale"],
        guidance_scale_2=settings.get("guidance_scale_2"),
        fps=settings["fps"] if "skyreels" in variant else None,
        component_taps=variant in ("tiny-wan21", "tiny-wan22-ti2v"),
    )
    if variant.endswith(
        "flf2v"
    ):  # of other sizes than the clip, so that resizing is part of the proof
        yield variant, Request(**base, image=test_image(62, 40), last_image=test_image(37, 50, 1.0))
    elif "-i2v" in variant:
        yield variant, Request(**base, image=test_image(width, height))
    else:
        yield variant, Request(**base)
    if variant.endswith("ti2v"):
        base.update(component_taps=False, num_frames=9)
        yield variant + "-image", Request(**base, image=test_image(width, height))


def share_parts(folder, earlier):
    """Replaces parts that are equal to those of an earlier folder by relative links."""
    for part in ("tokenizer", "text_encoder", "image_encoder", "image_processor", "vae"):
        mine = os.path.join(folder, part)
        for other in earlier:
            theirs = os.path.join(other, part)
            if (
                os.path.isdir(mine)
                and os.path.isdir(theirs)
                and not os.path.islink(theirs)
                and same(mine, theirs)
            ):
                shutil.rmtree(mine)
                os.symlink(os.path.relpath(theirs, folder), mine)
                break


def same(a, b):
    def content(folder):
        for name in sorted(os.listdir(folder)):
            with open(os.path.join(folder, name), "rb") as f:
                yield name, f.read()

    return list(content(a)) == list(content(b))


def report(name, recorder, path):
    video = recorder.get("video.decoded")
    cond, uncond = recorder.get("step0.cond"), recorder.get("step0.uncond")
    print(
        f"{name}: {os.path.getsize(path) / 1e6:.3f} MB, frames {list(video.shape)} std {video.std():.3f} "
        f"clamped {float((video.abs() >= 1).float().mean()):.2%} "
        f"between frames {float((video[:, :, 1:] - video[:, :, :-1]).abs().mean()):.3f} "
        f"cond-uncond {float((cond - uncond).abs().mean() / cond.abs().mean()):.0%} "
        f"final std {recorder.get('latents.final').std():.2f} timesteps {recorder.get('sched.timesteps').tolist()}",
        flush=True,
    )


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", default="models", help="where the checkpoint folders go")
    parser.add_argument("--refs", default="tests/data", help="where the reference tensors go")
    parser.add_argument("--variants", default=",".join(VARIANTS))
    parser.add_argument(
        "--suffix", default="", help="appended to the names of folders and references"
    )
    parser.add_argument(
        "--share", action="store_true", help="link equal parts to those of an earlier variant"
    )
    parser.add_argument("--link", help="link equal parts to those of this folder")
    parser.add_argument(
        "--dtype", choices=DTYPES, default="fp32", help="of the weights on disk, but for the VAE"
    )
    parser.add_argument(
        "--vae-dtype", choices=DTYPES, default="fp32", help="of the VAE's weights on disk"
    )
    parser.add_argument(
        "--shard", help="largest file, such as 40KB, of text encoder and transformer"
    )
    parser.add_argument(
        "--orig", action="store_true", help="also NAME.orig/ with the original tensor names"
    )
    parser.add_argument("--frames", type=int, help="of the reference clips")
    parser.add_argument("--steps", type=int, help="of the reference runs")
    parser.add_argument("--no-ref", action="store_true", help="checkpoints only")
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


def main():
    args = arguments()
    torch.set_num_threads(args.threads)
    os.makedirs(args.refs, exist_ok=True)
    done = []
    for variant in args.variants.split(","):
        folder = os.path.join(args.models, variant + args.suffix)
        pipe = build(variant, folder, DTYPES[args.dtype], DTYPES[args.vae_dtype], args.shard)
        if args.orig:
            names.write_original(pipe, folder + ".orig")
        if args.share:
            share_parts(folder, done)
        if args.link:
            share_parts(folder, [args.link])
        done.append(folder)
        if args.no_ref:
            continue
        for name, request in requests(variant):
            request = dataclasses.replace(
                request,
                num_frames=args.frames or request.num_frames,
                steps=args.steps or request.steps,
            )
            if args.suffix:
                request = dataclasses.replace(
                    request, variant=variant + args.suffix, component_taps=False
                )
            out = os.path.join(args.refs, name + args.suffix + ".ref")
            recorder = reference(folder, request, out)
            report(name + args.suffix, recorder, out + ".safetensors")
            recorder.close()


if __name__ == "__main__":
    main()
