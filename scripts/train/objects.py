"""What stands and moves in front of the landscape: buildings, vehicles, birds, people, smoke."""
import torch

from pixels import box, cover, lit_window, mix, step


def gable(x, y, x0, x1, y0, y1):
    """Triangle with base x0..x1 at y0 and its tip above the middle at y1."""
    mid, half = (x0 + x1) / 2, (x1 - x0) / 2
    return torch.maximum((x - mid).abs() - half * (y1 - y) / (y1 - y0), y0 - y)


def slanted(x, y, a0, a1, b0, b1, y0, y1):
    """Quadrilateral: a0..a1 at height y0, b0..b1 at height y1."""
    k = (y - y0) / (y1 - y0)
    return torch.maximum(torch.maximum(a0 + (b0 - a0) * k - x, x - a1 - (b1 - a1) * k),
                         torch.maximum(y0 - y, y - y1))


def house(s, c, kind="house"):
    """Gable end to one side, long wall and roof to the other (mirrored by `mirror`)."""
    x, y, px = s.local(s.subx, s.subz)
    x = x * s.mirror
    light = (0.5 + 0.5 * s.lside * s.mirror)            # 1: sun on the long wall
    w, l, h, rh = s.subw, s.subl, s.subh, s.subr
    left = -(w + l) / 2
    a, b = left + w, left + w + l
    wall = s.rgb("subc")
    grain = 1.0
    if kind == "cabin":
        course = torch.frac(y / 0.42)
        grain = 0.72 + 0.42 * step(0.0, 0.25, course) * step(1.0, 0.6, course)
    if kind in ("barn",):
        grain = 0.88 + 0.12 * step(0.04, 0.12, (torch.frac(x / 0.55) - 0.5).abs())
    rough = 0.94 + 0.12 * s.soft(0, x / 6, y / 6)
    front = [q * grain * rough for q in s.shade(wall, 0.25 + 0.6 * (1 - light))]
    side = [q * grain * rough for q in s.shade(wall, 0.25 + 0.6 * light)]
    if kind == "barn":                                   # gambrel end
        top = torch.maximum(torch.minimum(slanted(x, y, left, a, left + w * 0.13, a - w * 0.13, h, h + rh * 0.62),
                                          gable(x, y, left + w * 0.13, a - w * 0.13, h + rh * 0.62, h + rh)), h - y)
    else:
        top = gable(x, y, left, a, h, h + rh)
    body = torch.minimum(box(x, y, left, a, 0 * h - 0.3, h), top)
    c = mix(c, s.air(side, s.subz), cover(box(x, y, a, b, 0 * h - 0.3, h), px))
    c = mix(c, s.air(front, s.subz), cover(body, px))
    tile = 0.86 + 0.14 * step(0.1, 0.3, torch.frac(y / 0.38)) * (kind != "cottage") + 0.16 * (s.soft(0, x / 3, y / 1.5) - 0.5)
    roof = mix(s.rgb("subroof"), [0.93, 0.95, 0.98], s.roofsnow * (0.9 + 0.1 * s.soft(0, x / 5, y / 8)))
    roofc = [q * tile for q in s.shade(roof, 0.3 + 0.6 * light)]
    mid = left + w / 2
    eave = 0.35
    if kind == "barn":
        lower = slanted(x, y, a - 0.1, b + eave, a - w * 0.13, b + eave - w * 0.13, h - 0.25, h + rh * 0.62)
        upper = slanted(x, y, a - w * 0.13, b + eave - w * 0.13, mid, b + eave - w / 2, h + rh * 0.62, h + rh)
        plane = torch.minimum(lower, upper)
    else:
        plane = slanted(x, y, a - 0.1, b + eave, mid, b + eave - w * 0.38, h - eave * rh / w, h + rh + 0.08)
    # chimney behind the roof, then the roof, then the near edge of the gable
    ch = box(x, y, mid + l * 0.42, mid + l * 0.42 + 0.8, h, h + rh + 1.0)
    c = mix(c, s.air(s.shade([0.52, 0.36, 0.31], 0.5), s.subz), cover(ch, px) * s.chimney)
    c = mix(c, s.air(roofc, s.subz), cover(plane, px))
    if kind == "barn":
        edge = torch.maximum(top.abs() - 0.14, h - 0.1 - y)
    else:
        edge = torch.maximum(gable(x, y, left - eave, a + eave, h - eave * rh / w, h + rh + 0.2),
                             -gable(x, y, left, a, h - 0.3, h + rh - 0.15))
        edge = torch.maximum(edge, h - eave * rh / w - y)
    trim = mix(s.rgb("subroof"), [0.9, 0.9, 0.88], 0.85 * (kind == "barn"))
    trim = mix(trim, [0.93, 0.95, 0.98], s.roofsnow)
    c = mix(c, s.air(s.shade(trim, 0.45), s.subz), cover(edge, px))
    if kind == "barn":
        return barn_front(s, c, x, y, px, left, a, b)
    on = s.sublit
    c = lit_window(s, c, x, y, px, (left + w * 0.25, h * 0.62, 0.42, 0.55), on)
    if kind != "cottage":
        c = lit_window(s, c, x, y, px, (left + w * 0.5, h + rh * 0.30, 0.36, 0.42), on * s.atticlit)
    for k in range(3):
        show = 1.0 if k != 1 else (s.subl > 6.0)
        place = (a + l * (0.2 + 0.3 * k), h * 0.6, 0.5, 0.52)
        new = lit_window(s, c, x, y, px, place, on)
        c = mix(c, new, show)
    door = box(x, y, left + w * 0.55, left + w * 0.55 + 1.05, 0 * h - 0.1, h * 0.66)
    c = mix(c, s.shade([0.85, 0.83, 0.78], 0.4), cover(door - 0.13, px))
    return mix(c, s.shade(s.rgb("door"), 0.4), cover(door, px))


def barn_front(s, c, x, y, px, left, a, b):
    w, h = s.subw, s.subh
    m, dw, dh = left + w / 2, w * 0.24, h * 0.78
    door = box(x, y, m - dw, m + dw, 0 * h - 0.1, dh)
    white = s.shade([0.92, 0.91, 0.88], 0.5)
    c = mix(c, s.shade([q * 0.8 for q in s.rgb("subc")], 0.3), cover(door, px))
    cross = torch.minimum(((x - m) / dw - (y / dh * 2 - 1)).abs(), ((x - m) / dw + (y / dh * 2 - 1)).abs()) * 0.5 * dw - 0.09
    frame = torch.maximum(door, torch.minimum(-door - 0.16, cross))
    c = mix(c, white, cover(frame, px))
    c = lit_window(s, c, x, y, px, (m, h + s.subr * 0.42, 0.5, 0.5), s.sublit)
    for k in range(2):
        c = lit_window(s, c, x, y, px, (a + s.subl * (0.3 + 0.4 * k), h * 0.6, 0.45, 0.5), s.sublit)
    return c


def cabin(s, c):
    return house(s, c, "cabin")


def cottage(s, c):
    return house(s, c, "cottage")


def barn(s, c):
    return house(s, c, "barn")


def church(s, c):
    c = house(s, c, "cottage")
    x, y, px = s.local(s.subx, s.subz)
    x = x * s.mirror
    left = -(s.subw + s.subl) / 2
    m = left + s.subw / 2
    t = s.subw * 0.27
    top = s.subh + s.subr + 2.2
    lit = 0.35 + 0.5 * (0.5 - 0.5 * s.lside * s.mirror)
    tower = box(x, y, m - t, m + t, 0 * top, top)
    wall = [q * (0.95 + 0.1 * s.soft(0, x / 5, y / 5)) for q in s.shade(s.rgb("subc"), lit)]
    c = mix(c, s.air(wall, s.subz), cover(tower, px))
    dark = box(x, y, m + t * 0.55, m + t, 0 * top, top)
    c = mix(c, s.air(s.shade(s.rgb("subc"), lit * 0.6), s.subz), cover(dark, px) * 0.7)
    spire = gable(x, y, m - t * 1.15, m + t * 1.15, top, top + 4.6)
    c = mix(c, s.air(s.shade(s.rgb("subroof"), 0.5), s.subz), cover(spire, px))
    cross = torch.minimum(box(x, y, m - 0.07, m + 0.07, top + 4.4, top + 5.7), box(x, y, m - 0.4, m + 0.4, top + 5.1, top + 5.28))
    c = mix(c, s.shade([0.75, 0.65, 0.35], 0.6), cover(cross, px))
    c = lit_window(s, c, x, y, px, (m, top - 1.2, 0.34, 0.5), s.sublit)
    door = torch.minimum(box(x, y, m - 0.6, m + 0.6, 0 * top, 1.7 + 0 * top), ((x - m) ** 2 + (y - 1.7) ** 2).sqrt() - 0.6)
    return mix(c, s.shade([0.35, 0.22, 0.15], 0.4), cover(door, px))


def castle(s, c):
    x, y, px = s.local(s.subx, s.subz)
    k = s.subh / 8
    x, y, px = x / k, y / k, px / k
    stone = s.rgb("subc")
    brick = 0.93 + 0.10 * ((torch.floor(y / 0.5) + torch.floor(x / 0.9 + 0.5 * torch.floor(y / 0.5))) % 2)
    brick = brick * (0.9 + 0.2 * s.soft(0, x / 12, y / 12))

    def tower(c, cx, r, top, roof, flag):
        lx = x - cx
        battlement = torch.where(torch.frac(lx / 0.8 + 100.25) > 0.5, 0.0, 0.55)
        d = torch.maximum(lx.abs() - r, y - top - battlement)
        d = torch.minimum(d, box(lx, y, -r - 0.25, r + 0.25, top - 0.7, top))
        round_ = (0.5 + 0.5 * s.lside * lx / r).clamp(0, 1)
        col = [q * brick for q in mix(s.shade(stone, 0.12), s.shade(stone, 0.95), round_)]
        c = mix(c, s.air(col, s.subz), cover(d, px))
        if roof:
            cone = gable(lx, y, -r - 0.5, r + 0.5, top + 0.2, top + 3.6)
            rc = mix(s.shade(s.rgb("subroof"), 0.25), s.shade(s.rgb("subroof"), 0.95), round_)
            rc = mix(rc, s.shade([0.93, 0.95, 0.98], 0.5), s.roofsnow * 0.8)
            c = mix(c, s.air(rc, s.subz), cover(cone, px))
        if flag:
            base = top + (3.5 if roof else 0.5)
            pole = box(lx, y, -0.06, 0.06, base, base + 2.0)
            wave = 0.12 * torch.sin(lx * 4 - s.t * 5)
            cloth = box(lx, y - wave, 0.06, 1.5, base + 1.1, base + 1.95)
            c = mix(c, s.shade([0.2, 0.2, 0.2], 0.3), cover(pole, px))
            c = mix(c, s.shade([0.80, 0.16, 0.16], 0.7), cover(cloth, px))
        for j in range(2):
            slit = torch.maximum(lx.abs() - 0.22, (y - top + 1.7 + 2.3 * j).abs() - 0.5)
            glow = mix(s.shade([0.12, 0.11, 0.12], 0.3), [1.0, 0.78, 0.40], s.sublit)
            c = mix(c, glow, cover(slit, px))
        return c

    c = tower(c, -1.2, 1.5, 10.5, True, True)             # keep, behind
    wallm = torch.where(torch.frac(x / 0.9 + 100.25) > 0.5, 0.0, 0.5)
    wall = torch.maximum(x.abs() - 5.6, y - 4.6 - wallm)
    col = [q * brick for q in s.shade(stone, 0.42)]
    c = mix(c, s.air(col, s.subz), cover(wall, px))
    gate = torch.minimum(box(x, y, -1.0, 1.0, -0.2, 1.6), (x * x + (y - 1.6) ** 2).sqrt() - 1.0)
    c = mix(c, s.shade([0.55, 0.52, 0.48], 0.3), cover(gate - 0.25, px))
    c = mix(c, mix(s.shade([0.20, 0.14, 0.10], 0.3), [0.95, 0.65, 0.3], s.sublit * 0.5), cover(gate, px))
    c = tower(c, -5.6, 1.35, 7.2, True, False)
    c = tower(c, 5.6, 1.35, 7.2, True, False)
    return tower(c, 2.6, 0.95, 6.0, False, True)


def lighthouse(s, c):
    x, y, px = s.local(s.subx, s.subz)
    h = s.subh
    rock = y - 1.5 + 0.10 * x * x * 0.35 + 1.2 * (s.soft(0, x / 7, y / 7) - 0.5)
    stone = s.shade(mix([0.30, 0.28, 0.27], [0.50, 0.47, 0.44], s.soft(0, x / 3, y / 3)), 0.5)
    c = mix(c, s.air(stone, s.subz), cover(rock, px) * (s.subrock > 0))
    w = 1.35 - 0.55 * y / h
    body = torch.maximum(x.abs() - w, torch.maximum(-y, y - h))
    band = torch.remainder(torch.floor(y / h * 6), 2)
    round_ = (0.5 + 0.55 * s.lside * x / w).clamp(0, 1)
    col = mix([0.93, 0.92, 0.89], s.rgb("subc"), band)
    col = mix(s.shade(col, 0.15), s.shade(col, 0.95), round_)
    c = mix(c, s.air(col, s.subz), cover(body, px))
    deck = box(x, y, 0 * h - 1.15, 0 * h + 1.15, h, h + 0.35)
    c = mix(c, s.shade([0.25, 0.25, 0.27], 0.5), cover(deck, px))
    lamp = box(x, y, 0 * h - 0.65, 0 * h + 0.65, h + 0.35, h + 1.75)
    on = s.sublit
    c = mix(c, mix(s.shade([0.55, 0.66, 0.72], 0.6), [1.0, 0.93, 0.62], on), cover(lamp, px))
    cap = gable(x, y, 0 * h - 0.95, 0 * h + 0.95, h + 1.75, h + 2.9)
    c = mix(c, s.shade(s.rgb("subc"), 0.5), cover(cap, px))
    for k in range(2):
        slit = box(x, y, -0.22, 0.22, h * (0.3 + 0.3 * k), h * (0.3 + 0.3 * k) + 0.7)
        c = mix(c, s.shade([0.2, 0.22, 0.26], 0.4), cover(slit, px))
    # the beam sweeps round: wide when it points across the picture
    turn = torch.cos(s.t * 0.8 + s.seed)
    dy = y - h - 1.05
    reach = x * torch.sign(turn)
    wide = 0.35 + 0.10 * reach.clamp(min=0)
    beam = cover(dy.abs() - wide, 0.9 + 0.05 * reach.abs()) * step(0, 1.5, reach) * torch.exp(-reach.clamp(min=0) / (22 * turn.abs() + 0.5))
    c = mix(c, [1.0, 0.94, 0.70], beam * on * s.night * 0.55 * turn.abs())
    glow = torch.exp(-(x * x + dy * dy) / 5)
    return mix(c, [1.0, 0.92, 0.62], glow * on * 0.5)


def windmill(s, c):
    x, y, px = s.local(s.subx, s.subz)
    h = s.subh
    w = 1.9 - 0.8 * y / h
    body = torch.maximum(x.abs() - w, torch.maximum(-y, y - h))
    round_ = (0.5 + 0.55 * s.lside * x / w).clamp(0, 1)
    col = mix(s.shade(s.rgb("subc"), 0.15), s.shade(s.rgb("subc"), 0.95), round_)
    c = mix(c, s.air(col, s.subz), cover(body, px))
    cap = torch.maximum((x * x + ((y - h) * 1.1) ** 2).sqrt() - 1.35, h - 0.1 - y)
    c = mix(c, s.air(s.shade(s.rgb("subroof"), 0.55), s.subz), cover(cap, px))
    c = lit_window(s, c, x, y, px, (0.0, h * 0.55, 0.35, 0.45), s.sublit)
    door = box(x, y, -0.55, 0.55, -0.1, 1.9)
    c = mix(c, s.shade([0.35, 0.22, 0.15], 0.4), cover(door, px))
    a = s.t * 0.7
    hx, hy = x, y - h - 0.2
    for k in range(4):
        ang = a + k * 1.5708
        rx = hx * torch.cos(ang) + hy * torch.sin(ang)
        ry = -hx * torch.sin(ang) + hy * torch.cos(ang)
        sail = box(rx, ry, 0.1, 0.95, 0.9 + 0 * h, h * 0.62)
        lattice = 0.75 + 0.25 * (torch.frac(ry / 0.55) > 0.35)
        c = mix(c, [q * lattice for q in s.shade([0.88, 0.85, 0.78], 0.6)], cover(sail, px) * 0.95)
        spar = box(rx, ry, -0.09, 0.09, 0 * h, h * 0.64)
        c = mix(c, s.shade([0.30, 0.22, 0.16], 0.4), cover(spar, px))
    return c


def smoke(s, c):
    """A plume from the chimney (or a fire), bending with the wind."""
    x, y, px = s.local(s.smokex, s.subz)
    up = (y - s.smokey).clamp(min=0)
    bend = s.wind * 26 * up * up / 12
    w = 0.45 + 0.28 * up
    n = s.soft(0, (x - bend) / 7 + 0.2, (up - s.t * 1.5) / 9)
    n2 = s.soft(0, (x - bend) / 2.6, (up - s.t * 1.8) / 3.4)
    d = torch.exp(-((x - bend + (n - 0.5) * 2.2 * (up / 3).clamp(max=1)) / w) ** 2)
    k = d * (0.35 + 0.65 * step(0.2, 0.6, n * 0.5 + n2 * 0.5)) * 2.4 * torch.exp(-up / 7) * step(0, 0.3, y - s.smokey)
    col = mix(s.shade([0.86, 0.86, 0.88], 0.8), s.rgb("mid"), 0.15)
    return mix(c, col, k.clamp(0, 1) * 0.92)


def car(s, c):
    x, y, px = s.local(s.carx + s.carv * s.t, s.carz)
    d = torch.sign(s.carv)
    x = x * d
    shadow = (x / 2.5) ** 2 + ((y + 0.02) / 0.16) ** 2
    c = mix(c, [q * 0.35 for q in c], (1.2 - shadow).clamp(0, 1) * 0.8)
    paint = s.rgb("carc")
    shine = (0.35 + 0.55 * (y - 0.3) / 0.9).clamp(0, 1)
    body = torch.minimum(box(x, y, -2.15, 2.15, 0.30, 0.92), slanted(x, y, -2.2, 2.2, -2.05, 2.0, 0.45, 1.0))
    cabin_ = slanted(x, y, -1.65, 1.15, -1.1, 0.5, 0.9, 1.52)
    c = mix(c, mix(s.shade([q * 0.7 for q in paint], 0.3), s.shade(paint, 1.0), shine), cover(torch.minimum(body, cabin_) - 0.04, px))
    glass = torch.maximum(slanted(x, y, -1.45, 0.98, -1.02, 0.42, 0.98, 1.42), 0.06 - (x + 0.25).abs())
    c = mix(c, mix(s.shade([0.25, 0.32, 0.38], 0.5), s.rgb("mid"), 0.35), cover(glass, px))
    sill = box(x, y, -2.0, 2.0, 0.30, 0.42)
    c = mix(c, s.shade([0.14, 0.14, 0.15], 0.4), cover(sill, px))
    roll = (s.carx + s.carv * s.t) / 0.36
    for k in (-1.32, 1.32):
        r = ((x - k) ** 2 + (y - 0.36) ** 2).sqrt()
        c = mix(c, s.shade([0.10, 0.10, 0.11], 0.4), cover(r - 0.40, px))
        spoke = torch.cos(5 * torch.atan2(y - 0.36, x - k) + 5 * roll * 1.0)
        c = mix(c, s.shade([0.62, 0.63, 0.66], 0.6), cover(r - 0.22, px) * (0.75 + 0.25 * spoke))
    dark = s.night
    head = ((x - 2.1) ** 2 + (y - 0.72) ** 2).sqrt()
    c = mix(c, [1.0, 0.96, 0.78], cover(head - 0.16, px) * (0.5 + 0.5 * dark))
    c = mix(c, [1.0, 0.95, 0.72], torch.exp(-head * head / 0.5) * dark * 0.6)
    reach = (x - 2.1)
    beam = step(0, 0.6, reach) * torch.exp(-reach.clamp(min=0) / 4.0) * cover((y - 0.72 + 0.09 * reach).abs() - 0.12 * reach - 0.1, 0.5 + 0 * px)
    c = mix(c, [1.0, 0.93, 0.66], beam * dark * 0.45)
    tail = box(x, y, -2.2, -2.02, 0.62, 0.82)
    return mix(c, mix(s.shade([0.65, 0.08, 0.07], 0.6), [1.0, 0.15, 0.1], dark), cover(tail, px))


def boat(s, c):
    bob = 0.16 * torch.sin(s.t * 1.3 + s.seed)
    x, y, px = s.local(s.boatx + s.boatv * s.t, s.boatz)
    k = s.boats
    d = torch.sign(s.boatv)
    x, y, px = x * d / k, (y - bob) / k, px / k
    roll = 0.05 * torch.sin(s.t * 1.1 + 2 * s.seed)
    x = x + roll * y
    ref = torch.maximum(x.abs() - 2.6 + 0.5 * (-y), torch.maximum(y, -y - 2.2))
    rip = s.soft(0, x / 8, y / 2 + s.t * 0.25)
    c = mix(c, [q * 0.55 for q in c], cover(ref, px) * step(0.3, 0.6, rip) * 0.55)
    hull = slanted(x, y, -2.2, 2.3, -2.8, 3.2, -0.15, 1.0)
    wood = mix(s.shade([q * 0.6 for q in s.rgb("boatc")], 0.3), s.shade(s.rgb("boatc"), 0.9), (y + 0.1).clamp(0, 1))
    c = mix(c, s.air(wood, s.boatz * 0.5), cover(hull, px))
    stripe = torch.maximum(hull, (y - 0.72).abs() - 0.09)
    c = mix(c, s.shade([0.93, 0.92, 0.88], 0.6), cover(stripe, px))
    mast = box(x, y, 0.02, 0.18, 0.9, 8.4)
    c = mix(c, s.shade([0.40, 0.29, 0.20], 0.5), cover(mast, px))
    main = slanted(x, y, -2.5, 0.0, -0.15, 0.0, 1.5, 8.0)
    sail = s.rgb("sailc")
    curve = (0.55 + 0.25 * torch.sin(x * 1.2 + 0.3 * y)).clamp(0, 1)
    c = mix(c, s.air(mix(s.shade(sail, 0.35), s.shade(sail, 1.0), curve), s.boatz * 0.5), cover(main, px))
    jib = slanted(x, y, 0.25, 2.7, 0.2, 0.25, 1.4, 7.2)
    jibc = mix(sail, [0.95, 0.94, 0.9], 0.55)
    return mix(c, s.air(mix(s.shade(jibc, 0.3), s.shade(jibc, 0.95), 1 - curve * 0.6), s.boatz * 0.5), cover(jib, px))


def birds(s, c):
    for k in range(5):
        gone = (k >= s.birdn).float() * 50
        apart = 0.062 * s.birds_size
        lane = (k - 2) * apart
        x = s.A - (s.birdx + s.birdv * s.t - torch.sign(s.birdv) * abs(k - 2) * apart)
        y = s.E - (s.birde + lane * 0.35 + 0.012 * torch.sin(s.t * 0.9 + 2 * k)) + gone
        flap = torch.sin(s.t * 4.5 + k * 1.7 + s.seed) * 0.8 + 0.25
        w = 0.034 * s.birds_size
        ax = x.abs()
        wing = flap * (ax - 0.9 * ax * ax / w) * 1.0
        d = torch.maximum((y - wing).abs() - 0.0048 * s.birds_size * (1.15 - ax / w), ax - w)
        body = ((x / 2.2) ** 2 + (y * 1.2) ** 2).sqrt() - 0.0055 * s.birds_size
        d = torch.minimum(d, body)
        c = mix(c, s.air(mix(s.shade([0.16, 0.16, 0.19], 0.4), s.shade([0.9, 0.9, 0.9], 0.5), s.birdwhite), 30 + 0 * x), cover(d, s.px))
    return c


def plane(s, c):
    d = torch.sign(s.planev)
    x = (s.A - (s.planex + s.planev * s.t)) * d / s.planes
    y = (s.E - s.planee - 0.02 * (s.A - s.planex)) / s.planes
    px = s.px / s.planes
    trail = torch.exp(-(y / 0.012) ** 2) * step(-0.10, -0.25, x) * torch.exp(x.clamp(max=0) / 0.9)
    c = mix(c, mix(s.rgb("clight"), [1, 1, 1], 0.4), trail * 0.7 * (1 - 0.7 * s.night))
    white = s.shade([0.93, 0.94, 0.96], 0.75)
    grey = s.shade([0.62, 0.65, 0.70], 0.5)
    far = slanted(x, y, -0.01, 0.035, -0.06, -0.035, 0.0, 0.055)
    c = mix(c, grey, cover(far, px))
    body = ((x / 6.2).abs() ** 2 + y ** 2).sqrt() - 0.0175
    c = mix(c, mix(grey, white, step(-0.02, 0.012, y)), cover(body, px))
    fin = slanted(x, y, -0.105, -0.06, -0.125, -0.10, 0.005, 0.062)
    c = mix(c, s.shade(s.rgb("carc"), 0.7), cover(fin, px))
    near = slanted(x, y, -0.075, -0.045, -0.02, 0.04, -0.075, -0.004)
    c = mix(c, white, cover(near, px))
    tailw = slanted(x, y, -0.125, -0.105, -0.11, -0.075, -0.022, 0.0)
    c = mix(c, white, cover(tailw, px))
    blink = (torch.sin(s.t * 6) > 0.3).float()
    lamp = torch.exp(-((x + 0.06) ** 2 + (y + 0.07) ** 2) / 0.0004) * blink + torch.exp(-((x - 0.1) ** 2 + y ** 2) / 0.0003)
    return mix(c, [1.0, 0.45, 0.35], (lamp * s.night).clamp(0, 1))


def people(s, c):
    for k in range(3):
        show = (k < s.peoplen).float()
        off = (k - 1) * 1.5 + 0.25 * k
        speed = s.peoplev * (1 + 0.03 * (k - 1))
        x, y, px = s.local(s.peoplex + off + speed * s.t, s.peoplez + 0 * s.t)
        x = x * torch.sign(s.peoplev)
        tall = 1.0 - 0.09 * k
        x, y, px = x / tall, y / tall, px / tall
        step_ = s.t * speed.abs() * 2.6 + k * 1.3
        swing = torch.sin(step_)
        y = y - 0.03 * torch.cos(2 * step_)
        tone = s.rand(s.t * 0 + k, 66)
        coat = mix(mix([0.75, 0.20, 0.18], [0.18, 0.35, 0.68], step(0.3, 0.35, tone)), [0.88, 0.74, 0.25], step(0.65, 0.7, tone))
        low = (0.92 - y).clamp(0, 0.92) / 0.92
        legs = torch.minimum((x - 0.30 * swing * low).abs(), (x + 0.30 * swing * low).abs()) - 0.085
        legs = torch.maximum(legs, torch.maximum(-y, y - 0.95))
        shadow = ((x / 0.5) ** 2 + ((y + 0.02) / 0.08) ** 2)
        c = mix(c, [q * 0.5 for q in c], (1.3 - shadow).clamp(0, 1) * 0.6 * show)
        c = mix(c, s.shade([0.16, 0.17, 0.24], 0.45), cover(legs, px) * show)
        torso = slanted(x, y, -0.20, 0.20, -0.24, 0.24, 0.82, 1.48) - 0.03
        c = mix(c, mix(s.shade(coat, 0.3), s.shade(coat, 0.95), (0.5 + s.lside * x * 2).clamp(0, 1)), cover(torso, px) * show)
        arm = torch.maximum((x + 0.28 * swing * (1.45 - y).clamp(0, 0.65) / 0.65).abs() - 0.065, torch.maximum(0.78 - y, y - 1.42))
        c = mix(c, s.shade([q * 0.75 for q in coat], 0.5), cover(arm, px) * show)
        head = (x * x + (y - 1.67) ** 2).sqrt() - 0.15
        c = mix(c, s.shade([0.86, 0.67, 0.54], 0.6), cover(head, px) * show)
        hair = torch.maximum(((x + 0.02) ** 2 + (y - 1.71) ** 2).sqrt() - 0.155, 1.68 - y)
        c = mix(c, s.shade([0.22, 0.15, 0.11], 0.5), cover(hair, px) * show)
    return c


SUBJECTS = {"house": house, "cottage": cottage, "cabin": cabin, "barn": barn, "church": church,
            "castle": castle, "lighthouse": lighthouse, "windmill": windmill}
