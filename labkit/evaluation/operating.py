"""A threshold chosen on validation and what it does on test: counts and rates with Wilson intervals; used by
04_evaluation.
"""

from dataclasses import dataclass

import numpy as np
from scipy import special

__all__ = [
    "AT_THRESHOLD",
    "Confusion",
    "Rate",
    "average_precision",
    "confusion",
    "rates",
    "wilson",
    "youden_threshold",
]

AT_THRESHOLD = ("sensitivity", "specificity", "ppv", "npv", "accuracy", "f1", "balanced_accuracy")


@dataclass(frozen=True)
class Rate:
    """A number in [0, 1] with its limits and the cases it rests on; NaN where nothing was counted."""

    value: float
    low: float
    high: float
    n: int
    method: str


@dataclass(frozen=True)
class Confusion:
    """Cases by reference (positive or negative) and reading (score >= threshold)."""

    true_positive: int
    false_positive: int
    true_negative: int
    false_negative: int


def youden_threshold(y, score):
    """Threshold with the largest sensitivity + specificity - 1; positive means score >= threshold.

    Of equal ones the highest is taken, as in the study. NaN where y (n,) of 0 and 1 has one class only: never
    a filled value.
    """
    y, score = np.asarray(y, float), np.asarray(score, float)
    n_positive, n_negative = int((y == 1).sum()), int((y == 0).sum())
    if not n_positive or not n_negative:
        return float("nan")
    order = np.argsort(-score, kind="stable")
    last = np.append(np.diff(score[order]) != 0, True)  # a threshold takes all of its ties
    hits, alarms = np.cumsum(y[order] == 1)[last], np.cumsum(y[order] == 0)[last]
    # whole numbers: J * n_positive * n_negative, so that equal ones are found equal
    return float(score[order][last][np.argmax(hits * n_negative - alarms * n_positive)])


def confusion(y, score, *, threshold):
    """Counts at a threshold; y (n,) of 0 and 1."""
    present, called = np.asarray(y) == 1, np.asarray(score) >= threshold
    return Confusion(
        true_positive=int((present & called).sum()),
        false_positive=int((~present & called).sum()),
        true_negative=int((~present & ~called).sum()),
        false_negative=int((present & ~called).sum()),
    )


def rates(counts, *, level=0.95):
    """Sensitivity, specificity, ppv, npv, accuracy, balanced accuracy and F1 of a `Confusion`, as a dict of
    `Rate`.

    F1 has the Wilson interval of its Jaccard form TP / (TP + FP + FN), carried over (arXiv 2309.14621,
    "Wilson indirect"). Balanced accuracy has a normal interval from the variances of both rates, each with
    two successes and two failures added.
    """
    tp, fp, tn, fn = counts.true_positive, counts.false_positive, counts.true_negative, counts.false_negative
    found = {
        "sensitivity": wilson(tp, tp + fn, level=level),
        "specificity": wilson(tn, tn + fp, level=level),
        "ppv": wilson(tp, tp + fp, level=level),
        "npv": wilson(tn, tn + fn, level=level),
        "accuracy": wilson(tp + tn, tp + fp + tn + fn, level=level),
    }
    jaccard = wilson(tp, tp + fp + fn, level=level)
    value, low, high = (2 * share / (1 + share) for share in (jaccard.value, jaccard.low, jaccard.high))
    found["f1"] = Rate(value, low, high, jaccard.n, "Wilson indirect")
    found["balanced_accuracy"] = _balanced(counts, level=level)
    return found


def wilson(k, n, *, level=0.95):
    """Share k of n with Wilson's score interval; NaN where n is 0."""
    if n == 0:
        return Rate(np.nan, np.nan, np.nan, 0, "Wilson")
    z2 = float(special.ndtri(0.5 + level / 2)) ** 2
    centre = (k + z2 / 2) / (n + z2)
    half = np.sqrt(z2 * (k * (n - k) / n + z2 / 4)) / (n + z2)
    low, high = (0.0 if k == 0 else centre - half), (1.0 if k == n else centre + half)
    return Rate(k / n, float(low), float(high), int(n), "Wilson")


def average_precision(y, score, *, level=0.95):
    """Average precision with the logit interval by numbers of positives (Boyd 2013); NaN without both
    classes.

    The step form of scikit-learn: sum over thresholds of (recall gained) x precision.
    """
    y, score = np.asarray(y, float), np.asarray(score, float)
    n_positive = int((y == 1).sum())
    if not 0 < n_positive < len(y):
        return Rate(np.nan, np.nan, np.nan, len(y), "Boyd logit")
    order = np.argsort(-score, kind="stable")
    last = np.append(np.diff(score[order]) != 0, True)
    hits = np.cumsum(y[order] == 1)[last]
    called = (np.arange(len(y)) + 1)[last]
    value = float(np.sum(np.diff(hits, prepend=0) / n_positive * hits / called))
    inside = np.clip(value, 0.5 / (n_positive + 1), 1 - 0.5 / (n_positive + 1))  # 1 has no logit
    half = float(special.ndtri(0.5 + level / 2)) / np.sqrt(n_positive * inside * (1 - inside))
    low, high = special.expit(special.logit(inside) + np.array([-half, half]))
    return Rate(value, float(min(low, value)), float(max(high, value)), len(y), "Boyd logit")


def _balanced(counts, *, level):
    n_positive = counts.true_positive + counts.false_negative
    n_negative = counts.true_negative + counts.false_positive
    if not n_positive or not n_negative:
        return Rate(np.nan, np.nan, np.nan, n_positive + n_negative, "normal")
    value = (counts.true_positive / n_positive + counts.true_negative / n_negative) / 2
    variance = 0.0
    for k, n in ((counts.true_positive, n_positive), (counts.true_negative, n_negative)):
        share = (k + 2) / (n + 4)  # Agresti & Coull 1998: no zero variance at 0 or n
        variance += share * (1 - share) / (n + 4) / 4
    half = float(special.ndtri(0.5 + level / 2)) * np.sqrt(variance)
    return Rate(value, max(0.0, value - half), min(1.0, value + half), n_positive + n_negative, "normal")
