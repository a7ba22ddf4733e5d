"""One radiograph small enough for a page, with what may be writing masked; work of a decoding process.

Nothing goes on a page before it has come through here: a file whose header tells of burnt-in text that is not found, a
colour picture (often a screenshot) and what does not decode are held back with a reason.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from labkit.errors import ImageError
from labkit.radiographs import collimation, grey, tasks, writing
from labkit.radiographs.pixels import decode
from labkit.radiographs.rules import IndexRules, Preparation

__all__ = ["UNDECODED", "Thumbnail", "ThumbnailJob", "thumbnail"]

# Letters are looked for at this size; in a thumbnail a fifth as large, what was too small for that cannot be read.
SEARCHED_PX = 800
UNDECODED = "held back: does not decode"


@dataclass(frozen=True)
class ThumbnailJob:
    """A file, the frame of it, and what its row says of side and burnt-in text."""

    path: str
    frame: int = 0
    laterality: str = ""
    burned_in: str = ""


@dataclass(frozen=True)
class Thumbnail:
    """(rows, columns) uint8, or None with a reason short enough for a caption; `lines` of writing were found."""

    picture: np.ndarray | None = None
    lines: int = 0
    reason: str = ""


def thumbnail(job: ThumbnailJob, *, size_px: int, preparation: Preparation, rules: IndexRules) -> Thumbnail:
    """Decode, window, mask, and make small: the longer side is at most `size_px`."""
    try:
        data = Path(job.path).read_bytes()
        stored = decode(data, os.path.basename(job.path), rules=rules, any_kind=True)
        if stored.values.ndim > 2 and stored.values.shape[-1] == 3:
            return Thumbnail(reason="held back: a colour picture")
        raw = stored.plane(job.frame)
    except (OSError, ImageError):
        return Thumbnail(reason=UNDECODED)
    lut = np.rint(grey.table(raw, stored.grey, window=preparation.window) * 255).astype(np.uint8)
    picture = grey.apply(raw, lut)
    picture = tasks.fitted(picture, SEARCHED_PX) if max(picture.shape) > SEARCHED_PX else picture
    lines = writing.find(picture)
    if job.burned_in == "yes" and not lines:
        return Thumbnail(reason="held back: text says its header")
    holds_back = preparation.burnt_in_text == "hold_back"
    if holds_back and (lines or job.burned_in == "yes" or writing.find(picture, doubtful=True)):
        return Thumbnail(lines=len(lines), reason="held back: may hold text")
    picture = writing.mask(picture, lines)
    if preparation.crop:
        picture = collimation.crop(picture)
    if job.laterality == {"left": "R", "right": "L"}.get(preparation.mirror_to):
        picture = picture[:, ::-1]
    return Thumbnail(tasks.fitted(np.ascontiguousarray(picture), size_px), len(lines))
