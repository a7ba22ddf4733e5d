"""DeLong against R's pROC and areas against scikit-learn."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import special
from sklearn.metrics import roc_auc_score

from labkit import evaluation
from labkit.errors import EvaluationError
from labkit.evaluation import roc

REFERENCE = json.loads((Path(__file__).parents[1] / "fixtures" / "delong_reference.json").read_text())
PROBLEMS = {problem["name"]: problem for problem in REFERENCE["problems"]}
TIGHT = {"rel": 1e-9, "abs": 1e-12}


@pytest.fixture(params=sorted(PROBLEMS))
def problem(request):
    return PROBLEMS[request.param]


def test_area_variance_and_interval_equal_proc(problem):
    expected = problem["expected"]
    for score, area, variance, ci in (("score1", "auc1", "var1", "ci1"), ("score2", "auc2", "var2", "ci2")):
        found = evaluation.auc(problem["y"], problem[score])
        assert found.auc == pytest.approx(expected[area], **TIGHT)
        assert found.variance == pytest.approx(expected[variance], **TIGHT)
        assert found.ci == pytest.approx(expected[ci], **TIGHT)
    assert evaluation.auc(problem["y"], problem["score1"], level=0.9).ci == pytest.approx(expected["ci1_90"], **TIGHT)


@pytest.mark.parametrize(
    ("alternative", "key"), [("two-sided", "paired"), ("less", "paired_less"), ("greater", "paired_greater")]
)
def test_paired_test_equals_proc(problem, alternative, key):
    expected = problem["expected"][key]
    found = evaluation.compare_auc(problem["y"], problem["score1"], problem["score2"], alternative=alternative)
    assert found.statistic == pytest.approx(expected["statistic"], **TIGHT)
    assert found.p_value == pytest.approx(expected["p_value"], **TIGHT)
    assert found.ci == pytest.approx(expected["conf_int"], **TIGHT)
    assert found.df == np.inf


@pytest.mark.parametrize(("alternative", "key"), [("two-sided", "unpaired"), ("less", "unpaired_less")])
def test_unpaired_test_equals_proc_with_welch_degrees_of_freedom(problem, alternative, key):
    expected = problem["expected"][key]
    found = evaluation.compare_auc_unpaired(
        problem["y"], problem["score1"], problem["y2"], problem["s2"], alternative=alternative
    )
    assert found.statistic == pytest.approx(expected["statistic"], **TIGHT)
    assert found.df == pytest.approx(expected["df"], **TIGHT)
    assert found.p_value == pytest.approx(expected["p_value"], **TIGHT)


@pytest.mark.parametrize("decimals", [1, 2, 6])
def test_area_equals_sklearn_when_scores_tie(decimals):
    rng = np.random.default_rng(decimals)
    y = rng.random(300) < 0.2
    score = np.round(rng.random(300) + 0.3 * y, decimals)
    assert evaluation.auc(y, score).auc == pytest.approx(roc_auc_score(y, score), abs=1e-14)


def test_an_area_below_one_half_is_not_turned_round():
    assert evaluation.auc([0, 0, 1, 1], [4.0, 3.0, 2.0, 3.5]).auc == 0.25


def test_identical_scores_give_p_of_one():
    found = evaluation.compare_auc([0, 1, 0, 1], [0.1, 0.4, 0.5, 0.9], [0.1, 0.4, 0.5, 0.9])
    assert (found.difference, found.statistic, found.p_value) == (0, 0, 1)


def test_perfect_separation_has_a_robust_interval_that_is_no_point():
    found = evaluation.auc([0, 0, 0, 1, 1, 1], [1, 2, 3, 4, 5, 6])
    assert found.ci == (1.0, 1.0)
    assert 0.4 < found.ci_robust[0] < 0.95
    assert found.ci_robust[1] == 1.0


def test_robust_interval_mirrors_when_the_score_is_reversed():
    rng = np.random.default_rng(3)
    y = rng.random(60) < 0.4
    score = rng.normal(size=60) + y
    low, high = evaluation.auc(y, score).ci_robust
    assert evaluation.auc(y, -score).ci_robust == pytest.approx((1 - high, 1 - low), abs=1e-9)


def test_one_positive_leaves_the_variance_undefined():
    found = evaluation.auc([0, 0, 0, 1], [1, 2, 3, 2.5])
    assert found.auc == pytest.approx(2 / 3)
    assert np.isnan(found.variance)
    assert np.isnan(found.ci).all()


def test_one_class_raises_or_gives_nan():
    with pytest.raises(EvaluationError, match="3 of 3 cases are positive"):
        evaluation.auc([1, 1, 1], [0.1, 0.2, 0.3])
    assert np.isnan(evaluation.auc([1, 1, 1], [0.1, 0.2, 0.3], one_class="nan").auc)


def test_cases_of_weight_zero_are_left_out_whatever_they_hold():
    found = evaluation.auc([0, 1, 0, 1, np.nan], [0.1, 0.9, 0.2, 0.8, np.nan], weight=[1, 1, 1, 1, 0])
    assert (found.auc, found.n, found.n_positive) == (1.0, 4, 2)


@pytest.mark.parametrize(
    ("y", "score", "message"),
    [
        ([0, 1, 0], [0.1, np.nan, 0.3], "1 of 3 are NaN"),
        ([0, 2, 1], [0.1, 0.2, 0.3], "allowed are 0 and 1"),
        ([0, 1], [0.1, 0.2, 0.3], "equal length"),
    ],
)
def test_cases_that_cannot_be_used_are_refused_with_the_reason(y, score, message):
    with pytest.raises(EvaluationError, match=message):
        evaluation.auc(y, score)


def test_tiny_p_values_do_not_become_zero():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 2000)
    good, poor = y + rng.normal(size=4000), rng.normal(size=4000)
    assert 0 < evaluation.compare_auc(y, good, poor).p_value < 1e-40


def test_areas_leave_out_missing_references_per_column():
    y = np.array([[1, 1], [0, np.nan], [1, 1], [0, 1.0]])
    score = np.array([[0.9, 0.1], [0.2, 0.5], [0.1, 0.3], [0.0, 0.2]])
    first, second = roc.areas(y, score)
    assert first == 0.75
    assert np.isnan(second)


@pytest.mark.parametrize(("auc", "n_positive"), [(0.7, 5), (0.9, 10), (0.98, 20)])
def test_robust_interval_holds_the_area_where_delongs_does_not(auc, n_positive):
    rng, held, plain = np.random.default_rng(6), 0, 0
    y = np.repeat([0, 1], [200, n_positive])
    for _ in range(300):
        found = evaluation.auc(y, y * special.ndtri(auc) * np.sqrt(2) + rng.normal(size=len(y)))
        held += found.ci_robust[0] <= auc <= found.ci_robust[1]
        plain += found.ci[0] <= auc <= found.ci[1]
    assert held / 300 > 0.92
    assert plain / 300 < 0.91


def test_comparisons_leave_out_cases_of_weight_zero_and_may_give_nan_for_one_class():
    y, a, b = [0, 1, 0, 1, 1, np.nan], [0.1, 0.9, 0.5, 0.4, 0.7, np.nan], [0.3, 0.2, 0.1, 0.8, 0.9, 5]
    found = evaluation.compare_auc(y, a, b, weight=[1, 1, 1, 1, 1, 0])
    assert found == evaluation.compare_auc(y[:5], a[:5], b[:5])
    alone = evaluation.compare_auc([1, 1], [0.1, 0.2], [0.3, 0.1], one_class="nan")
    assert np.isnan([alone.difference, alone.p_value, *alone.ci]).all()
    other = evaluation.compare_auc_unpaired([1, 1], [0.1, 0.2], [0, 1], [0.3, 0.1], one_class="nan")
    assert np.isnan([other.difference, other.p_value, other.df]).all()
    for compared in (
        lambda: evaluation.compare_auc([1, 1], [0.1, 0.2], [0.3, 0.1]),
        lambda: evaluation.compare_auc_unpaired([1, 1], [0.1, 0.2], [0, 1], [0.3, 0.1]),
        lambda: evaluation.auc([0, 1, 0], [1, 2, 3], weight=[0, 0, 0]),
    ):
        with pytest.raises(EvaluationError, match="needs both classes"):
            compared()


def test_words_unknown_choices_and_levels_are_refused_without_an_echo():
    with pytest.raises(EvaluationError, match="must be numbers") as caught:
        evaluation.auc(["Fraktur", "keine"], [0.1, 0.2])
    assert "Fraktur" not in str(caught.value)
    with pytest.raises(EvaluationError, match="must be numbers"):
        evaluation.auc([0, 1], [None, "x"])
    with pytest.raises(EvaluationError, match="allowed are raise, nan"):
        evaluation.auc([1, 1], [0.1, 0.2], one_class="skip")
    with pytest.raises(EvaluationError, match="between 0 and 1"):
        evaluation.auc([0, 1], [0.1, 0.2], 95)


def test_infinite_scores_are_the_highest_and_the_lowest():
    assert evaluation.auc([0, 1, 0, 1], [-np.inf, np.inf, 3.0, 4.0]).auc == 1


@pytest.mark.parametrize("n", [3, 50, 4000])
def test_placements_count_every_pair(n):
    rng = np.random.default_rng(n)
    positive, negative = np.round(rng.normal(size=n), 1), np.round(rng.normal(size=n // 2 + 1), 1)
    v10, v01 = roc.placements(positive, negative)
    pairs = (positive[:, None] > negative) + 0.5 * (positive[:, None] == negative)
    assert v10 == pytest.approx(pairs.mean(axis=1), abs=1e-12)
    assert v01 == pytest.approx(pairs.mean(axis=0), abs=1e-12)
