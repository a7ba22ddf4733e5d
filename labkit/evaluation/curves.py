"""Points of ROC, precision-recall, reliability and decision curves, few enough to draw and to publish; used by
04_evaluation, drawn by 05_figures.
"""

import numpy as np

from labkit.evaluation import bands, calibration, cases, resampling

__all__ = ["COLUMNS", "macro_roc", "points", "precision_recall", "roc"]

COLUMNS = ["finding", "curve", "site", "policy", "point", "x", "y", "low", "high", "threshold"]
MAX_POINTS = 200
DECISIONS = np.arange(1, 100) / 100  # threshold probabilities of the decision curves


def roc(y, score):
    """False and true positive rate and threshold, (points,) each, from (0, 0) to (1, 1); the first threshold
    is infinite.

    y : (n,) of 0 and 1, both present.
    """
    hits, alarms, thresholds = _counts(y, score)
    x = np.append(0.0, alarms / (y == 0).sum())
    tpr = np.append(0.0, hits / (y == 1).sum())
    corner = np.ones(len(x), bool)
    # a point on the line between its neighbours adds no ink; whole numbers keep the test exact
    h, a = np.append(0, hits), np.append(0, alarms)
    corner[1:-1] = np.diff(h)[:-1] * np.diff(a)[1:] != np.diff(h)[1:] * np.diff(a)[:-1]
    return x[corner], tpr[corner], np.append(np.inf, thresholds)[corner]


def precision_recall(y, score):
    """Recall, precision and threshold, (points,) each, from the highest threshold to the lowest; y (n,) of 0
    and 1.
    """
    hits, alarms, thresholds = _counts(y, score)
    return hits / (y == 1).sum(), hits / (hits + alarms), thresholds


def macro_roc(y, score):
    """Mean true positive rate of the labels at the same false positive rate; y (n, labels) of 0, 1 and NaN =
    left out.
    """
    grid = np.linspace(0, 1, MAX_POINTS - 1)
    mean = np.zeros(len(grid))
    for column in range(y.shape[1]):
        used = ~np.isnan(y[:, column])
        x, tpr, _ = roc(y[used, column], score[used, column])
        # where a curve rises straight up, interp takes the highest point
        mean += np.interp(grid, x, tpr) / y.shape[1]
    return np.append(0.0, grid), np.append(0.0, mean)


def points(found, evaluated, *, site, policy, settings, rng=None):
    """CURVES rows of the findings and of their macro average, at most 200 points per curve; `found` are `Cases`.

    Beside roc and pr: roc_band and pr_band, the same curves (and their mean over findings) over an even x with
    pointwise limits in low and high, where `rng` is given to draw patients by. Per finding and for all together:
    reliability (x mean score, y observed share with its limits, threshold the lower edge of the bin; reliability_n
    holds the cases), decision and decision_all (x threshold probability, y net benefit of the score and of acting on
    everybody). Scores that are no probabilities have neither.
    """
    rows = []
    for finding in evaluated:
        y, score, _ = found.column(finding)
        for curve, (x, height, thresholds) in {
            "roc": roc(y, score),
            "pr": precision_recall(y, score),
        }.items():
            kept = np.unique(np.linspace(0, len(x) - 1, min(MAX_POINTS, len(x))).round().astype(int))
            place = {"finding": finding, "curve": curve, "site": site, "policy": policy}
            rows += _rows(place, x[kept], height[kept], thresholds=thresholds[kept])
        rows += _of_probabilities(y, score, {"finding": finding, "site": site, "policy": policy}, settings)
    if evaluated:
        y, score = found.matrices(evaluated)
        used = ~np.isnan(y)
        place = {"finding": cases.POOLED, "site": site, "policy": policy}
        rows += _of_probabilities(y[used], score[used], place, settings)
        x, height = macro_roc(*found.matrices(evaluated))
        place = {"finding": cases.MACRO, "curve": "roc", "site": site, "policy": policy}
        rows += _rows(place, x, height)
        if rng is not None:
            rows += _banded(found, evaluated, {"site": site, "policy": policy}, settings, rng)
    return rows


def _banded(found, evaluated, place, settings, rng):
    """Curves with bands, of each finding and of their mean."""
    plan = resampling.Plan(settings.n_resamples, level=settings.level)
    drawn = bands.bands(*found.matrices(evaluated), patients=found.patients, rng=rng, plan=plan)
    rows = []
    for curve, of_labels in drawn.items():
        for finding, limits in zip((*evaluated, cases.MACRO), of_labels, strict=True):
            rows += _rows({**place, "finding": finding, "curve": f"{curve}_band"}, bands.GRID, *limits.T)
    return rows


def _of_probabilities(y, score, place, settings):
    """Reliability and decision curves."""
    if not len(y) or score.min() < 0 or score.max() > 1:
        return []
    bins = calibration.reliability(y, score, n_bins=settings.n_bins, level=settings.level)
    x, edge = bins["score"].to_numpy(), bins["lower"].to_numpy()
    observed, low, high, n = (bins[column].to_numpy(float) for column in ("observed", "low", "high", "n"))
    rows = _rows({**place, "curve": "reliability"}, x, observed, low, high, edge)
    rows += _rows({**place, "curve": "reliability_n"}, x, n, thresholds=edge)
    benefits = calibration.net_benefit(y, score, DECISIONS)
    for curve, benefit in zip(("decision", "decision_all"), benefits, strict=True):
        rows += _rows({**place, "curve": curve}, DECISIONS, benefit, thresholds=DECISIONS)
    return rows


def _rows(place, x, y, low=None, high=None, thresholds=None):
    nothing = np.full(len(x), np.nan)
    low, high, thresholds = (nothing if given is None else given for given in (low, high, thresholds))
    thresholds = np.where(np.isinf(thresholds), np.nan, thresholds)
    columns = zip(x.tolist(), y.tolist(), low.tolist(), high.tolist(), thresholds.tolist(), strict=True)
    return [
        {**place, "point": point, "x": a, "y": b, "low": below, "high": above, "threshold": t}
        for point, (a, b, below, above, t) in enumerate(columns)
    ]


def _counts(y, score):
    """True and false positives at each distinct score, highest first."""
    order = np.argsort(-score, kind="stable")
    last = np.append(np.diff(score[order]) != 0, True)
    return np.cumsum(y[order] == 1)[last], np.cumsum(y[order] == 0)[last], score[order][last]
