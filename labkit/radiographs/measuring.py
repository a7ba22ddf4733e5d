"""What image analysis can tell of a view where no header does: the shape of the field and of what lies in it.

    aspect      rows / columns of the collimated field
    coverage    share of the field that is brighter than its ground
    elongation  length / width of that part, by the second moments of its outline: a straight limb is long, a bent
                elbow compact

The params' view rules set the limits. Source of the threshold: Otsu N (1979), see `collimation`.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from labkit.radiographs import collimation, isolation, tasks
from labkit.radiographs.merit import merit_of_file
from labkit.radiographs.rules import MEASURES, IndexRules, ViewRule
from labkit.radiographs.viewing import name_views

__all__ = ["measure", "measures_of"]

SIDE = 256


def measure(
    images: pd.DataFrame,
    folder: str | Path,
    *,
    view_rules: Sequence[ViewRule],
    rules: IndexRules,
    several_images: str = "newest",
    workers: int = 1,
) -> pd.DataFrame:
    """An index with the columns of `MEASURES`, filled where a view rule asks for one and no header gave a view, and
    with the merit of images that compete for one view, where the best is asked for.

    Parameters
    ----------
    images : an index of `folder`, see `radiographs.index`.
    view_rules : all rules; without a measure among them, and without "best", nothing is decoded.
    several_images : as in `link`; "best" measures the merit, see `merit`.
    rules : limits while decoding; workers : decoding processes.

    Returns
    -------
    A copy; measures are numbers as text, "" where not asked for or where an image does not decode.
    """
    measured = images.assign(**dict.fromkeys((*MEASURES, "merit"), ""))
    if any(rule.is_measure for rule in view_rules):
        _fill_measures(measured, folder, view_rules, rules, workers)
    if several_images == "best":
        views = name_views(measured, views=(), view_rules=view_rules)["view"]
        measured["merit"] = _merits(measured, views, folder, rules, workers)
    return measured


def _fill_measures(
    images: pd.DataFrame, folder: str | Path, view_rules: Sequence[ViewRule], rules: IndexRules, workers: int
) -> None:
    told = name_views(images, views=(), view_rules=[rule for rule in view_rules if not rule.is_measure])
    unknown = images.index[(images["usable"] == "true") & (told["view"] == "")]
    found = isolation.each(
        partial(tasks.shown, rules=rules, size_px=SIDE),
        [str(Path(folder) / path) for path in images.loc[unknown, "path"]],
        failed=lambda path, reason: None,
        workers=workers,
        timeout_s=rules.timeout_s,
    )
    for row, picture in zip(unknown, found):
        if picture is not None:
            images.loc[row, list(MEASURES)] = [f"{value:.3f}" for value in measures_of(picture).values()]


def _merits(images: pd.DataFrame, views: pd.Series, folder: str | Path, rules: IndexRules, workers: int) -> pd.Series:
    """The merit of the usable images that share a study and a view with another one, as text; "" of all others."""
    usable = images[(images["usable"] == "true") & (views != "")]
    # Studies go by one identifier and, where only a patient is named, by the day.
    study = usable["study_uid"].where(usable["study_uid"] != "", usable["accession_number"])
    study = study.where(study != "", usable["patient_id"] + " " + usable["study_date"])
    rivals = usable.index[pd.DataFrame({"study": study, "view": views}).loc[usable.index].duplicated(keep=False)]
    found = isolation.each(
        partial(merit_of_file, rules=rules),
        [str(Path(folder) / path) for path in images.loc[rivals, "path"]],
        failed=lambda path, reason: "",
        workers=workers,
        timeout_s=rules.timeout_s,
    )
    told = pd.Series("", index=images.index)
    for row, text in zip(rivals, found):
        told[row] = text
    return told


def measures_of(image: np.ndarray) -> dict[str, float]:
    """The measures of a (rows, columns) uint8 image, bright bone on dark; an even image covers nothing."""
    field = collimation.crop(image)
    limb = field > collimation.threshold(field.ravel()[:: max(1, field.size // 20_000)])
    measures = {"aspect": field.shape[0] / field.shape[1], "coverage": float(limb.mean()), "elongation": 1.0}
    y, x = np.nonzero(limb)
    if len(x) > 2:
        spread = np.linalg.eigvalsh(np.cov(np.stack([x, y]).astype(float)))
        measures["elongation"] = float(np.sqrt(max(spread[1], 1e-9) / max(spread[0], 1e-9)))
    return measures
