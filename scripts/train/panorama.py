"""What a camera that pans or tilts comes to see: the picture that it starts from, drawn on as far as it goes. Without it the sides that
come in would be guessed a few pixels at a time, out of streaks of the last ones."""
import math

import torch


class Panorama:
    def __init__(self, picture, sketch, move, patch, draw):
        """picture [1, C, h, w], of latent 0; sketch [1, SKETCH, h, w], if it is known; move [3], along one axis alone; draw(z, axis, count, first)
        draws the side that z leaves open, and what is known anew at the border, by a position: [1, C and SKETCH, h, w]."""
        right, down, _ = move.tolist()
        self.axis, moved = (3, right / patch[2]) if right else (2, down / patch[1])
        self.wide, self.size, self.speed, self.first, self.draw = picture, picture.shape[self.axis], abs(moved), moved > 0, draw
        self.channels = picture.shape[1]
        if sketch is not None:
            self.wide = torch.cat([picture, sketch], 1)

    @staticmethod
    def of(move):
        """Whether the camera of `move` [3] pans or tilts."""
        return bool(move[2] == 0 and (move[0] != 0) != (move[1] != 0))

    def draw_on(self):
        """A quarter of the picture at once: the rest says how it goes on."""
        count, have = max(1, self.size // 4), self.wide.shape[self.axis]
        rest = self.size - count
        known = self.wide.narrow(self.axis, 0 if self.first else have - rest, rest)
        blank = torch.zeros_like(known.narrow(self.axis, 0, count))
        z = self.draw(torch.cat([blank, known] if self.first else [known, blank], self.axis), self.axis, count, self.first)[:, :self.wide.shape[1]]
        more, old = z.narrow(self.axis, 0 if self.first else rest - 1, count + 1), self.wide.narrow(self.axis, 1 if self.first else 0, have - 1)
        self.wide = torch.cat([more, old] if self.first else [old, more], self.axis)

    def ahead(self, last):
        """What the camera sees at latent `last` or a little later, when it has come on by whole positions, and when that is."""
        gone = math.ceil(self.speed * last)
        while self.wide.shape[self.axis] < self.size + gone:
            self.draw_on()
        start = self.wide.shape[self.axis] - self.size - gone if self.first else gone
        return self.wide[:, :self.channels].narrow(self.axis, start, self.size), gone / self.speed
