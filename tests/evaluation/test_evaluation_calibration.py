"""Calibration and decision curves against scikit-learn, and against scores whose calibration is known."""

import numpy as np
import pytest
from scipy import optimize, special
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, log_loss

from labkit import evaluation
from labkit.errors import EvaluationError
from labkit.evaluation import calibration


def calibrated(rng, n=4000, *, sureness=1.0, shift=0.0):
    """Reference drawn from true probabilities, and scores whose logit is sureness times the true one plus shift."""
    logit = rng.normal(-1, 1.5, n)
    y = (rng.random(n) < special.expit(logit)).astype(float)
    return y, special.expit(sureness * logit + shift)


def test_brier_equals_sklearn_and_its_interval_has_the_right_width(rng):
    y, score = calibrated(rng, 500)
    found = evaluation.brier(y, score)
    assert found.value == pytest.approx(brier_score_loss(y, score), rel=1e-12)
    se = np.std((score - y) ** 2, ddof=1) / np.sqrt(500)
    assert found.high - found.value == pytest.approx(1.959964 * se, rel=1e-6)
    twice = evaluation.brier(np.tile(y, 2), np.tile(score, 2), patients=np.tile(np.arange(500), 2))
    assert (twice.low, twice.high) == pytest.approx((found.low, found.high), rel=1e-9)


def test_bins_equal_sklearn_and_error_is_their_mean_distance(rng):
    y, score = calibrated(rng, 800)
    observed, mean = calibration_curve(y, score, n_bins=10)
    bins = evaluation.reliability(y, score)
    assert bins["observed"].to_numpy() == pytest.approx(observed)
    assert bins["score"].to_numpy() == pytest.approx(mean)
    assert bins["n"].sum() == 800
    assert ((bins["low"] < bins["observed"]) | (bins["observed"] == 0)).all()
    expected = np.sum(np.abs(observed - mean) * bins["n"]) / 800
    assert evaluation.ece(y, score) == pytest.approx(expected)


def test_scores_of_zero_and_one_lie_in_the_outer_bins():
    bins = evaluation.reliability([0, 1], [0.0, 1.0], n_bins=5)
    assert bins["lower"].tolist() == [0.0, 0.8]


def test_slope_equals_sklearn_and_its_interval_holds_the_truth(rng):
    y, score = calibrated(rng, sureness=2.0)
    found = calibration.calibration_line(y, score).slope
    fitted = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(special.logit(score)[:, None], y)
    assert found.value == pytest.approx(fitted.coef_[0, 0], rel=1e-4)
    assert found.low < 0.5 < found.high
    assert found.high - found.low < 0.1


def test_intercept_is_what_makes_the_mean_score_right(rng):
    y, score = calibrated(rng, shift=0.7)
    found = calibration.calibration_line(y, score).intercept
    moved = special.expit(special.logit(score) + found.value)
    assert moved.mean() == pytest.approx(y.mean(), abs=1e-9)
    assert found.low < -0.7 < found.high


def test_studies_of_one_patient_count_once_in_slope_and_intercept(rng):
    y, score = calibrated(rng, 300)
    once = calibration.calibration_line(y, score)
    twice = calibration.calibration_line(np.tile(y, 2), np.tile(score, 2), patients=np.tile(np.arange(300), 2))
    for name in ("slope", "intercept"):
        first, second = getattr(once, name), getattr(twice, name)
        assert (second.low, second.high) == pytest.approx((first.low, first.high), rel=1e-6)


@pytest.mark.parametrize(
    ("y", "score"),
    [
        ([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9]),  # separated
        ([0, 0, 1, 1], [0.9, 0.8, 0.2, 0.1]),
        ([0, 1, 0, 1], [0.5, 0.5, 0.5, 0.5]),  # no spread
        ([1, 1, 1, 1], [0.1, 0.2, 0.3, 0.4]),
    ],
)
def test_a_slope_that_is_not_defined_is_nan(y, score):
    assert np.isnan(calibration.calibration_line(y, score).slope.value)


def test_temperature_is_the_most_likely_one(rng):
    y, score = calibrated(rng, sureness=2.5)
    found = evaluation.temperature(y, score)

    def loss(log_t):
        return log_loss(y, special.expit(special.logit(score) / np.exp(log_t)))

    best = np.exp(optimize.minimize_scalar(loss, bounds=(-3, 3), method="bounded", options={"xatol": 1e-9}).x)
    assert found == pytest.approx(best, rel=1e-4)  # scores within 1e-6 of 0 and 1 are clipped
    assert found == pytest.approx(2.5, rel=0.1)
    warmed = evaluation.tempered(score, found)
    assert evaluation.ece(y, warmed) < evaluation.ece(y, score)
    assert (np.diff(warmed[np.argsort(score)]) >= 0).all()
    assert evaluation.tempered([0.0, 0.5, 1.0], 3.0).tolist() == [0.0, 0.5, 1.0]


def test_temperature_leaves_missing_references_out_and_needs_both_classes(rng):
    y, score = calibrated(rng, 200)
    holes = np.where(np.arange(200) % 3 == 0, np.nan, y)
    kept = ~np.isnan(holes)
    assert evaluation.temperature(holes, score) == evaluation.temperature(y[kept], score[kept])
    assert np.isnan(evaluation.temperature(np.zeros(5), np.full(5, 0.2)))


def test_net_benefit_by_hand(rng):
    y, score = np.array([1, 1, 0, 0, 0]), np.array([0.9, 0.2, 0.8, 0.5, 0.1])
    model, everybody = evaluation.net_benefit(y, score, [0.2, 0.5])
    assert model == pytest.approx([(2 - 2 * 0.25) / 5, (1 - 2) / 5])
    assert everybody == pytest.approx([(2 - 3 * 0.25) / 5, (2 - 3) / 5])


def test_what_is_no_probability_is_refused():
    with pytest.raises(EvaluationError, match="probabilities from 0 to 1"):
        evaluation.brier([0, 1], [0.5, 1.5])
    with pytest.raises(EvaluationError, match="probabilities from 0 to 1"):
        evaluation.brier([0, 1], [0.5, np.nan])
    with pytest.raises(EvaluationError, match="one 0 or 1"):
        evaluation.ece([0, 0.5], [0.5, 0.5])
    with pytest.raises(EvaluationError, match="between 0 and 1"):
        evaluation.net_benefit([0, 1], [0.1, 0.9], [1.0])
    assert np.isnan(evaluation.brier([], []).value)
    assert np.isnan(evaluation.ece([], []))
