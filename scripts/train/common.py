"""Paths, device, atomic saves, learning-rate curve: what every stage shares."""
import functools
import json
import math
import os
import pathlib

import numpy
import torch

ROOT = pathlib.Path(__file__).resolve().parents[2]
STATE = pathlib.Path(os.environ.get("GENVID_TRAIN", ROOT / ".train"))      # big, ignored by git
KEPT = pathlib.Path(os.environ.get("GENVID_KEPT", pathlib.Path(__file__).resolve().parent / "state"))   # small, committed
MODEL = ROOT / "models" / "genvid-tiny"                                                # the shipped weights
HOME = {"text": "text_encoder/model.safetensors", "codec": "vae/diffusion_pytorch_model.safetensors",
        "dit": "transformer/diffusion_pytorch_model.safetensors", "sketcher": "sketcher/diffusion_pytorch_model.safetensors", "judge": "judge/model.safetensors",
        "recogniser": pathlib.Path(__file__).resolve().parent / "state" / "recogniser.safetensors"}
os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(STATE / "inductor"))


def device():
    torch.set_num_threads(int(os.environ.get("GENVID_THREADS", min(2, os.cpu_count() or 1))))
    return "cuda" if torch.cuda.is_available() else "cpu"


@functools.cache
def quick(dev):
    """The type for matrix products: bf16 where that is quicker than fp32. A CPU without instructions for it takes forty times as long."""
    flags = pathlib.Path("/proc/cpuinfo").read_text() if os.path.exists("/proc/cpuinfo") else ""
    return torch.bfloat16 if dev == "cuda" or "avx512_bf16" in flags or "amx_bf16" in flags else torch.float32


def cast(dev):
    """Autocast to `quick`; nothing where that is fp32."""
    dev = str(dev).split(":")[0]
    return torch.autocast(dev, dtype=torch.bfloat16, enabled=quick(dev) == torch.bfloat16)


def shipped(name):
    """The weights of a part that is in the model folder, or kept here of the network that measures."""
    return MODEL / HOME[name]


def weights(name):
    """The weights of a part: what training here wrote last, else those that are shipped."""
    fresh = STATE / f"{name}.safetensors"
    return fresh if fresh.exists() or name not in HOME else shipped(name)


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


def curve(done, warm=0.02, decay=0.4, floor=0.02):
    """Learning-rate factor for a fraction `done` of a run: up, hold, and down along a cosine at the end."""
    if done < warm:
        return done / warm + 1e-3
    if done < 1 - decay:
        return 1.0
    k = min(1.0, (done - 1 + decay) / decay)
    return floor + (1 - floor) * (0.5 + 0.5 * math.cos(math.pi * k))
