"""The pooled area: pairs counted one by one, variance by bootstrap, and comparisons."""

import numpy as np
import pytest

from labkit import evaluation
from labkit.errors import EvaluationError
from labkit.evaluation import resampling


def cases(rng, n=300, n_labels=8):
    y = (rng.random((n, n_labels)) < 0.04).astype(float)
    y[rng.random(y.shape) < 0.3] = np.nan
    y[:, 0] = 0  # no pairs
    score = np.round(np.nan_to_num(y) + rng.normal(size=y.shape), 1)
    return y, score, rng.integers(0, 220, n)


def test_area_counts_pairs_within_findings(rng):
    y, score, _ = cases(rng)
    ordered = pairs = 0.0
    for column in range(y.shape[1]):
        for a in score[y[:, column] == 1, column]:
            for b in score[y[:, column] == 0, column]:
                ordered, pairs = ordered + (a > b) + (a == b) / 2, pairs + 1
    found = evaluation.pooled_auc(y, score)
    assert found.auc == pytest.approx(ordered / pairs, abs=1e-12)
    assert (found.n_findings, found.n) == (7, int((~np.isnan(y[:, 1:])).sum()))


def test_one_finding_gives_the_area_of_delong(rng):
    y = (rng.random(90) < 0.3).astype(float)
    score = y + rng.normal(size=90)
    single, found = evaluation.auc(y, score), evaluation.pooled_auc(y[:, None], score[:, None])
    assert found.auc == pytest.approx(single.auc, abs=1e-12)
    assert found.variance == pytest.approx(single.variance, rel=0.05)
    assert found.ci == pytest.approx(single.ci_robust, abs=0.01)


def test_variance_over_patients_agrees_with_the_bootstrap(rng):
    y, score, patients = cases(rng, n=900)
    score = score + rng.normal(size=220)[patients][:, None]  # a patient's studies resemble each other

    def statistic(weight):
        areas = resampling.weighted_areas(y, score, weight)
        pairs = np.array([(y == k).T.astype(float) @ weight for k in (0, 1)]).prod(axis=0)
        return np.nansum(areas * pairs, axis=0) / pairs.sum(axis=0)

    drawn = evaluation.bootstrap(statistic, patients, rng=rng, plan=evaluation.Plan(800))
    found = evaluation.pooled_auc(y, score, patients=patients)
    assert drawn.value == pytest.approx(found.auc, abs=1e-9)
    assert np.sqrt(found.variance) == pytest.approx(drawn.se, rel=0.12)


def test_equal_scores_are_not_different_and_better_ones_are(rng):
    y, score, patients = cases(rng, n=900)
    same = evaluation.compare_pooled_auc(y, score, score, patients=patients)
    assert (same.difference, same.p_value) == (0, 1)
    better = evaluation.compare_pooled_auc(y, np.nan_to_num(y) * 3 + score, score, patients=patients)
    assert better.difference > 0.1
    assert better.p_value < 0.001


def test_no_finding_with_both_classes_gives_nan(rng):
    y = np.zeros((4, 2))
    found = evaluation.pooled_auc(y, rng.random((4, 2)))
    assert np.isnan(found.auc) and found.n == 0
    assert np.isnan(evaluation.compare_pooled_auc(y, y, y).p_value)
    with pytest.raises(EvaluationError, match="1 of the cases in use are NaN"):
        evaluation.pooled_auc([[1.0], [0.0]], [[np.nan], [0.1]])


def test_one_pair_in_order_is_no_certainty():
    found = evaluation.pooled_auc([[1.0], [0.0]], [[0.9], [0.1]])
    assert found.auc == 1
    assert found.ci[0] < 0.5
