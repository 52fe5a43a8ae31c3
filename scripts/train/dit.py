"""What the transformer's stages share: noise levels, routing, one step, checkpoints, sampling."""
import copy
import dataclasses
import os
import time

import torch
import torch.nn.functional as F
from torch import nn

import painter
from codec_model import C
from common import STATE, cast, curve, log, save_torch, weights
from nets import TOLD, Camera, Sketcher, TextEncoder, Transformer, Trust, between_sketches, side_of, size_of, slowed
from optim import optimisers
from panorama import Panorama
from recogniser import agreement
from store import empty_ids
from tensors import load_file, save_file
from zoom import Zoom

HISTORY, WINDOW = 2, 5
REACH = 30                                                      # latents for which a picture is the anchor of those behind it, where the camera moves
GUIDANCE = 4.0                                                  # of a clip's first picture
LATER = 1.0                                                     # guidance of windows that have a history to follow
TRUST = Trust(2.0, 6.0, 3.0, 1.25, 14.0, (-1.0, 0.0), (2.5, 6.0))
LEADS = .2                                                      # how much it counts of a draft that its subject is ahead of the camera
DRAFTS = 6                                                      # of the first picture, of which the judge keeps one
FIRST, ETA = 2, .6                                              # its steps, times those of windows; the share of new noise at each of them
REDRAWN = 1 / 3                                                 # the last of those steps, which are done again with tiles that lie between
ZOOMED = 1 / 2                                                  # and of a zoom's pictures
SHIFT = 1.5                                                     # of noise levels, when sampling
PROBE = 0.3                                                     # weight of the probe's error
PREFIX = "dit"
PICTURES = "sketcher"                                           # the network that draws first pictures
SIZE = [int(q) for q in os.environ.get("GENVID_SIZE", "256,7").split(",")]      # width and blocks of a new transformer


class Text:
    """The frozen encoder: ids -> hidden, pooled, mask, and what the camera does."""

    def __init__(self, dev):
        self.net, self.camera = TextEncoder.load(dev), Camera.load().to(dev)

    @torch.no_grad()
    def __call__(self, ids):
        hidden, pooled = self.net(ids)
        return hidden, pooled, ids > 0, self.camera.move(pooled)


def train_noise(n, dev, generator=None):
    s = torch.randn(n, device=dev, generator=generator) * 1.1 + 0.6
    return torch.sigmoid(s).clamp(0.02, 0.998)


def routes(n, positions, dev, share=0.5):
    """For each sample a random half of the positions of a picture."""
    return torch.rand(n, positions, device=dev).argsort(1)[:, : int(positions * share)]


def error(net, x0, sigma, weight, text, noise, route=None, seen=None, probe=None, anchor=None):
    """Weighted squared error of x0; equals the error of the velocity for sigma > 0.1. seen [B, F, SKETCH, h, w]
    (painter.layout): tiles of what a prompt names count for more than others, which leaves the minimum where it is; and
    the tokens of an early block have to tell `probe` what is where."""
    s = sigma[:, None, :, None, None]
    x = (1 - s) * x0 + s * noise
    with cast(x0.device.type):
        y = net(x, sigma, *text, route, probe, anchor=anchor)
    y, read = (y, None) if probe is None else y
    e = (y.float() - x0).pow(2).mean(1)                             # [B, F, h, w]
    if seen is not None:
        focus = painter.focus(seen)
        e = e * (1 + focus) / (1 + focus.mean())
    w = weight / sigma.clamp(min=0.1) ** 2
    loss = (e.mean((2, 3)) * w).sum() / weight.sum().clamp(min=1)
    return loss if probe is None else loss + PROBE * told(read.float(), seen, route)


def drawn(net, y0, sigma, text, noise, focus, route=None):
    """The same of pictures with their sketches y0 [B, C + SKETCH, 1, h, w] (`nets.sketched`): of the latents and of the sketches."""
    s = sigma[:, None, :, None, None]
    with cast(y0.device.type):
        y = net((1 - s) * y0 + s * noise, sigma, *text, route)
    e = (y.float() - y0).pow(2)
    e = torch.stack([e[:, :C].mean(1), e[:, C:].mean(1)]) * (1 + focus) / (1 + focus.mean())
    return (e.mean((3, 4)) / sigma.clamp(min=.1) ** 2).mean((1, 2))


@torch.no_grad()
def pictured(net, store, text):
    """`error` of 64 held-out pictures with fixed noise."""
    g, dev = torch.Generator().manual_seed(5), text.camera.bias.device
    x0, ids = store.held[0][:64].float(), store.held[1][:64, 0].long()
    sigma, noise = train_noise(64, "cpu", g).to(dev)[:, None], torch.randn(x0.shape, generator=g).to(dev)
    return float(error(net, x0, sigma, torch.ones(64, 1, device=dev), text(ids), noise))


def told(read, seen, route):
    """How wrong an early block is about what is where: read [B, F * K, FACTS], seen [B, F, SKETCH, h, w]."""
    seen = seen[:, :, :painter.FACTS]
    b, f, k = seen.shape[:3]
    seen = seen.flatten(3).transpose(2, 3)                          # [B, F, hw, 12]
    if route is not None:
        seen = seen.gather(2, route[:, None, :, None].expand(-1, f, -1, k))
    seen = seen.flatten(1, 2).float()
    groups = len(painter.GROUPS)
    shares, places = seen[..., :groups], seen[..., groups:]
    here = shares[..., -2:]                                         # of subject and mover
    named = -(shares * F.log_softmax(read[..., :groups], -1)).sum(-1)
    off = (F.smooth_l1_loss(read[..., groups:], places, reduction="none", beta=.3) * here.repeat_interleave(2, -1)).sum(-1)
    much = 1 + 4 * here.sum(-1)
    return (named * much).sum() / much.sum() + 4 * off.mean()


def network_for(q):
    """A Transformer or a Sketcher of the size that the weights `q` have."""
    net = (Transformer if "keep.weight" in q else Sketcher)(*size_of(q))
    net.load_state_dict({k: v.float() for k, v in q.items()})
    return net


def started(name):
    """A network's kept weights, or what it begins with: windows with nothing, pictures as windows are drawn."""
    kept, other = weights(name), weights(PREFIX)
    if kept.exists():
        return network_for(load_file(kept))
    if name.startswith(PICTURES) and other.exists():
        return Sketcher.of({k: v.float() for k, v in load_file(other).items()})
    return Sketcher(*SIZE) if name.startswith(PICTURES) else Transformer(*SIZE, camera=Camera.load())


class Trainer:
    """Weights, their average, optimisers and counters; the full state resumes, or the last weights do."""

    def __init__(self, dev, lr, name=PREFIX, start=None):
        self.dev, self.lr, self.name = dev, lr, name
        self.steps, self.samples = 0, 0
        torch.manual_seed(time.time_ns() % 2 ** 31)
        full = STATE / f"{name}.pt"
        state = torch.load(full, weights_only=True, map_location=dev) if full.exists() else None
        if state:
            self.net = network_for(state["net"]).to(dev)
            self.ema, self.steps, self.samples = state["ema"], state["steps"], state["samples"]
        else:
            self.net = started(start or name).to(dev)
            self.ema = [p.detach().clone() for p in self.net.parameters()]
        self.fresh = not state
        self.probe = nn.Linear(self.net.d, painter.FACTS).to(dev)
        if state and "probe" in state:
            self.probe.load_state_dict(state["probe"])
        self.opts = optimisers(self.net, lr) + [torch.optim.AdamW(self.probe.parameters(), lr=lr, betas=(.9, .95))]
        self.top = [o.param_groups[0]["lr"] for o in self.opts]
        for o, q in zip(self.opts, state["opts"] if state else []):
            o.load_state_dict(q)

    def step(self, loss, factor):
        self.net.zero_grad(set_to_none=True)
        self.probe.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        for o, top in zip(self.opts, self.top):
            for g in o.param_groups:
                g["lr"] = top * factor
            o.step()
        self.steps += 1
        with torch.no_grad():
            keep = min(.998, (1 + self.steps) / (10 + self.steps))
            torch._foreach_lerp_(self.ema, [p.detach() for p in self.net.parameters()], 1 - keep)

    def averaged(self):
        net = copy.deepcopy(self.net)
        with torch.no_grad():
            for p, q in zip(net.parameters(), self.ema):
                p.copy_(q)
        return net.eval().requires_grad_(False)

    def save(self):
        save_torch(STATE / f"{self.name}.pt", {"net": self.net.state_dict(), "probe": self.probe.state_dict(), "opts": [o.state_dict() for o in self.opts],
                                               "ema": self.ema, "steps": self.steps, "samples": self.samples})
        save_file({k: v.half() for k, v in self.averaged().state_dict().items()}, STATE / f"{self.name}.safetensors")


def run(trainer, loss_of, minutes, batch, table, validate, decay=0.4, stores=()):
    """The loop of every stage: `loss_of(batch, route)` -> loss; every few minutes a validation error, a save, and new
    shards. Tokens are routed (route = True) until the learning rate falls; then every block sees every token."""
    acc, first, began = [], trainer.samples, time.time()
    last = began
    while (done := (time.time() - began) / (minutes * 60)) < 1:
        loss = loss_of(batch, done < 1 - decay)
        trainer.step(loss, curve(done, warm=.02 if trainer.fresh else .005, decay=decay))
        trainer.samples += batch
        acc.append(float(loss.detach()) if trainer.steps % 10 == 0 or trainer.dev == "cpu" else None)
        if time.time() - last > min(180, minutes * 12):
            note(trainer, table, acc, validate, first, began)
            trainer.save()
            for s in stores:
                s.refresh()
            acc, last = [], time.time()
    trainer.save()
    note(trainer, table, acc, validate, first, began)


def note(trainer, table, acc, validate, first, began):
    got = [q for q in acc if q is not None]
    log(table, samples=trainer.samples, loss=sum(got) / max(1, len(got)), **validate(trainer.averaged()),
        minutes=(time.time() - began) / 60, per_s=(trainer.samples - first) / (time.time() - began))


def levels(steps, shift=SHIFT, dev="cpu"):
    """Noise levels from 1 to 0, more of them where there is much noise."""
    s = torch.linspace(1, 0, steps + 1, device=dev)
    return shift * s / (1 + (shift - 1) * s)


@torch.no_grad()
def sample_window(net, noise, history, text, blank, steps, guidance, anchor=None, eta=0.0, g=None, skip=0, side=None):
    """New latents from `noise` [B, C, n, h, w], after clean `history` [B, C, m, h, w] (or None). The camera moves as `text` says.
    anchor: as `nets.anchored` takes it. eta: how much of the noise is new after each step (drawn from `g`), the square root of what it leaves
    of the old. skip: so many steps lie behind `noise`. side: of a picture of which a side is drawn, what puts the rest into it [B, C + SKETCH, h, w]."""
    b, _, n = noise.shape[:3]
    m = 0 if history is None else history.shape[2]
    x = noise
    how = {} if isinstance(net, Sketcher) else {"trust": TRUST, "anchor": anchor}
    s = levels(steps, dev=noise.device)
    for k in range(skip, steps):
        whole = x if not m else torch.cat([history, x], 2)
        sigma = torch.full((b, m + n), float(s[k]), device=x.device)
        sigma[:, :m] = TOLD
        with cast(x.device.type):
            y = net(whole, sigma, *text, **how)[:, :, m:].float()
            if guidance != 1:
                u = net(whole, sigma, *blank[:3], text[3], **how)[:, :, m:].float()
                y = u + guidance * (y - u)
        if side:
            y = side(y[:, :, 0])[:, :, None]
        noise = (x - (1 - s[k]) * y) / s[k]
        if eta:
            noise = (1 - eta ** 2) ** .5 * noise + eta * torch.randn(x.shape, generator=g).to(x.device)
        x = (1 - s[k + 1]) * y + s[k + 1] * noise
    return x


@dataclasses.dataclass
class Model:
    """The networks that make a clip: `windows` all of it but the first picture, which is `pictures`'."""
    windows: Transformer
    pictures: Sketcher

    @classmethod
    def load(cls, dev, name=PREFIX, pictures=PICTURES):
        return cls(*(Trainer(dev, 0.0, n).averaged() for n in (name, pictures)))


def leads(z, move):
    """Where in sketches beside pictures z [B, C + SKETCH, 1, h, w] the subject stands ahead of a camera that pans or tilts (move [B, 3]), from
    -.35 to .35 of half the picture; the less, the more the edge cuts it off. 0 for one that stands or zooms: [B]."""
    share, out = (z[:, C + painter.GROUPS.index("subject"), 0] / 4 + .5).clamp(0, 1), 0     # as `nets.sketched` has it
    for axis, moved in ((1, move[:, 0]), (2, move[:, 1])):
        along = share.sum(axis)
        along = torch.where(moved[:, None] > 0, along.flip(1), along)           # the picture moves against the camera: ahead is at the end
        n = along.shape[1]
        at = (along * ((2 * torch.arange(n, device=z.device) + 1) / n - 1)).sum(1) / along.sum(1).clamp(min=1)
        whole = 1 - along[:, -1] / along.amax(1).clamp(min=.1)
        out = out + at.clamp(-.35, .35) * torch.where(at > 0, whole, 1) * (moved != 0)
    return out * (move[:, 2] == 0)


def first_picture(model, text_net, ids, steps, guidance, drafts, judge, g):
    """The draft in which the judge sees most of what each prompt names, and among equals a camera that goes on finds the subject ahead; without
    a judge the first: [B, C, 1, h, w]; and its sketch [B, SKETCH, h, w]."""
    text, blank = text_net(ids), text_net(empty_ids(len(ids), ids.device))
    heads = {k: v.argmax(1).tolist() for k, v in text_net.net.attributes(text[1]).items()}
    asked = [{k: v[i] - 1 for k, v in heads.items() if v[i] > 0} for i in range(len(ids))]             # class 0 is "unsaid"

    def noise():
        return torch.randn(len(ids), model.pictures.out.out_features, 1, 10, 16, generator=g).to(ids.device)

    def draft():
        z = sample_window(model.pictures, noise(), None, text, blank, FIRST * steps, guidance, eta=ETA, g=g)
        made = redrawn(model, z, noise(), text, blank, FIRST * steps, guidance, g)
        return torch.cat([made, z[:, C:]], 1), 0 if judge is None else agreement(judge(made[:, :, 0]), asked) + LEADS * leads(z, text[3])
    best, highest = draft()
    for _ in range(drafts - 1 if judge else 0):
        z, score = draft()
        best = torch.where((score > highest)[:, None, None, None, None], z, best)
        highest = torch.maximum(score, highest)
    return best[:, :C], best[:, C:, 0]


@torch.no_grad()
def redrawn(model, z, noise, text, blank, steps, guidance, g):
    """The picture z [B, C + SKETCH, 1, h, w] with its last steps done again by tiles that lie between the others: borders show where tiles were made each for itself,
    and come to lie in their middle. It is guided half as far from none as the picture was. The sketch is left out: [B, C, 1, h, w]."""
    skip, camera = steps - round(REDRAWN * steps), model.windows.camera
    s, z = float(levels(steps)[skip]), z[:, :, 0]
    moved = torch.cat([camera.between(z[:, :C]), between_sketches(z[:, C:])], 1)[:, :, None]
    x = (1 - s) * moved + s * noise
    y = sample_window(model.pictures, x, None, text, blank, steps, (1 + guidance) / 2, eta=ETA, g=g, skip=skip)
    return camera.back(y[:, :C, 0], z[:, :C])[:, :, None]


def joined(camera, z):
    """Latents z with what tiles that lie between theirs can say of them at the borders."""
    return torch.stack([camera.back(camera.between(q), q) for q in z.unbind(2)], 2)


def anchor_of(done, at, new, move):
    """Of the window that ends with `new` latents from `at` on: the clip's first picture; where the camera moves (move [B, 3]), which leaves
    that behind, the latest of every REACH."""
    start = at + new - WINDOW
    first = torch.where((move != 0).any(1), start - start % REACH, 0)
    return done[torch.arange(len(done), device=done.device), :, first], start - first


@torch.no_grad()
def rollout(model, text_net, ids, latents, steps, guidance, seed=0, first=None, later=LATER, judge=None, drafts=DRAFTS):
    """A clip of `latents` latents: a picture (`first_picture`), then windows after the last HISTORY latents as clean history, guided by
    `later`. Every such window is whole, as in training; what the last one makes too much is cut off."""
    dev, net = ids.device, model.windows
    g = torch.Generator().manual_seed(seed)
    noise = torch.randn(len(ids), C, latents + WINDOW, 10, 16, generator=g).to(dev)
    text, blank = text_net(ids), text_net(empty_ids(len(ids), dev))
    text = (*text[:3], slowed(text[3], latents))
    done, sketch = first_picture(model, text_net, ids, steps, guidance, drafts, judge, g) if first is None else (first, None)

    def draw(i):
        """Without guidance, which would have what the prompt names once more."""
        one = tuple(q[i:i + 1] for q in text)

        def side(*known):
            """Its last steps are done again by tiles that lie between the others, to which the border is none."""
            def noise():
                return torch.randn(1, model.pictures.out.out_features, 1, *known[0].shape[2:], generator=g).to(dev)
            z = sample_window(model.pictures, noise(), None, one, one, FIRST * steps, 1, eta=ETA, g=g, side=lambda y: side_of(net.camera, y, *known))
            return torch.cat([redrawn(model, z, noise(), one, one, FIRST * steps, 1, g), z[:, C:]], 1)[:, :, 0]
        return side

    def again(i):
        one = tuple(q[i:i + 1] for q in text)

        def draw(z, like):
            skip = FIRST * steps - round(ZOOMED * FIRST * steps)
            s = float(levels(FIRST * steps)[skip])
            x = (z.lerp(torch.randn(z.shape, generator=g).to(dev), s))[:, :, None]
            y = sample_window(net, x, None, one, one, FIRST * steps, 1, eta=ETA, g=g, skip=skip)
            return net.camera.toned(joined(net.camera, y)[:, :, 0], z, like)
        return draw
    wide = {i: Panorama(done[i:i + 1, :, 0], None if sketch is None else sketch[i:i + 1], move, net.camera.patch, draw(i)) for i, move in enumerate(text[3]) if Panorama.of(move)}
    wide |= {i: Zoom(done[i:i + 1, :, 0], move, net.camera, again(i), WINDOW) for i, move in enumerate(text[3]) if Zoom.of(move)}
    while (at := done.shape[2]) < latents:
        history = done[:, :, -HISTORY:]
        n = WINDOW - history.shape[2]
        anchor, ago = anchor_of(done, at, n, text[3])
        anchor, ago = anchor[:, :, None].repeat(1, 1, WINDOW, 1, 1), ago.float()
        for i, view in wide.items():
            seen, when = view.ahead(at + n - 1)
            anchor[i:i + 1] = seen if seen.dim() == 5 else seen[:, :, None]
            ago[i] = at + n - WINDOW - when
        new = joined(net.camera, sample_window(net, noise[:, :, at:at + n], history, text, blank, steps, later, (anchor, ago, True)))
        done = torch.cat([done, new], 2)
    return done[:, :, :latents]
