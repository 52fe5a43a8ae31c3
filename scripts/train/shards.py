"""Training shards: which seeds, which times, which frames; painted the same on every machine."""
import random

import numpy
import torch

import painter
import words
import world
from tokens import Tokenizer

# first seeds: training material and held-out material never share a scene
BASE = {"clips": 10_000_000, "frames": 20_000_000, "windows": 60_000_000, "long": 80_000_000, "held": 1_000_000}
SIZE = {"long": 50}                                                      # scenes of a shard, else 100


def blocks(scenes, start, count, dev):
    """Paint 4 frames at a time (one compiled shape): [N, 4 * count, 3, H, W] in 0..1."""
    return torch.cat([painter.clip(scenes, [t + k * 4 / painter.pixels.FPS for t in start], 4, dev)
                      for k in range(count)], 1)


def mirrored(lab):
    """The labels of the same scene seen in a mirror."""
    other = {"left": "right", "right": "left", "pan left": "pan right", "pan right": "pan left"}
    return dict(lab, way=other.get(lab["way"], lab["way"]), camera=other.get(lab["camera"], lab["camera"]))


def shard(kind, number, dev, codec=None):
    """-> dict: `x` pixels or latents; `ids` of four captions a scene [N, 4, 48]; `labels` with start times, one dict a
    scene; `layout` [N, latents, SKETCH, H/16, W/16] (painter.layout). Training latents come twice, as painted and in a mirror:
    painting is what costs."""
    size = SIZE.get(kind, 100)
    first = BASE[kind] + number * size
    scenes = painter.seeds(first, size)
    r = random.Random(first)
    count = {"clips": 3, "frames": 1, "windows": 7, "long": 30}[kind]
    longest = world.DURATION - (.34 if kind == "frames" else count / 3)
    start = [0.0 if kind == "windows" and r.random() < .4 else r.uniform(0, longest) for _ in scenes]
    step = 1 if dev == "cpu" else 50
    painted = (blocks(scenes[i:i + step], start[i:i + step], count, dev) for i in range(0, size, step))
    if kind == "clips":
        return {"x": torch.cat([(x * 255).round().byte().cpu() for x in painted]).numpy(),
                "labels": [dict(lab, start=t) for (lab, _), t in zip(scenes, start)]}
    both = [(codec.encode(x).half().cpu(), codec.encode(x.flip(-1)).half().cpu()) for x in painted]
    seen, labels = visible(scenes, start, count, dev)
    labels += [mirrored(lab) for lab in labels]
    return {"x": torch.cat([a for a, _ in both] + [b for _, b in both]).numpy(), "ids": captions(labels, r), "labels": labels,
            "layout": torch.cat([seen, turned(seen)]).half().cpu().numpy()}


def captions(labels, r):
    """Ids of four captions for each scene: [N, 4, 48]."""
    tok = Tokenizer()
    return numpy.array([[tok(words.caption(lab, r)[0]) for _ in range(4)] for lab in labels], dtype=numpy.int16)


def visible(scenes, start, count, dev="cpu"):
    """Layouts [N, count, SKETCH, h, w] (painter.layout); labels without a mover that none of the latents shows, and where it is the subject of
    the place alone."""
    seen = torch.stack([painter.layout(scenes, [t + k * 4 / painter.pixels.FPS for t in start], dev) for k in range(count)], 1)
    labels = []
    for (lab, _), t, shown in zip(scenes, start, seen):
        there = shown[:, painter.GROUPS.index("mover")].sum((1, 2)).max() > .12
        gone = dict(mover="none", way="none") | (dict(subject=lab["setting"], colour="none") if lab["subject"] in world.ACTORS else {})
        labels.append(dict(lab, start=t, **({} if there else gone)))
    return seen, labels


def turned(seen):
    """Layouts in a mirror."""
    seen = seen.flip(-1).clone()
    seen[..., [8, 10], :, :] *= -1
    parts = seen[..., painter.FACTS:, :, :].unflatten(-3, (-1, painter.FINE, painter.FINE)).flip(-3)
    seen[..., painter.FACTS:, :, :] = parts.flatten(-5, -3)
    return seen
