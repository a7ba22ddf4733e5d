"""Images that look the same though their bytes differ: re-exports and re-sent copies, which leak between
patients and splits.

A difference hash (is each cell brighter than its right neighbour) of 256 bits; radiographs of one region
resemble each other too much for the usual 64. Blind to brightness and contrast, and to compression and small
noise.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from PIL import Image

from labkit.radiographs.cache import Cache

__all__ = ["near_duplicates"]

CELLS = 16
BLOCK = 128


def near_duplicates(cache: Cache, image_ids: Sequence[str], *, max_distance: int = 8) -> pd.DataFrame:
    """Pairs of images whose hashes differ in at most `max_distance` of 256 bits.

    Returns
    -------
    image_id, other_id, distance; each pair once, in the order of `image_ids`. Images that share one tile have
    distance 0.
    """
    ids = np.asarray(list(image_ids), dtype=object)
    hashes = np.stack([_hash(cache.array[row]) for row in cache.rows(ids)]) if len(ids) else np.zeros((0, 4), np.uint64)
    pairs = []
    for start in range(0, len(ids), BLOCK):
        block = hashes[start : start + BLOCK]
        distance = np.bitwise_count(block[:, None] ^ hashes[None, start:]).sum(axis=2)  # (block, rest)
        first, second = np.nonzero(distance <= max_distance)
        later = second > first
        pairs += zip(
            ids[start + first[later]], ids[start + second[later]], distance[first[later], second[later]].tolist()
        )
    return pd.DataFrame(pairs, columns=["image_id", "other_id", "distance"])


def _hash(tile: np.ndarray) -> np.ndarray:
    """(4,) uint64 of a (size, size) uint8 tile."""
    cells = np.asarray(Image.fromarray(tile).resize((CELLS + 1, CELLS), Image.Resampling.BOX), dtype=np.int16)
    return np.packbits(cells[:, 1:] > cells[:, :-1]).view(np.uint64)
