"""Images that look the same though their files differ: re-exports and re-sent copies, which leak between patients and
splits.

A fingerprint of 48 x 48 numbers: the tile's grey (its square root, so that windows matter less) without what is broader
than a fifth of the picture, compared by correlation. Radiographs of one region in one position resemble each other too
much for the usual hashes of 64 or 256 bits, whose bits in the even ground are noise besides. Used by 03_training.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from PIL import Image

from labkit.radiographs.aligned import aligned_pairs
from labkit.radiographs.cache import Cache

__all__ = ["copies_by_reach", "duplicates", "fingerprint", "near_duplicates"]

SIDE, COARSE, RADIUS, BLOCK = 48, 16, 4, 1024
# Pairs below this likeness of the coarse fingerprints are not compared further; copies lie well above it.
SCREEN = 0.8
REACH = ("within a study", "between studies of a patient", "between patients", "between splits")


def near_duplicates(cache: Cache, image_ids: Sequence[str], *, min_likeness: float = 0.95) -> pd.DataFrame:
    """Pairs of images whose fingerprints, or one's and the other's mirror image, correlate at least that much, and
    pairs that are alike once a crop and another window are undone (see `aligned`, which has its own limit).

    Returns
    -------
    image_id, other_id, likeness (to 1), mirrored (true, false); each pair once, in the order of `image_ids`.
    """
    ids = np.asarray(list(image_ids), dtype=object)
    found = [pd.DataFrame(columns=["image_id", "other_id", "likeness", "mirrored"])]
    if len(ids) < 2:
        return found[0]
    tiles = [cache.array[row] / np.float32(np.iinfo(cache.array.dtype).max) for row in cache.rows(ids)]
    prints = np.stack([fingerprint(tile) for tile in tiles])
    compared = [(False, prints)]
    for shift in (0, -1):  # where the padding is odd, a mirrored copy lies one pixel beside the mirrored tile
        compared.append((True, np.stack([fingerprint(np.roll(tile[:, ::-1], shift, axis=1)) for tile in tiles])))
    parts = [_places(*_alike(prints, others, min_likeness), flipped) for flipped, others in compared]
    # Mirrored copies are looked for at their own size alone: that takes a fifth of the time.
    mirrored = aligned_pairs(tiles, [tile[:, ::-1] for tile in tiles], sizes=(1.0,))
    for flipped, rows in ((False, aligned_pairs(tiles, tiles)), (True, mirrored)):
        parts.append(_places(*(np.array(column) for column in zip(*rows)), flipped) if rows else parts[0].iloc[:0])
    pairs = pd.concat(parts, ignore_index=True)
    pairs = pairs.sort_values(["a", "b", "likeness"], ascending=[True, True, False]).drop_duplicates(["a", "b"])
    pairs = pairs.assign(image_id=ids[pairs["a"]], other_id=ids[pairs["b"]])
    return pairs[list(found[0].columns)].reset_index(drop=True)


def duplicates(images: pd.DataFrame, cache: Cache, labels: pd.DataFrame, *, min_likeness: float = 0.95) -> pd.DataFrame:
    """Copies among the images of labelled studies, and how far apart they are.

    Parameters
    ----------
    images : IMAGES; of the usable ones with a tile. labels : LABELS (study_id, patient, split).

    Returns
    -------
    The pairs of `near_duplicates` with kind (same file, same picture, alike), reach (within a study, between studies
    of a patient, between patients, between splits: the widest) and study_id, other_study_id, split, other_split.
    An image that stands in for a missing view of its own study is no copy.
    """
    known = labels[["study_id", "patient", "split"]].drop_duplicates("study_id").set_index("study_id")
    used = images[(images["usable"] == "true") & images["study_id"].isin(known.index)]
    tiles = cache.images.set_index("image_id")
    used = used[used["image_id"].isin(tiles.index[tiles["position"] >= 0])]
    pairs = near_duplicates(cache, list(used["image_id"]), min_likeness=min_likeness)
    of_image = used.set_index("image_id")
    for column, side in (("study_id", "image_id"), ("other_study_id", "other_id")):
        pairs[column] = pairs[side].map(of_image["study_id"])
    for column, side in (("split", "study_id"), ("other_split", "other_study_id")):
        pairs[column] = pairs[side].map(known["split"])
    patients = [pairs[side].map(known["patient"]) for side in ("study_id", "other_study_id")]
    hashes = [pairs[side].map(tiles["file_sha256"]) for side in ("image_id", "other_id")]
    same_study = pairs["study_id"] == pairs["other_study_id"]
    reach = 1 * ~same_study + (patients[0] != patients[1]) + (pairs["split"] != pairs["other_split"])
    pairs["reach"] = [REACH[min(steps, 3)] for steps in reach]
    same_picture = _same_tiles(cache, pairs)
    pairs["kind"] = np.where(hashes[0] == hashes[1], "same file", np.where(same_picture, "same picture", "alike"))
    stand_in = same_study & (pairs["kind"] == "same file")
    columns = ["image_id", "other_id", "kind", "likeness", "mirrored", "reach"]
    columns += ["study_id", "other_study_id", "split", "other_split"]
    return pairs.loc[~stand_in, columns].reset_index(drop=True)


def copies_by_reach(pairs: pd.DataFrame) -> pd.DataFrame:
    """Pairs counted: one row per reach, one column per kind, zeros included."""
    counted = pd.crosstab(pairs["reach"], pairs["kind"])
    counted = counted.reindex(index=list(REACH), columns=["same file", "same picture", "alike"], fill_value=0)
    return counted.rename_axis(index="pairs of copies", columns=None)


def fingerprint(tile: np.ndarray) -> np.ndarray:
    """(48, 48) float32 of mean 0 and length 1, of a (size, size) tile of grey in [0, 1]; zeros of an even tile."""
    small = Image.fromarray(tile.astype(np.float32)).resize((SIDE, SIDE), Image.Resampling.BOX)
    grey = np.sqrt(np.asarray(small, dtype=np.float64))
    width = 2 * RADIUS + 1
    sums = np.pad(grey, RADIUS, mode="edge").cumsum(0).cumsum(1)
    sums = np.pad(sums, ((1, 0), (1, 0)))
    around = sums[width:, width:] - sums[:-width, width:] - sums[width:, :-width] + sums[:-width, :-width]
    return _normal((grey - around / width**2)[None])[0].astype(np.float32)


def _places(first: np.ndarray, second: np.ndarray, likeness: np.ndarray, mirrored: bool) -> pd.DataFrame:
    pairs = pd.DataFrame({"a": first, "b": second, "likeness": likeness.round(3)})
    return pairs.assign(mirrored="true" if mirrored else "false")


def _normal(prints: np.ndarray) -> np.ndarray:
    prints = prints - prints.mean(axis=(1, 2), keepdims=True)
    lengths = np.sqrt((prints**2).sum(axis=(1, 2), keepdims=True))
    return np.where(lengths > 1e-4, prints / np.maximum(lengths, 1e-4), 0)


def _alike(prints: np.ndarray, others: np.ndarray, min_likeness: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Places (first < second) and likeness of the pairs; a coarse comparison of all, then a fine one of a few."""
    n, step = len(prints), SIDE // COARSE
    coarse, coarse_others = (
        _normal(p.reshape(n, COARSE, step, COARSE, step).mean(axis=(2, 4))).reshape(n, -1) for p in (prints, others)
    )
    fine, fine_others = prints.reshape(n, -1), others.reshape(n, -1)
    first, second, likeness = [], [], []
    for start in range(0, n, BLOCK):
        screen = coarse[start : start + BLOCK] @ coarse_others[start:].T >= SCREEN
        a, b = np.nonzero(np.triu(screen, 1))
        for part in range(0, len(a), 20 * BLOCK):
            pair = slice(part, part + 20 * BLOCK)
            r = np.einsum("ij,ij->i", fine[start + a[pair]], fine_others[start + b[pair]])
            keep = r >= min_likeness
            first.append(start + a[pair][keep]), second.append(start + b[pair][keep]), likeness.append(r[keep])
    empty = np.zeros(0, int)
    return np.concatenate([empty, *first]), np.concatenate([empty, *second]), np.concatenate([np.zeros(0), *likeness])


def _same_tiles(cache: Cache, pairs: pd.DataFrame) -> np.ndarray:
    """Whether two tiles are equal, value by value."""
    rows = zip(cache.rows(pairs["image_id"]), cache.rows(pairs["other_id"])) if len(pairs) else ()
    return np.array([np.array_equal(cache.array[a], cache.array[b]) for a, b in rows], dtype=bool)
