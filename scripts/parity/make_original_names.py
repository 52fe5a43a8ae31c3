#!/usr/bin/env python3
"""tests/data/wan_original_names.json: the authors' names of the transformer's tensors -> diffusers' names.

make_original_names.py [--out tests/data/wan_original_names.json]

The names on the left are those of the published code (wan/modules/model.py), of one block; the right side is what
diffusers' own converter of single files makes of them. That one does not know SkyReels-V2 DF's own layers
(skyreels_v2_infer/modules/transformer.py: an embedding, and a sequence of linear, SiLU, linear), which stand below.
"""

import argparse
import json

import torch
from diffusers.loaders.single_file_utils import convert_wan_transformer_to_diffusers


SKYREELS = {
    "fps_embedding.weight": "fps_embedding.weight",
    "fps_projection.0.weight": "fps_projection.net.0.proj.weight",
    "fps_projection.0.bias": "fps_projection.net.0.proj.bias",
    "fps_projection.2.weight": "fps_projection.net.2.weight",
    "fps_projection.2.bias": "fps_projection.net.2.bias",
}


def layer(name):
    return [name + ".weight", name + ".bias"]


def original_names():
    names = layer("patch_embedding") + layer("head.head") + ["head.modulation"]
    for module in ("time_embedding.0", "time_embedding.2", "time_projection.1", "text_embedding.0", "text_embedding.2",
                   "img_emb.proj.0", "img_emb.proj.1", "img_emb.proj.3", "img_emb.proj.4"):
        names += layer(module)
    block = "blocks.7."
    names += [block + "modulation"] + layer(block + "norm3") + layer(block + "ffn.0") + layer(block + "ffn.2")
    for attention in ("self_attn.", "cross_attn."):
        for module in "qkvo":
            names += layer(block + attention + module)
        names += [block + attention + n + ".weight" for n in ("norm_q", "norm_k")]
    for module in ("k_img", "v_img"):
        names += layer(block + "cross_attn." + module)
    return names + [block + "cross_attn.norm_k_img.weight"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", default="tests/data/wan_original_names.json")
    args = parser.parse_args()
    names = {}
    for name in original_names():
        converted = convert_wan_transformer_to_diffusers({name: torch.zeros(1)})
        names[name] = next(iter(converted))
    names |= SKYREELS
    with open(args.out, "w") as f:
        json.dump(names, f, indent=1)
        f.write("\n")
    print(f"{args.out}: {len(names)} names")


if __name__ == "__main__":
    main()
