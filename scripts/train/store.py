"""Painted latents and their captions in memory. Painters may go on meanwhile: `refresh` takes in new shards.
Shard 0 is never trained on: the validation error comes from it."""
import zlib

import numpy
import torch

from common import STATE, cast, save_torch, weights
from nets import TOKENS


def empty_ids(n, dev):
    ids = torch.zeros(n, TOKENS, dtype=torch.long, device=dev)
    ids[:, 0] = 1
    return ids


class Store:
    def __init__(self, kind, dev, text):
        self.folder, self.dev, self.text, self.read = STATE / kind, dev, text, set()
        self.x = self.ids = self.seen = self.held = None
        self.hidden, self.pooled = [], None                # captions encoded once; on a GPU that is quick enough to do anew
        self.refresh()
        if self.x is None or self.held is None:
            raise SystemExit(f"{self.folder} needs shard 0 and one more: run `data {kind}` first")

    def refresh(self):
        for p in sorted(self.folder.glob("*.npz")):
            if p.name in self.read:
                continue
            q = numpy.load(p)
            self.read.add(p.name)
            x, ids, seen = (torch.from_numpy(q[k]).to(self.dev) for k in ("x", "ids", "layout"))
            if p.stem == "0000":
                self.held = (x, ids, seen)
                continue
            join = lambda old, new: new if old is None else torch.cat([old, new])
            self.x, self.ids, self.seen = (join(*q) for q in ((self.x, x), (self.ids, ids), (self.seen, seen)))
            if self.dev == "cpu":
                hidden, pooled = self.encoded(p, ids)
                self.hidden += list(hidden)
                self.pooled = join(self.pooled, pooled)
        self.blank = [q[0] for q in self.text(empty_ids(1, self.dev))[:3]]

    def encoded(self, shard, ids):
        """Hidden and pooled [N, 4, ..] of a shard's captions; kept beside it, since a second for each shard adds up."""
        path = shard.with_suffix(f".{zlib.crc32(weights('text').read_bytes()):08x}")
        if not path.exists():
            hidden, pooled = self.encode(ids.long().flatten(0, 1))
            save_torch(path, [hidden.view(*ids.shape, -1), pooled.view(*ids.shape[:2], -1)])
        return torch.load(path, weights_only=True)

    def encode(self, ids):
        """Hidden (half) and pooled of captions, in bf16 and without the padding that all of them have."""
        longest = int((ids > 0).sum(1).max())
        with cast(self.dev):
            hidden, pooled = self.text(ids[:, :longest])[:2]
        out = torch.zeros(*ids.shape, hidden.shape[-1], dtype=torch.half)
        out[:, :longest] = hidden
        return out, pooled.float()

    def __len__(self):
        return len(self.x)

    def words(self, i, drop=0.1):
        """What Text gives of one random caption for each sample in `i`; for a tenth the empty prompt, and the camera's move still."""
        n = len(i)
        k = torch.randint(0, self.ids.shape[1], (n,), device=self.dev)
        if self.dev == "cpu":
            hidden = torch.stack([self.hidden[a][b] for a, b in zip(i.tolist(), k.tolist())]).float()
            pooled, keep = self.pooled[i, k], self.ids[i, k] > 0
        else:
            hidden, pooled, keep, _ = self.text(self.ids[i, k].long())
        move = self.text.camera.move(pooled)
        off = torch.rand(n, device=self.dev) < drop
        hidden[off], pooled[off], keep[off] = self.blank
        return hidden, pooled, keep, move
