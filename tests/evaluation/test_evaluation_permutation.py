"""Permutation test of two macro averages: against brute force, exact in small samples, right under the null."""

from itertools import product

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from labkit import evaluation
from labkit.errors import EvaluationError


def ranks(values):
    return np.array([np.mean([(v > w) + (v == w) / 2 for w in values]) for v in values])


def brute_force(y, a, b, patients):
    """p over every way of exchanging the ranks of patients, areas by scikit-learn."""
    a, b = (np.column_stack([ranks(column) for column in score.T]) for score in (a, b))
    differences = []
    for swapped in product([False, True], repeat=len(set(patients))):
        swap = np.array(swapped)[patients][:, None]
        first, second = np.where(swap, b, a), np.where(swap, a, b)
        columns = range(y.shape[1])
        differences.append(
            np.mean([roc_auc_score(y[:, c], first[:, c]) - roc_auc_score(y[:, c], second[:, c]) for c in columns])
        )
    differences = np.array(differences)
    return {
        "two-sided": np.mean(np.abs(differences) >= abs(differences[0]) - 1e-12),
        "greater": np.mean(differences >= differences[0] - 1e-12),
        "less": np.mean(differences <= differences[0] + 1e-12),
    }


@pytest.mark.parametrize("seed", [1, 2])
def test_p_equals_brute_force(seed):
    rng = np.random.default_rng(seed)
    patients = np.array([0, 0, 1, 2, 3, 4, 5, 5])
    y = np.array([[1, 0, 1, 0, 0, 1, 0, 0], [0, 0, 1, 1, 0, 0, 1, 0]], float).T
    a, b = np.round(y + rng.normal(size=y.shape), 1), np.round(7 * rng.random(y.shape), 0)
    for alternative, expected in brute_force(y, a, b, patients).items():
        found = evaluation.permutation_macro_auc(y, a, b, patients=patients, rng=rng, alternative=alternative)
        assert found.exact
        assert found.p_value == pytest.approx(expected, abs=1e-12)
        assert found.difference == pytest.approx(evaluation.compare_macro_auc(y, a, b).difference, abs=1e-12)


def test_drawn_permutations_agree_with_delong_in_a_large_sample(rng):
    y = (rng.random((400, 3)) < 0.3).astype(float)
    a, b = y + rng.normal(size=y.shape), 0.85 * y + rng.normal(size=y.shape)
    found = evaluation.permutation_macro_auc(y, a, b, rng=rng)
    assert not found.exact
    assert found.p_value == pytest.approx(evaluation.compare_macro_auc(y, a, b).p_value, abs=0.02)


def test_identical_scores_and_scores_of_another_scale_give_p_of_one(rng):
    y = (rng.random((60, 2)) < 0.4).astype(float)
    score = rng.normal(size=y.shape)
    for other in (score, 100 + np.exp(score)):
        found = evaluation.permutation_macro_auc(y, score, other, rng=rng)
        assert (found.difference, found.p_value) == (0, 1)


def test_a_drawn_p_is_never_zero(rng):
    y = np.repeat([0.0, 1.0], 60)[:, None]
    found = evaluation.permutation_macro_auc(y, y + 0.1 * rng.random(y.shape), rng.random(y.shape), rng=rng)
    assert found.p_value == pytest.approx(1 / 10_001)


def test_missing_references_are_left_out_and_faults_named(rng):
    y = np.array([[1, 0, 1, 0, np.nan], [1, 0, 0, 1, 0]]).T
    score = rng.random((5, 2))
    score[4, 0] = np.nan
    assert 0 < evaluation.permutation_macro_auc(y, score, rng.random((5, 2)), rng=rng).p_value <= 1
    with pytest.raises(EvaluationError, match="are NaN"):
        evaluation.permutation_macro_auc(np.nan_to_num(y), score, score, rng=rng)
    with pytest.raises(EvaluationError, match="one class only"):
        evaluation.permutation_macro_auc(0 * y[:, 1:], score[:, 1:], score[:, 1:], rng=rng)
    with pytest.raises(EvaluationError, match="give the same"):
        evaluation.permutation_macro_auc(y, score[:3], score, rng=rng)
    with pytest.raises(EvaluationError, match="allowed are two-sided, greater, less"):
        evaluation.permutation_macro_auc(y, score, score, rng=rng, alternative="both")
