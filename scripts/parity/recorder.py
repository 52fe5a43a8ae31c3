"""Collects reference tensors on disk as they come, then writes one safetensors file.

Nothing is held in memory: a tap of a real checkpoint can be hundreds of megabytes.
"""

import json
import os
import shutil
import tempfile

import torch

_NAMES = {
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int32: "I32",
    torch.int64: "I64",
    torch.uint8: "U8",
}


class Recorder:
    def __init__(self, folder):
        self._spool = tempfile.TemporaryFile(dir=folder)
        self._entries = {}  # name -> (dtype, shape, offset in the spool, bytes, element size)

    def __contains__(self, name):
        return name in self._entries

    def keep(self, name, tensor):
        tensor = tensor.detach().to("cpu").clone(memory_format=torch.contiguous_format)
        raw = tensor.reshape(-1).view(torch.uint8).numpy().tobytes()
        offset = self._spool.seek(0, os.SEEK_END)
        self._spool.write(raw)
        self._entries[name] = (
            _NAMES[tensor.dtype],
            list(tensor.shape),
            offset,
            len(raw),
            tensor.element_size(),
        )

    def get(self, name):
        dtype, shape, offset, size, _ = self._entries[name]
        self._spool.seek(offset)
        torch_dtype = next(t for t, n in _NAMES.items() if n == dtype)
        return torch.frombuffer(bytearray(self._spool.read(size)), dtype=torch_dtype).reshape(shape)

    def shapes(self):
        return {name: entry[1] for name, entry in self._entries.items()}

    def write(self, path):
        """Widest elements first, so that every tensor is aligned to its element size."""
        order = sorted(self._entries, key=lambda name: (-self._entries[name][4], name))
        header, offset = {"__metadata__": {"format": "pt"}}, 0
        for name in order:
            dtype, shape, _, size, _ = self._entries[name]
            header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [offset, offset + size]}
            offset += size
        text = json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)
        with open(path, "wb") as out:
            out.write(len(text).to_bytes(8, "little") + text)
            for name in order:
                _, _, start, size, _ = self._entries[name]
                self._spool.seek(start)
                while size:
                    block = self._spool.read(min(size, 1 << 24))
                    out.write(block)
                    size -= len(block)

    def close(self):
        self._spool.close()
