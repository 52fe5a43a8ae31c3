#!/usr/bin/env python3
"""Prints the checksums of tests/unit/media/image_resize_test.cpp: Pillow's ImageOps.fit of a
picture of pseudo-random bytes. Needs numpy and Pillow.
Tall pictures that Pillow 13 scales columns first are left out."""

import zlib

import numpy as np
from PIL import Image, ImageOps

CASES = [
    ((64, 48), (32, 24)), ((64, 48), (128, 96)), ((100, 30), (48, 48)),
    ((333, 217), (96, 64)), ((97, 61), (832, 480)), ((64, 48), (64, 32)),
    ((64, 48), (32, 48)),
    ((1200, 20), (64, 64)),
]


def noise(width, height):
    x = np.arange(width, dtype=np.uint32)[None, :, None]
    y = np.arange(height, dtype=np.uint32)[:, None, None]
    c = np.arange(3, dtype=np.uint32)[None, None, :]
    v = x * np.uint32(2654435761) + y * np.uint32(40503) + c * np.uint32(8191)
    v ^= v >> np.uint32(13)
    v *= np.uint32(0x5BD1E995)
    return (v >> np.uint32(24)).astype(np.uint8)


for source, target in CASES:
    image = Image.fromarray(noise(*source), "RGB")
    fitted = ImageOps.fit(image, target, Image.Resampling.LANCZOS)
    crc = zlib.crc32(np.asarray(fitted).tobytes())
    print(f"{{{{{source[0]}, {source[1]}}}, {{{target[0]}, {target[1]}}}, 0x{crc:08x}u}},")
