"""Likeness of two radiographs through another crop, another window or a gamma: the directions in which grey rises.

A monotone change of grey keeps every direction, a crop moves and enlarges them. So directions (96 x 96, weak ones count
less) are compared over every shift at once, by Fourier transforms, and over a few sizes; only where both pictures have
any. Source: Fitch AJ et al. (2002), Orientation correlation, BMVC. Used by `near`.
"""

from collections import OrderedDict
from functools import cached_property

import numpy as np
from PIL import Image
from scipy import fft

__all__ = ["MIN_ALIGNED", "aligned_pairs", "directions"]

SIDE, COARSE, PERIOD = 96, 16, 128
SIZES, FINER = (1.0, 0.9, 0.95, 1.05, 1.11), (0.97, 1.03, 0.985, 1.015)
MIN_ALIGNED = 0.7  # copies with a twentieth cut off reach it, pictures of different patients do not
# Each image is compared with those whose coarse directions are most like its own, if at least so much; and at other
# sizes where its own size gives a first hint.
NEIGHBOURS, SCREEN, HINT = 4, 0.5, 0.4
SHARED = 0.35  # share of the directions of either picture that the other must have, too
KEPT = 400  # spectra in memory, 0.4 MB each


def directions(tile: np.ndarray) -> np.ndarray:
    """(96, 96) complex64 of a (size, size) tile of grey in [0, 1]: where grey rises to, below 1; 0 where even."""
    small = np.asarray(Image.fromarray(tile.astype(np.float32)).resize((SIDE, SIDE), Image.Resampling.BOX))
    rise = np.zeros((SIDE, SIDE), np.complex64)
    rise[1:-1] += 1j * (small[2:] - small[:-2])
    rise[:, 1:-1] += small[:, 2:] - small[:, :-2]
    length = np.abs(rise)
    seen = length > 1 / 255
    usual = np.median(length[seen]) if seen.any() else 1
    return np.where(seen, rise / (length + usual), 0).astype(np.complex64)


def aligned_pairs(
    tiles: list[np.ndarray], others: list[np.ndarray], *, sizes: tuple[float, ...] = SIZES
) -> list[tuple[int, int, float]]:
    """Places first < second and likeness (at least `MIN_ALIGNED`, to 1) of tiles that are like one of `others`.

    tiles, others : (size, size) of grey in [0, 1]; `others` are the same tiles, or their mirror images. sizes : which
    enlargements of a tile are tried.
    """
    if len(tiles) < 2:
        return []
    own = np.stack([_coarse(directions(tile)) for tile in tiles])
    theirs = np.stack([_shifted(directions(tile)) for tile in others], axis=1)
    spectra: OrderedDict[int, _Spectra] = OrderedDict()
    found = {}
    for first, tile in enumerate(tiles):
        screen = (theirs @ own[first]).max(axis=0)
        screen[first] = -1
        sized: dict[float, _Spectra] = {}
        for other in (int(n) for n in np.argsort(-screen)[:NEIGHBOURS] if screen[n] >= SCREEN):
            if other not in spectra:
                spectra[other] = _Spectra(others[other])
                if len(spectra) > KEPT:
                    spectra.popitem(last=False)
            likeness = _likeness_at_sizes(tile, spectra[other], sized, sizes)
            pair = (min(first, other), max(first, other))
            if likeness >= MIN_ALIGNED:
                found[pair] = max(likeness, found.get(pair, 0))
    return [(*pair, min(likeness, 1.0)) for pair, likeness in sorted(found.items())]


class _Spectra:
    """Spectra of a tile's directions and, once asked for, of their squared lengths and of where there are any."""

    def __init__(self, tile: np.ndarray):
        field = directions(tile)
        self.squared = (np.abs(field) ** 2).astype(np.float32)
        self.total = float(self.squared.sum())
        self.field = fft.fft2(field, (PERIOD, PERIOD))

    @cached_property
    def shares(self) -> np.ndarray:
        return fft.fft2(np.stack([self.squared, self.squared > 0]).astype(np.complex64), (PERIOD, PERIOD))


def _shifted(field: np.ndarray) -> np.ndarray:
    """(9, 512) float32: coarse directions of the field and of it moved by half a block to every side."""
    moves = (-SIDE // COARSE // 2, 0, SIDE // COARSE // 2)
    return np.stack([_coarse(np.roll(field, (down, right), (0, 1))) for down in moves for right in moves])


def _coarse(field: np.ndarray) -> np.ndarray:
    """(512,) float32 of length 1: directions averaged over blocks."""
    step = SIDE // COARSE
    small = field.reshape(COARSE, step, COARSE, step).mean(axis=(1, 3)).ravel()
    both = np.concatenate([small.real, small.imag])
    return both / max(float(np.linalg.norm(both)), 1e-6)


def _likeness_at_sizes(
    tile: np.ndarray, other: _Spectra, sized: dict[float, _Spectra], sizes: tuple[float, ...] = SIZES
) -> float:
    """The best likeness over sizes; `sized` keeps the tile's spectra between calls."""

    def at(size: float) -> _Spectra:
        if size not in sized:
            sized[size] = _Spectra(_resized(tile, size))
        return sized[size]

    hints = {size: _hint(at(size), other) for size in sizes}
    size = max(hints, key=hints.get)
    if hints[size] < HINT:
        return 0.0
    best = _likeness(at(size), other)
    for factor in FINER if HINT < best < 0.98 else ():
        best = max(best, _likeness(at(round(size * factor, 4)), other))
    return best


def _resized(tile: np.ndarray, factor: float) -> np.ndarray:
    """The tile smaller in a frame of its median, or the middle of the larger one."""
    if factor == 1:
        return tile
    n = len(tile)
    side = round(n * factor)
    image = Image.fromarray(tile.astype(np.float32)).resize((side, side), Image.Resampling.BILINEAR)
    start = abs(side - n) // 2
    if side > n:
        return np.asarray(image)[start : start + n, start : start + n]
    out = np.full((n, n), np.median(tile), np.float32)
    out[start : start + side, start : start + side] = np.asarray(image)
    return out


def _hint(one: _Spectra, other: _Spectra) -> float:
    """Correlation at the best shift over the whole pictures: a third of the work, and lower where one shows less."""
    together = fft.ifft2(one.field * other.field.conj()).real
    return float(together.max()) / max((one.total * other.total) ** 0.5, 1e-6)


def _likeness(one: _Spectra, other: _Spectra) -> float:
    """Correlation of directions at the best shift, over what both pictures show."""
    (mine, seen), (its, its_seen) = one.shares, other.shares
    products = np.stack([one.field * other.field.conj(), mine * its_seen.conj(), seen * its.conj()])
    together, mine, its = fft.ifft2(products).real
    enough = (mine > SHARED * one.total) & (its > SHARED * other.total)
    return float(np.where(enough, together / np.sqrt(np.maximum(mine * its, 1e-6)), 0).max())
