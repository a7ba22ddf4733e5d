"""Thresholds on validation at a fixed sensitivity or specificity, by brute force over all thresholds."""

import numpy as np
import pytest

from labkit import evaluation
from labkit.evaluation import thresholds


def rates_at(y, score, threshold):
    return (score[y == 1] >= threshold).mean(), (score[y == 0] < threshold).mean()


@pytest.mark.parametrize("target", [0.01, 0.5, 0.9, 0.95, 1.0])
@pytest.mark.parametrize("decimals", [1, 8])
def test_a_threshold_keeps_its_promise_and_the_next_one_would_not(target, decimals):
    rng = np.random.default_rng(decimals)
    y = (rng.random(90) < 0.3).astype(float)
    score = np.round(rng.normal(size=90) + y, decimals)
    candidates = np.append(np.unique(score), np.nextafter(score.max(), np.inf))
    found = evaluation.sensitivity_threshold(y, score, target=target)
    assert found == max(t for t in candidates if rates_at(y, score, t)[0] >= target)
    found = evaluation.specificity_threshold(y, score, target=target)
    assert found == min(t for t in candidates if rates_at(y, score, t)[1] >= target)


def test_nine_of_ten_is_a_share_of_nine_tenths():
    score = np.arange(10.0)
    assert evaluation.sensitivity_threshold(np.ones(10), score, target=0.9) == 1.0
    assert evaluation.specificity_threshold(np.zeros(10), score, target=0.7) == 7.0


def test_equal_scores_everywhere_allow_nobody_or_everybody():
    y, score = np.array([0, 0, 1, 1]), np.full(4, 0.5)
    assert evaluation.sensitivity_threshold(y, score, target=0.9) == 0.5
    assert evaluation.specificity_threshold(y, score, target=0.9) == np.nextafter(0.5, 1)


def test_a_missing_class_gives_no_threshold():
    assert np.isnan(evaluation.sensitivity_threshold([0, 0], [0.1, 0.2], target=0.9))
    assert np.isnan(evaluation.specificity_threshold([1, 1], [0.1, 0.2], target=0.9))
    assert np.isnan(thresholds.chosen_threshold([1, 1], [0.1, 0.2], point="youden"))


def test_points_have_names_that_tell_their_target():
    assert thresholds.point_name("specificity", 0.9) == "specificity_0.9"
    assert thresholds.point_name("youden") == "youden"
    settings = evaluation.Settings(fixed_sensitivity=0.95)
    assert settings.target("sensitivity") == 0.95
    assert np.isnan(settings.target("youden"))
