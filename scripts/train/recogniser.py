"""A network that reads from a latent what it shows. Two are trained, on different pictures: `judge`, which comes with the model
and chooses among drafts of a clip's first picture, and `recogniser`, by which `evaluate` measures."""
import json
import time

import numpy
import torch
import torch.nn.functional as F
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

import painter
import world
from codec_model import C, Encoder
from common import STATE, cast, curve, weights
from tensors import load_file, save_file

WIDTH = 96
TILES = 2                                                                # weight of what each tile shows
# What one latent shows. Whoever moves is no subject here, but a mover: people in a city and a city with people look the same.
SEEN = {k: world.LABELS[k] for k in ("subject", "setting", "time", "weather", "colour", "mover")} | {"subject": world.BUILDINGS + world.PLACES}
TESTED, MEASURED = 5, 200                                                # shards that neither learns from; the first that the recogniser learns from


class Residual(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.norm1, self.norm2 = nn.GroupNorm(8, c), nn.GroupNorm(8, c)
        self.conv1, self.conv2 = nn.Conv2d(c, c, 3, padding=1), nn.Conv2d(c, c, 3, padding=1)

    def forward(self, x):
        return x + self.conv2(F.gelu(self.norm2(self.conv1(F.gelu(self.norm1(x))))))


class Recogniser(nn.Module):
    """Reads encoded pictures: generated frames are encoded again first."""

    def __init__(self, c=WIDTH):
        super().__init__()
        self.conv = nn.Sequential(nn.Conv2d(C, c, 3, padding=1), Residual(c), Residual(c),
                                  nn.Conv2d(c, 2 * c, 3, 2, padding=1), Residual(2 * c), Residual(2 * c), nn.GroupNorm(8, 2 * c), nn.GELU())
        self.read = nn.ModuleDict({k: nn.Linear(4 * c, len(v)) for k, v in SEEN.items()})

    def forward(self, z, whole=True):
        """-> {label: [N, classes]}; not whole: also what is known of each tile [N, c, h, w]."""
        near = self.conv[:3](z.to(memory_format=torch.channels_last))
        y = self.conv[3:](near)
        y = torch.cat([y.mean((2, 3)), y.amax((2, 3))], 1)
        votes = {k: m(y) for k, m in self.read.items()}
        return votes if whole else (votes, near)


def shards(which):
    """Pictures of the frames stage: latents [N, C, H/16, W/16], shares of what each tile shows (painter.GROUPS), labels as numbers. The first ones
    test; the judge learns from those before MEASURED, the recogniser from those behind."""
    first, last = {"test": (0, TESTED), "judge": (TESTED, MEASURED), "recogniser": (MEASURED, 10 ** 9)}[which]
    files = [p for p in sorted((STATE / "frames").glob("*.npz")) if first <= int(p.stem) < last]
    if not files:
        raise SystemExit(f"no shards to {'test with' if which == 'test' else 'learn from'}: run `data frames --skip {first}` first")
    x, seen, labels = [], [], []
    for p in files:
        q = numpy.load(p)
        x.append(q["x"][:, :, 0])
        seen.append(q["layout"][:, 0, :len(painter.GROUPS)])
        labels += json.loads(str(q["labels"]))
    x, seen = (torch.from_numpy(numpy.concatenate(q)) for q in (x, seen))
    labels = [dict(lab, subject=lab["setting"]) if lab["subject"] in world.ACTORS else lab for lab in labels]
    return x, seen, {k: torch.tensor([v.index(lab[k]) for lab in labels]) for k, v in SEEN.items()}


def shifted(z, dy, dx):
    """Moved by up to a tile, the edge repeated: the camera might have stood beside. dy, dx: 0 to 2."""
    pad = F.pad(z, (1, 1, 1, 1), mode="replicate")
    return pad[:, :, dy:dy + z.shape[2], dx:dx + z.shape[3]]


def mirrored(z, mirror):
    weight, bias = mirror
    return torch.einsum("nchw,cd->ndhw", z.flip(3), weight) + bias[:, None, None]


@torch.no_grad()
def probabilities(net, z, mirror):
    """{label: [N, classes]} of latents z as they are and in a mirror, the mean: one look errs where the other does not."""
    looks = net(z), net(mirrored(z, mirror))
    return {k: sum(q[k].softmax(1) for q in looks) / 2 for k in SEEN}


def learn(name, dev, minutes, batch):
    """Beside the labels it has to say of each tile what it shows, which finds what is small; that part is thrown away."""
    x, seen, y = shards(name)
    net, path = Recogniser(), STATE / f"{name}.safetensors"
    if weights(name).exists():
        net = load(name, "cpu").train()
    net, tiles = net.to(dev, memory_format=torch.channels_last), nn.Conv2d(WIDTH, len(painter.GROUPS), 1).to(dev)
    opt, mean = torch.optim.AdamW([*net.parameters(), *tiles.parameters()], lr=2e-3, weight_decay=.05), AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(.998))
    mirror = Encoder.load(dev).mirror()
    began, last, acc, n = time.time(), time.time(), [], 0
    while (done := (time.time() - began) / (minutes * 60)) < 1:
        for g in opt.param_groups:
            g["lr"] = 2e-3 * curve(done, decay=.6)
        i = torch.randint(len(x), (batch,))
        by = torch.randint(0, 3, (2,)).tolist()
        z, shares = (shifted(q[i].float().to(dev), *by) for q in (x, seen))
        if n % 2:
            z, shares = mirrored(z, mirror), shares.flip(3)
        with cast(dev):
            out, near = net(z + 0.15 * torch.rand(batch, 1, 1, 1, device=dev) * torch.randn_like(z), whole=False)
            near = tiles(near)
        much = 1 + 8 * shares[:, -1]                                 # movers are small
        told = -((shares * near.float().log_softmax(1)).sum(1) * much).sum() / much.sum()
        loss = sum(F.cross_entropy(out[k].float(), y[k][i].to(dev)) for k in SEEN) + TILES * told
        opt.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        opt.step()
        mean.update_parameters(net)
        n += 1
        acc.append(float(loss.detach()))
        if time.time() - last > 60:
            print(n, sum(acc) / len(acc), flush=True)
            acc, last = [], time.time()
            save_file({k: v.half() for k, v in mean.module.state_dict().items()}, path)
    save_file({k: v.half() for k, v in mean.module.state_dict().items()}, path)


def load(name, dev):
    net = Recogniser()
    net.load_state_dict({k: v.float() for k, v in load_file(weights(name)).items()})
    return net.to(dev).eval()


def agreement(votes, asked):
    """How well a judge's scores {label: [N, classes]} fit what is asked [{label: class}]: [N], the mean logarithm of the
    probability of what is asked; 0 where it can tell nothing of it (an actor is asked for as mover too)."""
    logs = {k: v.log_softmax(1) for k, v in votes.items()}
    rows = [[logs[k][i, c] for k, c in q.items() if k in logs and c < logs[k].shape[1]] for i, q in enumerate(asked)]
    nothing = next(iter(votes.values())).new_zeros(())
    return torch.stack([torch.stack(row).mean() if row else nothing for row in rows])
