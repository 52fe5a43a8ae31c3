"""safetensors and PNG files without their packages: a GPU machine may have torch and numpy only."""
import json
import os
import struct
import zlib

import torch

_TYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "I64": torch.int64, "U8": torch.uint8}
_NAMES = {v: k for k, v in _TYPES.items()}


def save_file(tensors, path):
    head, at, parts = {}, 0, []
    for name in sorted(tensors):
        t = tensors[name].detach().cpu().contiguous()
        data = t.flatten().view(torch.uint8).numpy().tobytes() if t.numel() else b""
        head[name] = {"dtype": _NAMES[t.dtype], "shape": list(t.shape), "data_offsets": [at, at + len(data)]}
        at += len(data)
        parts.append(data)
    text = json.dumps(head, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(str(path) + ".part", "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        f.writelines(parts)
    os.replace(str(path) + ".part", path)


def load_file(path):
    with open(path, "rb") as f:
        size, = struct.unpack("<Q", f.read(8))
        head = json.loads(f.read(size))
        data = bytearray(f.read())
    out = {}
    for name, q in head.items():
        if name == "__metadata__":
            continue
        a, b = q["data_offsets"]
        out[name] = torch.frombuffer(data, dtype=torch.uint8, offset=a, count=b - a).view(_TYPES[q["dtype"]]).view(q["shape"]).clone()
    return out


def save_png(path, x):
    """x: uint8 [H, W, 3] array."""
    h, w, _ = x.shape
    rows = b"".join(b"\0" + bytes(x[i].tobytes()) for i in range(h))

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    with open(path, "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, 8, 2, 0, 0, 0))
                + chunk(b"IDAT", zlib.compress(rows, 6)) + chunk(b"IEND", b""))
