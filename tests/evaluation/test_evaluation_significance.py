"""Equivalence, detectable differences and adjusted p-values."""

import numpy as np
import pytest
from scipy.stats import false_discovery_control, norm

from labkit import evaluation
from labkit.errors import EvaluationError


def test_equivalence_is_the_ninety_percent_interval_inside_the_margin():
    for difference in np.linspace(-0.03, 0.03, 13):
        half = norm.ppf(0.95) * 0.006
        inside = difference - half > -0.02 and difference + half < 0.02
        assert evaluation.equivalence(difference, 0.006, margin=0.02).equivalent == inside


def test_equivalence_p_value_is_the_larger_of_both_tests():
    found = evaluation.equivalence(0.005, 0.01, margin=0.02)
    assert found.p_value == pytest.approx(norm.sf((0.02 - 0.005) / 0.01), rel=1e-12)


def test_without_spread_the_difference_alone_decides():
    assert evaluation.equivalence(0.0, 0.0, margin=0.02).equivalent
    assert not evaluation.equivalence(0.02, 0.0, margin=0.02).equivalent


def test_unknown_differences_are_not_equivalent():
    assert not evaluation.equivalence(np.nan, np.nan, margin=0.02).equivalent


def test_a_margin_must_be_above_zero():
    with pytest.raises(EvaluationError, match=r"margin 0.* not above 0"):
        evaluation.equivalence(0.0, 0.01, margin=0.0)


def test_detectable_difference_has_the_power_it_states():
    se, power = 0.0049, 0.8
    difference = evaluation.detectable_difference(se, power=power)
    assert difference == pytest.approx(0.0137, abs=5e-5)
    assert norm.sf(norm.ppf(0.975) - difference / se) == pytest.approx(power, abs=1e-9)


def test_holm_equals_a_worked_example_and_skips_nan():
    assert evaluation.holm([0.01, np.nan, 0.04, 0.03, 0.005]) == pytest.approx(
        [0.03, np.nan, 0.06, 0.06, 0.02], nan_ok=True
    )


def test_benjamini_hochberg_equals_scipy():
    p_values = np.random.default_rng(0).random(20) ** 2
    assert evaluation.benjamini_hochberg(p_values) == pytest.approx(false_discovery_control(p_values))
