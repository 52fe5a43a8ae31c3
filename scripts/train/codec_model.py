"""The codec: four frames of 16x16 pixels <-> one latent token of C numbers. Causal, streaming.

Encoder: one linear map (causal PCA), so latents never change once it is fitted, and the transformer
can train before the decoder does. Decoder: the inverse map plus a small convolutional correction
that sees neighbouring tokens and the latents before, which hides tile seams. The first layer takes
the latent of one step back, the first residual block its input of one step back; a stream keeps
those two tensors. Before the first latent it is as if that one had been there already: what stands still then looks the same in every latent.

Exact forward, with x[t] a latent [B, C, h, w]:
    base   = convT(x[t]; base.weight, base.bias)                        # 16x16x4 block, stride 16
    a[t]   = conv3x3([x[t], x[t-1]]; in)                                # zero padding everywhere
    b[t]   = a[t] + conv3x3(silu(conv3x3(silu([a[t], a[t-1]]); mix.0)); mix.1)
    b      = b + conv3x3(silu(conv3x3(silu(b); low.k.0)); low.k.1)      # k = 0 .. 1
    m      = shuffle2(conv1x1(b; up1));  m = m + ... (mid.k)
    f      = shuffle2(conv1x1(m; up2));  f = f + ... (fine.k)
    frames = base + beyond(blocks4(conv3x3(silu(f); out)))              # 4 frames x 3 x (4x4 pixels)
`beyond` takes from the correction's changes inside of the four frames what a latent can say: what it does say of rain and snow stands,
which look like noise. Frames are in [-1, 1], and last of all steps between them are evened out (`evened`). `shuffle2` is pixel_shuffle(2); `blocks4` is pixel_shuffle(4) on 4*3*16 channels.
"""
import torch
import torch.nn.functional as F
from torch import nn

from common import weights

C, PATCH, STEP = 64, 16, 4
EVEN = 16                                                               # levels of 255


def to_blocks(x):
    """[N, 4T, 3, H, W] -> [N, T, h, w, 3*4*16*16], channel order (colour, frame, row, column)."""
    n, f, _, height, width = x.shape
    x = x.view(n, f // STEP, STEP, 3, height // PATCH, PATCH, width // PATCH, PATCH)
    return x.permute(0, 1, 4, 6, 3, 2, 5, 7).reshape(n, f // STEP, height // PATCH, width // PATCH, -1)


def from_blocks(y):
    n, t, h, w, _ = y.shape
    y = y.view(n, t, h, w, 3, STEP, PATCH, PATCH).permute(0, 1, 5, 4, 2, 6, 3, 7)
    return y.reshape(n, t * STEP, 3, h * PATCH, w * PATCH)


class Encoder:
    """Linear: z = (blocks - mean) @ basis / scale."""

    def __init__(self, mean, basis, scale):
        self.mean, self.basis, self.scale = mean, basis, scale

    @classmethod
    def load(cls, dev="cpu"):
        from tensors import load_file
        q = load_file(str(weights("codec")))
        return cls(*(q[k].float().to(dev) for k in ("pca.mean", "pca.basis", "pca.scale")))

    def encode(self, x):
        """[N, 4T, 3, H, W] in 0..1 -> [N, C, T, h, w]."""
        z = (to_blocks(x * 2 - 1) - self.mean) @ self.basis / self.scale
        return z.permute(0, 4, 1, 2, 3)

    def decode(self, z):
        """The linear part alone: [N, C, T, h, w] -> [N, 4T, 3, H, W] in -1..1."""
        return from_blocks((z.permute(0, 2, 3, 4, 1) * self.scale) @ self.basis.T + self.mean)

    def mirror(self):
        """The map (weight [C, C], bias [C]) from a latent token to that of its pixels mirrored left to right; the tiles' order is the caller's."""
        unit = torch.cat([torch.zeros(1, C), torch.eye(C)]).to(self.mean)[:, :, None, None, None]
        z = self.encode((self.decode(unit).flip(-1) + 1) / 2).flatten(1)
        return z[1:] - z[0], z[0]

    def beyond(self, x):
        """A correction, frames [N, 4T, 3, H, W], without those of its changes inside of a latent's frames that a latent can say."""
        y = to_blocks(x)
        change = y.unflatten(-1, (3, STEP, -1))
        change = (change - change.mean(-2, keepdim=True)).flatten(-3)
        return from_blocks(y - (change @ self.basis) @ self.basis.T)


class Res(nn.Module):
    def __init__(self, cin, c):
        super().__init__()
        self.conv = nn.ModuleList([nn.Conv2d(cin, c, 3, padding=1), nn.Conv2d(c, c, 3, padding=1)])
        nn.init.zeros_(self.conv[1].weight)
        nn.init.zeros_(self.conv[1].bias)

    def forward(self, x, skip=None):
        y = self.conv[1](F.silu(self.conv[0](F.silu(x))))
        return (x if skip is None else skip) + y


class Decoder(nn.Module):
    def __init__(self, c=C, low=128, mid=128, fine=64):
        super().__init__()
        self.inp = nn.Conv2d(2 * c, low, 3, padding=1)
        self.mix = Res(2 * low, low)
        self.low = nn.ModuleList([Res(low, low) for _ in range(2)])
        self.up1 = nn.Conv2d(low, 4 * mid, 1)
        self.mid = nn.ModuleList([Res(mid, mid) for _ in range(2)])
        self.up2 = nn.Conv2d(mid, 4 * fine, 1)
        self.fine = nn.ModuleList([Res(fine, fine) for _ in range(2)])
        self.out = nn.Conv2d(fine, STEP * 3 * 16, 3, padding=1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, z, cache=None):
        """z [B, C, T, h, w] -> (correction [B, 4T, 3, H, W], cache); one call per chunk when streaming."""
        b, c, t, h, w = z.shape
        z = z.transpose(1, 2)                                        # B T C h w

        def back(x, last):
            first = x[:, :1] if last is None else last
            return torch.cat([x, torch.cat([first, x[:, :-1]], 1)], 2), x[:, -1:]
        pair, keep_z = back(z, cache and cache[0])
        a = self.inp(pair.flatten(0, 1))
        pair, keep_a = back(a.reshape(b, t, -1, h, w), cache and cache[1])
        x = self.mix(pair.flatten(0, 1), a)
        for r in self.low:
            x = r(x)
        x = F.pixel_shuffle(self.up1(x), 2)
        for r in self.mid:
            x = r(x)
        x = F.pixel_shuffle(self.up2(x), 2)
        for r in self.fine:
            x = r(x)
        y = F.pixel_shuffle(self.out(F.silu(x)), 4)                  # B*T, 12, H, W
        return y.reshape(b, t * STEP, 3, h * PATCH, w * PATCH), (keep_z, keep_a)


def evened(x, last=None, most=EVEN):
    """A latent hardly says what moves inside of its frames, so the step to its first one is too large, the others are too small, and what
    stands still trembles. That step's excess over the mean of the others, no more than `most` levels of 255, is spread over all of them;
    the last frame of a latent stays. x [B, STEP * T, 3, H, W] in -1..1, last [B, 1, 3, H, W]: the frame before (None: a clip's start)."""
    x = x.unflatten(1, (-1, STEP))
    before = torch.cat([x[:, :1, :1] if last is None else last[:, None], x[:, :-1, -1:]], 1)
    first, inside = x[:, :, :1], (x[:, :, -1:] - x[:, :, :1]) / (STEP - 1)
    excess = (first - before - inside).clamp(-most / 127.5, most / 127.5)
    if last is None:
        excess[:, 0] = 0
    left = torch.arange(STEP - 1, -1, -1, device=x.device).view(-1, 1, 1, 1) / STEP
    return (x - excess * left).clamp(-1, 1).flatten(1, 2)


class Codec:
    def __init__(self, dev="cpu"):
        from tensors import load_file
        self.encoder = Encoder.load(dev)
        self.net = Decoder().to(dev).eval()
        q = {k[8:]: v.float() for k, v in load_file(str(weights("codec"))).items() if k.startswith("decoder.")}
        self.trained = bool(q)
        if q:
            self.net.load_state_dict(q)

    @torch.no_grad()
    def decode(self, z, cache=None):
        y, kept = self.net(z, cache)
        x = (self.encoder.decode(z) + self.encoder.beyond(y)).clamp(-1, 1)
        return evened(x, cache and cache[2]), (*kept, x[:, -1:])
