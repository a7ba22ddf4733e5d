"""The mean area under the ROC curve over labels, with a closed-form interval by patients; used by
04_evaluation.

A case moves the area of one label by its DeLong influence value; the mean over labels of these, summed per
patient, gives the variance of the macro average without resampling. With one label and one study per patient
it is exactly DeLong's variance. Source: DeLong 1988; clusters: Obuchowski 1997.
"""

from dataclasses import dataclass

import numpy as np
from scipy import special

from labkit.errors import EvaluationError
from labkit.evaluation import robust, roc

__all__ = ["MacroAuc", "compare_macro_auc", "compare_macro_auc_unpaired", "influence", "macro_auc"]


@dataclass(frozen=True)
class MacroAuc:
    """Mean area over labels; `areas` in the order of the columns.

    `ci` is DeLong's form and collapses to a point where every label is separated perfectly; `ci_robust` does not.
    """

    auc: float
    variance: float
    ci: tuple[float, float]
    areas: tuple[float, ...]
    n: int
    n_patients: int
    level: float = 0.95
    ci_robust: tuple[float, float] = (np.nan, np.nan)


def influence(y, score, patients):
    """What each case adds to the area of each label, scaled so that squares sum to its variance.

    Parameters
    ----------
    y : (n, labels) of 0, 1 and NaN = left out.
    score : (n, labels).
    patients : (n,) integer codes.

    Returns
    -------
    (labels,) areas and (n, labels) influence values; left-out cases are 0. NaN where one class is left with a
    single case.

    Raises
    ------
    EvaluationError : a label has one class only.
    """
    areas, moved = np.empty(y.shape[1]), np.zeros(y.shape)
    for column in range(y.shape[1]):
        is_positive, is_negative = y[:, column] == 1, y[:, column] == 0
        if not is_positive.any() or not is_negative.any():
            raise EvaluationError(
                f"Column {column} has {int(is_positive.sum())} positive and {int(is_negative.sum())} "
                "negative cases; "
                "a macro average needs both classes in every label. Leave that finding out."
            )
        v10, v01 = roc.placements(score[is_positive, column], score[is_negative, column])
        areas[column] = v10.mean()
        for chosen, placed in ((is_positive, v10), (is_negative, v01)):
            moved[chosen, column] = (placed - areas[column]) / len(placed) * _correction(patients[chosen])
    return areas, moved


def macro_auc(y, score, *, patients=None, level=0.95):
    """Mean area over labels with its patient-clustered interval, clipped to [0, 1].

    y : (n, labels) of 0, 1 and NaN = left out; score : (n, labels); patients : (n,) ids, None = one case
        each.
    """
    y, score, codes = _cases(y, score, patients)
    areas, moved = influence(y, score, codes)
    variance = _clustered(moved.mean(axis=1), codes)
    mean, half = float(areas.mean()), special.ndtri(0.5 + level / 2) * np.sqrt(variance)
    return MacroAuc(
        auc=mean,
        variance=variance,
        ci=(float(np.clip(mean - half, 0, 1)), float(np.clip(mean + half, 0, 1))),
        areas=tuple(float(area) for area in areas),
        n=len(y),
        n_patients=int(codes.max()) + 1,
        level=level,
        ci_robust=_robust(y, areas, moved, codes, level=level),
    )


def _robust(y, areas, moved, codes, *, level):
    """`robust.robust_interval` of the mean: its variance grows as those of its labels do when they are steadied."""
    found = np.array([_clustered(column, codes) for column in moved.T])  # (labels,)
    n_positive, n_negative = (y == 1).sum(axis=0), (y == 0).sum(axis=0)
    numbers = zip(areas, found, n_positive, n_negative, strict=True)
    steadied = np.array([robust.steadied(a, v, n_positive=p, n_negative=n) for a, v, p, n in numbers])
    mean, spread = float(areas.mean()), float(areas.mean() * (1 - areas.mean()))
    smaller = int(np.minimum(n_positive, n_negative).sum())
    if spread == 0 or np.isnan(found).any() or not found.any():
        relative = steadied.mean() / len(areas)  # nothing to scale: labels as if independent
    else:
        variances = steadied * areas * (1 - areas)
        relative = _clustered(moved.mean(axis=1), codes) / spread * variances.sum() / found.sum()
    return robust.robust_interval(mean, float(relative), n_smaller=smaller, level=level)


def compare_macro_auc(y, score_a, score_b, *, patients=None, level=0.95):
    """Paired test of two macro averages on the same cases and labels: normal statistic, patients as clusters.

    Treating policies as unpaired would more than double the standard error; both columns must hold the same
    cases.
    """
    y, score_a, codes = _cases(y, score_a, patients)
    _, score_b, _ = _cases(y, score_b, patients)
    areas_a, moved_a = influence(y, score_a, codes)
    areas_b, moved_b = influence(y, score_b, codes)
    variance = _clustered((moved_a - moved_b).mean(axis=1), codes)
    return roc.tested(float(areas_a.mean() - areas_b.mean()), variance, np.inf, level=level)


def compare_macro_auc_unpaired(first, second, *, level=0.95):
    """Test of two `MacroAuc` on different patients (for instance two sites): Welch's t by numbers of
    patients.
    """
    variance = first.variance + second.variance
    if np.isnan(variance):
        return roc.tested(first.auc - second.auc, np.nan, np.inf, level=level)
    spread = first.variance**2 / (first.n_patients - 1) + second.variance**2 / (second.n_patients - 1)
    df = variance**2 / spread if spread > 0 else float(first.n_patients + second.n_patients - 2)
    return roc.tested(first.auc - second.auc, variance, df, level=level)


def _cases(y, score, patients):
    y, score = np.asarray(y, float), np.asarray(score, float)
    if y.ndim != 2 or y.shape != score.shape or not y.size:
        raise EvaluationError(
            f"y has shape {y.shape} and score {score.shape}; both must be (cases, labels) and hold at least one."
        )
    used = ~np.isnan(y)
    if np.isnan(score[used]).any():
        raise EvaluationError(f"score: {int(np.isnan(score[used]).sum())} of the cases in use are NaN; score them.")
    codes = np.arange(len(y)) if patients is None else np.unique(np.asarray(patients), return_inverse=True)[1]
    return y, score, codes


def _correction(codes):
    """The unbiased variance divides by n - 1, n counted in patients; one patient with two cases falls back to
    cases.
    """
    n_patients, n = len(np.unique(codes)), len(codes)
    n = n_patients if n_patients > 1 else n
    return np.sqrt(n / (n - 1)) if n > 1 else np.nan


def _clustered(moved, codes):
    """Variance over patients; one alone says nothing of the spread between them: NaN."""
    sums = np.bincount(codes, weights=moved)
    return float(np.square(sums).sum()) if len(sums) > 1 else np.nan
