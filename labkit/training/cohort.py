"""Studies as rows of the image cache: what training and prediction read; used by 03_training.

LABELS, IMAGES and a cache of radiographs go in. Of LABELS the split, the site and, for validation alone, the
reference are kept: a test label cannot reach the training.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from labkit import splits
from labkit.errors import ParamsError, TrainingError
from labkit.templates import LabelValue

__all__ = ["Cohort", "assemble"]

REFERENCE = {str(LabelValue.TRUE): 1.0, str(LabelValue.FALSE): 0.0, str(LabelValue.UNCERTAIN): np.nan}


@dataclass(frozen=True)
class Cohort:
    """Studies with all their views.

    studies : DataFrame study_id, split, site, sorted by study_id. rows : (studies, views) positions in
        `pixels`.
    pixels : (images, size, size) uint8, a memory-mapped cache. validation : DataFrame study_id x finding of
        0, 1 and NaN = reference uncertain. left_out : DataFrame study_id, reason.
    """

    studies: pd.DataFrame
    rows: np.ndarray
    pixels: np.ndarray
    views: tuple[str, ...]
    validation: pd.DataFrame
    left_out: pd.DataFrame

    def positions(self, *split_names):
        """Positions of the studies of these splits, in the order of study_id."""
        return np.flatnonzero(self.studies["split"].isin(split_names))

    def batch(self, positions):
        """(len(positions), views, size, size) uint8, copied out of the cache."""
        return np.asarray(self.pixels[self.rows[positions]])


def assemble(labels, images, cache, *, views, missing_view="drop"):
    """Find the radiographs of each labelled study.

    Parameters
    ----------
    labels : LABELS table (study_id, patient, site, split, finding, reference).
    images : IMAGES table; rows that are not usable are passed over; of several images of a view the first by
        image_id counts.
    cache : radiographs.Cache; an image that it could not decode is not usable.
    views : names of the views in the order of the network's trunks.
    missing_view : "drop" leaves a study without one of its views out, "duplicate" repeats the view that it
        has.

    Raises
    ------
    TableError : a patient in two splits. TrainingError : no study is left in train or validation.
    """
    if missing_view not in ("drop", "duplicate"):
        raise ParamsError(f"missing_view '{missing_view}' is not known; allowed are drop and duplicate.")
    splits.check_disjoint(labels, name="labels")
    studies = labels[["study_id", "split", "site"]].drop_duplicates().sort_values("study_id", ignore_index=True)
    decoded = cache.images.loc[cache.images["usable"] == "true", "image_id"]
    usable = images[(images["usable"] == "true") & images["view"].isin(views)].sort_values("image_id")
    usable = usable[usable["image_id"].isin(decoded)]
    usable = usable.drop_duplicates(["study_id", "view"])
    usable = usable.assign(row=np.asarray(cache.rows(list(usable["image_id"])), dtype=np.int64))
    rows = usable.pivot(index="study_id", columns="view", values="row")
    rows = rows.reindex(index=studies["study_id"], columns=list(views)).astype(float)
    if missing_view == "duplicate":
        rows = rows.bfill(axis=1).ffill(axis=1)
    missing = rows.isna()
    complete = ~missing.any(axis=1).to_numpy()
    left_out = pd.DataFrame(
        {
            "study_id": rows.index[~complete],
            "reason": [_reason(gone, views) for gone in missing.to_numpy()[~complete]],
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
        rows=rows.to_numpy()[complete].astype(np.int64),
        pixels=cache.array,
        views=tuple(views),
        validation=_validation(labels, studies),
        left_out=left_out,
    )


def _validation(labels, studies):
    chosen = studies.loc[studies["split"] == "validation", "study_id"]
    known = labels[labels["study_id"].isin(chosen)]
    table = known.pivot(index="study_id", columns="finding", values="reference")
    return table.apply(lambda column: column.map(REFERENCE)).astype(float).sort_index()


def _reason(gone, views):
    names = [view for view, is_gone in zip(views, gone, strict=True) if is_gone]
    return "no usable radiograph" if len(names) == len(views) else f"no usable view {' and '.join(names)}"
