"""One area over all findings where each alone has too few positives: pairs are compared within findings only; used by
04_evaluation for cases whose report was uncertain and for subgroups.

The area is the share of all pairs (a positive and a negative study of the same finding) that the score puts in order,
under the assumption that it is about the same for every finding. Patients are clusters. Source: van Elteren 1960, with
the pairs as weights; variance by DeLong's placements about the common area.
"""

from dataclasses import dataclass

import numpy as np

from labkit.errors import EvaluationError
from labkit.evaluation import robust, roc

__all__ = ["PooledAuc", "compare_pooled_auc", "pooled_auc"]


@dataclass(frozen=True)
class PooledAuc:
    """A pooled area; n counts labels (studies times findings), NaN where no finding has both classes."""

    auc: float
    variance: float
    ci: tuple[float, float]
    n: int
    n_positive: int
    n_findings: int
    level: float = 0.95


def pooled_auc(y, score, *, patients=None, level=0.95):
    """Pooled area with an interval over patients that is never a point.

    y : (n, labels) of 0, 1 and NaN = left out; findings with one class add no pairs. score : (n, labels). patients :
    (n,) ids, None = one case each.
    """
    y, score, codes = _checked(y, score, patients)
    area, moved, used = _moved(y, score)
    n_positive, n = int((y[:, used] == 1).sum()), int((~np.isnan(y[:, used])).sum())
    counts = {"n": n, "n_positive": n_positive, "n_findings": int(used.sum()), "level": level}
    if not used.any():
        return PooledAuc(np.nan, np.nan, (np.nan, np.nan), **counts)
    variance = _clustered(moved, codes)
    relative = robust.steadied(area, variance, n_positive=n_positive, n_negative=n - n_positive)
    ci = robust.robust_interval(area, relative, n_smaller=min(n_positive, n - n_positive), level=level)
    return PooledAuc(area, variance, ci, **counts)


def compare_pooled_auc(y, score_a, score_b, *, patients=None, level=0.95):
    """Paired test of two pooled areas on the same cases, a `roc.Difference`; NaN where no finding has both classes."""
    y, score_a, codes = _checked(y, score_a, patients)
    _, score_b, _ = _checked(y, score_b, patients)
    area_a, moved_a, used = _moved(y, score_a)
    area_b, moved_b, _ = _moved(y, score_b)
    if not used.any():
        return roc.Difference(np.nan, (np.nan, np.nan), np.nan, np.inf, np.nan, np.nan, level)
    return roc.tested(area_a - area_b, _clustered(moved_a - moved_b, codes), np.inf, level=level)


def _checked(y, score, patients):
    y, score = np.asarray(y, float), np.asarray(score, float)
    if y.ndim != 2 or y.shape != score.shape:
        raise EvaluationError(f"y has shape {y.shape} and score {score.shape}; both must be (cases, labels).")
    missing = np.isnan(score[~np.isnan(y)])
    if missing.any():
        raise EvaluationError(f"score: {int(missing.sum())} of the cases in use are NaN; score them.")
    return y, score, np.arange(len(y)) if patients is None else np.unique(np.asarray(patients), return_inverse=True)[1]


def _moved(y, score):
    """Pooled area, what each case adds to it (n,), and the findings with both classes (labels,)."""
    positive, negative = (y == 1).sum(axis=0), (y == 0).sum(axis=0)
    used = (positive > 0) & (negative > 0)
    n_pairs = float((positive * negative)[used].sum())
    placed = {}
    for column in np.flatnonzero(used):
        of_positive, of_negative = y[:, column] == 1, y[:, column] == 0
        v10, v01 = roc.placements(score[of_positive, column], score[of_negative, column])
        placed[column] = (of_positive, v10, of_negative, v01)
    area = sum(float(v10.sum()) * negative[c] for c, (_, v10, _, _) in placed.items()) / n_pairs if placed else np.nan
    moved = np.zeros(len(y))
    for column, (of_positive, v10, of_negative, v01) in placed.items():
        moved[of_positive] += (v10 - area) * negative[column] / n_pairs
        moved[of_negative] += (v01 - area) * positive[column] / n_pairs
    return area, moved, used


def _clustered(moved, codes):
    """Variance over patients, those who add nothing not counted; NaN with one patient."""
    sums = np.bincount(codes, weights=moved)
    n = len(np.unique(codes[moved != 0]))
    return float(np.square(sums).sum() * n / (n - 1)) if n > 1 else (0.0 if n == 0 else np.nan)
