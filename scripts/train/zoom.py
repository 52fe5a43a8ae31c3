"""What a camera that zooms comes to see: the picture that it starts from, drawn again every few latents as it has become. Carried on alone, it would blur on the way in,
and on the way out streaks of its edge would come in from all sides."""
import torch

REACH, OVER = .136, 5 / 6                                               # what it scales from one such picture to the next (logarithm), and the part in which it goes over


class Zoom:
    def __init__(self, picture, move, camera, draw, window):
        """picture [1, C, h, w], of latent 0; move [3]; window: its latents; draw(z, like) draws the picture z, blurred and with repeated edges, as it
        should be, no fainter than `like`, the first one."""
        self.reach = max(1, round(REACH / abs(float(move[2]))))                  # in latents
        self.over = max(1, round(OVER * self.reach))
        self.pictures, self.move, self.camera, self.draw, self.window = [picture], move[None], camera, draw, window

    @staticmethod
    def of(move):
        """Whether the camera of `move` [3] zooms."""
        return bool(move[2] != 0)

    def ahead(self, last):
        """What the camera sees at each latent of the window that ends with latent `last` [1, C, window, h, w], and when that one is. From latent to latent it
        goes over to the next drawn picture, slowly, lest that shows, though what is carried back is sharper than what is carried on."""
        while len(self.pictures) < last // self.reach + 2:
            self.pictures.append(self.draw(self.camera.carry(self.pictures[-1], self.move * self.reach), self.pictures[0]))
        out = []
        for at in range(last - self.window + 1, last + 1):
            old, new = (self.camera.carry(self.pictures[j], self.move * (at - j * self.reach)) for j in (at // self.reach, at // self.reach + 1))
            out.append(torch.lerp(old, new, min(1, at % self.reach / self.over)))
        return torch.stack(out, 2), last
