"""Whether a score of 0.3 means three in ten, and what a threshold is worth; used by 04_evaluation.

Scores are probabilities in [0, 1]. One temperature for all findings of a policy is fitted on validation and applied to
test. Sources: Brier 1950; Cox 1958 (slope and intercept); Guo 2017 (expected calibration error, temperature); Vickers &
Elkin 2006 (decision curves).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special

from labkit.errors import EvaluationError
from labkit.evaluation.operating import Rate, wilson

__all__ = ["Line", "brier", "calibration_line", "ece", "net_benefit", "reliability", "temperature", "tempered"]

CLOSEST = 1e-6  # a probability of 0 or 1 has no logit
LIMITS = (0.05, 20.0)  # of the temperature
STEPS = 100


@dataclass(frozen=True)
class Line:
    """Logistic regression of the reference on the logit of the score: 1 and 0 where the score is calibrated.

    `intercept` is calibration in the large: the regression with a slope of 1.
    """

    slope: Rate
    intercept: Rate


def _probabilities(y, score):
    y, score = np.asarray(y, float), np.asarray(score, float)
    if y.shape != score.shape or y.ndim != 1 or not np.isin(y, (0.0, 1.0)).all():
        raise EvaluationError(f"y has shape {y.shape}, score {score.shape}; give one 0 or 1 and one score per case.")
    if not ((score >= 0) & (score <= 1)).all():
        raise EvaluationError("score: calibration needs probabilities from 0 to 1; pass those of training.predict.")
    return y, score


def _logit(score):
    return special.logit(np.clip(score, CLOSEST, 1 - CLOSEST))


def brier(y, score, *, patients=None, level=0.95):
    """Mean squared error of the probability, a `Rate` with a normal interval over patients; NaN without cases."""
    y, score = _probabilities(y, score)
    if not len(y):
        return Rate(np.nan, np.nan, np.nan, 0, "normal by patients")
    errors = np.square(score - y)
    value = float(errors.mean())
    codes = np.arange(len(y)) if patients is None else np.unique(np.asarray(patients), return_inverse=True)[1]
    n_patients = int(codes.max()) + 1
    if n_patients < 2:
        return Rate(value, np.nan, np.nan, len(y), "normal by patients")
    sums = np.bincount(codes, weights=errors - value)
    se = np.sqrt(np.square(sums).sum() * n_patients / (n_patients - 1)) / len(y)
    half = float(special.ndtri(0.5 + level / 2)) * se
    return Rate(value, max(0.0, value - half), min(1.0, value + half), len(y), "normal by patients")


def reliability(y, score, *, n_bins=10, level=0.95):
    """Observed share beside the mean score in bins of equal width.

    Returns
    -------
    DataFrame of the bins that hold cases: lower (edge), score (mean), observed, low, high (Wilson), n.
    """
    y, score = _probabilities(y, score)
    bins = np.minimum((score * n_bins).astype(int), n_bins - 1)
    rows = []
    for chosen in np.unique(bins):
        inside = bins == chosen
        found = wilson(int(y[inside].sum()), int(inside.sum()), level=level)
        mean = float(score[inside].mean())
        rows.append((chosen / n_bins, mean, found.value, found.low, found.high, found.n))
    return pd.DataFrame(rows, columns=["lower", "score", "observed", "low", "high", "n"])


def ece(y, score, *, n_bins=10):
    """Expected calibration error: mean distance of the bins' observed shares from their scores; NaN without cases.

    It is above 0 by chance alone where bins hold few cases.
    """
    bins = reliability(y, score, n_bins=n_bins)
    return float(np.average((bins["observed"] - bins["score"]).abs(), weights=bins["n"])) if len(bins) else np.nan


def calibration_line(y, score, *, patients=None, level=0.95):
    """Slope and intercept of calibration with sandwich intervals over patients, as a `Line`.

    NaN where y has one class, the scores do not vary (slope), or they separate the classes (no estimate is finite).
    """
    y, score = _probabilities(y, score)
    codes = np.arange(len(y)) if patients is None else np.unique(np.asarray(patients), return_inverse=True)[1]
    logit, ones = _logit(score), np.ones(len(y))
    nothing = Rate(np.nan, np.nan, np.nan, len(y), "logistic, sandwich by patients")
    if not 0 < y.sum() < len(y):
        return Line(nothing, nothing)
    highest, lowest = score[y == 0].max(), score[y == 1].min()
    separated = highest <= lowest or score[y == 1].max() <= score[y == 0].min()
    slope = nothing
    if not separated and np.ptp(logit) > 0:
        slope = _coefficient(y, np.column_stack([logit, ones]), 0 * ones, codes, level) or nothing
    intercept = _coefficient(y, ones[:, None], logit, codes, level) or nothing
    return Line(slope, intercept)


def _coefficient(y, design, offset, codes, level):
    """First coefficient of a logistic regression by Newton's method, a `Rate`; None where it does not settle."""
    beta = np.zeros(design.shape[1])
    for _ in range(STEPS):
        p = special.expit(design @ beta + offset)
        information = design.T @ (design * (p * (1 - p))[:, None])
        if not np.isfinite(information).all() or np.linalg.cond(information) > 1e12:
            return None
        step = np.linalg.solve(information, design.T @ (y - p))
        beta += np.clip(step, -2, 2)  # a start far away must not overshoot
        if np.abs(step).max() < 1e-10:
            break
    else:
        return None
    scores = design * (y - special.expit(design @ beta + offset))[:, None]
    sums = np.column_stack([np.bincount(codes, weights=column) for column in scores.T])
    inverse = np.linalg.inv(information)
    n = len(sums)
    variance = (inverse @ (sums.T @ sums) @ inverse)[0, 0] * n / max(n - 1, 1)
    half = float(special.ndtri(0.5 + level / 2)) * np.sqrt(variance)
    return Rate(float(beta[0]), float(beta[0] - half), float(beta[0] + half), len(y), "logistic, sandwich by patients")


def temperature(y, score):
    """The temperature that makes the scores most likely: above 1 they were too sure, below 1 too cautious.

    y, score : arrays of one shape, all findings together; entries with y NaN are left out. NaN without cases or with
    one class only; kept between 0.05 and 20.
    """
    y, score = (np.asarray(values, float).ravel() for values in (y, score))
    used = ~np.isnan(y)
    y, score = _probabilities(y[used], score[used])
    if not 0 < y.sum() < len(y):
        return float("nan")
    logit = _logit(score)
    low, high = np.log(1 / LIMITS[1]), np.log(1 / LIMITS[0])
    for _ in range(60):  # the likelihood is concave in 1 / temperature: bisection on its slope
        middle = (low + high) / 2
        rises = np.sum(logit * (y - special.expit(np.exp(middle) * logit))) > 0
        low, high = (middle, high) if rises else (low, middle)
    return float(np.exp(-(low + high) / 2))


def tempered(score, temperature):
    """Scores at another temperature; order and AUC stay."""
    return special.expit(special.logit(np.asarray(score, float)) / temperature)


def net_benefit(y, score, thresholds):
    """Net benefit of acting on score >= threshold and of acting on everybody, (thresholds,) each; nobody is 0.

    In true positives per case: a false one costs threshold / (1 - threshold).
    """
    y, score = _probabilities(y, score)
    thresholds = np.asarray(thresholds, float)
    if not len(y) or not ((thresholds > 0) & (thresholds < 1)).all():
        raise EvaluationError("thresholds lie between 0 and 1, and there must be cases.")
    odds = thresholds / (1 - thresholds)
    positive, negative = np.sort(score[y == 1]), np.sort(score[y == 0])
    hits = len(positive) - np.searchsorted(positive, thresholds, "left")
    alarms = len(negative) - np.searchsorted(negative, thresholds, "left")
    return (hits - alarms * odds) / len(y), (len(positive) - len(negative) * odds) / len(y)
