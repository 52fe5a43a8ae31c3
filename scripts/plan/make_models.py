#!/usr/bin/env python3
"""Random checkpoints larger than models/tiny-*, on which memory_table can tell the planner's terms
apart: in each of them another stage needs the most. Needs Python with diffusers (scripts/parity).

make_models.py FOLDER [--models models]
"""

import argparse
import json
import pathlib
import shutil

import torch
from diffusers import AutoencoderKLWan, WanTransformer3DModel
from transformers import UMT5Config, UMT5EncoderModel

# name: (tiny checkpoint, {component: {config key: value}})
MODELS = {
    "large-transformer": ("tiny-wan21", {
        "transformer": {"num_attention_heads": 8, "attention_head_dim": 128, "ffn_dim": 4096,
                        "num_layers": 12, "text_dim": 32, "rope_max_seq_len": 1024}}),
    "large-vae": ("tiny-wan21", {"vae": {"base_dim": 48},
                                 "transformer": {"rope_max_seq_len": 1024}}),
    "large-text": ("tiny-wan21", {
        "text_encoder": {"d_model": 1024, "d_ff": 4096, "d_kv": 64, "num_heads": 16,
                         "num_layers": 16},
        "transformer": {"text_dim": 1024}}),
    "large-vae22": ("tiny-wan22-ti2v", {"vae": {"base_dim": 40, "decoder_base_dim": 64},
                                        "transformer": {"rope_max_seq_len": 1024}}),
}


def changed(folder, values):
    config = json.loads((folder / "config.json").read_text())
    for key in values:
        assert key in config, f"{folder}: no {key}"
    return {**config, **values}


def build(source, target, changes):
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)
    torch.manual_seed(1)
    for component, values in changes.items():
        folder = target / component
        config = changed(folder, values)
        for weights in folder.glob("*.safetensors*"):
            weights.unlink()
        with torch.no_grad():
            if component == "text_encoder":
                model = UMT5EncoderModel(UMT5Config(**config))
            elif component == "vae":
                model = AutoencoderKLWan.from_config(config)
            else:
                model = WanTransformer3DModel.from_config(config)
            for parameter in model.parameters():
                parameter.mul_(0.2)
            model.save_pretrained(folder)
    # What save_pretrained writes as nothing is nothing here, too.
    for path in target.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--models", type=pathlib.Path, default=pathlib.Path("models"))
    args = parser.parse_args()
    for name, (tiny, changes) in MODELS.items():
        build(args.models / tiny, args.folder / name, changes)
        print(args.folder / name)


if __name__ == "__main__":
    main()
