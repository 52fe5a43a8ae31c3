#!/usr/bin/env python3
"""Test vectors of src/core/philox.h, from an independent reading of its definition.

Integers with numpy; the values listed one by one with 50-digit decimals (so they are correctly
rounded), the checksum over a large block with numpy's own log, sin and cos. Prints the tables of
tests/unit/core/philox_test.cpp.
"""
import zlib
from decimal import Decimal, getcontext

import numpy as np

getcontext().prec = 50
PI = Decimal("3.14159265358979323846264338327950288419716939937510582")


def philox(counter, key):
    """counter: 4 uint64 arrays that hold 32-bit words; key: 2 words."""
    mask = np.uint64(0xFFFFFFFF)
    c = [np.asarray(w, dtype=np.uint64) for w in counter]
    k0, k1 = key
    for _ in range(10):
        p0 = np.uint64(0xD2511F53) * c[0]
        p1 = np.uint64(0xCD9E8D57) * c[2]
        c = [
            (p1 >> np.uint64(32)) ^ c[1] ^ np.uint64(k0),
            p1 & mask,
            (p0 >> np.uint64(32)) ^ c[3] ^ np.uint64(k1),
            p0 & mask,
        ]
        k0 = (k0 + 0x9E3779B9) & 0xFFFFFFFF
        k1 = (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return c


def words(seed, stream, first, count):
    """The two words behind each element: (u word, v word, parity)."""
    element = np.arange(first, first + count, dtype=np.uint64)
    block = element >> np.uint64(2)
    ones = np.ones(count, dtype=np.uint64)
    c = philox(
        [block & np.uint64(0xFFFFFFFF), block >> np.uint64(32),
         ones * np.uint64(stream & 0xFFFFFFFF), ones * np.uint64(stream >> 32)],
        (seed & 0xFFFFFFFF, seed >> 32),
    )
    pair = ((element >> np.uint64(1)) & np.uint64(1)).astype(bool)
    return np.where(pair, c[2], c[0]), np.where(pair, c[3], c[1]), (element & np.uint64(1)).astype(bool)


def normal_numpy(seed, stream, first, count):
    x, y, odd = words(seed, stream, first, count)
    u = (x.astype(np.float64) + 0.5) / 2.0**32
    v = (y.astype(np.float64) + 0.5) / 2.0**32
    r = np.sqrt(-2.0 * np.log(u))
    return np.where(odd, r * np.sin(2 * np.pi * v), r * np.cos(2 * np.pi * v)).astype(np.float32)


def taylor(a, odd):
    term = a if odd else Decimal(1)
    total, n = term, 1 if odd else 0
    while abs(term) > Decimal(10) ** -48:
        term = -term * a * a / ((n + 1) * (n + 2))
        n += 2
        total += term
    return total


def normal_decimal(seed, stream, first, count):
    out = []
    for x, y, odd in zip(*words(seed, stream, first, count)):
        u = (Decimal(int(x)) + Decimal("0.5")) / 2**32
        v = (Decimal(int(y)) + Decimal("0.5")) / 2**32
        value = (-2 * u.ln()).sqrt() * taylor(2 * PI * v, bool(odd))
        # Decimal -> double -> float could round twice; 1e-17 of a float's spacing is never near.
        out.append(np.float32(float(value)))
    return np.array(out, dtype=np.float32)


def main():
    for seed, stream, first in [(0, 0, 0), (42, 0, 0), (42, 1, 3), (2**64 - 1, 2**64 - 1, 2**40 + 1),
                                (0x0123456789ABCDEF, 7 << 32, 2**34 - 2)]:
        values = normal_decimal(seed, stream, first, 8)
        bits = ", ".join(f"0x{b:08X}" for b in values.view(np.uint32))
        print(f"    {{{seed}u, {stream}u, {first}u, {{{bits}}}}},")
    large = normal_numpy(42, 0, 0, 2_096_640)
    exact = normal_decimal(42, 0, 1_000_000, 2000)
    assert np.array_equal(exact, large[1_000_000:1_002_000])
    print(f"crc32 of 2096640 elements, seed 42, stream 0: 0x{zlib.crc32(large.tobytes()):08X}")
    print(f"mean {large.mean():.6f} std {large.std():.6f} min {large.min()} max {large.max()}")


if __name__ == "__main__":
    main()
