"""How good a picture is, by its pixels: what decides between several images of one view where the best is asked
for.

    merit = sharpness x (1 - saturated) x (1 - empty)

    sharpness   what a 3 x 3 average takes away, as a share of the spread of greys: motion and blur lower it
    saturated   share of the collimated field that is quite black or quite white: wrong exposure or window
    empty       share of the picture outside the collimated field

Looked at 512 pixels, windowed as it is shown. Noise counts as sharpness, so the merit compares takes of one view in one
study and says nothing across machines. Source of the field: Otsu N (1979), see `collimation`. No pandas here:
a decoding process imports this module.
"""

from math import log

import numpy as np

from labkit.radiographs import collimation, tasks
from labkit.radiographs.rules import IndexRules

__all__ = ["merit_of", "merit_of_file", "steps"]

SIDE = 512
STEP = 1.1  # merits that differ by less than a tenth count as equal


def merit_of(image: np.ndarray) -> float:
    """The merit of a (rows, columns) uint8 image, in [0, 1]; 0 of an even one."""
    top, bottom, left, right = collimation.field(image)
    field = image[top:bottom, left:right].astype(np.float32)
    if min(field.shape) < 3 or field.std() == 0:
        return 0.0
    rows, columns = (n - 2 for n in field.shape)
    around = sum(field[i : i + rows, j : j + columns] for i in range(3) for j in range(3)) / 9
    sharpness = float((field[1:-1, 1:-1] - around).std() / field.std())
    saturated = float(((field == 0) | (field == 255)).mean())
    return min(1.0, sharpness) * (1 - saturated) * field.size / image.size


def steps(merit: str) -> int:
    """A merit as a whole number, so that what differs by less than a tenth is equal; a large negative one of ""."""
    value = float(merit or 0)
    return round(log(value) / log(STEP)) if value > 1e-6 else -1000


def merit_of_file(path: str, rules: IndexRules) -> str:
    """The merit of a file as text, "" where it does not decode."""
    picture = tasks.shown(path, rules=rules, size_px=SIDE)
    return "" if picture is None else f"{merit_of(picture):.5f}"
