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


GROUPS = ("sky", "far", "city", "ground", "water", "trees", "subject", "mover")
FACTS = len(GROUPS) + 4                                         # of a tile: shares of the groups, places in subject and mover
FINE = 4                                                        # parts of a tile's side in an outline
OUTLINES = (("subject", "mover"), ("far", "city", "trees"))     # what stands out from sky and ground, and is drawn as one outline
SKETCH = FACTS + len(OUTLINES) * FINE ** 2


def _group(key):
    if key[-1].isdigit():
        return "trees"
    known = {"sky": "sky", "mountains": "far", "hills": "far", "city": "city", "ground": "ground", "sea": "water"}
    return known.get(key, "subject" if key in objects.SUBJECTS else "mover")


@torch.no_grad()
def layout(scenes, start, device="cpu"):
    """What a latent (4 frames from `start`) shows where: [N, SKETCH, H/16, W/16]. For each of GROUPS the share of a tile that it
    fills, 1 together; then where in the subject and where in the mover a tile lies: across and down, -1..1 from edge to
    edge of what is seen of it, 0 in tiles without it; then for each of OUTLINES what share of the tile's 4x4 parts it fills, row by row."""
    if device == "cpu" and len(scenes) > 1:
        return torch.cat([layout([q], [t]) for q, t in zip(scenes, start)])
    n = len(scenes)
    packed = torch.tensor([p for _, p in scenes], device=device).repeat(4, 1)
    begin = torch.tensor(start, device=device).float()
    time = torch.cat([begin, begin + 3 / pixels.FPS]).repeat(2)
    ground = torch.tensor([0., 1.], device=device).repeat_interleave(2 * n)     # each layer on black and on white
    seen = torch.zeros(2 * n, len(GROUPS), HEIGHT, WIDTH, device=device)
    for key, fn, which in plan([lab for lab, _ in scenes] * 2):
        if key in ("weather", "grade"):
            continue
        if key == "sky":                                        # all of it, behind everything
            seen[:, 0] = 1
            continue
        i = torch.tensor(which, device=device)
        both = torch.cat([i, i + 2 * n])
        canvas = ground[both].view(-1, 1, 1, 1).expand(-1, 3, HEIGHT, WIDTH).contiguous()
        black, white = _layer(key, fn, packed[both], time[both], canvas, tables(device)).mean(1).split(len(which))
        here = (1 - (white - black)).clamp(0, 1)
        seen[i] *= 1 - here[:, None]
        seen[i, GROUPS.index(_group(key))] += here
    seen = seen.view(2, n, *seen.shape[1:]).mean(0)
    inside = [torch.stack([_inside(q[k]) for q in seen]) for k in (-2, -1)]
    outlines = torch.stack([seen[:, [GROUPS.index(g) for g in names]].sum(1) for names in OUTLINES], 1)
    return torch.cat([F.avg_pool2d(seen, 16)] + inside + [F.pixel_unshuffle(F.avg_pool2d(outlines, 16 // FINE), FINE)], 1)


def _inside(mask):
    """Where in an object's box each tile lies: [2, H/16, W/16]."""
    spots = (mask > .3).nonzero()
    out = torch.zeros(2, mask.shape[0] // 16, mask.shape[1] // 16, device=mask.device)
    if not len(spots):
        return out
    (top, left), (bottom, right) = spots.amin(0).tolist(), (spots.amax(0) + 1).tolist()
    across = (torch.arange(out.shape[2], device=mask.device) * 16 + 8 - (left + right) / 2) / ((right - left) / 2)
    down = (torch.arange(out.shape[1], device=mask.device) * 16 + 8 - (top + bottom) / 2) / ((bottom - top) / 2)
    here = F.avg_pool2d((mask > .3).float()[None], 16)[0] > .02
    out[0], out[1] = across.clamp(-1, 1), down.clamp(-1, 1)[:, None]
    return out * here


def focus(seen):
    """How much a tile matters beyond its size, from layout [..., SKETCH, h, w]: subject and mover are what a prompt names, and
    fill few tiles. 0 where they are not; all that one of them has comes to 40 tiles, at most 10 for one. -> [..., h, w]"""
    share = (seen[..., 6:8, :, :].float() * 4).clamp(max=1)            # a car's corner counts as well
    return (share * (40 / share.sum((-1, -2), keepdim=True).clamp(min=4))).sum(-3)


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
