"""Permutation test of two macro averages on the same cases, exact in small samples; used by 04_evaluation.

Under the null hypothesis it does not matter which network gave which rank, so the ranks of both are exchanged for all
studies of a patient at once. The difference of the areas is then a sum over patients with random signs, for any number
of labels: every permutation costs one multiplication per patient, and with few patients all of them are counted.
Source: Bandos, Rockette & Gur 2005 (Stat Med 24:2873), one label; here summed over labels and patients.
"""

from dataclasses import dataclass

import numpy as np

from labkit.errors import EvaluationError
from labkit.evaluation import roc

__all__ = ["Permutation", "permutation_macro_auc"]

BLOCK_CELLS = 20_000_000
TOLERANCE = 1e-12  # sums of the same terms in another order
TAILS = {"two-sided": np.abs, "greater": np.positive, "less": np.negative}


@dataclass(frozen=True)
class Permutation:
    """A difference and the share of permutations at least as extreme; `exact` where all of them were counted."""

    difference: float
    p_value: float
    n_permutations: int
    exact: bool


def permutation_macro_auc(y, score_a, score_b, *, patients=None, rng, n_permutations=10_000, alternative="two-sided"):
    """Test whether two scores have the same macro AUC by exchanging them within patients.

    Parameters
    ----------
    y : (n, labels) of 0, 1 and NaN = left out; scores : (n, labels). Ranks are exchanged, not scores: the two networks
        need not be calibrated alike.
    patients : (n,) ids, None = one case each.
    rng : numpy Generator, used where there are more than n_permutations ways.
    alternative : "two-sided", "greater" (the first is better) or "less".

    Returns
    -------
    Permutation; drawn ones count the observed one too, so that p is never 0 (Phipson & Smyth 2010). Identical scores
    give 1.

    Raises
    ------
    EvaluationError : shapes that differ, NaN scores in use, a label with one class, an unknown alternative.
    """
    y, score_a, score_b = (np.asarray(values, float) for values in (y, score_a, score_b))
    if y.ndim != 2 or y.shape != score_a.shape or y.shape != score_b.shape:
        raise EvaluationError(f"y has shape {y.shape}, the scores {score_a.shape} and {score_b.shape}; give the same.")
    if alternative not in TAILS or n_permutations < 1:
        raise EvaluationError(
            f"alternative '{alternative}', n_permutations {n_permutations}: allowed are {', '.join(TAILS)}, "
            "and 1 or more."
        )
    codes = np.arange(len(y)) if patients is None else np.unique(np.asarray(patients), return_inverse=True)[1]
    shares = np.bincount(codes, weights=_contributions(y, score_a, score_b).mean(axis=1))
    difference = float(shares.sum())
    moving = shares[np.abs(shares) > TOLERANCE / len(shares)]
    exact = len(moving) < 63 and 2 ** len(moving) <= n_permutations
    observed = TAILS[alternative](difference) - TOLERANCE
    n = 2 ** len(moving) if exact else n_permutations
    extreme, block = 0, max(1, BLOCK_CELLS // max(len(moving), 1))
    for start in range(0, n, block):
        size = min(block, n - start)
        if exact:
            bits = np.arange(start, start + size)[:, None] >> np.arange(len(moving)) & 1
        else:
            bits = rng.integers(0, 2, (size, len(moving)), np.int8)
        sums = (2.0 * bits - 1) @ moving
        extreme += int((TAILS[alternative](sums) >= observed).sum())
    p_value = extreme / n if exact else (extreme + 1) / (n + 1)
    return Permutation(difference, float(p_value), n, exact)


def _contributions(y, score_a, score_b):
    """What each case adds to the difference of each label, (n, labels); exchanging its ranks turns the sign."""
    found = np.zeros(y.shape)
    for column in range(y.shape[1]):
        is_positive, is_negative = y[:, column] == 1, y[:, column] == 0
        if not is_positive.any() or not is_negative.any():
            raise EvaluationError(f"Column {column} has one class only; leave that finding out.")
        used = is_positive | is_negative
        a, b = score_a[:, column], score_b[:, column]
        if np.isnan(a[used]).any() or np.isnan(b[used]).any():
            raise EvaluationError("score: cases in use are NaN; score them, or set their y to NaN.")
        a, b = _ranks(a, used), _ranks(b, used)
        positive, negative = (a[is_positive], b[is_positive]), (a[is_negative], b[is_negative])
        (aa, of_aa), (ab, of_ab) = (roc.placements(positive[0], other) for other in negative)
        (ba, of_ba), (bb, of_bb) = (roc.placements(positive[1], other) for other in negative)
        found[is_positive, column] = (aa - bb + ab - ba) / (2 * len(aa))
        found[is_negative, column] = (of_aa - of_bb - of_ab + of_ba) / (2 * len(of_aa))
    return found


def _ranks(score, used):
    """Ranks of the cases in use, ties shared; the others stay NaN."""
    ordered = np.sort(score[used])
    ranks = np.full(len(score), np.nan)
    ranks[used] = np.searchsorted(ordered, score[used], "left") + np.searchsorted(ordered, score[used], "right")
    return ranks / 2
