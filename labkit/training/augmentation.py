"""Flips and rotations of a whole batch at once, on the device; used by 03_training. Source: the study's
recipe.
"""

import math

import torch
from torch.nn import functional

__all__ = ["augment"]


def augment(images, *, settings, generator):
    """Mirror and rotate each radiograph by its own draw; what a rotation uncovers is black, as the cache's
    padding.

    images : (studies, views, rows, columns) float in [0, 1], of equal rows and columns; the same comes back.
    generator : torch.Generator on the CPU, so that the draws are the same on every device.
    """
    n = images.shape[0] * images.shape[1]
    flipped = torch.rand(n, generator=generator) < settings.flip_share
    angle = (torch.rand(n, generator=generator) * 2 - 1) * math.radians(settings.rotation_degrees)
    cosine, sine = torch.cos(angle), torch.sin(angle)
    mirror = torch.where(flipped, -1.0, 1.0)
    turned = torch.zeros(n, 2, 3)
    turned[:, 0, 0], turned[:, 0, 1] = mirror * cosine, -sine
    turned[:, 1, 0], turned[:, 1, 1] = mirror * sine, cosine
    flat = images.reshape(n, 1, *images.shape[2:])
    grid = functional.affine_grid(turned.to(images.device), list(flat.shape), align_corners=False)
    moved = functional.grid_sample(flat, grid.to(images.dtype), align_corners=False)
    return moved.reshape(images.shape)
