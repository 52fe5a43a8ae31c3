"""What the transformer's stages share: data on the device, noise levels, one step, checkpoints, sampling."""
import copy
import time

import numpy
import torch

from codec_model import C
from common import KEPT, STATE, cosine, log, save_torch
from nets import TOKENS, TextEncoder, Transformer
from tensors import load_file, save_file

HISTORY, WINDOW = 4, 8
PREFIX = "dit"


def load_latents(kind, dev, limit=10 ** 6):
    """Latents [N, C, T, h, w] (half), caption ids [N, 4, 48], start times [N]; kept on the device."""
    import json
    x, ids, start = [], [], []
    for p in sorted((STATE / kind).glob("*.npz"))[:limit]:
        q = numpy.load(p)
        x.append(q["x"]), ids.append(q["ids"])
        start += [lab["start"] for lab in json.loads(str(q["labels"]))]
    return (torch.from_numpy(numpy.concatenate(x)).to(dev), torch.from_numpy(numpy.concatenate(ids)).to(dev),
            torch.tensor(start, device=dev))


def empty_ids(n, dev):
    ids = torch.zeros(n, TOKENS, dtype=torch.long, device=dev)
    ids[:, 0] = 1
    return ids


class Text:
    """The frozen encoder."""

    def __init__(self, dev):
        self.net = TextEncoder.load(dev)

    @torch.no_grad()
    def __call__(self, ids):
        hidden, pooled = self.net(ids)
        return hidden, pooled, ids > 0


def train_noise(n, dev, generator=None):
    s = torch.randn(n, device=dev, generator=generator) * 1.1 + 0.6
    return torch.sigmoid(s).clamp(0.02, 0.998)


def error(net, x0, sigma, weight, text, noise):
    """Weighted squared error of x0; equals the error of the velocity for sigma > 0.1."""
    s = sigma[:, None, :, None, None]
    x = (1 - s) * x0 + s * noise
    with torch.autocast(x0.device.type, dtype=torch.bfloat16):
        y = net(x, sigma, *text)
    e = (y.float() - x0).pow(2).mean((1, 3, 4))                     # [B, F]
    w = weight / sigma.clamp(min=0.1) ** 2
    return (e * w).sum() / weight.sum().clamp(min=1)


class Trainer:
    """Weights, their average, optimiser and counters; `resume` finds the full state or the kept weights."""

    def __init__(self, dev, lr, name=PREFIX):
        self.dev, self.lr, self.name = dev, lr, name
        torch.manual_seed(1)
        self.net = Transformer().to(dev)
        self.opt = torch.optim.AdamW(self.net.parameters(), lr=lr, betas=(.9, .95), weight_decay=.01, fused=True)
        self.steps, self.samples = 0, 0
        full, kept = STATE / f"{name}.pt", KEPT / f"{name}.safetensors"
        if full.exists():
            q = torch.load(full, weights_only=True, map_location=dev)
            self.net.load_state_dict(q["net"]), self.opt.load_state_dict(q["opt"])
            self.ema = q["ema"]
            self.steps, self.samples = q["steps"], q["samples"]
        else:
            if kept.exists():                                        # warm restart: weights, no optimiser state
                q = {k: v.float() for k, v in load_file(kept).items()}
                self.samples = int(q.pop("samples", torch.zeros(1)))
                self.net.load_state_dict(q)
            self.ema = [p.detach().clone() for p in self.net.parameters()]

    def step(self, loss, factor):
        for g in self.opt.param_groups:
            g["lr"] = self.lr * factor
        self.opt.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.opt.step()
        self.steps += 1
        with torch.no_grad():
            keep = min(.999, (1 + self.steps) / (10 + self.steps))
            torch._foreach_lerp_(self.ema, [p.detach() for p in self.net.parameters()], 1 - keep)

    def averaged(self):
        net = copy.deepcopy(self.net)
        with torch.no_grad():
            for p, q in zip(net.parameters(), self.ema):
                p.copy_(q)
        return net.eval().requires_grad_(False)

    def save(self):
        save_torch(STATE / f"{self.name}.pt", {"net": self.net.state_dict(), "opt": self.opt.state_dict(), "ema": self.ema,
                                               "steps": self.steps, "samples": self.samples})
        q = {k: v.half() for k, v in self.averaged().state_dict().items()}
        q["samples"] = torch.tensor([self.samples])
        save_file(q, KEPT / f"{self.name}.safetensors")


def run(trainer, loss_of, minutes, batch, curve, validate, warm=0.02):
    """The loop of every stage: `loss_of(batch)` -> loss; a validation error and a save every few minutes."""
    acc, first = [], trainer.samples
    log(curve, samples=trainer.samples, val=validate(trainer.averaged()), minutes=0.0)
    began = last = time.time()
    while (done := (time.time() - began) / (minutes * 60)) < 1:
        loss = loss_of(batch)
        trainer.step(loss, cosine(done, warm=warm))
        trainer.samples += batch
        acc.append(float(loss.detach()) if trainer.steps % 10 == 0 or trainer.dev == "cpu" else None)
        if time.time() - last > min(180, minutes * 6):
            got = [q for q in acc if q is not None]
            log(curve, samples=trainer.samples, loss=sum(got) / max(1, len(got)), val=validate(trainer.averaged()),
                minutes=(time.time() - began) / 60, per_s=(trainer.samples - first) / (time.time() - began))
            trainer.save()
            acc, last = [], time.time()
    trainer.save()
    log(curve, samples=trainer.samples, val=validate(trainer.averaged()), minutes=minutes,
        per_s=(trainer.samples - first) / (time.time() - began))


def levels(steps, shift=3.0, dev="cpu"):
    """Noise levels from 1 to 0, more of them where there is much noise."""
    s = torch.linspace(1, 0, steps + 1, device=dev)
    return shift * s / (1 + (shift - 1) * s)


@torch.no_grad()
def sample_window(net, noise, history, text, blank, steps, guidance, hist_sigma=0.02):
    """New latents from `noise` [B, C, n, h, w], after clean `history` [B, C, m, h, w] (or None)."""
    b, _, n = noise.shape[:3]
    m = 0 if history is None else history.shape[2]
    x = noise
    s = levels(steps, dev=noise.device)
    for k in range(steps):
        whole = x if not m else torch.cat([history, x], 2)
        sigma = torch.full((b, m + n), float(s[k]), device=x.device)
        sigma[:, :m] = hist_sigma
        with torch.autocast(x.device.type, dtype=torch.bfloat16):
            y = net(whole, sigma, *text)[:, :, m:].float()
            if guidance != 1:
                u = net(whole, sigma, *blank)[:, :, m:].float()
                y = u + guidance * (y - u)
        x = x + (s[k + 1] - s[k]) * (x - y) / s[k]
    return x


@torch.no_grad()
def rollout(net, text_net, ids, latents, steps, guidance, seed=0, first=None):
    """A clip of `latents` latents: one window of 8, then 4 at a time after the last 4 as clean history.
    Every window is whole, as in training; what the last one makes too much is cut off."""
    dev = ids.device
    g = torch.Generator().manual_seed(seed)
    noise = torch.randn(len(ids), C, latents + WINDOW, 10, 16, generator=g).to(dev)
    text, blank = text_net(ids), text_net(empty_ids(len(ids), dev))
    done = first
    while done is None or done.shape[2] < latents:
        at = 0 if done is None else done.shape[2]
        history = None if done is None else done[:, :, -HISTORY:]
        n = WINDOW - (0 if history is None else history.shape[2])
        if latents == 1:                                     # a picture, as the frames stage learnt it
            n = 1
        new = sample_window(net, noise[:, :, at:at + n], history, text, blank, steps, guidance)
        done = new if done is None else torch.cat([done, new], 2)
    return done[:, :, :latents]
