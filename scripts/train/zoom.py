"""What a camera that zooms comes to see: the picture that it starts from, drawn again every few latents as it has become. Carried on alone, it would blur on the way in,
and on the way out streaks of its edge would come in from all sides."""
import torch

REACH, OVER = 12, 10                                                    # latents from one such picture to the next, and in which it goes over to that


class Zoom:
    def __init__(self, picture, move, camera, draw, window):
        """picture [1, C, h, w], of latent 0; move [3]; window: its latents; draw(z, like) draws the picture z, blurred and with repeated edges, as it
        should be, no fainter than `like`, the first one."""
        self.pictures, self.move, self.camera, self.draw, self.window = [picture], move[None], camera, draw, window

    @staticmethod
    def of(move):
        """Whether the camera of `move` [3] zooms."""
        return bool(move[2] != 0)

    def ahead(self, last):
        """What the camera sees at each latent of the window that ends with latent `last` [1, C, window, h, w], and when that one is. From latent to latent it
        goes over to the next drawn picture, slowly, lest that shows, though what is carried back is sharper than what is carried on."""
        while len(self.pictures) < last // REACH + 2:
            self.pictures.append(self.draw(self.camera.carry(self.pictures[-1], self.move * REACH), self.pictures[0]))
        out = []
        for at in range(last - self.window + 1, last + 1):
            old, new = (self.camera.carry(self.pictures[j], self.move * (at - j * REACH)) for j in (at // REACH, at // REACH + 1))
            out.append(torch.lerp(old, new, min(1, at % REACH / OVER)))
        return torch.stack(out, 2), last
