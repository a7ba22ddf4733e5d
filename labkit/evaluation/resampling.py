"""Bootstrap over patients for any weighted number, many resamples at once; used by 04_evaluation.

A resample is a column of weights: how often each case is drawn, the same for all cases of a patient. A statistic takes
(n, b) weights and gives b numbers, so that areas of 1,000 resamples are a few matrix products and no loop. Both scores
of a comparison get the same weights, which keeps them paired. Source: Efron 1987 (BCa); patients as clusters: Davison &
Hinkley 1997, 3.8; areas from placements by weights: no resample is sorted again.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from scipy import special

from labkit.errors import EvaluationError
from labkit.evaluation import macro

__all__ = [
    "Bootstrap",
    "Plan",
    "bootstrap",
    "bootstrap_macro_auc",
    "bootstrap_macro_difference",
    "draws",
    "weighted_areas",
    "weighted_macro_auc",
]

BLOCK_CELLS = 20_000_000  # weights held at once: 80 MB
KERNEL_PAIRS = 4_000_000  # above it, pairs of a label are not compared one by one
METHODS = ("percentile", "bca")


@dataclass(frozen=True)
class Plan:
    """How often to resample and which interval to take."""

    n_resamples: int = 2000
    method: str = "percentile"
    level: float = 0.95

    def __post_init__(self):
        if self.method not in METHODS:
            raise EvaluationError(f"method '{self.method}' is not known; allowed are {', '.join(METHODS)}.")
        if self.n_resamples < 2 or not 0 < self.level < 1:
            raise EvaluationError(
                f"n_resamples {self.n_resamples}, level {self.level}: allowed are 2 or more, and 0 < level < 1."
            )


@dataclass(frozen=True)
class Bootstrap:
    """A number with the interval of its resamples; resamples in which it is not defined are left out and counted."""

    value: float
    ci: tuple[float, float]
    se: float
    method: str
    level: float
    n_undefined: int
    resamples: np.ndarray = field(repr=False)


def draws(patients, n_resamples, *, rng, strata=None):
    """Yield blocks of weights, (n, b) float32 each, b adding up to n_resamples: how often each case is drawn.

    Parameters
    ----------
    patients : (n,) ids; the studies of a patient are drawn together.
    rng : numpy Generator. The blocks do not change what is drawn.
    strata : (n,) ids or None; each resample holds as many patients of every stratum as there are. A patient whose
        studies lie in several strata belongs to a stratum of such patients.
    """
    codes = np.unique(np.asarray(patients), return_inverse=True)[1]
    n_patients = int(codes.max()) + 1
    stratum = np.zeros(n_patients, int) if strata is None else _stratum(codes, strata)
    pool = np.argsort(stratum, kind="stable")  # patients, stratum by stratum
    sizes = np.bincount(stratum)
    size, first = np.repeat(sizes, sizes), np.repeat(np.cumsum(sizes) - sizes, sizes)
    block = max(1, BLOCK_CELLS // len(codes))
    for start in range(0, n_resamples, block):
        b = min(block, n_resamples - start)
        drawn = pool[first + (rng.random((b, n_patients)) * size).astype(int)]
        drawn += n_patients * np.arange(b)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=b * n_patients).reshape(b, n_patients)
        yield counts.T.astype(np.float32)[codes]


def _stratum(codes, strata):
    """Stratum of each patient, (patients,) codes from 0 without a gap."""
    strata = np.unique(np.asarray(strata), return_inverse=True)[1]
    if strata.shape != codes.shape:
        raise EvaluationError(f"strata: {len(strata)} for {len(codes)} cases; give one per case.")
    low, high = (np.full(codes.max() + 1, fill) for fill in (strata.max(), 0))
    np.minimum.at(low, codes, strata)
    np.maximum.at(high, codes, strata)
    return np.unique(np.where(low == high, low, -1), return_inverse=True)[1]


def weighted_areas(y, score, weight):
    """Area of each label under each column of weights: (labels, b) float64, NaN where a class has no weight.

    y : (n, labels) of 0, 1 and NaN = left out; score : (n, labels); weight : (n, b) float32, whole numbers.
    """
    found = np.full((y.shape[1], weight.shape[1]), np.nan)
    for column in range(y.shape[1]):
        is_positive, is_negative = y[:, column] == 1, y[:, column] == 0
        positive, negative = score[is_positive, column], score[is_negative, column]
        of_positive, of_negative = weight[is_positive], weight[is_negative]
        n_positive, n_negative = of_positive.sum(axis=0, dtype=float), of_negative.sum(axis=0, dtype=float)
        # whole and half numbers below 2**23 are exact in float32 too
        if len(positive) * len(negative) <= KERNEL_PAIRS and n_negative.max(initial=0) < 2**23:
            beats = (positive[:, None] > negative).astype(np.float32) + np.float32(0.5) * (
                positive[:, None] == negative
            )
            beaten = beats @ of_negative
        else:
            beaten = _beaten_by_sorting(positive, negative, of_negative)
        beaten *= of_positive
        sums, pairs = beaten.sum(axis=0, dtype=float), n_positive * n_negative
        found[column] = np.divide(sums, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0)
    return found


def _beaten_by_sorting(positive, negative, weight):
    """Weight of the negatives that each positive beats, ties half: (positives, b); no table of all pairs."""
    order = np.argsort(negative, kind="stable")
    below = np.vstack([np.zeros((1, weight.shape[1])), np.cumsum(weight[order], axis=0, dtype=float)])
    first, last = (np.searchsorted(negative[order], positive, side) for side in ("left", "right"))
    return (below[first] + below[last]) / 2


def weighted_macro_auc(y, score, weight):
    """Mean area over the labels that have both classes, per column of weights: (b,), NaN where none has."""
    areas = weighted_areas(y, score, weight)
    defined = ~np.isnan(areas)
    counted = defined.sum(axis=0)
    return np.divide(
        np.where(defined, areas, 0).sum(axis=0), counted, out=np.full(len(counted), np.nan), where=counted > 0
    )


def bootstrap(statistic: Callable, patients, *, rng, plan=None, strata=None, influence=None):
    """Interval of a weighted number by resampling patients.

    Parameters
    ----------
    statistic : takes weights (n, b), gives (b,) numbers; weights of one give the number itself.
    patients, rng, strata : as `draws`. plan : Plan.
    influence : (n,) what each case adds to the number, up to a factor, or None: BCa then leaves out each patient once,
        which takes long with many of them.

    Raises
    ------
    EvaluationError : no cases.
    """
    plan = plan or Plan()
    patients = np.asarray(patients)
    if not len(patients):
        raise EvaluationError("patients: there are no cases to draw from.")
    value = float(statistic(np.ones((len(patients), 1), np.float32))[0])
    drawn = np.concatenate([statistic(w) for w in draws(patients, plan.n_resamples, rng=rng, strata=strata)])
    defined = drawn[~np.isnan(drawn)]
    tails = np.array([0.5 - plan.level / 2, 0.5 + plan.level / 2])
    ci = (np.nan, np.nan)
    if len(defined) > 1 and not np.isnan(value):
        if plan.method == "bca":
            left_out = _left_out(statistic, patients) if influence is None else -_of_patients(influence, patients)
            tails = _bca(tails, value, defined, left_out)
        ci = tuple(float(limit) for limit in np.quantile(defined, tails))
    return Bootstrap(
        value=value,
        ci=ci,
        se=float(defined.std(ddof=1)) if len(defined) > 1 else np.nan,
        method=f"bootstrap of patients, {plan.method}",
        level=plan.level,
        n_undefined=len(drawn) - len(defined),
        resamples=drawn,
    )


def _of_patients(values, patients):
    return np.bincount(np.unique(patients, return_inverse=True)[1], weights=values)


def _bca(tails, value, drawn, left_out):
    """Shares of the resamples at which the limits lie (Efron 1987), corrected for bias and skewness."""
    below = (np.sum(drawn < value) + np.sum(drawn == value) / 2) / len(drawn)
    bias = special.ndtri(np.clip(below, 0.5 / len(drawn), 1 - 0.5 / len(drawn)))
    moved = np.nanmean(left_out) - left_out[~np.isnan(left_out)]
    spread = np.square(moved).sum()
    acceleration = np.sum(moved**3) / (6 * spread**1.5) if spread > 0 else 0.0
    shifted = bias + special.ndtri(tails)
    return special.ndtr(bias + shifted / np.maximum(1 - acceleration * shifted, 1e-6))


def _left_out(statistic, patients):
    """The number without each patient in turn, (patients,)."""
    codes = np.unique(patients, return_inverse=True)[1]
    block = max(1, BLOCK_CELLS // len(codes))
    found = []
    for start in range(0, codes.max() + 1, block):
        chosen = np.arange(start, min(start + block, codes.max() + 1))
        found.append(statistic((codes[:, None] != chosen).astype(np.float32)))
    return np.concatenate(found)


def bootstrap_macro_auc(y, score, *, patients=None, rng, plan=None, strata=None):
    """Macro AUC with a bootstrap interval over patients; y (n, labels) of 0, 1, NaN = left out; score (n, labels)."""
    y, score = np.asarray(y, float), np.asarray(score, float)
    patients = np.arange(len(y)) if patients is None else np.asarray(patients)
    return bootstrap(
        partial(weighted_macro_auc, y, score),
        patients,
        rng=rng,
        plan=plan,
        strata=strata,
        influence=_influence(y, score, patients),
    )


def bootstrap_macro_difference(y, scores, *, patients=None, rng, plan=None, strata=None):
    """Difference of two macro averages on the same resamples; scores : pair of (n, labels), first minus second."""
    y = np.asarray(y, float)
    first, second = (np.asarray(score, float) for score in scores)
    patients = np.arange(len(y)) if patients is None else np.asarray(patients)

    def difference(weight):
        return weighted_macro_auc(y, first, weight) - weighted_macro_auc(y, second, weight)

    influence = _influence(y, first, patients) - _influence(y, second, patients)
    return bootstrap(difference, patients, rng=rng, plan=plan, strata=strata, influence=influence)


def _influence(y, score, patients):
    """What each case adds to the macro average, (n,); labels with one class add nothing."""
    both = (y == 1).any(axis=0) & (y == 0).any(axis=0)
    codes = np.unique(patients, return_inverse=True)[1] if len(patients) else patients
    moved = macro.influence(y[:, both], score[:, both], codes)[1]
    return np.nan_to_num(moved).sum(axis=1) / max(both.sum(), 1)
