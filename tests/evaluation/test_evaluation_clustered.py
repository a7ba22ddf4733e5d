"""Bootstrap intervals of rates: the resamples counted one by one, patients as clusters."""

import numpy as np
import pytest

from labkit import evaluation
from labkit.evaluation import operating, resampling


def called_cases(rng, n=200):
    y = (rng.random((n, 2)) < (0.2, 0.5)).astype(float)
    called = rng.random((n, 2)) < 0.15 + 0.7 * y
    y[::17, 0] = np.nan
    return y, called


def test_values_equal_the_counts_and_limits_the_quantiles_of_each_resample(rng):
    y, called = called_cases(rng)
    patients = np.arange(200) // 2
    plan = evaluation.Plan(150)
    found = evaluation.resampled_rates(y, called, patients=patients, rng=np.random.default_rng(2), plan=plan)
    weight = np.hstack(list(resampling.draws(patients, 150, rng=np.random.default_rng(2)))).astype(int)
    for column in (0, 1):
        used = ~np.isnan(y[:, column])
        whole = operating.confusion(y[used, column], called[used, column], threshold=1)
        expected = operating.rates(whole)
        by_resample = []
        for b in range(150):
            drawn = np.repeat(np.flatnonzero(used), weight[used, b])
            counts = operating.confusion(y[drawn, column], called[drawn, column], threshold=1)
            by_resample.append({name: rate.value for name, rate in operating.rates(counts).items()})
        for name, rate in found[column].items():
            assert (rate.value, rate.n) == (expected[name].value, expected[name].n)
            limits = np.quantile([one[name] for one in by_resample], [0.025, 0.975])
            assert (rate.low, rate.high) == pytest.approx(tuple(limits), abs=1e-9)


def test_studies_of_the_same_patient_widen_the_interval(rng):
    y, called = called_cases(rng, 100)
    y, called = np.repeat(y, 6, axis=0), np.repeat(called, 6, axis=0)
    wide = evaluation.resampled_rates(y, called, patients=np.arange(600) // 6, rng=rng, plan=evaluation.Plan(500))
    narrow = evaluation.resampled_rates(y, called, patients=np.arange(600), rng=rng, plan=evaluation.Plan(500))
    widths = [found[1]["accuracy"].high - found[1]["accuracy"].low for found in (wide, narrow)]
    assert widths[0] / widths[1] == pytest.approx(np.sqrt(6), rel=0.15)


def test_a_rate_of_one_or_of_nothing_is_left_to_wilson(rng):
    y, called = np.array([[1.0], [1.0], [0.0]]), np.array([[True], [True], [False]])
    (found,) = evaluation.resampled_rates(y, called, patients=[1, 2, 3], rng=rng, plan=evaluation.Plan(50))
    assert found["sensitivity"].method == "Wilson"
    assert found["sensitivity"].low < 1
    (found,) = evaluation.resampled_rates(y, ~called & False, patients=[1, 2, 3], rng=rng, plan=evaluation.Plan(50))
    assert np.isnan(found["ppv"].value)
