"""Counts of extracted against verified values, and every figure of accuracy that follows from them; used by 02.

A tally has nine cells (verified value x extracted value) per report, so that a resample of reports is one matrix
product and no label is counted twice. The labels of a report are not independent; whole reports are drawn.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from labkit.evaluation import Plan, resampling, wilson

__all__ = ["VALUES", "Limits", "Tally", "figures", "limits", "tally"]

VALUES = ("true", "uncertain", "false")
CELLS = len(VALUES) ** 2
SHARES = {  # figure: the figures that count its hits and its whole
    "label_accuracy": ("right", "labels"),
    "all_false_accuracy": ("there_false", "labels"),
    **{f"precision_{value}": (f"both_{value}", f"said_{value}") for value in VALUES},
    **{f"recall_{value}": (f"both_{value}", f"there_{value}") for value in VALUES},
}
BY_REPORTS = "bootstrap of reports"


class Limits(NamedTuple):
    """An interval and where it comes from."""

    low: float
    high: float
    method: str


@dataclass(frozen=True)
class Tally:
    """Labels by report: `counts` (findings, 9, reports) float32, `findings` names, `sites` (reports,)."""

    counts: np.ndarray
    findings: list[str]
    sites: np.ndarray

    def drawn(self, *, rng: np.random.Generator, plan: Plan) -> dict[str, np.ndarray]:
        """Counts of every resample, (findings, 9, resamples) by site; each keeps the number of reports of a site."""
        made: dict[str, list[np.ndarray]] = {site: [] for site in dict.fromkeys(self.sites)}
        reports = np.arange(len(self.sites))
        for weights in resampling.draws(reports, plan.n_resamples, rng=rng, strata=self.sites):
            for site, blocks in made.items():
                inside = self.sites == site
                blocks.append(self.counts[..., inside] @ weights[inside])
        return {site: np.concatenate(blocks, axis=-1).astype(float) for site, blocks in made.items()}


def tally(labels: pd.DataFrame) -> Tally:
    """Count labels by report; columns study_id, finding, site, extracted and value, one row per study and finding."""
    report, ids = pd.factorize(labels["study_id"])
    finding, findings = pd.factorize(labels["finding"])
    there, said = (pd.Categorical(labels[column], categories=VALUES).codes for column in ("value", "extracted"))
    counts = np.zeros((len(findings), CELLS, len(ids)), np.float32)
    counts[finding, len(VALUES) * there.astype(int) + said, report] = 1
    sites = labels.drop_duplicates("study_id")["site"].to_numpy(dtype=str)
    return Tally(counts, list(findings), sites)


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


def limits(name: str, found: dict[str, float], drawn: np.ndarray | None, *, level: float) -> Limits:
    """The interval of one figure.

    Parameters
    ----------
    found : the figures of the labels at hand, as numbers.
    drawn : (resamples,) the figure in every resample, or None where labels are independent (one finding: one label per
        report): then shares have Wilson's interval and an F1 Wilson's of its Jaccard form (arXiv 2309.14621).

    Resamples in which a figure is not defined are left out. A share of 0 or 1 has no spread: its interval is Wilson's.
    """
    if np.isnan(found[name]):
        return Limits(np.nan, np.nan, "not defined")
    if name in SHARES and (drawn is None or found[name] in (0.0, 1.0)):
        hits, whole = SHARES[name]
        share = wilson(int(found[hits]), int(found[whole]), level=level)
        return Limits(share.low, share.high, "Wilson")
    if name.startswith("f1_") and (drawn is None or found[name] in (0.0, 1.0)):
        value = name.removeprefix("f1_")
        hits = int(found[f"both_{value}"])
        share = wilson(hits, int(found[f"said_{value}"] + found[f"there_{value}"]) - hits, level=level)
        return Limits(*(2 * limit / (1 + limit) for limit in (share.low, share.high)), "Wilson indirect")
    known = drawn[~np.isnan(drawn)]
    if len(known) < 2 or np.ptp(known) == 0:
        return Limits(np.nan, np.nan, "no spread between reports")
    low, high = np.quantile(known, [0.5 - level / 2, 0.5 + level / 2])
    return Limits(float(low), float(high), BY_REPORTS)


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=whole > 0)


def _mean_of_known(values: np.ndarray) -> np.ndarray:
    """Mean over the last axis but one, NaN left out: (..., 3, b) to (..., b)."""
    known = ~np.isnan(values)
    return _share(np.where(known, values, 0.0).sum(axis=-2), known.sum(axis=-2))
