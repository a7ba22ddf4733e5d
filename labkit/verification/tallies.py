"""Counts of extracted against verified values, and every figure of accuracy that follows from them; used by 02.

A tally has nine cells (verified value x extracted value) per unit, so that a resample of units is one matrix product
and no label is counted twice. The unit is the patient where one has several reports, else the report: the labels of a
unit are not independent, so whole units are drawn.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from labkit.evaluation import Plan, resampling, wilson

__all__ = ["ASSUMED_EFFECT", "VALUES", "Limits", "Tally", "effect", "figures", "limits", "tally"]

VALUES = ("true", "uncertain", "false")
CELLS = len(VALUES) ** 2
ASSUMED_EFFECT = 2.0  # design effect where no error tells of it
SHARES = {  # figure: the figures that count its hits and its whole
    "label_accuracy": ("right", "labels"),
    "all_false_accuracy": ("there_false", "labels"),
    **{f"precision_{value}": (f"both_{value}", f"said_{value}") for value in VALUES},
    **{f"recall_{value}": (f"both_{value}", f"there_{value}") for value in VALUES},
}
# What F1 rests on: it is a share of the labels that are or are said to be of a value, by Jaccard (arXiv 2309.14621).
JACCARD = {f"f1_{value}": value for value in VALUES}


class Limits(NamedTuple):
    """An interval and where it comes from."""

    low: float
    high: float
    method: str


@dataclass(frozen=True)
class Tally:
    """Labels by unit: `counts` (findings, 9, units) float32, `findings` names, `sites` (units,), what a unit is."""

    counts: np.ndarray
    findings: list[str]
    sites: np.ndarray
    units: str = "reports"

    def drawn(self, *, rng: np.random.Generator, plan: Plan) -> dict[str, np.ndarray]:
        """Counts of every resample, (findings, 9, resamples) by site; each keeps the number of units of a site."""
        made: dict[str, list[np.ndarray]] = {site: [] for site in dict.fromkeys(self.sites)}
        units = np.arange(len(self.sites))
        for weights in resampling.draws(units, plan.n_resamples, rng=rng, strata=self.sites):
            for site, blocks in made.items():
                inside = self.sites == site
                blocks.append(self.counts[..., inside] @ weights[inside])
        return {site: np.concatenate(blocks, axis=-1).astype(float) for site, blocks in made.items()}


def tally(labels: pd.DataFrame) -> Tally:
    """Count labels, one row per study and finding, by patient.

    Columns study_id, patient, finding, site, extracted and value.
    A patient of two sites is one unit at each; where no patient has two reports, the units are called reports.
    """
    unit, _ = pd.factorize(labels["site"] + "\x00" + labels["patient"])
    finding, findings = pd.factorize(labels["finding"])
    there, said = (pd.Categorical(labels[column], categories=VALUES).codes for column in ("value", "extracted"))
    cell = (finding * CELLS + len(VALUES) * there.astype(int) + said) * (unit.max() + 1) + unit
    counts = np.bincount(cell, minlength=len(findings) * CELLS * (unit.max() + 1)).astype(np.float32)
    sites = labels["site"].to_numpy(dtype=str)[np.unique(unit, return_index=True)[1]]
    named = "patients" if labels["study_id"].nunique() > len(sites) else "reports"
    return Tally(counts.reshape(len(findings), CELLS, -1), list(findings), sites, named)


def figures(counts: np.ndarray) -> dict[str, np.ndarray]:
    """Every figure of counts (..., 9, b): arrays (..., b), NaN where it is not defined.

    label_accuracy; all_false_accuracy (an answer of false everywhere); precision, recall and F1 of each value;
    balanced_accuracy, the mean recall of the values that occur; macro_f1, the mean F1 of the values that occur in the
    verified or the extracted labels. The counts they rest on are labels, right, and both_, said_ and there_ per value.
    """
    table = counts.reshape(*counts.shape[:-2], len(VALUES), len(VALUES), counts.shape[-1])
    both = np.stack([table[..., k, k, :] for k in range(len(VALUES))], axis=-2)  # (..., 3, b)
    there, said = table.sum(axis=-2), table.sum(axis=-3)
    found = {"labels": there.sum(axis=-2), "right": both.sum(axis=-2)}
    f1 = _share(2 * both, there + said)
    for k, value in enumerate(VALUES):
        found |= {f"both_{value}": both[..., k, :], f"said_{value}": said[..., k, :]}
        found |= {f"there_{value}": there[..., k, :], f"f1_{value}": f1[..., k, :]}
    found |= {name: _share(found[hits], found[whole]) for name, (hits, whole) in SHARES.items()}
    found["balanced_accuracy"] = _mean_of_known(_share(both, there))
    found["macro_f1"] = _mean_of_known(f1)
    return found


def effect(hits: np.ndarray, whole: np.ndarray) -> float:
    """How much less the labels of a share tell because those of a unit are alike (design effect, 1 or more).

    hits, whole : (units,) labels that count, and of how many. From the linearised variance by units; without any
    variance (a share of 0 or 1) nothing tells how alike they are: 2 is assumed, or all labels of a unit as one where
    that is less. 1 where no unit has two labels.
    """
    units, labels = int((whole > 0).sum()), float(whole.sum())
    if units == labels or units < 2:
        return 1.0
    share = hits.sum() / labels
    if share in (0.0, 1.0):
        return min(ASSUMED_EFFECT, labels / units)
    residual = hits - share * whole
    return max(1.0, units / (units - 1) * float(residual @ residual) / (labels * share * (1 - share)))


def limits(
    name: str,
    found: dict[str, float],
    drawn: np.ndarray | None,
    *,
    level: float,
    units: str = "reports",
    by_unit: dict[str, np.ndarray] | None = None,
) -> Limits:
    """The interval of one figure.

    Parameters
    ----------
    found : the figures of the labels at hand, as numbers.
    drawn : (resamples,) the figure in every resample, or None for Wilson's interval: then shares have it, and an F1
        that of its Jaccard form.
    by_unit : the counts of `figures` of every unit, arrays (units,), where a unit may have several labels of it:
        Wilson's interval then rests on as many labels as would tell as much if they were independent.

    Resamples in which a figure is not defined are left out. A share of 0 or 1 has no spread: its interval is Wilson's,
    with the assumed design effect.
    """
    if np.isnan(found[name]):
        return Limits(np.nan, np.nan, "not defined")
    parts = _parts(name, found)
    if parts and (drawn is None or found[name] in (0.0, 1.0)):
        less = effect(*_parts(name, by_unit)) if by_unit else 1.0
        hits, whole = (number / less for number in parts)
        share = wilson(hits, whole, level=level)
        between, how = (share.low, share.high), "Wilson"
        if name in JACCARD:
            between, how = tuple(2 * limit / (1 + limit) for limit in between), "Wilson indirect"
        return Limits(*between, f"{how}, by {units}" if less > 1 else how)
    known = drawn[~np.isnan(drawn)]
    if len(known) < 2 or np.ptp(known) == 0:
        return Limits(np.nan, np.nan, f"no spread between {units}")
    low, high = np.quantile(known, [0.5 - level / 2, 0.5 + level / 2])
    return Limits(float(low), float(high), f"bootstrap of {units}")


def _parts(name: str, found: dict) -> tuple | None:
    """What a share counts and of how many; None for a figure that is no share."""
    if name in SHARES:
        return tuple(found[part] for part in SHARES[name])
    if name in JACCARD:
        value = JACCARD[name]
        both = found[f"both_{value}"]
        return both, found[f"said_{value}"] + found[f"there_{value}"] - both
    return None


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=whole > 0)


def _mean_of_known(values: np.ndarray) -> np.ndarray:
    """Mean over the last axis but one, NaN left out: (..., 3, b) to (..., b)."""
    known = ~np.isnan(values)
    return _share(np.where(known, values, 0.0).sum(axis=-2), known.sum(axis=-2))
