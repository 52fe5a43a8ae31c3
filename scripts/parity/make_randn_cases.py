#!/usr/bin/env python3
"""Writes randn_cases.json: what torch.Generator("cpu") gives, for --noise torch.

  make_randn_cases.py [--out tests/data/randn_cases.json]

torch fills 16 or more values in blocks of 16 and fewer one by one, and the last block of a size that is no
multiple of 16 is drawn again: so short and odd sizes are here too. Values and sums are hexadecimal floats;
the sum is of all values in order, in fp64.
"""

import argparse
import json

import torch

CASES = [
    (42, [1, 16, 4, 4, 6]),
    (0, [1, 16, 4, 4, 6]),
    (20261122, [1, 48, 3, 4, 6]),
    (42, [1]),
    (42, [15]),
    (42, [16]),
    (42, [17]),
    (7, [1, 16, 1, 3, 7]),
    (2**63 - 1, [40]),
    (2**64 - 1, [40]),
]


def case(seed, shape):
    signed = seed if seed < 2**63 else seed - 2**64  # torch takes either as the same seed
    values = torch.randn(shape, generator=torch.Generator("cpu").manual_seed(signed)).reshape(-1)
    total = 0.0
    for value in values.tolist():
        total += value
    return {
        "seed": str(seed),
        "shape": shape,
        "first": [value.hex() for value in values[:64].tolist()],
        "last": values[-1].item().hex(),
        "sum": total.hex(),
    }


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", default="tests/data/randn_cases.json")
    args = parser.parse_args()
    lines = [json.dumps(case(seed, shape)) for seed, shape in CASES]
    with open(args.out, "w", encoding="utf-8") as f:
        f.write('{"cases": [\n' + ",\n".join(lines) + "\n]}\n")


if __name__ == "__main__":
    main()
