"""Areas under the ROC curve with DeLong's intervals and tests; used by 04_evaluation.

Numbers agree with R's pROC, direction "<" (a score is higher where the finding is present; an area below 0.5
stays below 0.5). Source: DeLong 1988; fast form by sorting: Sun & Xu 2014. Every function assumes independent
cases: where a patient has several studies, `labkit.evaluation.macro` sums over patients.
"""

from dataclasses import dataclass, field

import numpy as np
from scipy import special

from labkit.errors import EvaluationError
from labkit.evaluation import robust

__all__ = [
    "Auc",
    "Difference",
    "areas",
    "auc",
    "compare_auc",
    "compare_auc_unpaired",
    "placements",
    "tested",
]


@dataclass(frozen=True)
class Auc:
    """An area with its DeLong variance; limits lie in [0, 1]. Undefined numbers are NaN."""

    auc: float
    variance: float
    ci: tuple[float, float]
    n: int
    n_positive: int
    level: float = 0.95
    ci_robust: tuple[float, float] = field(default=(np.nan, np.nan))


@dataclass(frozen=True)
class Difference:
    """Area a minus area b; `df` is infinite where the statistic is normal, the interval is not clipped (as
    pROC).
    """

    difference: float
    ci: tuple[float, float]
    statistic: float
    df: float
    p_value: float
    se: float
    level: float = 0.95


def placements(positive, negative):
    """Share of the other class that each case beats, ties half: (n_positive,), (n_negative,) float64.

    Looking sorted values up in sorted ones stays in the cache, and both classes follow from one look-up.
    """
    # float64 throughout: placements are multiples of 0.5 / n and must not round in float32
    of_positive, of_negative = np.argsort(positive), np.argsort(negative)
    m, n = len(positive), len(negative)
    ordered_positive, ordered_negative = np.asarray(positive)[of_positive], np.asarray(negative)[of_negative]
    beaten, tied = (np.searchsorted(ordered_negative, ordered_positive, side) for side in ("left", "right"))
    v10, v01 = np.empty(m), np.empty(n)
    v10[of_positive] = (beaten + tied) / (2.0 * n)
    # a negative at place j is above the positives with tied <= j, and not below those with beaten <= j
    above, upto = (np.cumsum(np.bincount(places, minlength=n + 1))[:n] for places in (tied, beaten))
    v01[of_negative] = 1.0 - (above + upto) / (2.0 * m)
    return v10, v01


def auc(y, score, level=0.95, *, weight=None, one_class="raise"):
    """Area under the ROC curve with DeLong's interval.

    Parameters
    ----------
    y : (n,) 0 or 1, or false and true. NaN is not allowed; give such cases weight 0.
    score : (n,) numbers, higher where the finding is more likely.
    level : coverage of the interval, in (0, 1).
    weight : (n,) of 0 and 1; cases of weight 0 are left out, whatever their y and score.
    one_class : "raise", or "nan" for an `Auc` of NaN.

    Returns
    -------
    Auc; `ci` is pROC's: it collapses to a point at perfect separation and holds the true area too rarely with few
    positives (bench/evaluation.py coverage: with 5 in 59 to 85 % instead of 95 %). `ci_robust` does not collapse and
    held it in 94 to 98 % (see `robust`). One positive or one negative case leaves the variance undefined: NaN, and so
    is `ci`.

    Raises
    ------
    EvaluationError : one class only, lengths that differ, NaN scores, or y other than 0 and 1.
    """
    y, score = _cases(y, score, level=level, weight=weight)
    n, n_positive = len(y), int(y.sum())
    if not 0 < n_positive < n:
        _one_class(n, n_positive, one_class=one_class)
        return Auc(np.nan, np.nan, (np.nan, np.nan), n, n_positive, level)
    v10, v01 = placements(score[y], score[~y])
    area = float(v10.mean())
    variance = _variance(v10) / len(v10) + _variance(v01) / len(v01)
    half = special.ndtri(0.5 + level / 2) * np.sqrt(variance)
    relative = robust.steadied(area, float(variance), n_positive=n_positive, n_negative=n - n_positive)
    return Auc(
        auc=area,
        variance=float(variance),
        ci=(float(np.clip(area - half, 0, 1)), float(np.clip(area + half, 0, 1))),
        n=n,
        n_positive=n_positive,
        level=level,
        ci_robust=robust.robust_interval(area, relative, n_smaller=min(n_positive, n - n_positive), level=level),
    )


def areas(y, score):
    """Areas per column, NaN where a column has one class; y (n, labels) of 0, 1, NaN = left out; score (n,
    labels).
    """
    y, score = np.asarray(y, float), np.asarray(score, float)
    found = np.full(y.shape[1], np.nan)
    for column in range(y.shape[1]):
        positive, negative = score[y[:, column] == 1, column], score[y[:, column] == 0, column]
        if len(positive) and len(negative):
            found[column] = placements(positive, negative)[0].mean()
    return found  # (labels,)


def compare_auc(y, score_a, score_b, level=0.95, *, weight=None, alternative="two-sided", one_class="raise"):
    """DeLong's test of two scores on the same cases (normal statistic); identical scores give p = 1.

    weight, one_class : as `auc`. alternative : "two-sided", "greater" (the first is better) or "less".

    Raises
    ------
    EvaluationError : as `auc`.
    """
    y_a, score_a = _cases(y, score_a, level=level, weight=weight)
    _, score_b = _cases(y, score_b, level=level, weight=weight)
    if not 0 < y_a.sum() < len(y_a):
        _one_class(len(y_a), int(y_a.sum()), one_class=one_class)
        return tested(np.nan, np.nan, np.inf, level=level, alternative=alternative)
    a10, a01 = placements(score_a[y_a], score_a[~y_a])
    b10, b01 = placements(score_b[y_a], score_b[~y_a])
    difference = float(a10.mean() - b10.mean())
    variance = _variance(a10 - b10) / len(a10) + _variance(a01 - b01) / len(a01)
    return tested(difference, variance, np.inf, level=level, alternative=alternative)


def compare_auc_unpaired(y1, s1, y2, s2, level=0.95, *, alternative="two-sided", one_class="raise"):
    """DeLong's test of two areas on different cases: t statistic with Welch's degrees of freedom, as pROC.

    Raises
    ------
    EvaluationError : as `auc`.
    """
    first, second = (auc(y, s, level, one_class=one_class) for y, s in ((y1, s1), (y2, s2)))
    variance = first.variance + second.variance
    spread = first.variance**2 / (first.n - 1) + second.variance**2 / (second.n - 1)
    df = float(first.n + second.n - 2) if spread == 0 else variance**2 / spread
    return tested(first.auc - second.auc, variance, df, level=level, alternative=alternative)


def _cases(y, score, *, level, weight=None):
    """Checked y as bool and score as float64, cases of weight 0 left out."""
    if not 0 < level < 1:
        raise EvaluationError(f"level {level}: the coverage of an interval lies between 0 and 1, for instance 0.95.")
    try:
        y, score = np.asarray(y, float), np.asarray(score, float)
    except (TypeError, ValueError) as error:
        raise EvaluationError("y and score must be numbers; map true and false to 1 and 0 first.") from error
    if y.ndim != 1 or y.shape != score.shape:
        raise EvaluationError(
            f"y has shape {y.shape} and score {score.shape}; both must be lists of equal length, one entry per case."
        )
    if weight is not None:
        weight = np.asarray(weight, float)
        if weight.shape != y.shape or not np.isin(weight, (0.0, 1.0)).all():
            raise EvaluationError("weight: allowed are 0 (left out) and 1 (used), one per case; rescale nothing.")
        y, score = y[weight == 1], score[weight == 1]
    if not np.isin(y, (0.0, 1.0)).all():
        raise EvaluationError("y: allowed are 0 and 1; give cases without a reference the weight 0.")
    if np.isnan(score).any():
        raise EvaluationError(
            f"score: {int(np.isnan(score).sum())} of {len(score)} are NaN; give these cases the weight 0 or a score."
        )
    return y == 1, score


def _one_class(n, n_positive, *, one_class="raise"):
    if one_class not in ("raise", "nan"):
        raise EvaluationError(f"one_class '{one_class}' is not known; allowed are raise, nan.")
    if one_class == "nan":
        return
    raise EvaluationError(
        f"An area under the ROC curve needs both classes; {n_positive} of {n} cases are positive. "
        "Leave this finding out or pass one_class='nan'."
    )


def _variance(values):
    return float(values.var(ddof=1)) if len(values) > 1 else np.nan


def tested(difference, variance, df, *, level=0.95, alternative="two-sided"):
    """A difference with its interval and p-value; `df` infinite = normal, else Student's t."""
    se = float(np.sqrt(variance))
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = 0.0 if difference == 0 and se == 0 else float(np.float64(difference) / se)
    lower, quantile = (
        (special.ndtr, special.ndtri(0.5 + level / 2))
        if np.isinf(df)
        else (lambda t: special.stdtr(df, t), special.stdtrit(df, 0.5 + level / 2))
    )
    # tails by symmetry, never 1 - cdf, so that p = 1e-40 does not become 0
    p_values = {
        "two-sided": lambda: 2 * lower(-abs(statistic)),
        "less": lambda: lower(statistic),
        "greater": lambda: lower(-statistic),
    }
    if alternative not in p_values:
        raise EvaluationError(f"alternative '{alternative}' is not known; allowed are {', '.join(p_values)}.")
    half = float(quantile) * se
    return Difference(
        difference=difference,
        ci=(difference - half, difference + half),
        statistic=statistic,
        df=float(df),
        p_value=float(p_values[alternative]()),
        se=se,
        level=level,
    )
