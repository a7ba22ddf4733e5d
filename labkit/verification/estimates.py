"""Accuracy of all cases from a sample of them, and how many cases a wanted interval takes; used by 02_verification.

Horvitz and Thompson (1952) weigh each case by one over its probability. Every figure is a ratio of two such totals
(Hajek 1971); since each case has as many labels as any other, label accuracy is the same either way. Variances are
those of stratified sampling without replacement, by residuals (Cochran 1977, 5.A and 6.3); intervals are Wilson's with
the number of labels that gives this variance, and Student's t for few cases (Korn & Graubard 1998).
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import special

from labkit import tables
from labkit.evaluation import wilson
from labkit.verification.accuracy import ALL_FINDINGS, ALL_SITES, verified
from labkit.verification.tallies import ASSUMED_EFFECT

__all__ = ["STUDY_ACCURACY", "Ratio", "cases_needed", "design_effect", "estimate", "from_sample"]

STUDY_ACCURACY = 0.986  # label accuracy of the study, where nothing is verified yet
FEWEST_EVENTS = 20
METHOD = "Horvitz-Thompson, Wilson"


class Ratio(NamedTuple):
    """An estimated share with its limits; `n` cases were read."""

    value: float
    low: float
    high: float
    n: int
    method: str


def estimate(hits, whole, *, stratum, sizes, level: float = 0.95) -> Ratio:
    """Share of all cases' labels from cases that were read.

    Parameters
    ----------
    hits, whole : (cases,) labels of each read case that count, and of how many; both 0 outside of a domain.
    stratum : (cases,) codes from 0; sizes : (strata,) cases of each stratum, read or not.

    Returns
    -------
    Ratio; NaN where a stratum has no case read yet. Without any variance, a case counts as one label.
    """
    hits, whole, sizes = (np.asarray(values, float) for values in (hits, whole, sizes))
    stratum = np.asarray(stratum, int)
    read = np.bincount(stratum, minlength=len(sizes))
    unread = int(((read == 0) & (sizes > 0)).sum())
    if unread or not len(hits):
        return Ratio(np.nan, np.nan, np.nan, len(hits), f"{max(unread, 1)} strata without a case read")
    weight = (sizes / np.maximum(read, 1))[stratum]
    total = float(weight @ whole)
    if total == 0:
        return Ratio(np.nan, np.nan, np.nan, len(hits), "no such label among the cases read")
    value = float(weight @ hits) / total
    spread = _variance(hits - value * whole, stratum, sizes, read) / total**2
    n_cases = int((whole > 0).sum())
    if spread <= 1e-15 or not 0 < value < 1:
        everything = bool((read >= sizes).all())
        share = wilson(value * n_cases, n_cases, level=level)
        limits = (value, value) if everything else (share.low, share.high)
        return Ratio(value, *limits, len(hits), "all cases read" if everything else f"{METHOD}, a case as one label")
    free = max(len(hits) - int((read > 0).sum()), 1)
    quantiles = special.ndtri(0.5 + level / 2) / special.stdtrit(free, 0.5 + level / 2)
    # never surer than labels that are independent: a few cases may be alike by chance
    most = whole.sum() / max(1 - len(hits) / sizes.sum(), 1e-9)
    n = min(value * (1 - value) / spread * quantiles**2, most)
    share = wilson(value * n, n, level=level)
    return Ratio(value, share.low, share.high, len(hits), METHOD)


def from_sample(sample: pd.DataFrame, labels: pd.DataFrame, *, level: float = 0.95) -> pd.DataFrame:
    """METRICS rows (reading "sample") of all cases that the sample was drawn from.

    Parameters
    ----------
    sample : SAMPLE; labels : LABELS. Cases of the sample without a verified label are not read yet; those that were
        read stand for their stratum.

    Returns
    -------
    label_accuracy, all_false_accuracy, and precision, recall and F1 of true and of uncertain, at all sites and at each;
    n is the number of cases read. Empty where none is.
    """
    own = verified(labels).merge(sample, on="study_id")
    rows = []
    if len(own):
        cases = own.drop_duplicates("study_id").set_index("study_id")
        codes, names = pd.factorize(sample["stratum"], sort=True)
        sizes = sample.assign(code=codes).groupby("code")["stratum_size"].first().to_numpy()
        stratum = pd.Series(range(len(names)), index=names)[cases["stratum"]].to_numpy()
        for site in (ALL_SITES, *sorted(cases["site"].unique())):
            inside = np.ones(len(own), bool) if site == ALL_SITES else (own["site"] == site).to_numpy()
            for metric, (hits, whole) in _totals(own, inside, cases.index).items():
                found = estimate(hits, whole, stratum=stratum, sizes=sizes, level=level)
                row = {"finding": ALL_FINDINGS, "metric": metric, "site": site, "policy": "", "reading": "sample"}
                row |= {"value": found.value, "low": found.low, "high": found.high, "level": level}
                rows.append(row | {"n": found.n, "n_positive": float(hits.sum()), "method": found.method})
    return tables.check(pd.DataFrame(rows, columns=list(tables.METRICS.all_columns)), tables.METRICS)


def design_effect(labels: pd.DataFrame) -> float:
    """How much wider an interval of label accuracy is than if labels were independent, squared; 1 or more.

    labels : LABELS; NaN where fewer than 20 verified labels are wrong, since little can be told from them.
    """
    own = verified(labels)
    wrong = (own["extracted"] != own["value"]).groupby(own["study_id"]).agg(["sum", "size"]).astype(float)
    if wrong["sum"].sum() < FEWEST_EVENTS or len(wrong) < 2:
        return float("nan")
    share = wrong["sum"].sum() / wrong["size"].sum()
    residual = wrong["sum"] - share * wrong["size"]
    by_reports = len(wrong) / (len(wrong) - 1) * float(residual @ residual) / wrong["size"].sum() ** 2
    return max(1.0, by_reports / (share * (1 - share) / wrong["size"].sum()))


def cases_needed(labels: pd.DataFrame, *, width: float, level: float = 0.95) -> pd.DataFrame:
    """How many cases a simple random sample takes for an interval of label accuracy of a wanted width.

    Parameters
    ----------
    labels : LABELS of all cases that could be read; accuracy and design effect are measured on the verified ones where
        20 or more are wrong, else those of the study (98.6 %) and 2 are taken.
    width : from the lower to the upper limit.

    Returns
    -------
    DataFrame width, cases, of (cases there are), label_accuracy, design_effect, rests_on: the wanted width, half of it
    and twice. Reading all cases leaves no sampling error, so that the number is never above theirs.
    """
    effect, rests_on = design_effect(labels), "verified labels"
    own = verified(labels)
    share = float((own["extracted"] == own["value"]).mean()) if len(own) else np.nan
    if np.isnan(effect):
        share, effect, rests_on = STUDY_ACCURACY, ASSUMED_EFFECT, "assumed"
    there = labels["study_id"].nunique()
    per_case = len(labels) / there if there else np.nan
    rows = []
    for wanted in (2 * width, width, width / 2):
        cases = next((m for m in range(1, there) if _width(share, m, per_case / effect, there, level) <= wanted), there)
        rows.append((wanted, cases, there, share, effect, rests_on))
    return pd.DataFrame(rows, columns=["width", "cases", "of", "label_accuracy", "design_effect", "rests_on"])


def _width(share: float, cases: int, labels_per_case: float, there: int, level: float) -> float:
    """Width of the interval from some of the cases; the last of them adds no doubt (correction for a finite whole)."""
    n = cases * labels_per_case / (1 - cases / there)
    found = wilson(share * n, n, level=level)
    return found.high - found.low


def _variance(residual: np.ndarray, stratum: np.ndarray, sizes: np.ndarray, read: np.ndarray) -> float:
    """Variance of a weighted total of residuals under stratified sampling without replacement."""
    sums = np.bincount(stratum, residual, minlength=len(sizes))
    squares = np.bincount(stratum, residual**2, minlength=len(sizes))
    centred = squares - sums**2 / np.maximum(read, 1)
    # one case has no variance around its own mean: around the whole's, which is 0
    within = np.where(read > 1, centred / np.maximum(read - 1, 1), squares)
    return float((sizes**2 * (1 - np.minimum(read / sizes, 1)) * within / np.maximum(read, 1)).sum())


def _totals(own: pd.DataFrame, inside: np.ndarray, cases: pd.Index) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Hits and whole of each figure by case."""
    code = cases.get_indexer(own["study_id"])

    def by_case(counted) -> np.ndarray:
        return np.bincount(code, counted & inside, minlength=len(cases))

    said, there = own["extracted"].to_numpy(), own["value"].to_numpy()
    labels = by_case(np.ones(len(own), bool))
    found = {"label_accuracy": (by_case(said == there), labels)}
    found["all_false_accuracy"] = (by_case(there == "false"), labels)
    for value in ("true", "uncertain"):
        is_said, is_there = said == value, there == value
        both, extracted, known = by_case(is_said & is_there), by_case(is_said), by_case(is_there)
        found |= {f"precision_{value}": (both, extracted), f"recall_{value}": (both, known)}
        found[f"f1_{value}"] = (2 * both, extracted + known)
    return found
