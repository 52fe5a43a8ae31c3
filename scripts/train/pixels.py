"""The painter: packed scene parameters and times in, pictures out, on any torch device.

Everything is analytic (signed distances, domain repetition, small periodic noise tables), so one
call paints a whole batch of frames and the same seed gives the same picture. No scene logic here:
what to paint is decided in world.py. Distances are metres; the camera looks along +z from height
`hc` above flat ground, and a pixel at screen position (u, v) sees the ray A = u / f, E = up / f.
"""

import torch

from world import INDEX

HEIGHT, WIDTH, FPS = 160, 256, 12
_tables = {}


def tables(device):
    """Periodic noise: rough and soft 2-D clouds [2, 256*256], 1-D ridges [4096], hash floats [4096]."""
    key = str(device)
    if key not in _tables:
        g = torch.Generator().manual_seed(20240607)
        k = torch.fft.fftfreq(256) * 256
        radius = (k[:, None] ** 2 + k[None] ** 2).sqrt().clamp(min=1)
        maps = []
        for beta in (1.35, 2.0):
            spectrum = torch.fft.fft2(torch.randn(256, 256, generator=g)) / radius ** beta
            field = torch.fft.ifft2(spectrum).real
            rank = torch.argsort(torch.argsort(field.flatten())).float() / 65535
            maps.append(rank)
        k1 = (torch.fft.fftfreq(4096) * 4096).abs().clamp(min=6)
        ridge = torch.fft.ifft(torch.fft.fft(torch.randn(4096, generator=g)) / k1 ** 2.1).real
        ridge = (ridge - ridge.min()) / (ridge.max() - ridge.min())
        _tables[key] = (torch.stack(maps).to(device), ridge.to(device),
                        torch.rand(4096, generator=g).to(device))
    return _tables[key]


class Scene:
    """Named access to a packed parameter batch: s.f is [B, 1, 1], s.rgb('zen') is three of them."""

    def __init__(self, packed, time, noise):
        self.packed, self.t = packed, time[:, None, None]
        self.maps, self.ridge_table, self.hash_table = noise
        device = packed.device
        u = (torch.arange(WIDTH, device=device) + 0.5 - WIDTH / 2) / HEIGHT
        v = (torch.arange(HEIGHT, device=device) + 0.5 - HEIGHT / 2) / HEIGHT
        zoom = torch.exp(self.zoom0 + self.zoomv * self.t)
        self.f = self.f0 * zoom
        # a zoom holds what lies a fifth below the middle: there the subjects stand
        horizon = 0.2 + (self.hz0 + self.hzv * self.t - 0.2) * zoom
        self.cx = self.cx0 + self.cxv * self.t
        self.A = (u[None, None, :] + (self.ux0 + self.uxv * self.t) * zoom) / self.f
        self.E = (horizon - v[None, :, None]) / self.f
        self.px = 1 / (self.f * HEIGHT)          # size of a pixel at distance 1

    def __getattr__(self, name):
        return self.packed[:, INDEX[name], None, None]

    def rgb(self, name):
        i = INDEX[name + "_r"]
        return [self.packed[:, i + k, None, None] for k in range(3)]

    def soft(self, which, x, y):
        """Bilinear look-up of periodic noise map `which`; one period is 1."""
        x, y = x * 256, y * 256
        xf, yf = torch.floor(x), torch.floor(y)
        fx, fy = x - xf, y - yf
        ix, iy = xf.long() & 255, yf.long() & 255
        jx, jy = (ix + 1) & 255, (iy + 1) & 255
        m = self.maps[which]
        iy, jy = iy * 256, jy * 256
        top = torch.lerp(m[iy + ix], m[iy + jx], fx)
        return torch.lerp(top, torch.lerp(m[jy + ix], m[jy + jx], fx), fy)

    def ridge(self, x):
        """Smooth 1-D noise, period 1, about 40 bumps in a period."""
        x = x * 4096
        f = torch.floor(x)
        w = x - f
        i = f.long() & 4095
        return self.ridge_table[i] * (1 - w) + self.ridge_table[(i + 1) & 4095] * w

    def rand(self, ix, salt, iy=0):
        """Hash of an integer cell (given as float) to [0, 1)."""
        k = ix.long() * 131 + (self.seed.long() * 37 + salt * 977)
        if not isinstance(iy, int):
            k = k + iy.long() * 517
        k = k & 0xFFFFFF
        k = (k ^ (k >> 7)) * 73
        return self.hash_table[k & 4095]

    def shade(self, colour, sun=0.6):
        amb, light = self.rgb("amb"), self.rgb("sun")
        return [c * (a + l * sun) for c, a, l in zip(colour, amb, light)]

    def air(self, colour, z):
        k = 1 - torch.exp(-z * self.fog)
        return mix(colour, self.rgb("hor"), k)

    def gust(self, x, z):
        """Wind that runs over grass and leaves, -0.5..0.5 times its strength, at metres on the ground."""
        run = 0.07 * self.t * torch.sign(self.wind)
        return (self.soft(0, (x + 17) / 30 + self.cloudx - run, z / 20 + self.cloudx) - 0.5) * self.breeze

    def local(self, x, z):
        """Metre coordinates on an upright plane: right of x, above the ground; and the pixel size."""
        return self.A * z + self.cx - x, self.hc + self.E * z, self.px * z


def mix(a, b, k):
    return [p + (q - p) * k for p, q in zip(a, b)]


def step(a, b, x):
    k = ((x - a) / (b - a)).clamp(0, 1)
    return k * k * (3 - 2 * k)


def cover(d, s):
    return (0.5 - d / s).clamp(0, 1)


def box(x, y, x0, x1, y0, y1):
    return torch.maximum(torch.maximum(x0 - x, x - x1), torch.maximum(y0 - y, y - y1))


def lit_window(s, canvas, x, y, px, place, on):
    """A window with a pale frame and one cross bar; it glows when `on` is 1."""
    cx, cy, w, h = place
    frame = box(x, y, cx - w - 0.12, cx + w + 0.12, cy - h - 0.12, cy + h + 0.12)
    canvas = mix(canvas, s.shade((0.86, 0.84, 0.80), 0.5), cover(frame, px))
    pane = torch.maximum(box(x, y, cx - w, cx + w, cy - h, cy + h), 0.05 - (x - cx).abs())
    dark = mix(s.shade((0.28, 0.36, 0.46), 0.4), s.rgb("hor"), 0.25)
    glow = [1.0 + 0 * x, 0.80 + 0.08 * (y - cy) + 0 * x, 0.42 + 0.1 * (y - cy) + 0 * x]
    return mix(canvas, mix(dark, glow, on), cover(pane, px))


# ---------------------------------------------------------------- far things

def sky(s):
    e = s.E
    zen, mid, hor = s.rgb("zen"), s.rgb("mid"), s.rgb("hor")
    c = mix(mix(hor, mid, step(-0.02, 0.22, e)), zen, step(0.12, 0.75, e))
    dx, dy = s.A - s.sunx, e - s.sune
    r2 = dx * dx + dy * dy
    r = r2.sqrt()
    # stars: one jittered point in each cell of a grid on the sky
    gx, gy = torch.floor(s.A * 26), torch.floor(e * 26)
    jx, jy = s.rand(gx, 1, gy), s.rand(gx, 2, gy)
    d = ((s.A * 26 - gx - 0.2 - 0.6 * jx) ** 2 + (e * 26 - gy - 0.2 - 0.6 * jy) ** 2).sqrt() / 26
    b = s.rand(gx, 3, gy)
    twinkle = 0.8 + 0.2 * torch.sin(s.t * (2 + 3 * jx) + 40 * jy)
    star = cover(d - s.px * (0.15 + 0.7 * b), s.px) * (0.25 + 0.75 * b * b) * step(0.45, 0.5, jx * 0.5 + b * 0.5)
    c = mix(c, [1, 1, 1], star * s.stars * twinkle * step(0.0, 0.15, e))
    # sun or moon
    light = s.rgb("orb")
    halo = torch.exp(-r2 / (0.02 + 0.05 * s.glow)) * s.glow * 0.55 + torch.exp(-r / 0.35) * s.glow * 0.35
    c = mix(c, light, halo.clamp(0, 1) * (s.orb_on * 0.6 + 0.25))
    disc = cover(r - s.orb_size, s.px)
    bite = cover(s.orb_size * 0.95 - ((dx - s.orb_size * s.phase) ** 2 + (dy - s.orb_size * 0.2 * s.phase) ** 2).sqrt(), s.px)
    spots = 1 - 0.18 * s.moon * s.soft(1, dx * 2.2, dy * 2.2)
    crescent = disc * (1 - s.moon * (1 - bite) * (s.phase < 1.5))
    c = mix(c, [k * spots for k in light], crescent * s.orb_on)
    # clouds on a plane overhead, lit from the sun's side
    up = e.clamp(min=0.0)
    depth = 0.16 / (up + 0.07)
    x, z = (s.A * depth + s.wind * s.t + s.cloudx), depth * 1.0 + s.cloudx * 0.37
    n = s.soft(0, x * 0.55, z * 0.55) * 0.75 + s.soft(0, x * 1.7 + 0.3, z * 1.7) * 0.25
    m = s.soft(0, (x - 0.035 * s.lside) * 0.55, (z - 0.03) * 0.55)
    d = step(1 - s.cloud, 1.18 - s.cloud, n) * step(0.0, 0.07, e) * s.cloud_on
    k = (0.55 + 1.6 * (m - n) + 0.25 * (1 - d)).clamp(0, 1)
    return mix(c, mix(s.rgb("cdark"), s.rgb("clight"), k), d * 0.93)


def mountains(s, c):
    for k in range(2):
        x = s.A + s.cx / (400 - 180 * k)

        i = x * (1.1 + 0.45 * k) + 40 * s.mseed + 9 * k
        peaks, lean = 0 * x, 0 * x
        crease = 0.8 * (s.soft(0, x * 0.25 + s.mseed, s.E * 0.9) - 0.5)
        for j in (-1.0, 0.0, 1.0):                        # overlapping peaks, one to a cell
            cell = torch.floor(i) + j
            away = i - cell - 0.2 - 0.6 * s.rand(cell, 101 + k)
            h = 0.55 + 0.45 * s.rand(cell, 103 + k) - away.abs() * (0.72 + 0.3 * s.rand(cell, 105 + k))
            lean = torch.where(h > peaks, -((away + crease) * 5).clamp(-1, 1), lean)
            peaks = torch.maximum(peaks, h)
        rough = s.soft(0, x * 0.35 + s.mseed, 0 * x + 0.3 * k) - 0.5
        top = s.mamp * (1 - 0.36 * k) * (peaks + 0.13 * rough + 0.12)
        fold = s.soft(0, x * 0.55 - s.E * 0.75 * lean + s.mseed, s.E * 0.8) - 0.5
        lit = (0.5 - 0.38 * lean * s.lside + 1.3 * fold).clamp(0, 1)
        rock = s.shade(mix(s.rgb("rock"), [q * 1.25 for q in s.rgb("rock")], lit), 0.15)
        rock = mix(rock, s.shade(s.rgb("rock"), 1.1), lit * 0.8)
        white = s.shade(mix([0.70, 0.76, 0.88], [1.0, 1.0, 1.0], lit), 0.25)
        white = mix(white, s.shade([0.98, 0.98, 1.0], 0.85), lit)
        line = s.E - s.mamp * (1 - s.msnow) - 0.12 * fold * 2 * s.mamp
        rock = mix(rock, white, step(-0.02, 0.03, line) * 0.95)
        rock = s.air(rock, (230 - 90 * k) + 0 * s.A)
        c = mix(c, rock, cover(s.E - top, s.px) * s.mount_on)
    return c


def hills(s, c):
    for k in range(2):
        z = 160 - 80 * k
        x = s.A + s.cx / z
        n = s.ridge(x * (0.022 + 0.01 * k) + s.hseed + 0.21 * k)
        trees = s.soft(0, x * 4.5, 0 * x + 0.1 * k) * 0.025 * s.htrees
        top = s.hamp * (0.95 - 0.5 * k) * (0.25 + n) + trees
        tone = s.soft(0, x * 1.3 + 0.1 * k, (top - s.E) * 2.5)
        slope = (s.ridge((x + 0.03) * (0.022 + 0.01 * k) + s.hseed + 0.21 * k) - n) * 10
        colour = mix(s.rgb("hill"), [q * 0.72 for q in s.rgb("hill")], tone)
        lit = (0.55 - 0.6 * slope * s.lside).clamp(0, 1)
        colour = mix(s.shade(colour, 0.2), s.shade(colour, 0.95), lit)
        c = mix(c, s.air(colour, z + 0 * s.A), cover(s.E - top, s.px) * s.hills_on)
    return c


def city(s, c):
    for k in range(3):
        z = 110 - 34 * k
        x, y, px = s.local(0, z)
        wide = 13 - 1.0 * k
        i = torch.floor(x / wide)
        h = (13 + 42 * s.rand(i, 11 + k) ** 2.2 * (1 - 0.22 * k)) * s.citysize * (1 - 0.12 * k)
        half = wide * (0.36 + 0.13 * s.rand(i, 21 + k))
        lx = x - (i + 0.5) * wide
        body = torch.maximum(lx.abs() - half, y - h)
        crown = box(lx, y, -half * 0.55, half * 0.55, h, h + 3.0 * torch.floor(s.rand(i, 26 + k) * 2.4))
        spire = box(lx, y, 0 * h - 0.25, 0 * h + 0.25, h, h + 10 * (s.rand(i, 27 + k) > 0.75))
        tone = s.rand(i, 31 + k)
        warm = s.rand(i, 41 + k)
        wall = mix(mix([0.42, 0.47, 0.55], [0.66, 0.66, 0.66], tone), [0.66, 0.50, 0.40], step(0.55, 0.75, warm))
        face = s.shade(wall, 0.35 + 0.0 * x)
        face = mix(face, s.shade(wall, 0.85), (0.5 + 0.5 * s.lside * torch.sign(lx + half * 0.35)).clamp(0, 1))
        wx, wy = (lx + half) / 1.9, y / 2.6
        ci, cj = torch.floor(wx), torch.floor(wy)
        pane = torch.maximum((wx - ci - 0.5).abs() * 1.9 - 0.55, (wy - cj - 0.5).abs() * 2.6 - 0.75)
        on = (s.rand(ci + i * 19, 51 + k, cj) < s.citylit).float()
        dark = mix(s.shade([0.22, 0.29, 0.38], 0.5), s.rgb("mid"), 0.3)
        glow = mix([1.0, 0.80, 0.45], [0.85, 0.92, 1.0], step(0.7, 0.9, s.rand(ci + i * 7, 61, cj)))
        inside = cover(torch.maximum(pane, y - h + 0.8), px) * cover(lx.abs() - half + 0.3, px)
        face = mix(face, mix(dark, glow, on * 0.92), inside * 0.9)
        colour = s.air(face, z * 0.55 + 0 * x)
        c = mix(c, colour, cover(torch.minimum(torch.minimum(body, crown), spire), px) * s.city_on)
    return c


# ---------------------------------------------------------------- the ground

def ground(s, c):
    down = (-s.E).clamp(min=1e-3)
    z = (s.hc / down).clamp(max=600)
    x = s.A * z + s.cx
    near = torch.exp(-z / 45)
    n = s.soft(0, x / 34 + s.cloudx, z / 34) * (0.35 + 0.65 * near) + 0.5 * (0.65 - 0.65 * near)
    fine = s.soft(0, x / 4.5, z / 9 + 0.3)
    wave = torch.sin(z * 1.1 + 5 * s.soft(1, x / 60, z / 60) * 6 + 0.35 * x) * 0.5 + 0.5
    tone = n * 0.65 + fine * 0.35 * torch.exp(-z / 22)
    tone = tone + (wave - 0.5) * s.dunes * torch.exp(-z / 30) * 0.8
    tone = tone + 0.9 * s.gust(x, z) * (1 - s.city_on) * torch.exp(-z / 90)
    colour = mix(s.rgb("gra"), s.rgb("grb"), tone.clamp(0, 1))
    # flowers: one dot in some cells
    gi, gj = torch.floor(x / 0.8), torch.floor(z / 1.3)
    d = (((x / 0.8 - gi - 0.5) * 0.8) ** 2 + ((z / 1.3 - gj - 0.5) * 0.4) ** 2).sqrt() - 0.14
    petal = cover(d, s.px * z) * (s.rand(gi, 71, gj) < s.flowers) * torch.exp(-z / 28)
    tint = s.rand(gi, 72, gj)
    colour = mix(colour, mix([0.95, 0.85, 0.35], [0.92, 0.40, 0.45], step(0.4, 0.6, tint)), petal)
    # roads: one that recedes, one across the picture
    px = s.px * z
    bend = s.roadx + 6 * s.roadbend * torch.exp(-z / 60) - 6 * s.roadbend
    along = (x - bend).abs()
    across = (z - s.latz).abs() * 0.5
    tar = torch.maximum(cover(along - 3.2, px) * s.rec_on, cover(across - 1.1, px * z / s.hc * 0.5) * s.lat_on)
    asphalt = mix([0.25, 0.25, 0.27], [0.33, 0.33, 0.34], fine)
    dash = (torch.remainder(z + 0 * x, 6.0) < 3.2).float() * torch.exp(-z / 120)
    line = cover(along - 0.13, px) * s.rec_on * dash + cover((along - 2.85).abs() - 0.1, px) * s.rec_on
    dash2 = (torch.remainder(x, 4.0) < 2.1).float()
    line = line + cover(across - 0.06, px * z / s.hc * 0.5) * s.lat_on * dash2
    colour = mix(colour, asphalt, tar * 0.96)
    colour = mix(colour, [0.90, 0.88, 0.80], line.clamp(0, 1) * tar * 0.9)
    snowy = s.roadsnow * step(0.42, 0.62, s.soft(0, x / 9, z / 18))
    colour = mix(colour, [0.92, 0.94, 0.98], tar * snowy * 0.75)
    # shadow of the subject: its foot print swept away from the sun
    sx = x - s.subx - s.shadx * 0.5
    sz = (z - s.subz) * 1.2
    blob = torch.maximum(sx.abs() - s.shadw - s.shadx.abs() * 0.5, sz.abs() - 2.2)
    shadow = (0.5 - blob / 1.4).clamp(0, 1) * s.shad
    sun = 0.72 - 0.62 * shadow
    colour = [q * (a + l * sun) * (1 - 0.22 * shadow) for q, a, l in zip(colour, s.rgb("amb"), s.rgb("sun"))]
    # light that falls out of lit windows, and headlights
    warm = torch.exp(-(((x - s.subx) / (s.shadw + 3)) ** 2 + ((z - s.subz + 2.5) / 4) ** 2)) * s.sublit * s.night
    colour = mix(colour, [1.0, 0.72, 0.36], warm * 0.33)
    colour = s.air(colour, z)
    return mix(c, colour, cover(s.E, s.px))


def sea(s, c):
    """Water from the horizon to a shore line; mirrors the sky, glitters below sun or moon."""
    down = (-s.E).clamp(min=1e-3)
    z = (s.hc / down).clamp(max=900)
    x = s.A * z + s.cx
    swell = s.soft(0, x / 40 + 0.012 * s.t, z / 90 + 0.02 * s.t)
    rip = s.soft(0, x / 9 - 0.03 * s.t, z / 26 - 0.035 * s.t)
    small = s.soft(0, x / 3 + 0.05 * s.t, z / 9 + 0.05 * s.t)
    near = torch.exp(-z / 60)
    bump = (swell - 0.5) * 0.6 + (rip - 0.5) * (0.35 + 0.65 * near) + (small - 0.5) * near * 0.7
    up = (down * 0.9 + bump * 0.16).clamp(min=0)
    zen, mid, hor = s.rgb("zen"), s.rgb("mid"), s.rgb("hor")
    mirror = mix(mix(hor, mid, step(0.0, 0.3, up)), zen, step(0.15, 0.7, up))
    deep = s.shade(s.rgb("water"), 0.5)
    fresnel = (0.25 + 0.6 * torch.exp(-down / 0.10) + 0.35 * bump).clamp(0, 1)
    colour = mix(deep, mirror, fresnel)
    mount = cover(down - s.mamp * (0.55 + 0.5 * bump), 0.05) * s.mount_on * 0.35
    colour = mix(colour, s.shade(s.rgb("rock"), 0.3), mount)
    spread = 0.035 + 0.25 * down
    column = torch.exp(-((s.A - s.sunx) / spread) ** 2)
    spark = step(0.50, 0.78, rip * 0.55 + small * 0.45) * (0.35 + 0.65 * near) + 0.18
    colour = mix(colour, s.rgb("orb"), (column * spark * s.orb_on * s.glitter).clamp(0, 1))
    shore = s.shorez + 1.1 * torch.sin(s.t * 0.9) + 5 * (s.soft(1, x / 70 + s.cloudx, 0 * x) - 0.5)
    foam = torch.exp(-((z - shore - 0.4) / 0.5) ** 2) + 0.7 * torch.exp(-((z - shore - 3.2 + 1.2 * torch.sin(s.t * 0.9 - 0.8)) / 0.7) ** 2) * (small > 0.45)
    shallow = torch.exp(-(z - shore).clamp(min=0) / 5)
    colour = mix(colour, s.shade([0.45, 0.66, 0.62], 0.6), shallow * 0.45)
    colour = mix(colour, s.shade([0.95, 0.97, 0.98], 0.7), (foam * 0.8).clamp(0, 1))
    colour = s.air(colour, z * 0.5)
    wet = mix(c, s.shade([0.48, 0.40, 0.30], 0.3), torch.exp(-(shore - z).clamp(min=0) / 1.2) * 0.5 * (s.E < 0) * s.sea_on * (s.shorez > 3))
    return mix(wet, colour, cover(s.E, s.px) * cover(shore - z, s.px * z * z / s.hc + 0.05) * s.sea_on)


# ---------------------------------------------------------------- repeated trees

def tree_pine(s, x, y, h, r, px):
    q = ((y - 0.1 * h) / (0.9 * h)).clamp(0, 1)
    tier = torch.frac(q * 5.0)
    sway = (0.008 + 0.012 * s.breeze) * h * torch.sin(s.t * 1.3 + r * 20) * q * q
    w = 0.26 * h * (1 - q) * (0.60 + 0.40 * (1 - tier)) + 0.01 * h
    rough = (s.soft(0, x / (0.9 * h) + r, y / (0.9 * h)) - 0.5) * 0.10 * h * (1 - q)
    crown = torch.maximum((x - sway).abs() - w - rough, torch.maximum(0.1 * h - y, y - h))
    light = (0.45 + 0.9 * s.lside * x / (0.3 * h) * 0.5 + 0.35 * (0.5 - tier)).clamp(0, 1)
    trunk = box(x, y, -0.03 * h, 0.03 * h, 0 * h - 0.02 * h, 0.14 * h)
    frost = step(0.35, 0.75, 1 - tier + 1.4 * (rough / (0.1 * h)))
    return crown, trunk, light, frost


def tree_round(s, x, y, h, r, px):
    sway = (0.008 + 0.012 * s.breeze) * h * torch.sin(s.t * 1.1 + r * 20) * (y / h).clamp(0, 1)
    x = x - sway
    d = (x ** 2 + (y - 0.70 * h) ** 2).sqrt() - 0.25 * h
    d = torch.minimum(d, ((x - 0.16 * h) ** 2 + (y - 0.55 * h) ** 2).sqrt() - 0.18 * h)
    d = torch.minimum(d, ((x + 0.17 * h) ** 2 + (y - 0.52 * h) ** 2).sqrt() - 0.17 * h)
    d = torch.minimum(d, (x ** 2 + (y - 0.48 * h) ** 2).sqrt() - 0.17 * h)
    leaf = s.soft(0, x / (1.1 * h) + r, y / (1.1 * h) + r * 3) - 0.5
    d = d + leaf * 0.16 * h
    light = (0.42 + 0.55 * (s.lside * x + (y - 0.58 * h)) / (0.42 * h) + 1.1 * leaf).clamp(0, 1)
    trunk = box(x, y, -0.035 * h, 0.035 * h, -0.02 * h, 0.45 * h)
    return d, trunk, light, 0 * x + step(0.55, 0.9, light)


def tree_palm(s, x, y, h, r, px):
    lean = (r - 0.5) * 0.5
    bow = lean * h * (y / h).clamp(0, 1) ** 2
    trunk = torch.maximum((x - bow).abs() - 0.028 * h, torch.maximum(-y, y - 0.86 * h))
    cx, cy = x - lean * h * 0.74, y - 0.86 * h
    d = cx * 0 + 9
    for k in range(6):
        side = 1.0 if k % 2 else -1.0
        lx = cx * side
        droop = 0.42 + 0.25 * k + 0.1 * torch.sin(s.t * 1.4 + k + r * 9)
        centre = (1.1 - 0.22 * k) * lx - droop * lx * lx / (0.26 * h)
        thick = 0.045 * h * (1 - lx / (0.34 * h)).clamp(0, 1) + 0.006 * h
        d = torch.minimum(d, torch.maximum((cy - centre).abs() * 0.75 - thick, torch.maximum(-lx, lx - 0.34 * h)))
    light = (0.5 + 0.9 * cy / (0.2 * h)).clamp(0, 1)
    return d, trunk, light, 0 * x


def tree_cactus(s, x, y, h, r, px):
    def rod(ax, ay, bx, by, w):
        ux, uy = bx - ax, by - ay
        k = (((x - ax) * ux + (y - ay) * uy) / (ux * ux + uy * uy)).clamp(0, 1)
        return ((x - ax - ux * k) ** 2 + (y - ay - uy * k) ** 2).sqrt() - w
    side = torch.where(r > 0.5, 1.0, -1.0)
    x = x * side
    d = rod(0, 0, 0 * h, 0.92 * h, 0.085 * h)
    d = torch.minimum(d, rod(0, 0.38 * h, 0.26 * h, 0.42 * h, 0.055 * h))
    d = torch.minimum(d, rod(0.26 * h, 0.42 * h, 0.26 * h, 0.72 * h, 0.055 * h))
    d = torch.minimum(d, rod(0, 0.52 * h, -0.22 * h, 0.55 * h, 0.05 * h))
    d = torch.minimum(d, rod(-0.22 * h, 0.55 * h, -0.22 * h, 0.80 * h, 0.05 * h))
    light = (0.5 + s.lside * side * x / (0.2 * h) + 0.2 * torch.sin(x / h * 110)).clamp(0, 1)
    return d, d + 9 * h, light, 0 * x


TREES = {"pine": tree_pine, "round": tree_round, "palm": tree_palm, "cactus": tree_cactus}


def trees(s, c, kind):
    """A row of trees at one depth, one to a cell of the ground; a gap stays free round the subject.
    The painter puts the numbers of the row that it wants into the first row's places (one compiled layer for all)."""
    def p(name):
        return getattr(s, f"tr0_{name}")
    layer = s.row.long()
    z, cell = p("z"), p("cell")
    x, y, px = s.local(0, z)
    own = torch.floor(x / cell)
    other = own + torch.where(x / cell - own > 0.5, 1.0, -1.0)
    for i in (other, own):
        r1, r2, r3 = s.rand(i, 81 + layer), s.rand(i, 84 + layer), s.rand(i, 87 + layer)
        centre = (i + 0.5 + 0.5 * (r1 - 0.5)) * cell
        h = p("h") * (0.72 + 0.5 * r2)
        keep = (r3 < p("dens")) & ((centre - s.subx).abs() > p("gap"))
        crown, trunk, light, frost = TREES[kind](s, x - centre, y, h, r1, px)
        if kind != "cactus":
            light = (light + 0.45 * s.gust(x, z + 2 * y)).clamp(0, 1)
        bark = s.shade([0.36, 0.26, 0.19], 0.35)
        tone = 0.85 + 0.3 * r2
        leaf = [q * tone for q in s.rgb("leaf")]
        green = mix(s.shade([q * 0.62 for q in leaf], 0.18), s.shade([q * 1.12 for q in leaf], 0.95), light)
        green = mix(green, s.shade([0.93, 0.95, 1.0], 0.35 + 0.4 * light), frost * s.frost)
        c = mix(c, s.air(bark, z), cover(trunk, px) * keep)
        c = mix(c, s.air(green, z), cover(crown, px) * keep)
    return c


# ---------------------------------------------------------------- light and grading

def weather(s, c):
    for k in range(2):                                   # rain: slanted streaks in cells
        cellx, celly = 0.05 + 0.03 * k, 0.34 + 0.15 * k
        fall = s.t * (1.9 + 0.8 * k)
        x = s.A * s.f + (-s.E * s.f) * 0.12 + 7.3 * k
        y = -s.E * s.f - fall
        i = torch.floor(x / cellx)
        y = y + s.rand(i, 91 + k) * 7
        j = torch.floor(y / celly)
        fx, fy = x / cellx - i - 0.15 - 0.7 * s.rand(i, 93 + k, j), y / celly - j
        streak = cover(fx.abs() * cellx - 0.0022, 1 / HEIGHT) * step(0.0, 0.35, fy) * step(0.75, 0.62, fy)
        c = mix(c, mix(s.rgb("hor"), [1, 1, 1], 0.45), streak * s.rain * 0.42)
    for k in range(3):                                   # snow: drifting discs in cells
        cell = 0.07 + 0.035 * k
        fall = s.t * (0.07 + 0.05 * k)
        x = s.A * s.f + 0.02 * torch.sin(s.t * 1.1 + 3 * k) + 3.1 * k + s.t * 0.015
        y = -s.E * s.f - fall
        i, j = torch.floor(x / cell), torch.floor(y / cell)
        r = s.rand(i, 95 + k, j)
        fx = (x / cell - i - 0.2 - 0.6 * r) * cell
        fy = (y / cell - j - 0.2 - 0.6 * s.rand(i, 98 + k, j)) * cell
        d = (fx * fx + fy * fy).sqrt() - (0.0035 + 0.0022 * k)
        c = mix(c, s.shade([1.0, 1.0, 1.0], 0.75), cover(d, 1.6 / HEIGHT) * (r < s.snow) * 0.88 * (s.snow > 0))
    return c


def grade(s, c):
    tint = s.rgb("tint")
    u2 = ((s.A * s.f - (s.ux0 + s.uxv * s.t) * torch.exp(s.zoom0 + s.zoomv * s.t)) / 0.8) ** 2
    line = torch.linspace(-1, 1, HEIGHT, device=c[0].device)[None, :, None] ** 2
    vignette = 1 - 0.10 * (u2 + line)
    out = []
    for q, k in zip(c, tint):
        q = (q * k * vignette).clamp(0, 1)
        out.append(q + 0.10 * (q * q * (3 - 2 * q) - q))
    return out
