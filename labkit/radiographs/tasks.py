"""What a decoding process does with one file; every function returns a result with a reason where others
would raise.

No pandas and no torch here: a child process imports this module and should start in a fraction of a second.
"""

import hashlib
import os
from dataclasses import dataclass

import numpy as np
from PIL import Image

from labkit.errors import ImageError
from labkit.radiographs import collimation, grey
from labkit.radiographs.pixels import decode
from labkit.radiographs.rules import IndexRules

__all__ = ["Tile", "TileSettings", "decoded_hashes", "tile"]


@dataclass(frozen=True)
class TileSettings:
    """How a cached tile is made from an image; every field is part of the cache's address."""

    size_px: int
    window: int = 0
    crop: bool = False
    recipe: int = 1  # raise it when the same settings give other pixels


@dataclass(frozen=True)
class Tile:
    """One image at training size: `pixels` is size_px * size_px bytes, None with a reason or where the
    content is known already.

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


def tile(job: tuple[str, int], settings: TileSettings, rules: IndexRules, known: frozenset[tuple[str, int]]) -> Tile:
    """Decode (path, frame) to a square uint8 tile: aspect ratio kept, padded evenly with the median of its
    border."""
    path, frame = job
    try:
        data = _bytes_of(path)
    except OSError as error:
        return Tile(reason=f"the file cannot be opened ({error.strerror})", transient=True)
    sha256 = hashlib.sha256(data).hexdigest()
    if (sha256, frame) in known:
        return Tile(sha256)
    try:
        stored = decode(data, os.path.basename(path), rules=rules)
        raw = stored.plane(frame)
    except ImageError as error:
        return Tile(sha256, reason=str(error).removesuffix("."), transient=isinstance(error.__cause__, MemoryError))
    shown = np.rint(grey.table(raw, stored.grey, window=settings.window) * 255).astype(np.uint8)
    image = grey.apply(raw, shown)
    if settings.crop:
        image = collimation.crop(image)
    return Tile(sha256, _square(image, settings.size_px).tobytes(), "", *raw.shape)


def _bytes_of(path: str) -> bytes:
    with open(path, "rb", buffering=0) as file:
        return file.read()


def _square(image: np.ndarray, size: int) -> np.ndarray:
    """(rows, columns) uint8 to (size, size) uint8."""
    scale = size / max(image.shape)
    rows, columns = (max(1, round(n * scale)) for n in image.shape)
    # A box average by whole factors first, down to three times the size, then an antialiased triangle filter:
    # half the time.
    small = np.asarray(Image.fromarray(image).resize((columns, rows), Image.Resampling.BILINEAR, reducing_gap=3.0))
    border = np.concatenate((small[0], small[-1], small[:, 0], small[:, -1]))
    out = np.full((size, size), np.uint8(np.median(border)))
    top, left = (size - rows) // 2, (size - columns) // 2
    out[top : top + rows, left : left + columns] = small
    return out
