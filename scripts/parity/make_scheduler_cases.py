#!/usr/bin/env python3
"""Writes scheduler_cases.json: tables of UniPC (flow) and FlowMatchEuler, and runs of both on a formula.

  make_scheduler_cases.py [--out tests/data/scheduler_cases.json]

Numbers are the shortest decimals that give the same fp32 (or, for float timesteps, fp32) back.
"""

import argparse
import json

import numpy as np
import torch
from diffusers import FlowMatchEulerDiscreteScheduler, UniPCMultistepScheduler

STEPS = (1, 2, 3, 4, 6, 20, 50)
SHIFTS = (1.0, 3.0, 5.0, 8.0, 12.0)
RUN_STEPS = (3, 6, 12)
RUN_SHIFT = 3.0
# Multiples of 1/64: exact in fp32 and in decimal.
START = [
    -2.5,
    -1.75,
    -1.25,
    -0.953125,
    -0.625,
    -0.375,
    -0.171875,
    -0.03125,
    0.0625,
    0.21875,
    0.4375,
    0.703125,
    0.984375,
    1.375,
    1.890625,
    2.75,
]
VELOCITY = "v = 0.5*x + 0.25*x*x*x/(1 + x*x), in fp32, in this order of operations"


def velocity(x):
    return 0.5 * x + 0.25 * x * x * x / (1 + x * x)


def shortest(values):
    """fp32 values as the shortest decimals that read back as the same fp32"""
    return [
        float(np.format_float_positional(v, unique=True, trim="0"))
        if abs(v) > 1e-4 or v == 0
        else float(np.format_float_scientific(v, unique=True))
        for v in np.asarray(values, dtype=np.float32).ravel()
    ]


def make(kind, shift):
    if kind == "unipc":
        return UniPCMultistepScheduler(
            prediction_type="flow_prediction",
            use_flow_sigmas=True,
            num_train_timesteps=1000,
            flow_shift=shift,
        )
    return FlowMatchEulerDiscreteScheduler(num_train_timesteps=1000, shift=shift)


def table(kind, steps, shift):
    scheduler = make(kind, shift)
    scheduler.set_timesteps(steps)
    timesteps = scheduler.timesteps.tolist() if kind == "unipc" else shortest(scheduler.timesteps)
    return {
        "steps": steps,
        "shift": shift,
        "timesteps": timesteps,
        "sigmas": shortest(scheduler.sigmas),
    }


def run(kind, steps, shift):
    scheduler = make(kind, shift)
    scheduler.set_timesteps(steps)
    x, states = torch.tensor([START]), []
    for timestep in scheduler.timesteps:
        x = scheduler.step(velocity(x), timestep, x, return_dict=False)[0]
        states.append(shortest(x))
    return {"steps": steps, "shift": shift, "states": states}


def lines(values):
    return "[\n" + ",\n".join(json.dumps(value) for value in values) + "\n]"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", default="tests/data/scheduler_cases.json")
    args = parser.parse_args()
    torch.set_num_threads(1)
    parts = [f'"velocity": {json.dumps(VELOCITY)}', f'"start": {json.dumps(START)}']
    for kind in ("unipc", "euler"):
        tables = [table(kind, steps, shift) for steps in STEPS for shift in SHIFTS]
        runs = [run(kind, steps, RUN_SHIFT) for steps in RUN_STEPS]
        parts.append(f'"{kind}": {{"tables": {lines(tables)},\n"runs": {lines(runs)}}}')
    with open(args.out, "w", encoding="utf-8") as f:
        f.write("{" + ",\n".join(parts) + "}\n")


if __name__ == "__main__":
    main()
