"""Paths, device, atomic saves, learning-rate curve: what every stage shares."""
import json
import math
import os
import pathlib

import numpy
import torch

ROOT = pathlib.Path(__file__).resolve().parents[2]
STATE = pathlib.Path(os.environ.get("GENVID_TRAIN", ROOT / ".train"))      # big, ignored by git
KEPT = pathlib.Path(os.environ.get("GENVID_KEPT", pathlib.Path(__file__).resolve().parent / "state"))   # small, committed
os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(STATE / "inductor"))


def device():
    torch.set_num_threads(int(os.environ.get("GENVID_THREADS", min(2, os.cpu_count() or 1))))
    return "cuda" if torch.cuda.is_available() else "cpu"


def save_npz(path, **arrays):
    part = path.with_suffix(".part")
    with open(part, "wb") as f:
        numpy.savez(f, **arrays)
    os.replace(part, path)


def save_torch(path, obj):
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    torch.save(obj, part)
    os.replace(part, path)


def log(path, **row):
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a") as f:
        f.write(json.dumps(row) + "\n")
    print(" ".join(f"{k}={v:.4g}" if isinstance(v, float) else f"{k}={v}" for k, v in row.items()), flush=True)


def cosine(done, warm=0.01, hold=0.5, floor=0.02):
    """Learning-rate factor for a fraction `done` of a run: warm up, hold, then fall along a cosine."""
    if done < warm:
        return done / warm + 1e-3
    if done < hold:
        return 1.0
    k = min(1.0, (done - hold) / (1 - hold))
    return floor + (1 - floor) * (0.5 + 0.5 * math.cos(math.pi * k))
