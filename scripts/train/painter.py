"""Paints batches of scenes: groups the frames that need a layer, so that nothing is painted in vain."""
import os

import torch
import torch.nn.functional as F

import objects
import pixels
import world
from pixels import HEIGHT, WIDTH, Scene, tables

# what each layer is for, back to front: (key, function(scene, canvas), which frames have it)
COMMON = ("sky", "mountains", "hills", "ground", "sea", "pine", "round", "weather", "grade")
_compiled = {}


def _row(key, packed):
    """A row of trees: its numbers go where the first row's are. Returns the layer's name without the row."""
    i = int(key[-1])
    packed = packed.clone()
    first, here = world.INDEX["tr0_z"], world.INDEX[f"tr{i}_z"]
    packed[:, first:first + 5], packed[:, world.INDEX["row"]] = packed[:, here:here + 5].clone(), i
    return key[:-1], packed


def _layer(key, fn, packed, time, canvas, noise):
    if key[-1].isdigit():
        key, packed = _row(key, packed)

    def run(packed, time, canvas, maps, ridge, hashes):
        s = Scene(packed, time, (maps, ridge, hashes))
        c = list(canvas.unbind(1))
        return torch.stack([torch.broadcast_to(q, canvas[:, 0].shape) for q in fn(s, c)], 1)
    mode = os.environ.get("GENVID_COMPILE", "none")          # none, common or all: 30 s a layer, then 6x faster
    if mode == "all" or mode == "common" and key in COMMON:
        if key not in _compiled:
            torch._dynamo.config.recompile_limit = 128
            _compiled[key] = torch.compile(run, dynamic=packed.is_cuda)
        run = _compiled[key]
    return run(packed, time, canvas, *noise)


def plan(labels):
    """Layers in painting order, each with the list of frames (by index) that it applies to."""
    out = []

    def add(key, fn, test):
        which = [i for i, lab in enumerate(labels) if test(lab)]
        if which:
            out.append((key, fn, which))

    def rows(far):
        for kind in pixels.TREES:
            for i in range(4):
                add(f"{kind}{i}", lambda s, c, k=kind: pixels.trees(s, c, k),
                    lambda lab, k=kind, i=i: lab["kind"] == k and i < lab["rows"]
                    and far == (i < 3 and lab["setting"] not in ("city", "beach")))
    add("sky", lambda s, c: pixels.sky(s), lambda lab: True)
    add("mountains", pixels.mountains, lambda lab: lab["mounts"])
    add("hills", pixels.hills, lambda lab: lab["hills"])
    add("plane", objects.plane, lambda lab: lab["mover"] == "plane")
    add("birds", objects.birds, lambda lab: lab["mover"] == "birds")
    add("city", pixels.city, lambda lab: lab["setting"] == "city")
    add("ground", pixels.ground, lambda lab: True)
    add("sea", pixels.sea, lambda lab: lab["setting"] == "beach" or lab["lake"])
    add("boat", objects.boat, lambda lab: lab["mover"] == "boat")
    rows(far=True)
    for name, fn in objects.SUBJECTS.items():
        add(name, fn, lambda lab, n=name: lab["subject"] == n)
    add("smoke", objects.smoke, lambda lab: lab["mover"] == "smoke")
    rows(far=False)
    add("people", objects.people, lambda lab: lab["mover"] == "people")
    add("car", objects.car, lambda lab: lab["mover"] == "car")
    add("weather", pixels.weather, lambda lab: lab["weather"] in ("rain", "snow"))
    add("grade", pixels.grade, lambda lab: True)
    return out


@torch.no_grad()
def paint(labels, packed, time):
    """labels: list of B dicts; packed [B, P]; time [B] seconds -> pictures [B, 3, H, W] in 0..1."""
    noise = tables(packed.device)
    canvas = torch.zeros(len(labels), 3, HEIGHT, WIDTH, device=packed.device)
    for key, fn, which in plan(labels):
        if len(which) == len(labels):
            canvas = _layer(key, fn, packed, time, canvas, noise)
        else:
            i = torch.tensor(which, device=packed.device)
            canvas[i] = _layer(key, fn, packed[i], time[i], canvas[i], noise)
    return canvas.clamp(0, 1)


@torch.no_grad()
def focus(scenes, start, device="cpu"):
    """How much a tile of 16x16 pixels matters beyond its size: subject and mover are what a prompt names, and fill few
    tiles. 0 where they are not; all that one of them has comes to 40 tiles, at most 10 for one.
    -> [N, H/16, W/16], and for each scene the set of what is in the picture (others stand before or beside it)"""
    out, seen = torch.zeros(len(scenes), HEIGHT // 16, WIDTH // 16, device=device), [set() for _ in scenes]
    layers = {**objects.SUBJECTS, "plane": objects.plane, "birds": objects.birds, "boat": objects.boat,
              "smoke": objects.smoke, "people": objects.people, "car": objects.car}
    for key, fn in layers.items():
        which = [i for i, (lab, _) in enumerate(scenes) if key in (lab["subject"], lab["mover"])]
        if not which:
            continue
        packed = torch.tensor([scenes[i][1] for i in which], device=device).repeat_interleave(2, 0)
        time = torch.tensor([start[i] + t / pixels.FPS for i in which for t in (0, 3)], device=device).float()
        black, white = (_layer(key, fn, packed, time, torch.full((len(packed), 3, HEIGHT, WIDTH), v, device=device),
                               tables(device)) for v in (0., 1.))
        share = F.avg_pool2d((1 - (white - black).mean(1)).clamp(0, 1), 16)          # [2N, h, w] of tiles covered
        share = share.view(-1, 2, *share.shape[1:]).amax(1)
        share = (share * 4).clamp(max=1)                     # a car's corner counts as well
        area = share.sum((1, 2), keepdim=True)
        i = torch.tensor(which, device=device)
        out[i] += share * (40 / area.clamp(min=4))
        for k, q in zip(which, area.flatten().tolist()):
            if q > .5:
                seen[k].add(key)
    return out, seen


def clip(scenes, start, frames, device="cpu"):
    """scenes: list of (labels, packed); start: list of seconds -> [N, frames, 3, H, W]."""
    if device == "cpu" and len(scenes) > 1:                 # small batches stay in the cache
        return torch.cat([clip([q], [t], frames) for q, t in zip(scenes, start)])
    labels = [lab for lab, _ in scenes for _ in range(frames)]
    packed = torch.tensor([p for _, p in scenes], device=device).repeat_interleave(frames, 0)
    time = (torch.tensor(start, device=device)[:, None]
            + torch.arange(frames, device=device) / pixels.FPS).flatten().float()
    return paint(labels, packed, time).view(len(scenes), frames, 3, HEIGHT, WIDTH)


def seeds(first, count):
    return [world.make(s) for s in range(first, first + count)]
