"""What a difference that is "not significant" means: equivalence, detectable difference, many labels; used by
04_evaluation.
"""

from dataclasses import dataclass

import numpy as np
from scipy import special

from labkit.errors import EvaluationError

__all__ = ["Equivalence", "benjamini_hochberg", "detectable_difference", "equivalence", "holm"]


@dataclass(frozen=True)
class Equivalence:
    """Two one-sided tests against -margin and +margin; `p_value` is the larger, `equivalent` where it is
    below alpha.
    """

    margin: float
    p_value: float
    equivalent: bool


def equivalence(difference, se, *, margin, df=np.inf, level=0.95):
    """Test whether a difference lies within ± margin (TOST).

    The verdict at `level` 0.95 is the same as asking whether the 90 % interval lies inside the margin.
    Source: Schuirmann 1987.

    Raises
    ------
    EvaluationError : margin not above 0.
    """
    if not margin > 0:
        raise EvaluationError(f"margin {margin} is not above 0; name the largest difference that would not matter.")
    if np.isnan(difference) or np.isnan(se):
        return Equivalence(margin, np.nan, False)
    if se == 0:
        p_value = 0.0 if abs(difference) < margin else 1.0
    else:
        statistics = np.array([-(difference + margin) / se, (difference - margin) / se])
        p_value = float(np.max(special.ndtr(statistics) if np.isinf(df) else special.stdtr(df, statistics)))
    return Equivalence(margin, p_value, bool(p_value < 1 - level))


def detectable_difference(se, *, level=0.95, power=0.8, df=np.inf):
    """Smallest true difference that a two-sided test with this standard error finds with `power`.

    With few degrees of freedom (Student's t) it is larger; the quantiles add up as those of the normal do.
    """
    shares = np.array([0.5 + level / 2, power])
    return float((special.ndtri(shares) if np.isinf(df) else special.stdtrit(df, shares)).sum() * se)


def holm(p_values):
    """Holm's adjusted p-values; NaN stays NaN and is not counted."""
    return _adjusted(p_values, lambda p: np.maximum.accumulate(p * np.arange(len(p), 0, -1)))


def benjamini_hochberg(p_values):
    """Benjamini and Hochberg's adjusted p-values (false discovery rate); NaN stays NaN and is not counted."""
    return _adjusted(p_values, lambda p: np.minimum.accumulate((p * len(p) / np.arange(1, len(p) + 1))[::-1])[::-1])


def _adjusted(p_values, rule):
    p_values = np.asarray(p_values, float)
    adjusted = np.full(p_values.shape, np.nan)
    known = np.flatnonzero(~np.isnan(p_values))
    order = known[np.argsort(p_values[known], kind="stable")]
    adjusted[order] = np.minimum(rule(p_values[order]), 1.0) if len(order) else []
    return adjusted
