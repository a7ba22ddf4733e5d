"""Pointwise bands of ROC and precision-recall curves, and of their mean over labels, by resampling patients; used by
04_evaluation.

Every label sees the same resamples, so that the mean over labels has a band of its own (vertical averaging; Fawcett
2006). Precision at a recall follows from the false positives between two points of the ROC curve (Davis & Goadrich
2006), not from a straight line between precisions. A band tells where the curve may lie at one place, not where all of
it lies.
"""

import numpy as np

from labkit.evaluation import resampling

__all__ = ["GRID", "MAX_RESAMPLES", "bands", "heights"]

GRID = np.linspace(0, 1, 101)  # false positive rate, or recall
MAX_RESAMPLES = 500  # the eye does not tell more of them apart, unlike the interval of a number
CURVES = ("roc", "pr")
NO_RECALL = 1e-4  # precision at recall 0 is a limit


def bands(y, score, *, patients, rng, plan=None):
    """Curves over `GRID` with pointwise limits.

    Parameters
    ----------
    y : (n, labels) of 0, 1 and NaN = left out, both classes present in each label. score : (n, labels).
    patients : (n,) ids, drawn as a whole. rng : numpy Generator.
    plan : resampling.Plan; its method is percentile whatever it says, and at most `MAX_RESAMPLES` are drawn.

    Returns
    -------
    dict "roc", "pr" of (labels + 1, points, 3) float64: value, low, high; the last one is the mean over labels. Limits
    are NaN with fewer than two patients. Resamples in which a label has one class count for the other labels alone.
    """
    plan = plan or resampling.Plan()
    once = np.ones((len(y), 1), np.float32)
    drawn = list(resampling.draws(patients, min(plan.n_resamples, MAX_RESAMPLES), rng=rng))
    tails = [0.5 - plan.level / 2, 0.5 + plan.level / 2]
    n_labels = y.shape[1]
    found = {curve: np.full((n_labels + 1, len(GRID), 3), np.nan) for curve in CURVES}
    sums = {curve: [_Mean(), _Mean()] for curve in CURVES}  # of the labels at hand, of the resamples
    for label in range(n_labels):
        used = ~np.isnan(y[:, label])
        own = heights(y[used, label], score[used, label], once[used])
        blocks = [heights(y[used, label], score[used, label], weight[used]) for weight in drawn]
        for n, curve in enumerate(CURVES):
            resampled = np.concatenate([block[n] for block in blocks])  # (resamples, points)
            found[curve][label] = _with_limits(own[n][0], resampled, tails)
            sums[curve][0].add(own[n])
            sums[curve][1].add(resampled)
    for curve in CURVES if n_labels else ():
        own, resampled = (mean.value for mean in sums[curve])
        found[curve][-1] = _with_limits(own[0], resampled, tails)
    return found


def heights(y, score, weight):
    """True positive rate and precision over `GRID` under each column of weights: two (b, points) arrays.

    y : (n,) of 0 and 1; score : (n,); weight : (n, b) whole numbers. A rate is the highest one at its false positive
    rate. NaN where a class has no weight; precision at recall 0 is that just above it.
    """
    positive, negative = _counts(y, score, weight)  # (b, levels)
    n_positive, n_negative = positive[:, -1:], negative[:, -1:]
    with np.errstate(invalid="ignore", divide="ignore"):
        rate = _between(negative, positive, GRID * n_negative, "right") / n_positive
        hits = np.maximum(GRID, NO_RECALL) * n_positive
        alarms = _between(positive, negative, hits, "left")
        precision = hits / (hits + alarms)
    undefined = ((n_positive == 0) | (n_negative == 0))[:, 0]
    rate[undefined], precision[undefined] = np.nan, np.nan
    return rate, precision


def _counts(y, score, weight):
    """Weight of positives and of negatives down to each corner of the ROC curve, (b, corners) each, from 0 on."""
    order = np.argsort(-score, kind="stable")
    is_positive, ranked = y[order] == 1, score[order]
    last = np.append(np.diff(ranked) != 0, True)  # of each distinct score
    hits, alarms = np.append(0, np.cumsum(is_positive)[last]), np.append(0, np.cumsum(~is_positive)[last])
    up, right = np.diff(hits), np.diff(alarms)
    corner = np.ones(len(hits), bool)
    corner[1:-1] = ~((up[:-1] == 0) & (up[1:] == 0) | (right[:-1] == 0) & (right[1:] == 0))
    counted = []
    for chosen, ends in ((is_positive, hits[corner]), (~is_positive, alarms[corner])):
        sums = np.zeros((int(chosen.sum()) + 1, weight.shape[1]))
        np.cumsum(weight[order[chosen]], axis=0, out=sums[1:])
        counted.append(np.ascontiguousarray(sums[ends].T))
    return counted


def _between(across, up, wanted, side):
    """`up` where `across` reaches `wanted`, straight between the levels; (b, levels) twice, (b, points) to same.

    Both rise along the levels. side "right" takes the highest, "left" the lowest value at a step.
    """
    b, n_levels = across.shape
    shift = np.arange(b)[:, None] * (across.max(initial=0) + 2)  # one search for all resamples
    # whole numbers are wanted often; the product with the grid may miss them by a rounding error
    places = np.searchsorted((across + shift).ravel(), (np.round(wanted, 6) + shift).ravel(), side)
    above = np.clip(places.reshape(wanted.shape) - n_levels * np.arange(b)[:, None], 1, n_levels - 1)
    row = np.arange(b)[:, None]
    low, high = across[row, above - 1], across[row, above]
    part = np.where(high > low, (wanted - low) / np.where(high > low, high - low, 1), 1.0)
    return up[row, above - 1] + np.clip(part, 0, 1) * (up[row, above] - up[row, above - 1])


def _with_limits(value, resampled, tails):
    """(points, 3) of the curve and of the quantiles of its resamples, undefined ones left out."""
    defined = resampled[~np.isnan(resampled[:, 0])]
    if len(defined) < 2:
        return np.column_stack([value, np.full((len(value), 2), np.nan)])
    return np.column_stack([value, *np.quantile(defined, tails, axis=0)])


class _Mean:
    """Mean over labels of (resamples, points), each resample over the labels that are defined in it."""

    def __init__(self):
        self._sum, self._n = 0.0, 0

    def add(self, values):
        """Count one more label."""
        defined = ~np.isnan(values[:, :1])
        self._sum, self._n = self._sum + np.where(defined, values, 0.0), self._n + defined

    @property
    def value(self):
        """(resamples, points), NaN where no label is defined."""
        return np.where(self._n > 0, self._sum / np.maximum(self._n, 1), np.nan)
