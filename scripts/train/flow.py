"""Which way does the camera move? Global shifts of the four corners of the picture by phase correlation."""
import torch


def shift(a, b):
    """Shift of b against a in pixels: [N, h, w] luma -> (dx, dy, sharpness) by phase correlation."""
    h, w = a.shape[-2:]
    win = torch.hann_window(h, device=a.device)[:, None] * torch.hann_window(w, device=a.device)
    a, b = (a - a.mean((-1, -2), keepdim=True)) * win, (b - b.mean((-1, -2), keepdim=True)) * win
    cross = torch.fft.rfft2(a).conj() * torch.fft.rfft2(b)
    peak = torch.fft.irfft2(cross / (cross.abs() + 1e-3 * cross.abs().amax((-1, -2), keepdim=True) + 1e-9), s=(h, w))
    best, k = peak.flatten(-2).max(-1)
    dy, dx = k // w, k % w
    dy, dx = torch.where(dy > h // 2, dy - h, dy), torch.where(dx > w // 2, dx - w, dx)
    return dx.float(), dy.float(), best


def motion(video, gap=24):
    """video [F, 3, H, W] in 0..1, 12 frames a second -> shift of the picture in pixels over `gap`
    frames: (right, down, outward), where outward is what a corner moves away from the middle."""
    y = video.mean(1)[::2]
    gap = gap // 2
    f, h, w = y.shape
    first, second = y[:-gap], y[gap:]
    dx, dy = [], []
    for top in (0, h - 96):
        for left in (0, w - 128):                             # the middles of these lie 128 and 64 pixels apart
            x, z, _ = shift(first[:, top:top + 96, left:left + 128], second[:, top:top + 96, left:left + 128])
            dx.append(x.median()), dy.append(z.median())
    dx, dy = torch.stack(dx), torch.stack(dy)
    wide = (dx[1] + dx[3] - dx[0] - dx[2]) / 4
    high = (dy[2] + dy[3] - dy[0] - dy[1]) / 4
    return float(dx.mean()), float(dy.mean()), float(wide + high)


def camera(video):
    right, down, out = motion(video)
    scores = {"pan left": right, "pan right": -right, "tilt up": down * 1.6, "tilt down": -down * 1.6,
              "zoom in": out * 1.8, "zoom out": -out * 1.8}
    name = max(scores, key=scores.get)
    return name if scores[name] > 3.0 else "static"
