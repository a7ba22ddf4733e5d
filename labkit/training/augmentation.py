"""Flips, rotations and changes of grey of a whole batch at once, on the device; used by 03_training.

Recipe study (STUDY, "Image model"): mirrored left to right, rotated. Recipe strong adds zoom, shift, brightness,
contrast, gamma, and a blackened stretch of the border, where markers lie (each with a modest range: some common
augmentations hurt, arXiv 2311.06118; no vertical flips, no equalisation).
"""

import math
from dataclasses import dataclass, fields

import torch
from torch.nn import functional

from labkit.training import batches

__all__ = ["Draw", "augment", "draw"]

LONGEST_ERASED = 0.25  # of the side


@dataclass(frozen=True)
class Draw:
    """What happens to each of n images. geometry : (n, 2, 3) affine; further fields (n, ...) or None in recipe study.

    grey : (n, 3) brightness added, factor of contrast, exponent. erased : (n, 4) top, bottom, left, right in [0, 1].
    """

    geometry: torch.Tensor
    grey: torch.Tensor | None = None
    erased: torch.Tensor | None = None

    def of(self, positions):
        """The part of some images."""
        return self._each(lambda tensor: tensor[positions])

    def on(self, device):
        """The same on a device."""
        return self._each(lambda tensor: batches.moved(tensor, device))

    def _each(self, change):
        own = {f.name: getattr(self, f.name) for f in fields(self)}
        return Draw(**{name: None if tensor is None else change(tensor) for name, tensor in own.items()})


def draw(n, *, settings, generator):
    """Draw for n images, each on its own; generator : torch.Generator on the CPU, so that the draws are the same on
    every device.
    """
    flipped = torch.rand(n, generator=generator) < settings.flip_share
    angle = (torch.rand(n, generator=generator) * 2 - 1) * math.radians(settings.rotation_degrees)
    cosine, sine = torch.cos(angle), torch.sin(angle)
    mirror = torch.where(flipped, -1.0, 1.0)
    turned = torch.zeros(n, 2, 3)
    turned[:, 0, 0], turned[:, 0, 1] = mirror * cosine, -sine
    turned[:, 1, 0], turned[:, 1, 1] = mirror * sine, cosine
    if settings.recipe == "study":
        return Draw(turned)
    strong = settings.strong
    swing = torch.rand(n, 6, generator=generator) * 2 - 1  # (n, 6) in [-1, 1)
    turned[:, :, :2] /= (1 + strong.zoom * swing[:, 0])[:, None, None]
    turned[:, :, 2] = 2 * strong.shift * swing[:, 1:3]  # a side is 2 wide
    limits = torch.tensor([strong.brightness, strong.contrast, strong.gamma])
    grey = swing[:, 3:] * limits + torch.tensor([0.0, 1.0, 1.0])
    return Draw(turned, grey, _borders(n, strong.erased_share, generator))


def _borders(n, share, generator):
    """(n, 4) of a rectangle at a random place of the border, empty where nothing is erased."""
    place, height, width, along, chosen = torch.rand(5, n, generator=generator)
    height, width = height * LONGEST_ERASED, width * LONGEST_ERASED
    side = (place * 4).long()  # top, bottom, left, right
    top = torch.where(side == 0, 0.0, torch.where(side == 1, 1 - height, along * (1 - height)))
    left = torch.where(side == 2, 0.0, torch.where(side == 3, 1 - width, along * (1 - width)))
    rectangle = torch.stack([top, top + height, left, left + width], dim=1)
    return torch.where((chosen < share)[:, None], rectangle, torch.zeros(n, 4))


def augment(images, drawn):
    """Change each radiograph as drawn; what a rotation uncovers is black, as the cache's padding.

    images : (studies, slots, rows, columns) float in [0, 1], of equal rows and columns; the same comes back.
    drawn : `Draw` of studies x slots images, in that order.
    """
    flat = images.reshape(-1, 1, *images.shape[2:])
    grid = functional.affine_grid(drawn.geometry.to(images.device), list(flat.shape), align_corners=False)
    moved = functional.grid_sample(flat, grid.to(images.dtype), align_corners=False)
    if drawn.grey is not None:
        moved = _recoloured(moved, drawn.grey.to(images.device))
    if drawn.erased is not None:
        moved = moved * ~_covered(moved, drawn.erased.to(images.device))
    return moved.reshape(images.shape)


def _recoloured(images, grey):
    """Brightness, contrast about the mean of the image, and gamma."""
    brightness, contrast, gamma = (column.view(-1, 1, 1, 1) for column in grey.T)
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    return ((images - mean) * contrast + mean + brightness).clamp(0, 1) ** gamma


def _covered(images, erased):
    """(images, 1, rows, columns) bool: the rectangle that each image loses."""
    steps = (torch.arange(images.shape[-1], device=images.device) + 0.5) / images.shape[-1]
    top, bottom, left, right = (column[:, None] for column in erased.T)
    down = (steps >= top) & (steps < bottom)  # (images, rows)
    across = (steps >= left) & (steps < right)
    return (down[:, :, None] & across[:, None, :])[:, None]
