"""What a decoding process does with one file; every function returns a result with a reason where others
would raise.

No pandas and no torch here: a child process imports this module and should start in a fraction of a second.
"""

import hashlib
import os
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from PIL import Image

from labkit.errors import ImageError
from labkit.radiographs import collimation, grey
from labkit.radiographs.pixels import decode
from labkit.radiographs.rules import IndexRules

__all__ = ["Tile", "TileJob", "TileSettings", "decoded_hashes", "fitted", "shown", "tile"]


@dataclass(frozen=True)
class TileSettings:
    """How a cached tile is made from an image; every field is part of the cache's address."""

    size_px: int
    window: int | str = 0
    crop: bool = False
    bits: int = 8
    recipe: int = 2  # raise it when the same settings give other pixels

    @property
    def dtype(self) -> np.dtype:
        """uint8 or little-endian uint16, as the tiles lie in the store."""
        return np.dtype("u1" if self.bits == 8 else "<u2")


class TileJob(NamedTuple):
    """One image to prepare: a file, a frame of it, and whether it is mirrored left to right."""

    path: str
    frame: int = 0
    mirrored: bool = False


@dataclass(frozen=True)
class Tile:
    """One image at training size: `pixels` are size_px * size_px values, None with a reason or where the content is
    known already.

    `rows` and `columns` are those of the frame as stored; `transient` marks a failure that may not repeat.
    """

    sha256: str = ""
    pixels: bytes | None = None
    reason: str = ""
    rows: int = 0
    columns: int = 0
    transient: bool = False


def decoded_hashes(path: str, folder: str, rules: IndexRules) -> tuple[str, str, str]:
    """(file_sha256, pixel_sha256, reason) of one file of a folder."""
    try:
        data = _bytes_of(os.path.join(folder, path))
    except OSError as error:
        return "", "", f"the file cannot be opened ({error.strerror})"
    file_sha256 = hashlib.sha256(data).hexdigest()
    try:
        return file_sha256, decode(data, path, rules=rules, any_kind=True).sha256, ""
    except ImageError as error:
        return file_sha256, "", str(error).removesuffix(".")


def tile(job: TileJob, settings: TileSettings, rules: IndexRules, known: frozenset) -> Tile:
    """Decode an image to a square tile: aspect ratio kept, padded evenly with the median of its border.

    `known` holds (file hash, frame, mirrored) of what is there already. What the rules say of the kind of an image is
    not asked again: the index has judged it.
    """
    try:
        data = _bytes_of(job.path)
    except OSError as error:
        return Tile(reason=f"the file cannot be opened ({error.strerror})", transient=True)
    sha256 = hashlib.sha256(data).hexdigest()
    if (sha256, job.frame, job.mirrored) in known:
        return Tile(sha256)
    try:
        stored = decode(data, os.path.basename(job.path), rules=rules, any_kind=True)
        raw = stored.plane(job.frame)
    except ImageError as error:
        return Tile(sha256, reason=str(error).removesuffix("."), transient=isinstance(error.__cause__, MemoryError))
    peak = np.iinfo(settings.dtype).max
    shown = np.rint(grey.table(raw, stored.grey, window=settings.window) * peak).astype(settings.dtype)
    image = grey.apply(raw, shown)
    if settings.crop:
        image = collimation.crop(image)
    small = _square(image, settings.size_px)
    return Tile(sha256, (small[:, ::-1] if job.mirrored else small).tobytes(), "", *raw.shape)


def shown(path: str, *, rules: IndexRules, size_px: int, frame: int = 0, window: int | str = 0) -> np.ndarray | None:
    """One image as it is meant to be seen, uint8, its longer side at most `size_px`; None where it does not decode."""
    try:
        stored = decode(_bytes_of(path), os.path.basename(path), rules=rules, any_kind=True)
        raw = stored.plane(frame)
    except (OSError, ImageError):
        return None
    lut = np.rint(grey.table(raw, stored.grey, window=window) * 255).astype(np.uint8)
    image = grey.apply(raw, lut)
    return image if max(image.shape) <= size_px else fitted(image, size_px)


def _bytes_of(path: str) -> bytes:
    with open(path, "rb", buffering=0) as file:
        return file.read()


def _square(image: np.ndarray, size: int) -> np.ndarray:
    """(rows, columns) uint8 or uint16 to (size, size) of the same type."""
    small = fitted(image, size)
    rows, columns = small.shape
    border = np.concatenate((small[0], small[-1], small[:, 0], small[:, -1]))
    out = np.full((size, size), np.median(border).astype(image.dtype))
    top, left = (size - rows) // 2, (size - columns) // 2
    out[top : top + rows, left : left + columns] = small
    return out


def fitted(image: np.ndarray, size: int) -> np.ndarray:
    """(rows, columns) uint8 or uint16 at a longer side of `size`, enlarged where it is smaller."""
    scale = size / max(image.shape)
    rows, columns = (max(1, round(n * scale)) for n in image.shape)
    # A box average by whole factors first, down to three times the size, then an antialiased triangle filter: half the
    # time. Pillow offers it for 8 bits alone.
    gap = 3.0 if image.dtype == np.uint8 else None
    return np.asarray(Image.fromarray(image).resize((columns, rows), Image.Resampling.BILINEAR, reducing_gap=gap))
