"""Thresholds and rates against scikit-learn, scipy and tables made by hand."""

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import average_precision_score, balanced_accuracy_score, f1_score, roc_curve

from labkit import evaluation
from labkit.evaluation.operating import Confusion


def test_youden_threshold_equals_sklearn_when_scores_tie():
    for seed in range(20):
        rng = np.random.default_rng(seed)
        y = np.append(rng.random(60) < 0.3, [True, False])
        score = np.round(rng.random(62) + 0.4 * y, 1)
        false_rate, true_rate, thresholds = roc_curve(y, score, drop_intermediate=False)
        found = evaluation.youden_threshold(y, score)
        best = (true_rate - false_rate).max()
        at_found = (true_rate - false_rate)[thresholds == found]
        assert at_found == pytest.approx(best, abs=1e-12)


def test_of_equal_youden_thresholds_the_highest_is_taken():
    # J is 0.5 at 0.9 and at 0.4
    assert evaluation.youden_threshold([1, 0, 1, 0], [0.9, 0.5, 0.4, 0.1]) == 0.9


@pytest.mark.parametrize("y", [[1, 1, 1], [0, 0, 0], []])
def test_one_class_has_no_threshold(y):
    assert np.isnan(evaluation.youden_threshold(y, np.arange(len(y))))


def test_rates_of_a_table_made_by_hand():
    counts = evaluation.confusion([1, 1, 1, 0, 0, 0, 0, 0], [0.9, 0.8, 0.1, 0.8, 0.2, 0.1, 0.1, 0.1], threshold=0.8)
    assert counts == Confusion(true_positive=2, false_positive=1, true_negative=4, false_negative=1)
    found = {name: rate.value for name, rate in evaluation.rates(counts).items()}
    assert found == pytest.approx(
        {
            "sensitivity": 2 / 3,
            "specificity": 4 / 5,
            "ppv": 2 / 3,
            "npv": 4 / 5,
            "accuracy": 6 / 8,
            "f1": 2 / 3,
            "balanced_accuracy": (2 / 3 + 4 / 5) / 2,
        }
    )


def test_f1_and_balanced_accuracy_equal_sklearn():
    rng = np.random.default_rng(0)
    y, called = rng.random(200) < 0.2, rng.random(200) < 0.3
    found = evaluation.rates(evaluation.confusion(y, called, threshold=1))
    assert found["f1"].value == pytest.approx(f1_score(y, called))
    assert found["balanced_accuracy"].value == pytest.approx(balanced_accuracy_score(y, called))


def test_rates_without_cases_are_nan_not_zero():
    found = evaluation.rates(Confusion(true_positive=0, false_positive=0, true_negative=5, false_negative=0))
    assert np.isnan([found["sensitivity"].value, found["ppv"].value, found["f1"].value]).all()
    assert found["specificity"].value == 1.0


@pytest.mark.parametrize(("k", "n"), [(0, 7), (7, 7), (3, 11), (60618, 61488)])
def test_wilson_equals_scipy(k, n):
    found = evaluation.wilson(k, n)
    expected = binomtest(k, n).proportion_ci(method="wilson")
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_limits_of_f1_enclose_it_and_stay_inside_zero_and_one():
    for counts in (Confusion(5, 0, 90, 0), Confusion(0, 3, 90, 4), Confusion(9, 4, 80, 6)):
        found = evaluation.rates(counts)["f1"]
        assert 0 <= found.low <= found.value <= found.high <= 1
        assert found.high - found.low > 0.05


@pytest.mark.parametrize("decimals", [1, 8])
def test_average_precision_equals_sklearn_and_lies_in_its_interval(decimals):
    rng = np.random.default_rng(decimals)
    y = rng.random(150) < 0.2
    score = np.round(rng.random(150) + 0.3 * y, decimals)
    found = evaluation.average_precision(y, score)
    assert found.value == pytest.approx(average_precision_score(y, score), abs=1e-12)
    assert 0 < found.low < found.value < found.high < 1


def test_average_precision_of_perfect_order_keeps_an_interval():
    found = evaluation.average_precision([0, 0, 1, 1], [1, 2, 3, 4])
    assert found.value == found.high == 1
    assert found.low < 0.9
