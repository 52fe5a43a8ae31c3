#!/usr/bin/env python3
"""Writes resize_cases.json: what Pillow's resize makes of images made by a formula. See README.md.

make_resize_cases.py [--out tests/data/resize_cases.json]

lanczos is what the pipelines use for the image to encode, bicubic what CLIP's preprocessing uses.
"""

import argparse
import json

import numpy as np
import PIL
from PIL import Image

SOURCE = "byte(y, x, c) = ((x*73 + y*151 + c*199 + x*y*31) * 2654435761 mod 2^32) >> 24"
FILTERS = {"lanczos": Image.Resampling.LANCZOS, "bicubic": Image.Resampling.BICUBIC}
# width, height -> width, height
SIZES = [
    ((12, 8), (12, 8)),  # nothing to do
    ((12, 8), (20, 8)),  # one pass only
    ((12, 8), (12, 5)),
    ((9, 7), (16, 16)),  # up
    ((31, 23), (8, 8)),  # down
    ((5, 17), (12, 8)),  # vertical pass first: the height shrinks, the width grows
    ((20, 20), (16, 11)),  # vertical first: 9 > 2 * 4
    ((20, 20), (16, 12)),  # horizontal first: 8 = 2 * 4
    ((64, 3), (7, 11)),
    ((3, 64), (11, 7)),
    ((1, 1), (4, 3)),
    ((100, 90), (6, 6)),
]


def source(width, height):
    y, x, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(3), indexing="ij")
    mixed = (x * 73 + y * 151 + c * 199 + x * y * 31).astype(np.uint64) * np.uint64(2654435761)
    return ((mixed & np.uint64(0xFFFFFFFF)) >> np.uint64(24)).astype(np.uint8)


def case(name, old, new):
    pixels = np.array(Image.fromarray(source(*old)).resize(new, FILTERS[name]))
    return {"filter": name, "from": list(old), "to": list(new), "rgb": pixels.tobytes().hex()}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", default="tests/data/resize_cases.json")
    args = parser.parse_args()
    lines = [json.dumps(case(name, old, new)) for name in FILTERS for old, new in SIZES]
    head = {"pillow": PIL.__version__, "source": SOURCE}
    with open(args.out, "w", encoding="utf-8") as f:
        f.write(json.dumps(head)[:-1] + ', "cases": [\n' + ",\n".join(lines) + "\n]}\n")


if __name__ == "__main__":
    main()
