"""The text encoder and the diffusion transformer, in plain PyTorch; the C++ family mirrors this file.

Text encoder (tokens [B, S], 0 = padding) -> hidden [B, S, 192], pooled [B, 192]:
    h = embed[ids] + position[:S]
    3 x { h += o(attend(q, k, v of LN(h))); h += w2(gelu_tanh(w1(LN(h)))) }      heads of 64, padding masked
    hidden = LN(h);  pooled = mean of hidden over the tokens that are not padding
`heads.*` predict the scene's attributes from `pooled` ("unsaid" is class 0); they pre-train the
encoder and tell at run time which attributes a prompt names.

Transformer: latents x [B, C, F, h, w] with one noise level per latent frame sigma [B, F] in 0..1
(0 = clean history), text hidden/pooled -> the clean latents x0 [B, C, F, h, w]:
    temb[b, f] = t2(silu(t1(sincos(1000 * sigma[b, f])))) + pool(pooled[b])      [B, F, D]
    mod[b, f]  = ada(silu(temb))                                                 [B, F, 6D], shared by all blocks
    before     = for each latent the cleanest one before it, carried on by the prompt's camera (`before`, `Camera`)
    anchor     = the clip's first picture, carried on to each latent; 0 where the camera did not see that yet (`anchored`)
    tokens     = inp([x, before, anchor]) + place[h, w]                          F*h*w tokens of width D
    7 x { s1, b1, g1, s2, b2, g2 = chunk(mod + block.mod)
          x += g1 * o(rope_attend(rms(q), rms(k), v of LN(x) * (1 + s1) + b1))
          x += co(attend(rms(cq(LN(x))), rms(ck(text)), cv(text)))
          x += g2 * w2(gelu_tanh(w1(LN(x) * (1 + s2) + b2))) }
    s, b = chunk(mod_out(silu(temb)));  y = LN(x) * (1 + s) + b;  x0 = out(y)
    of all latents but the first:  x0 += sigmoid(keep(y) + keep's bias) * (before - x0)
    of all, where the anchor is:   x0 += sigmoid(gain * hold(y) + hold's bias) * seen * (anchor - x0)    (`Trust`: 0, 1 and 0 in training)
LN has no learned scale in the transformer. `rms` is per head, without a learned scale, eps 1e-6.
Attention is softmax(q k^T / 8) v in heads of 64. Rotary positions: of the 64 numbers of a head the
first 16 turn with the frame index f (relative to the window), the next 24 with the row, the last 24
with the column; pair i of n turns by index * 100 ** (-i / n), halves rotated ("neox" order within
each group: first half against second half).
The noisy latents are x_s = (1 - s) x0 + s noise; velocity = (x_s - x0) / s.

Training may route tokens: of each frame only some positions go through the middle blocks (all but
the first and the last), the others pass by. That halves their cost; inference never does it.
"""
import math
import typing

import torch
import torch.nn.functional as F
from torch import nn

import world
from codec_model import C, PATCH, STEP
from tokens import LENGTH as TOKENS

TEXT = 192
ATTRIBUTES = {k: len(v) + 1 for k, v in world.LABELS.items()}


def attend(q, k, v, mask=None):
    """[B, N, L, 64]; plain matrix products: their backward pass is far quicker than SDPA's on a CPU."""
    if q.is_cuda:
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    w = torch.matmul(q * 0.125, k.transpose(-1, -2))
    if mask is not None:
        w = w.masked_fill(~mask, -1e4)
    return torch.matmul(w.softmax(-1, dtype=torch.float32).to(v.dtype), v)


def heads(x):
    b, l, d = x.shape
    return x.view(b, l, d // 64, 64).transpose(1, 2)


def merge(x):
    b, n, l, k = x.shape
    return x.transpose(1, 2).reshape(b, l, n * k)


def norm(x):
    return F.layer_norm(x, x.shape[-1:], eps=1e-6)


class TextBlock(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.n1, self.n2 = nn.LayerNorm(d, eps=1e-6), nn.LayerNorm(d, eps=1e-6)
        self.qkv, self.o = nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.w1, self.w2 = nn.Linear(d, 4 * d), nn.Linear(4 * d, d)

    def forward(self, x, mask):
        q, k, v = (heads(y) for y in self.qkv(self.n1(x)).chunk(3, -1))
        x = x + self.o(merge(attend(q, k, v, mask)))
        return x + self.w2(F.gelu(self.w1(self.n2(x)), approximate="tanh"))


class TextEncoder(nn.Module):
    def __init__(self, vocabulary, d=TEXT, layers=3):
        super().__init__()
        self.embed = nn.Embedding(vocabulary, d)
        self.position = nn.Parameter(0.02 * torch.randn(TOKENS, d))
        nn.init.normal_(self.embed.weight, std=0.05)
        self.blocks = nn.ModuleList([TextBlock(d) for _ in range(layers)])
        self.norm = nn.LayerNorm(d, eps=1e-6)
        self.heads = nn.ModuleDict({k: nn.Linear(d, n) for k, n in ATTRIBUTES.items()})

    def forward(self, ids):
        keep = ids > 0
        h = self.embed(ids) + self.position[: ids.shape[1]]
        for b in self.blocks:
            h = b(h, keep[:, None, None, :])
        h = self.norm(h)
        k = keep[..., None].to(h.dtype)
        return h, (h * k).sum(1) / k.sum(1).clamp(min=1)

    def attributes(self, pooled):
        return {k: head(pooled) for k, head in self.heads.items()}


def rope(f, h, w, device):
    """cos and sin [f*h*w, 64] for positions in a window."""
    grid = torch.meshgrid(*(torch.arange(n, device=device, dtype=torch.float32) for n in (f, h, w)), indexing="ij")
    parts = []
    for place, n in zip(grid, (8, 12, 12)):
        angle = place.flatten()[:, None] * 100.0 ** (-torch.arange(n, device=device) / n)
        parts.append(torch.cat([angle, angle], -1))
    angle = torch.cat(parts, -1)
    return angle.cos(), angle.sin()


def turn(x, cos, sin):
    a, b, c = x.split((16, 24, 24), -1)
    swap = torch.cat([torch.cat([-q.chunk(2, -1)[1], q.chunk(2, -1)[0]], -1) for q in (a, b, c)], -1)
    return x * cos + swap * sin


def rms(x):
    return F.rms_norm(x, (x.shape[-1],), eps=1e-6)


class Block(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.qkv, self.o = nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.cq, self.ckv, self.co = nn.Linear(d, d), nn.Linear(TEXT, 2 * d), nn.Linear(d, d)
        self.w1, self.w2 = nn.Linear(d, 3 * d), nn.Linear(3 * d, d)
        self.mod = nn.Parameter(torch.randn(6 * d) / d ** 0.5)
        nn.init.zeros_(self.co.weight), nn.init.zeros_(self.co.bias)

    def forward(self, x, mod, text, mask, cos, sin, frames):
        s1, b1, g1, s2, b2, g2 = (mod + self.mod).chunk(6, -1)          # each [B, F, D]
        b, l, d = x.shape

        def by_frame(y):                                                # [B, F, hw, D], to scale per frame
            return y.view(b, frames, l // frames, d)

        def flat(y):
            return y.reshape(b, l, d)
        y = flat(by_frame(norm(x)) * (1 + s1[:, :, None]) + b1[:, :, None])
        q, k, v = (heads(z) for z in self.qkv(y).chunk(3, -1))
        q, k = turn(rms(q), cos, sin).to(v.dtype), turn(rms(k), cos, sin).to(v.dtype)
        x = x + flat(by_frame(self.o(merge(attend(q, k, v)))) * g1[:, :, None])
        k, v = (heads(z) for z in self.ckv(text).chunk(2, -1))
        q = heads(self.cq(norm(x)))
        x = x + self.co(merge(attend(rms(q).to(v.dtype), rms(k).to(v.dtype), v, mask)))
        y = flat(by_frame(norm(x)) * (1 + s2[:, :, None]) + b2[:, :, None])
        return x + flat(by_frame(self.w2(F.gelu(self.w1(y), approximate="tanh"))) * g2[:, :, None])


TOLD = .02                                                              # the noise level that clean history is told to have


def before(x, sigma, move, camera, ahead=None):
    """For each latent the cleanest of those before it (the nearest of equals), carried on by what the camera does from there
    to here, times what of it is no noise (1 at TOLD, as history is: what is kept from window to window must not fade); zeros for the first. Where the last latent is known as well, those between go over from the one to the other. What stands still need not go through attention, and what
    moves with the camera neither: windows join and textures stay. What the camera has come to see since is as in `ahead` [B, C, F, h, w], which is
    NaN where that is not known. x [B, C, F, h, w], sigma [B, F], move [B, 3]."""
    first, count = x[:, :, 0], x.shape[2]
    if count == 1:
        return torch.zeros_like(x)
    out, best, level, ago = [], first, sigma[:, 0], torch.zeros_like(sigma[:, 0])
    for f in range(1, count):
        ago = ago + 1
        out.append((best, level, ago))
        nearer = sigma[:, f] <= level
        best = torch.where(nearer[:, None, None, None], x[:, :, f], best)
        level, ago = torch.minimum(level, sigma[:, f]), torch.where(nearer, 0, ago)
    best, level, ago = (torch.stack(q, 1).flatten(0, 1) for q in zip(*out))                 # [B * (F - 1), ...]
    left = torch.arange(count - 2, -1, -1, device=x.device).repeat(len(x))                  # latents to the last one
    known = TOLD * 1.001
    led = (level <= known) & (sigma[:, 1:].flatten() > known) & (sigma[:, -1:] <= known).expand(-1, count - 1).flatten()
    shown = None if ahead is None else ahead[:, :, 1:].transpose(1, 2).flatten(0, 1)
    carried = camera.carry(best, move.repeat_interleave(count - 1, 0) * ago[:, None], shown) * ((1 - level) / (1 - TOLD))[:, None, None, None]
    if led.any():
        end = camera.carry(x[:, :, -1].repeat_interleave(count - 1, 0)[led], move.repeat_interleave(count - 1, 0)[led] * -left[led][:, None])
        carried[led] = carried[led].lerp(end, (ago / (ago + left))[led][:, None, None, None])
    return torch.cat([torch.zeros_like(first)[:, :, None], carried.unflatten(0, (-1, count - 1)).transpose(1, 2)], 2)


def anchored(x, anchor, move, camera):
    """The clip's first picture as the camera sees it at each latent of x [B, C, F, h, w], and what share of each position it saw:
    [B, C, F, h, w], [B, 1, F, h, w]. anchor: None, or (z [B, C, h, w], latents from it to the first of x [B], less than 0
    for none), or with a third element where less than 0 says that it lies ahead. z may be [B, C, F, h, w]: of a camera that zooms it is then, latent by latent, what is seen there, and is not carried. Against the slow loss of what the first picture shows."""
    if anchor is None:
        return torch.zeros_like(x), torch.zeros_like(x[:, :1])
    (z, ago, *ahead), count = anchor, x.shape[2]
    if z.dim() == 5:
        move = torch.where(move[:, 2:] != 0, 0, move)
    far = move.repeat_interleave(count, 0) * (ago[:, None] + torch.arange(count, device=x.device)).flatten()[:, None]
    each = z.transpose(1, 2).flatten(0, 1) if z.dim() == 5 else z.repeat_interleave(count, 0)
    carried, seen = camera.carry(each, far), camera.seen(far, *z.shape[-2:])
    if not ahead:
        seen = seen * (ago.repeat_interleave(count) >= 0)[:, None, None]
    return tuple(q.unflatten(0, (-1, count)).transpose(1, 2) for q in (carried * seen[:, None], seen[:, None]))


class Trust(typing.NamedTuple):
    """How far a clip relies on what it has already, more than in training, lest it goes astray and fades."""
    keep: float = 0.0                                                   # added to what `keep` says, and
    hold: float = 0.0                                                   # to `hold`,
    gain: float = 1.0                                                   # which is multiplied with this before: it parts what stands still from what moves
    steady: float = 1.0                                                 # the last argument of `steadied`, 1 for none of that
    ahead: float = 0.0                                                  # instead of `hold`, where the anchor lies ahead
    soft: tuple = (0.0, 0.0)                                            # instead of `keep` and `hold`, where the camera stands and the anchor is soft,
    hard: tuple = (0.0, 0.0)                                            # and where it has hard edges (Camera.hardness)


MOVED, FAINT = .1, .05                                                  # squared: how far off the anchor is moved; what is too little to be compared


def steadied(x0, held, seen, most):
    """What is no longer as the anchor has it, with the mean and the spread that the anchor has in the same places, number by number, for the
    window as a whole: it may move, but not fade or harden. x0 and held [B, C, F, h, w], seen [B, 1, F, h, w] as `anchored` gives them;
    most: by how much a spread is changed. Places of which the camera had seen less than half stay as they are."""
    there = seen > .5
    held = torch.where(there, held / seen.clamp(min=.5), 0)
    weight = ((x0 - held).pow(2).mean(1, keepdim=True) / MOVED).clamp(max=1) * there
    total = weight.sum((2, 3, 4), keepdim=True).clamp(min=1e-6)

    def spread(q):
        mean = (q * weight).sum((2, 3, 4), keepdim=True) / total
        return mean, ((q - mean).pow(2) * weight).sum((2, 3, 4), keepdim=True) / total
    (here, now), (mean, then) = spread(x0), spread(held)
    gain = ((then + FAINT) / (now + FAINT)).sqrt().clamp(1 / most, most)
    return x0 + weight * ((x0 - here) * gain + mean - x0)


# What the camera does in the time of a latent: pixels to the right and down, growth (natural logarithm of the size). Of what
# is far away, at the middle of the speeds in world.py.
MOVES = {"pan left": (2.17, 0, 0), "pan right": (-2.17, 0, 0), "tilt up": (0, 1.01, 0), "tilt down": (0, -1.01, 0),
         "zoom in": (0, 0, .0113), "zoom out": (0, 0, -.0113)}
EDGES = .02, .06                                                        # mean steps between every second pixel that are soft, and hard (range 2)
FIRMER = 1.5                                                            # most by which a picture that is drawn again gets a first one's spread
HOLD = .7                                                               # of the height: what a zoom leaves in its place
ZOOM_MOST = 2                                                           # times as near or far as at the beginning that it comes in a clip


def moves():
    """One for each class of the text encoder's camera head; no move where none is said."""
    return [MOVES.get(name, (0, 0, 0)) for name in ["unsaid"] + world.LABELS["camera"]]


def slowed(move, latents, most=ZOOM_MOST):
    """`move` [B, 3] in a clip of so many latents: a zoom that would come nearer than `most` times, or farther, is slower; 0: none is."""
    if not most:
        return move
    return move * (math.log(most) / (move[:, 2:].abs() * latents).clamp(min=1e-9)).clamp(max=1)


class Camera(nn.Module):
    """Constants, kept with the weights: the text encoder's head that reads the camera, and the codec's linear part, in which a
    latent becomes pixels that can be moved. Of config.json: what each class of the head does, and what a zoom holds."""

    def __init__(self, classes, block, patch=(4, 16, 16), does=None, hold=HOLD):
        super().__init__()
        self.patch, self.hold = patch, hold
        self.register_buffer("moves", torch.tensor(does or moves(), dtype=torch.float32), persistent=False)
        self.register_buffer("weight", torch.zeros(classes, TEXT))
        self.register_buffer("bias", torch.zeros(classes))
        self.register_buffer("basis", torch.zeros(block, C))
        self.register_buffer("mean", torch.zeros(block))
        self.register_buffer("scale", torch.ones(C))

    @staticmethod
    def constants(text, codec):
        """Its tensors, from those of the other two networks."""
        return {k: text["heads.camera." + k].float() for k in ("weight", "bias")} | {k: codec["pca." + k].float() for k in ("basis", "mean", "scale")}

    @classmethod
    def load(cls):
        from common import weights
        from tensors import load_file
        q = cls.constants(load_file(weights("text")), load_file(weights("codec")))
        net = cls(len(q["bias"]), len(q["mean"]))
        net.load_state_dict(q)
        return net

    def move(self, pooled):
        """pooled [B, TEXT] -> [B, 3], as in MOVES."""
        return self.moves[F.linear(pooled.float(), self.weight, self.bias).argmax(1)]

    @torch.compiler.disable
    def carry(self, z, move, outside=None):
        """Latents z [N, C, h, w] as the camera sees them after `move` [N, 3]; what it had not seen repeats the edge, or is as in `outside`
        [N, C, h, w], where that is not NaN."""
        out = z.float().clone()
        if outside is not None:
            for i, m in enumerate(move):
                if m.any():
                    known = None if outside[i].isnan().any() else outside[i:i + 1]
                    out[i:i + 1] = self.carried(out[i:i + 1], *m.tolist(), known)
            return out
        for m in move.unique(dim=0):
            if m.any():
                here = (move == m).all(1)
                with torch.autocast(z.device.type, enabled=False):
                    out[here] = self.carried(out[here], *m.tolist())
        return out

    def seen(self, move, h, w):
        """What share of each latent position is carried there by `move` [N, 3], not repeated from the edge: [N, h, w]."""
        sides = ((h * self.patch[1], move[:, 1], self.hold, self.patch[1]), (w * self.patch[2], move[:, 0], .5, self.patch[2]))
        rows, columns = (inside(length, shift, move[:, 2], hold).unflatten(1, (-1, side)).mean(2) for length, shift, hold, side in sides)
        return rows[:, :, None] * columns[:, None]

    def carried(self, z, right, down, growth, outside=None):
        h, w = z.shape[2:]
        x = self.pixels(z)
        if right or growth:
            x = x @ resample(w * self.patch[2], right, growth, .5, z.device).T
        if down or growth:
            x = resample(h * self.patch[1], down, growth, self.hold, z.device) @ x
        if outside is not None:
            sides = ((h * self.patch[1], down, self.hold), (w * self.patch[2], right, .5))
            growth = torch.tensor([growth], device=z.device)
            rows, columns = (inside(length, torch.tensor([shift], device=z.device), growth, hold)[0] for length, shift, hold in sides)
            x = torch.where(rows[:, None] * columns > 0, x, self.pixels(outside))
        return self.latents(x)

    def pixels(self, z):
        """Latents [N, C, h, w] -> their frames' colours [N, 3 t, H, W], by the codec's linear part."""
        t, p, q = self.patch
        x = (z.permute(0, 2, 3, 1) * self.scale) @ self.basis.T + self.mean
        return x.unflatten(3, (3 * t, p, q)).permute(0, 3, 1, 4, 2, 5).flatten(4).flatten(2, 3)

    def latents(self, x):
        t, p, q = self.patch
        x = x.unflatten(3, (-1, q)).unflatten(2, (-1, p)).permute(0, 2, 4, 1, 3, 5).flatten(3)
        return (((x - self.mean) @ self.basis) / self.scale).permute(0, 3, 1, 2)

    def hardness(self, z):
        """Of each position of latents z [N, C, h, w], from 0 where it shows what is plain or soft, as sky and water, to 1 where there are hard edges, or
        around it on the average (a plain wall between edges keeps its tone): [N, h, w]."""
        x = F.avg_pool2d(self.pixels(z.float()).mean(1, keepdim=True), 2)
        right, down = F.pad(x.diff(dim=3), (0, 1)), F.pad(x.diff(dim=2), (0, 0, 0, 1))
        edge = F.avg_pool2d((right ** 2 + down ** 2).sqrt(), (self.patch[1] // 2, self.patch[2] // 2))[:, 0]
        own = ((edge - EDGES[0]) / (EDGES[1] - EDGES[0])).clamp(0, 1)
        return torch.maximum(own, F.avg_pool2d(own[:, None], 3, 1, 1, count_include_pad=False)[:, 0])

    def between(self, z):
        """Latents [N, C, h, w] with the picture half a tile further right and down, so that borders of tiles come to lie in their middle; the
        edge is repeated."""
        return self.carried(z.float(), self.patch[2] // 2, self.patch[1] // 2, 0)

    def back(self, y, z):
        """`between` undone: z with y at its tiles' borders, fading towards their middle, and at the far edges, where y has nothing. The mean over
        each latent's frames is y's there; what changes inside of them, rain above all, is z's: going there and back it would be lost. Where y is brighter
        than z for the length of a tile, half of that counts everywhere: with the borders it would show as a lattice."""
        t, p, q = self.patch[0], self.patch[1] // 2, self.patch[2] // 2
        x = self.pixels(z.float())
        (down, near), (right, beside) = (_shares(n, side, x.device) for n, side in zip(x.shape[2:], (p, q)))
        there, share = down[:, None] * right, 1 - (1 - near)[:, None] * (1 - beside)
        change = (self.pixels(y.float()).roll((-p, -q), (2, 3)) - x).unflatten(1, (3, t)).mean(2)
        tone = _around(change * there, p, q) / _around(there[None, None], p, q).clamp(min=1e-3)
        change = there * (share * (change - tone) + tone / 2)
        return self.latents((x.unflatten(1, (3, t)) + change[:, :, None]).flatten(1, 2))

    def toned(self, y, z, like):
        """Latents y [N, C, h, w] in the tone of z: of each tile the mean of every colour and frame is z's, what lies between tiles' middles goes over. And
        no fainter than `like`: number by number with the spread over the picture that it has there, where that is more, up to FIRMER times."""
        y, mean = y.float(), y.float().mean((2, 3), keepdim=True)
        gain = (like.float().var((2, 3), correction=0, keepdim=True) / y.var((2, 3), correction=0, keepdim=True).clamp(min=1e-6)).sqrt().clamp(1, FIRMER)
        x = self.pixels(mean + (y - mean) * gain)
        off = F.avg_pool2d(self.pixels(z.float()) - x, self.patch[1:])
        return self.latents(x + F.interpolate(off, size=x.shape[2:], mode="bilinear"))

    def beside(self, y, z, axis, count, first):
        """Latents z [N, C, h, w], of which `count` rows (axis 2) or columns (3) at the beginning (first) or the end are not known, with y there;
        in the tone, of each row or column, by which y missed the nearest known ones."""
        known = z.shape[axis] - count
        near = min(2, known)
        x = self.pixels(y)
        missed = F.avg_pool2d(self.pixels(z) - x, self.patch[1:]).narrow(axis, count if first else known - near, near).mean(axis, keepdim=True)
        missed = missed.expand(-1, -1, *z.shape[2:])
        toned = self.latents(x + missed.repeat_interleave(self.patch[1], 2).repeat_interleave(self.patch[2], 3))
        toned, rest = toned.narrow(axis, 0 if first else known, count), z.narrow(axis, count if first else 0, known)
        return torch.cat([toned, rest] if first else [rest, toned], axis)


def _shares(length, half, dev):
    """Of each pixel of a side: whether it still lies in a picture that is moved by half a tile, and how near it lies to a tile's border."""
    at = torch.arange(length, device=dev)
    off = at % (2 * half)
    return ((length - half - .5 - at) / half).clamp(0, 1), 1 - torch.minimum(off, 2 * half - 1 - off) / half


def _around(x, p, q):
    """The mean over as many pixels on either side of each, as far as there are any."""
    return F.avg_pool2d(F.avg_pool2d(x, (2 * p + 1, 1), 1, (p, 0), count_include_pad=False), (1, 2 * q + 1), 1, (0, q), count_include_pad=False)


def sources(length, shift, size, hold, dev):
    """Where on a side of `length` pixels lay what each of them shows, once it is shifted and `1 / size` times as large."""
    middle = hold * length - .5
    return middle + (torch.arange(length, device=dev, dtype=torch.float32) - middle - shift) * size


def inside(length, shift, growth, hold):
    """1 for each pixel of a side that shows what lay inside of it, else 0: [N, length]; shift and growth [N], as in `resample`."""
    source = sources(length, shift[:, None], torch.exp(-growth)[:, None], hold, shift.device)
    return ((source > -.5) & (source < length - .5)).float()


def resample(length, shift, growth, hold, dev):
    """Interpolation (Catmull-Rom) as a matrix [length, length]: pixel i shows what lay at middle + (i - middle - shift) / size."""
    source = sources(length, shift, math.exp(-growth), hold, dev).clamp(0, length - 1)
    d = (source[:, None] - torch.arange(length, device=dev, dtype=torch.float32)).abs()
    weight = torch.where(d < 1, (1.5 * d - 2.5) * d * d + 1, torch.where(d < 2, ((2.5 - .5 * d) * d - 4) * d + 2, 0))
    return weight / weight.sum(1, keepdim=True)


PROBED = 2                                                              # early: the later blocks paint what is there


class Trunk(nn.Module):
    """What both transformers share: the numbers of each position and their frame's noise level become tokens that the blocks
    and the text change."""

    def __init__(self, numbers, d, layers, rows, columns):
        super().__init__()
        self.d = d
        self.inp = nn.Linear(numbers, d)
        self.place = nn.Parameter(0.02 * torch.randn(rows, columns, d))
        self.t1, self.t2, self.pool = nn.Linear(256, d), nn.Linear(d, d), nn.Linear(TEXT, d)
        self.ada, self.mod_out = nn.Linear(d, 6 * d), nn.Linear(d, 2 * d)
        self.blocks = nn.ModuleList([Block(d) for _ in range(layers)])
        nn.init.zeros_(self.mod_out.weight), nn.init.zeros_(self.mod_out.bias)
        nn.init.normal_(self.ada.weight, std=0.01), nn.init.zeros_(self.ada.bias)

    def tokens(self, x, sigma, hidden, pooled, keep, route=None, probe=None):
        """x [B, numbers, F, h, w], sigma [B, F], hidden [B, S, TEXT], pooled [B, TEXT], keep [B, S] bool -> tokens [B, F, hw, D] for the last
        layers, and what `probe` reads from those after block PROBED. route [B, K]: the positions (row and column as one number) that the middle blocks see."""
        b, _, f, h, w = x.shape
        with torch.autocast(x.device.type, enabled=False):               # few rows: exact, and no casts
            half = torch.exp(-math.log(1e4) * torch.arange(128, device=x.device) / 128)
            angle = sigma[..., None] * 1000 * half
            temb = self.t2(F.silu(self.t1(torch.cat([angle.cos(), angle.sin()], -1)))) + self.pool(pooled)[:, None]
            temb = F.silu(temb)
            mod, (s, bias) = self.ada(temb), self.mod_out(temb).chunk(2, -1)
        y = self.inp(x.permute(0, 2, 3, 4, 1)) + self.place[:h, :w]
        y = y.reshape(b, f * h * w, self.d)
        cos, sin = rope(f, h, w, x.device)
        keep = keep[:, None, None, :]
        y = self.blocks[0](y, mod, hidden, keep, cos, sin, f)
        part, turns, read = y, (cos, sin), None
        if route is not None:
            route = (torch.arange(f, device=x.device)[:, None] * (h * w) + route[:, None]).flatten(1)
            at = route[..., None].expand(-1, -1, self.d)
            part, turns = y.gather(1, at), (cos[route][:, None], sin[route][:, None])
        for k, block in enumerate(self.blocks[1:-1], 1):
            part = block(part, mod, hidden, keep, *turns, f)
            if k == PROBED and probe is not None:
                read = probe(norm(part))
        y = part if route is None else y.scatter(1, at, part)
        y = self.blocks[-1](y, mod, hidden, keep, cos, sin, f)
        return norm(y).view(b, f, h * w, self.d) * (1 + s[:, :, None]) + bias[:, :, None], read


def size_of(q):
    """Width, blocks, rows and columns of the Trunk whose tensors are `q`."""
    return len(q["inp.bias"]), len({k.split(".")[1] for k in q if k.startswith("blocks.")}), *q["place"].shape[:2]


class Transformer(Trunk):
    """Windows: new latents behind known ones, and beside the clip's first picture."""

    def __init__(self, d=384, layers=7, rows=10, columns=16, camera=None):
        super().__init__(3 * C, d, layers, rows, columns)
        self.out, self.keep, self.hold = nn.Linear(d, C), nn.Linear(d, C), nn.Linear(d, C)
        self.camera = camera or Camera(ATTRIBUTES["camera"], 3 * STEP * PATCH * PATCH)
        for m in (self.out, self.keep, self.hold):
            nn.init.zeros_(m.weight), nn.init.zeros_(m.bias)
        nn.init.constant_(self.keep.bias, -2), nn.init.constant_(self.hold.bias, -2)

    def forward(self, x, sigma, hidden, pooled, keep, move, route=None, probe=None, trust=Trust(), anchor=None):
        """x [B, C, F, h, w]; the others as `tokens` takes them; move [B, 3], what
        `camera.move` makes of the prompt (of guidance's other half too: it is the same clip).
        anchor: as `anchored` takes it; probe: a module that reads the tokens after block PROBED; with it the output is (x0, what it read)."""
        b, c, f, h, w = x.shape
        held, seen = anchored(x, anchor, move, self.camera)
        ahead = torch.where((anchor[1] < 0)[:, None, None, None, None], held, torch.nan) if anchor is not None and len(anchor) > 2 else None
        past = before(x, sigma, move, self.camera, ahead)
        y, read = self.tokens(torch.cat([x, past, held], 1), sigma, hidden, pooled, keep, route, probe)
        x0 = self.out(y)
        picture = held, seen
        past, held, seen = (q.permute(0, 2, 3, 4, 1).reshape(b, f, h * w, -1) for q in (past, held, seen))
        keeping, holding = trust.keep, trust.hold if ahead is None else torch.where((anchor[1] < 0)[:, None, None, None], trust.ahead, trust.hold)
        if anchor is not None and trust.soft != trust.hard:
            stands = (move == 0).all(1)[:, None, None, None]
            hard = self.camera.hardness(picture[0][:, :, 0]).flatten(1)[:, None, :, None]
            keeping, holding = (torch.where(stands, low + (high - low) * hard, q) for low, high, q in zip(trust.soft, trust.hard, (keeping, holding)))
        kept = torch.sigmoid(self.keep(y[:, 1:]) + keeping) * (past[:, 1:] - x0[:, 1:])         # the first has nothing before it
        x0 = torch.cat([x0[:, :1], x0[:, 1:] + kept], 1)
        x0 = x0 + torch.sigmoid(trust.gain * self.hold(y) + holding) * (held - seen * x0)
        x0 = x0.view(b, f, h, w, c).permute(0, 4, 1, 2, 3)
        if anchor is not None and trust.steady > 1:
            x0 = steadied(x0.float(), *picture, trust.steady)
        return x0 if probe is None else (x0, read)


FACTS, OUTLINES, FINE = 12, 2, 4                                        # of a sketch: painter.FACTS, OUTLINES and FINE


class Sketcher(Trunk):
    """A clip's first picture: one latent and beside it its sketch (`sketched`), which is stronger than the noise for longer and so is decided first: what stands where,
    then how it looks. x [B, C + sketch, 1, h, w] -> its clean form."""

    def __init__(self, d=256, layers=7, rows=10, columns=16, sketch=FACTS + OUTLINES * FINE ** 2):
        super().__init__(C + sketch, d, layers, rows, columns)
        self.out = nn.Linear(d, C + sketch)
        nn.init.zeros_(self.out.weight), nn.init.zeros_(self.out.bias)

    def forward(self, x, sigma, hidden, pooled, keep, move=None, route=None):
        y, _ = self.tokens(x, sigma, hidden, pooled, keep, route)
        return self.out(y).unflatten(2, x.shape[3:]).permute(0, 4, 1, 2, 3)

    @classmethod
    def of(cls, q):
        """From the tensors of a Transformer, which draws pictures without a sketch."""
        net = cls(*size_of(q))
        own = net.state_dict()
        own |= {k: q[k] for k in own if k in q and q[k].shape == own[k].shape}
        own["inp.weight"].zero_()[:, :C] = q["inp.weight"][:, :C]
        own["inp.bias"] = q["inp.bias"]
        own["out.weight"][:C], own["out.bias"][:C] = q["out.weight"], q["out.bias"]
        net.load_state_dict(own)
        return net


BOLD, LINES = 2.0, 1.0                                                  # how strong shares and places are in a sketch, and outlines


def sketched(z, seen):
    """Latents z [B, C, F, h, w] with their sketch from painter.layout's numbers, seen [B, F, SKETCH, h, w]: shares and outlines from -1 to 1,
    places as they are, each as strong as it is to be: [B, C + SKETCH, F, h, w]."""
    seen = seen.transpose(1, 2)
    shares, places, outlines = seen.split((FACTS - 4, 4, OUTLINES * FINE ** 2), 1)
    return torch.cat([z, BOLD * (2 * shares - 1), BOLD * places, LINES * (2 * outlines - 1)], 1)


def side_of(camera, y, z, axis, count, first):
    """A picture with its sketch y [N, C + SKETCH, h, w] with what is known in its place: z as `Camera.beside` takes it, or with its sketch."""
    made, sketch = camera.beside(y[:, :C], z[:, :C], axis, count, first), y[:, C:].clone()
    if z.shape[1] > C:
        start, length = count if first else 0, z.shape[axis] - count
        sketch.narrow(axis, start, length).copy_(z[:, C:].narrow(axis, start, length))
    return torch.cat([made, sketch], 1)


def between_sketches(y):
    """A sketch [N, SKETCH, h, w] as tiles see it that lie half a tile further left and up, the edge repeated."""
    facts, outlines = y[:, :FACTS], F.pixel_shuffle(y[:, FACTS:], FINE)
    facts = F.avg_pool2d(F.pad(facts, (1, 0, 1, 0), mode="replicate"), 2, 1)
    half = FINE // 2
    outlines = F.pad(outlines, (half, 0, half, 0), mode="replicate")[..., :-half, :-half]
    return torch.cat([facts, F.pixel_unshuffle(outlines, FINE)], 1)


def load_text(dev="cpu", path=None):
    from common import weights
    from tensors import load_file
    q = {k: v.float() for k, v in load_file(path or weights("text")).items()}
    net = TextEncoder(len(q["embed.weight"]))
    net.load_state_dict(q)
    return net.to(dev).eval()


TextEncoder.load = staticmethod(load_text)
