"""Agreement between readers beyond chance, with intervals that know that labels of one report are alike; used by 02.

Cohen's kappa (two readers), Fleiss' kappa, Krippendorff's alpha (nominal) and Gwet's AC1, each also with labels that
some readers have not read. Kappa and alpha fall towards 0 where nearly all labels are false, although readers agree;
AC1 does not, so that all stand side by side. Standard errors are those of linearised coefficients (Gwet 2014, Handbook
of Inter-Rater Reliability, 4th ed., ch. 5; Fleiss, Cohen & Everitt 1969 for two readers), summed by report. Where
readers left labels out, how many were read twice is taken as chance too, so that errors differ a little from irrCAC's.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import special

from labkit import tables
from labkit.verification.accuracy import ALL_FINDINGS, ALL_SITES
from labkit.verification.reviews import SIMULATED, latest
from labkit.verification.tallies import VALUES

__all__ = ["MIN_LABELS", "Agreement", "ac1", "alpha", "between_readers", "cohen", "fleiss", "observed"]

METHOD = "linearised, by reports"
# Labels below which no coefficient beyond chance is given: with three labels a kappa is -1 or 1 by a single reading.
# A convention, as no number of labels is enough where one value is rare; the interval says how sure the rest is.
MIN_LABELS = 10


class Agreement(NamedTuple):
    """A coefficient with its standard error and limits; NaN where agreement by chance is certain, limits also where
    all labels are alike."""

    value: float
    se: float
    low: float
    high: float
    n: int


def observed(counts, *, clusters=None, level: float = 0.95) -> Agreement:
    """Share of pairs of readings that agree. counts : see `fleiss`."""
    counts = _paired(counts)
    agree = _agree(counts)
    return _found(
        agree.mean() if len(agree) else np.nan, agree - agree.mean() if len(agree) else agree, clusters, level
    )


def fleiss(counts, *, clusters=None, level: float = 0.95) -> Agreement:
    """Fleiss' kappa.

    Parameters
    ----------
    counts : (labels, values) readers who chose each value; labels with fewer than two readings tell how often a value
        is chosen and nothing of agreement.
    clusters : (labels,) report of each label, or None: every label stands alone.
    """
    clusters = None if clusters is None else np.asarray(clusters)[np.asarray(counts).sum(axis=1) > 0]
    counts, agree, shares, share = _parts(counts)
    expected = shares @ share  # (labels,), their mean is agreement by chance
    return _corrected(counts, agree, float(share @ share), expected, clusters, level)


def ac1(counts, *, clusters=None, level: float = 0.95) -> Agreement:
    """Gwet's AC1 over all values that there are columns for; counts and clusters : see `fleiss`."""
    clusters = None if clusters is None else np.asarray(clusters)[np.asarray(counts).sum(axis=1) > 0]
    counts, agree, shares, share = _parts(counts)
    others = max(counts.shape[1] - 1, 1)
    expected = shares @ (1 - share) / others
    return _corrected(counts, agree, float(share @ (1 - share)) / others, expected, clusters, level)


def alpha(counts, *, clusters=None, level: float = 0.95) -> Agreement:
    """Krippendorff's alpha for nominal values, of labels with two or more readings; see `fleiss`."""
    clusters = None if clusters is None else np.asarray(clusters)[np.asarray(counts).sum(axis=1) > 1]
    counts = _paired(counts)
    readings = counts.sum(axis=1)
    if not len(counts):
        return _found(np.nan, readings, None, level)
    total, mean = readings.sum(), readings.mean()
    share = counts.sum(axis=0) / total
    pairs = (counts * (counts - 1)).sum(axis=1) / (readings - 1)
    agree, chance = pairs.sum() / total, float(share @ share)
    if chance == 1:
        return _found(np.nan, readings, None, level)
    value = (agree - chance) / (1 - chance)
    moved = (pairs - readings * agree) / mean
    by_chance = 2 * (counts - readings[:, None] * share) @ share / mean
    # Krippendorff's correction for few readings moves the value, and is left out of the error as Gwet does
    corrected = value + (1 - value) / total
    return _found(corrected, (moved - (1 - value) * by_chance) / (1 - chance), clusters, level)


def cohen(first, second, *, clusters=None, level: float = 0.95) -> Agreement:
    """Cohen's kappa of two readers; first, second : (labels,) codes of values from 0."""
    first, second = np.asarray(first, int), np.asarray(second, int)
    if not len(first):
        return _found(np.nan, first, None, level)
    n_values = int(max(first.max(), second.max())) + 1
    of_first, of_second = (np.bincount(codes, minlength=n_values) / len(first) for codes in (first, second))
    agree, chance = (first == second).astype(float), float(of_first @ of_second)
    if chance == 1:
        return _found(np.nan, agree, None, level)
    value = (agree.mean() - chance) / (1 - chance)
    by_chance = of_second[first] + of_first[second] - 2 * chance
    return _found(value, (agree - agree.mean() - (1 - value) * by_chance) / (1 - chance), clusters, level)


def between_readers(reviews: pd.DataFrame, *, patients: pd.Series | None = None, level: float = 0.95) -> pd.DataFrame:
    """METRICS rows (reading "readers") of the labels that two or more people have read, together and per finding.

    Parameters
    ----------
    reviews : REVIEWS; each reader's last word on what the report says counts, the simulated reader's does not.
    patients : patient by study_id, where one may have several reports: these are then one cluster.

    Returns
    -------
    readers_agree (share of pairs), fleiss_kappa, krippendorff_alpha and gwet_ac1, and cohen_kappa where there are two
    readers; n is the number of labels, n_positive of those on which all agree. Coefficients of fewer than MIN_LABELS
    labels are NaN, and `method` says so. Empty where nobody was read twice.
    """
    last = latest(reviews[(reviews["reader"] != SIMULATED) & (reviews["resolution"] == "report")])
    codes = last.assign(code=pd.Categorical(last["value"], categories=VALUES).codes)
    wide = codes.pivot(index=["study_id", "finding"], columns="reader", values="code")
    wide = wide[wide.notna().sum(axis=1) > 1]
    rows = []
    if len(wide):
        findings = wide.index.get_level_values("finding")
        cluster = wide.index.get_level_values("study_id")
        cluster = (cluster if patients is None else patients[cluster]).to_numpy()
        rows = _rows(wide, ALL_FINDINGS, cluster, level)
        for finding in dict.fromkeys(findings):
            rows += _rows(wide[findings == finding], finding, cluster[findings == finding], level)
        if len(set(cluster)) < wide.index.get_level_values("study_id").nunique():
            rows = [row | {"method": row["method"].replace("reports", "patients")} for row in rows]
    return tables.check(pd.DataFrame(rows, columns=list(tables.METRICS.all_columns)), tables.METRICS)


def _rows(wide: pd.DataFrame, finding: str, clusters: np.ndarray, level: float) -> list[dict]:
    """METRICS rows of codes (labels, readers), NaN where a reader has not read a label."""
    given = wide.to_numpy(float)
    counts = np.stack([(given == k).sum(axis=1) for k in range(len(VALUES))], axis=1)
    how = {"clusters": clusters, "level": level}
    found = {"readers_agree": observed(counts, **how), "fleiss_kappa": fleiss(counts, **how)}
    found |= {"krippendorff_alpha": alpha(counts, **how), "gwet_ac1": ac1(counts, **how)}
    readers = wide.columns[wide.notna().any()]
    if len(readers) == 2:
        found["cohen_kappa"] = cohen(*wide[readers].to_numpy(int).T, **how)
    alike = int((counts.max(axis=1) == counts.sum(axis=1)).sum())
    row = {
        "finding": finding,
        "site": ALL_SITES,
        "policy": "",
        "reading": "readers",
        "level": level,
        "n_positive": alike,
    }
    rows = []
    for name, own in found.items():
        method = "no spread between reports" if np.isnan(own.low) else METHOD
        if name != "readers_agree" and len(wide) < MIN_LABELS:
            own, method = own._replace(value=np.nan, low=np.nan, high=np.nan), f"too few, {MIN_LABELS} labels needed"
        rows.append(row | {"metric": name, "value": own.value, "low": own.low, "high": own.high, "n": own.n})
        rows[-1]["method"] = method
    return rows


def _paired(counts) -> np.ndarray:
    counts = np.asarray(counts, float)
    return counts[counts.sum(axis=1) > 1]


def _agree(counts: np.ndarray) -> np.ndarray:
    """Share of the pairs of readings of each label that agree, 0 where there is no pair."""
    readings = counts.sum(axis=1)
    return (counts * (counts - 1)).sum(axis=1) / np.maximum(readings * (readings - 1), 1)


def _parts(counts) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Counts of labels that were read, agreement and shares of values of each, and shares of values over all."""
    counts = np.asarray(counts, float)
    counts = counts[counts.sum(axis=1) > 0] if len(counts) else counts
    shares = counts / counts.sum(axis=1, keepdims=True)
    return counts, _agree(counts), shares, shares.mean(axis=0) if len(shares) else np.zeros(counts.shape[1])


def _corrected(counts, agree, chance, expected, clusters, level) -> Agreement:
    """(agreement - chance) / (1 - chance) and what each label adds to it; `expected` (labels,) averages to chance."""
    pairs = counts.sum(axis=1) > 1
    if not pairs.any() or chance == 1:
        return _found(np.nan, agree, None, level)
    share = agree[pairs].mean()
    value = (share - chance) / (1 - chance)
    moved = np.where(pairs, agree - share, 0.0) * len(agree) / pairs.sum()
    by_chance = 2 * (expected - chance)
    return _found(value, (moved - (1 - value) * by_chance) / (1 - chance), clusters, level)


def _found(value: float, influence: np.ndarray, clusters, level: float) -> Agreement:
    """Limits by Student's t over reports; what each label adds (labels,) has mean 0."""
    n = len(influence)
    if np.isnan(value):
        return Agreement(np.nan, np.nan, np.nan, np.nan, n)
    codes = np.arange(n) if clusters is None else np.unique(np.asarray(clusters), return_inverse=True)[1]
    sums = np.bincount(codes, influence)
    if len(sums) < 2:
        return Agreement(float(value), np.nan, np.nan, np.nan, n)
    se = float(np.sqrt(len(sums) / (len(sums) - 1) * (sums @ sums)) / n)
    if se < 1e-12:  # all alike: a few labels tell nothing of how far they might differ
        return Agreement(float(value), 0.0, np.nan, np.nan, n)
    half = float(special.stdtrit(len(sums) - 1, 0.5 + level / 2)) * se
    return Agreement(float(value), se, max(-1.0, float(value) - half), min(1.0, float(value) + half), n)
