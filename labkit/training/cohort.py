"""Studies as rows of the image cache: what training and prediction read; used by 03_training.

LABELS, IMAGES and a cache of radiographs go in. Of LABELS the split, the site and, for validation alone, the
reference are kept: a test label cannot reach the training.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from labkit import splits
from labkit.errors import ParamsError, TrainingError
from labkit.templates import LabelValue

__all__ = ["MISSING", "Cohort", "assemble", "place"]

REFERENCE = {str(LabelValue.TRUE): 1.0, str(LabelValue.FALSE): 0.0, str(LabelValue.UNCERTAIN): np.nan}
MISSING = -1  # the row of an image that a study does not have


@dataclass(frozen=True)
class Cohort:
    """Studies with all their views.

    studies : DataFrame study_id, split, site, sorted by study_id. rows : (studies, slots) positions in
        `pixels`, -1 = missing. slots : per column of `rows` the number of its view.
    pixels : (images, size, size) uint8 or uint16, a memory-mapped cache. validation : DataFrame study_id x finding
        of 0, 1 and NaN = reference uncertain. left_out : DataFrame study_id, reason. masked : images may be missing.
    prepared : how the cache's tiles were made.
    """

    studies: pd.DataFrame
    rows: np.ndarray
    pixels: np.ndarray
    views: tuple[str, ...]
    validation: pd.DataFrame
    left_out: pd.DataFrame
    slots: tuple[int, ...]
    masked: bool = False
    prepared: dict = field(default_factory=dict)

    def positions(self, *split_names):
        """Positions of the studies of these splits, in the order of study_id."""
        return np.flatnonzero(self.studies["split"].isin(split_names))

    def batch(self, positions):
        """(len(positions), slots, size, size) of the cache's type, copied out of it; 0 where an image is missing."""
        rows = self.rows[positions]
        found = np.take(np.asarray(self.pixels), rows, axis=0)  # lets other threads work meanwhile, unlike pixels[rows]
        if self.masked:
            found[rows == MISSING] = 0
        return found

    def present(self, positions):
        """(len(positions), slots) bool, None where nothing can be missing."""
        return self.rows[positions] != MISSING if self.masked else None


def assemble(labels, images, cache, *, views, missing_view="drop", several_images="first"):
    """Find the radiographs of each labelled study.

    Parameters
    ----------
    labels : LABELS table (study_id, patient, site, split, finding, reference).
    images : IMAGES table; rows that are not usable are passed over.
    cache : radiographs.Cache; an image that it could not decode is not usable.
    views : names of the views in the order of the network's trunks.
    missing_view : "drop" leaves a study without one of its views out, "duplicate" repeats the view that it
        has, "mask" keeps the gap for a network that learns what to make of it.
    several_images : of several usable images of a view the "first" by image_id, or "all" (for pooling).

    Raises
    ------
    TableError : a patient in two splits. TrainingError : no study is left in train or validation.
    """
    for name, value, known in (
        ("missing_view", missing_view, ("drop", "duplicate", "mask")),
        ("several_images", several_images, ("first", "all")),
    ):
        if value not in known:
            raise ParamsError(f"{name} '{value}' is not known; allowed are {', '.join(known)}.")
    splits.check_disjoint(labels, name="labels")
    studies = labels[["study_id", "split", "site"]].drop_duplicates().sort_values("study_id", ignore_index=True)
    rows, slots = place(studies["study_id"], images, cache, views=views, several_images=several_images)
    if missing_view == "duplicate":
        rows = _stood_in(rows, len(views))
    absent = np.stack([(rows[:, np.array(slots) == view] == MISSING).all(axis=1) for view in range(len(views))], axis=1)
    complete = ~absent.all(axis=1) if missing_view == "mask" else ~absent.any(axis=1)
    left_out = pd.DataFrame(
        {
            "study_id": studies["study_id"].to_numpy()[~complete],
            "reason": [_reason(gone, views) for gone in absent[~complete]],
        }
    )
    studies = studies[complete].reset_index(drop=True)
    for split in ("train", "validation"):
        if not (studies["split"] == split).any():
            raise TrainingError(
                f"No study with usable radiographs is in {split}; {len(left_out)} studies were left out."
            )
    return Cohort(
        studies=studies,
        rows=rows[complete],
        pixels=cache.array,
        views=tuple(views),
        validation=_validation(labels, studies),
        left_out=left_out,
        slots=slots,
        masked=missing_view == "mask" or len(slots) > len(views),
        prepared=_prepared(cache),
    )


def place(study_ids, images, cache, *, views, several_images="first"):
    """Rows in the cache of the images of some studies, (studies, slots) with -1 = missing, and the view of each slot:
    the first image of every view, then their second ones, and so on.
    """
    decoded = cache.images.loc[cache.images["usable"] == "true", "image_id"]
    usable = images[(images["usable"] == "true") & images["view"].isin(views)].sort_values("image_id")
    usable = usable[usable["image_id"].isin(decoded) & usable["study_id"].isin(study_ids)]
    number = usable.groupby(["study_id", "view"]).cumcount().to_numpy()
    if several_images == "first":
        usable, number = usable[number == 0], number[number == 0]
    order = {view: n for n, view in enumerate(views)}
    view = usable["view"].map(order).to_numpy(dtype=np.int64)
    places = [(0, n) for n in range(len(views))] + sorted(set(zip(number, view)) - {(0, n) for n in range(len(views))})
    column = {slot: n for n, slot in enumerate(places)}
    rows = np.full((len(study_ids), len(places)), MISSING, dtype=np.int64)
    study = pd.Index(study_ids).get_indexer(usable["study_id"])
    found = np.asarray(cache.rows(list(usable["image_id"])), dtype=np.int64)
    rows[study, [column[slot] for slot in zip(number, view)]] = found
    return rows, tuple(int(view) for _, view in places)


def _stood_in(rows, n_views):
    """The first image of each view, where missing that of the next view, else of the one before."""
    first = pd.DataFrame(rows[:, :n_views]).astype(float).replace(float(MISSING), np.nan)
    filled = first.bfill(axis=1).ffill(axis=1).fillna(MISSING).to_numpy(np.int64)
    return np.concatenate([filled, rows[:, n_views:]], axis=1)


def _prepared(cache):
    """How the tiles were made, as the store says; {} for a cache that has no such record."""
    record = Path(cache.tiles_path).with_name("settings.json")
    return json.loads(record.read_text(encoding="utf-8")) if record.is_file() else {"size_px": cache.size_px}


def _validation(labels, studies):
    chosen = studies.loc[studies["split"] == "validation", "study_id"]
    known = labels[labels["study_id"].isin(chosen)]
    table = known.pivot(index="study_id", columns="finding", values="reference")
    return table.apply(lambda column: column.map(REFERENCE)).astype(float).sort_index()


def _reason(gone, views):
    names = [view for view, is_gone in zip(views, gone, strict=True) if is_gone]
    return "no usable radiograph" if len(names) == len(views) else f"no usable view {' and '.join(names)}"
