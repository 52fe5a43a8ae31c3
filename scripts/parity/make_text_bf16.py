#!/usr/bin/env python3
"""Writes tests/data/text-bf16.ref.safetensors: the prompt encoder of models/tiny-wan21 with bf16
weights and bf16 arithmetic (transformers' UMT5EncoderModel), without padding rows, on the ids of
tests/data/tiny-wan21.ref.safetensors."""
import pathlib

import torch
from safetensors.torch import load_file, save_file
from transformers import UMT5EncoderModel

ROOT = pathlib.Path(__file__).resolve().parents[2]


@torch.no_grad()
def main():
    torch.set_num_threads(1)
    model = UMT5EncoderModel.from_pretrained(ROOT / "models/tiny-wan21/text_encoder", dtype=torch.bfloat16)
    golden = load_file(ROOT / "tests/data/tiny-wan21.ref.safetensors")
    out = {}
    for which in ("prompt", "negative"):
        mask = golden[f"tokens.{which}.mask"].long()
        embeds = model(golden[f"tokens.{which}.ids"].long(), mask).last_hidden_state
        rows = int(mask.sum())
        out[f"embeds.{which}"] = embeds[:, :rows].float().contiguous()
        near = golden[f"embeds.{which}"][:, :rows]
        error = (out[f"embeds.{which}"] - near).square().mean().sqrt() / near.square().mean().sqrt()
        print(f"{which}: relative RMS to fp32 {error:.2e}")
    save_file(out, ROOT / "tests/data/text-bf16.ref.safetensors")


main()
