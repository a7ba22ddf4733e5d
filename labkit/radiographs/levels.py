"""One image for a screen: its values on one scale of 65,536 levels, and tables from levels to grey for any window.

Used by `panel`. No pandas here: a decoding process imports this module.
"""

import os
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from labkit.errors import ImageError
from labkit.radiographs import grey, tasks
from labkit.radiographs.pixels import decode
from labkit.radiographs.rules import IndexRules

__all__ = ["PRESETS", "Levels", "LevelsJob", "decoded", "unreadable"]

# The window of the header (robust where it has none), all but the extreme half per cents of pixels, all values.
PRESETS = ("header", "robust", "full")
TOP = 65535


class LevelsJob(NamedTuple):
    """One image to decode: a file and a frame of it."""

    path: str
    frame: int = 0


@dataclass(frozen=True)
class Levels:
    """A decoded image, or the reason why there is none.

    `values`, (rows, columns) uint16, says where between `low` and `high` (in units of the header) a pixel lies; `small`
    is the same at the size of a screen. `windows` gives (centre, width) by preset in those units; `curve`, where the
    header has a VOI LUT, is that LUT by level in place of the header's window. `function` is the header's.
    """

    reason: str = ""
    values: np.ndarray | None = None
    small: np.ndarray | None = None
    low: float = 0.0
    high: float = 1.0
    windows: tuple[tuple[float, float], ...] = ()
    curve: np.ndarray | None = None
    function: str = "LINEAR_EXACT"
    inverted: bool = False

    def window(self, preset: str, centre: float, width: float) -> tuple[float, float]:
        """(centre, width) in units of the header; `centre` and `width` are parts of the preset's width, 0.5 and 1 are
        the preset itself."""
        middle, whole = self.windows[PRESETS.index(preset)]
        return middle + (centre - 0.5) * whole, width * whole

    def table(self, preset: str, *, centre: float = 0.5, width: float = 1.0, invert: bool = False) -> np.ndarray:
        """Grey, uint8, for each of the 65,536 levels."""
        if preset == "header" and self.curve is not None:
            shown = (self.curve - centre) / width + 0.5
        else:
            function = self.function if preset == "header" else "LINEAR_EXACT"
            units = np.linspace(self.low, self.high, TOP + 1)
            shown = grey.windowed(units, *self.window(preset, centre, width), function)
        shown = np.rint(np.clip(shown, 0, 1) * 255).astype(np.uint8)
        return 255 - shown if self.inverted != invert else shown


def unreadable(_job: LevelsJob, reason: str) -> Levels:
    """What stands for an image whose decoding process ended."""
    return Levels(reason)


def decoded(job: LevelsJob, *, rules: IndexRules, window: int | str, size_px: int) -> Levels:
    """Decode an image; `small` has at most `size_px` on its longer side; a reason where another would raise."""
    try:
        with open(job.path, "rb", buffering=0) as file:
            data = file.read()
        stored = decode(data, os.path.basename(job.path), rules=rules, any_kind=True)
        raw = stored.plane(job.frame)
    except OSError as error:
        return Levels(f"the file cannot be opened ({error.strerror})")
    except ImageError as error:
        return Levels(str(error).removesuffix("."))
    return _levels(raw, stored.grey, window, size_px)


def _levels(raw: np.ndarray, meaning: grey.Grey, window: int | str, size_px: int) -> Levels:
    units, is_padding = grey.rescaled(meaning)
    seen = np.bincount(raw.ravel(), minlength=len(units)) > 0
    inside = units[seen & ~is_padding]
    low, high = (float(inside.min()), float(inside.max())) if len(inside) else (0.0, 1.0)
    high = max(high, low + 1e-9)
    to_level = np.rint(np.clip((units - low) / (high - low), 0, 1) * TOP).astype(np.uint16)
    to_level[is_padding] = TOP if meaning.invert else 0  # black either way
    values = grey.apply(raw, to_level)
    start, end = grey.percentiles(raw, units, is_padding)
    robust = (start + end) / 2, max(end - start, 1e-9)
    full = (low + high) / 2, high - low
    header, curve = robust, None
    voi = grey.chosen(meaning, window)
    if isinstance(voi, grey.Lut):
        curve = voi(np.linspace(low, high, TOP + 1)).astype(np.float32)
        bottom, top = float(voi.values.min()), float(voi.values.max())
        curve, header = (curve - bottom) / max(top - bottom, 1.0), full
    elif voi:
        header = voi
    elif not meaning.stretch:
        top = 2**meaning.bits_stored - 1
        header = top / 2, float(top)
    function = meaning.function if voi else "LINEAR_EXACT"
    small = values if max(values.shape) <= size_px else tasks.fitted(values, size_px)
    return Levels("", values, small, low, high, (header, robust, full), curve, function, meaning.invert)
