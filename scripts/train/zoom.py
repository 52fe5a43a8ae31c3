"""What a camera that zooms comes to see: the picture that it starts from, drawn again every few latents as it has become. Carried on alone, it would blur on the way in,
and on the way out streaks of its edge would come in from all sides."""
import torch

REACH, OVER = 12, 10                                                    # latents from one such picture to the next, and in which it goes over to that


class Zoom:
    def __init__(self, picture, move, camera, draw):
        """picture [1, C, h, w], of latent 0; move [3]; draw(z, like) draws the picture z, blurred and with repeated edges, as it
        should be, no fainter than `like`, the first one."""
        self.pictures, self.move, self.camera, self.draw = [picture], move[None], camera, draw

    @staticmethod
    def of(move):
        """Whether the camera of `move` [3] zooms."""
        return bool(move[2] != 0)

    def ahead(self, last):
        """What the camera sees at latent `last`, and when that is: there. It goes over from one drawn picture to the next, slowly, lest that shows, though
        what is carried back is sharper than what is carried on."""
        k = int(last // REACH)
        while len(self.pictures) < k + 2:
            self.pictures.append(self.draw(self.camera.carry(self.pictures[-1], self.move * REACH), self.pictures[0]))
        old, new = (self.camera.carry(self.pictures[j], self.move * (last - j * REACH)) for j in (k, k + 1))
        return torch.lerp(old, new, min(1, (last - k * REACH) / OVER)), last
