"""Accuracy from a sample of cases: unbiased, with the variance of the design, and honest where little was read."""

from itertools import combinations, product

import numpy as np
import pandas as pd
import pytest
from test_verification_accuracy import labels_of, simulated

from labkit.evaluation import wilson
from labkit.verification import accuracy, estimates, from_sample, sampling

# Six cases in two strata: right labels of four each.
RIGHT = np.array([4.0, 3.0, 1.0, 2.0, 4.0, 4.0])
STRATUM = np.array([0, 0, 0, 0, 1, 1])
SIZES = np.array([4, 2])


def every_sample():
    """All samples of two cases of the first stratum and one of the second."""
    for chosen in product(combinations(range(4), 2), [(4,), (5,)]):
        yield np.concatenate(chosen).astype(int)


def test_over_all_samples_that_could_be_drawn_the_estimate_is_right():
    found = [
        estimates.estimate(RIGHT[s], np.full(3, 4.0), stratum=STRATUM[s], sizes=SIZES).value for s in every_sample()
    ]
    assert np.mean(found) == pytest.approx(RIGHT.sum() / 24)


def test_over_all_samples_the_variance_is_that_of_the_estimates():
    stratum, sizes = np.zeros(6, int), np.array([6])
    found, variances = [], []
    for chosen in combinations(range(6), 3):
        own = RIGHT[list(chosen)]
        found.append(own.mean() / 4)
        residual = own - own.mean()
        variances.append(estimates._variance(residual, stratum[:3], sizes, np.array([3])) / 24**2)
    assert np.mean(variances) == pytest.approx(np.var(found))


def test_a_simple_sample_of_cases_with_one_label_has_wilsons_interval_but_for_students_t_and_the_finite_whole():
    hits = np.repeat([1.0, 0.0], [180, 20])
    found = estimates.estimate(hits, np.ones(200), stratum=np.zeros(200, int), sizes=np.array([10**9]))
    expected = wilson(180, 200)
    assert (found.value, found.low, found.high) == pytest.approx((0.9, expected.low, expected.high), abs=1e-3)


def test_all_cases_read_leave_no_doubt():
    found = estimates.estimate(RIGHT, np.full(6, 4.0), stratum=STRATUM, sizes=SIZES)
    assert found.value == found.low == found.high == pytest.approx(0.75)


def test_without_any_error_a_case_counts_as_one_label():
    found = estimates.estimate(np.full(10, 25.0), np.full(10, 25.0), stratum=np.zeros(10, int), sizes=np.array([100]))
    assert (found.value, found.low) == (1.0, pytest.approx(wilson(10, 10).low))


def test_a_few_cases_that_are_alike_by_chance_give_no_more_certainty_than_their_labels():
    hits, whole = np.array([5.0, 5.0, 5.0, 6.0]), np.full(4, 6.0)
    found = estimates.estimate(hits, whole, stratum=np.zeros(4, int), sizes=np.array([1000]))
    expected = wilson(21, 24)
    assert found.high - found.low >= 0.99 * (expected.high - expected.low)


def test_a_stratum_that_nobody_read_leaves_the_figure_open():
    found = estimates.estimate(RIGHT[:4], np.full(4, 4.0), stratum=STRATUM[:4], sizes=SIZES)
    assert np.isnan(found.value) and found.method == "1 strata without a case read"
    assert np.isnan(estimates.estimate([], [], stratum=[], sizes=SIZES).value)


@pytest.fixture
def cohort():
    extracted, value = simulated(np.random.default_rng(3), n=120)
    labels = labels_of(extracted, value, sites=np.where(np.arange(120) < 80, "here", "there"))
    groups = sampling.strata(labels.assign(value=labels["extracted"]), most=10)
    return labels, groups


def figures(metrics):
    return metrics[metrics.finding == "All findings"].set_index(["site", "metric"])["value"]


def test_a_sample_of_every_case_gives_the_figures_of_all_labels(cohort):
    labels, groups = cohort
    sample = sampling.draw(groups, 120, rng=np.random.default_rng(1))
    found, expected = figures(from_sample(sample, labels)), figures(accuracy(labels, rng=np.random.default_rng(1)))
    assert len(found) == 24
    pd.testing.assert_series_equal(found, expected[found.index])


def test_a_stratified_sample_is_weighed_back(cohort):
    labels, groups = cohort
    truth = (labels.extracted == labels.value).mean()
    generator = np.random.default_rng(5)
    weighed, plain = [], []
    for _ in range(60):
        sample = sampling.draw(groups, 30, rng=generator)
        own = labels[labels.study_id.isin(sample.study_id)]
        plain.append((own.extracted == own.value).mean())
        weighed.append(figures(from_sample(sample, labels))["all", "label_accuracy"])
    error = np.std(weighed) / np.sqrt(60)
    assert abs(np.mean(weighed) - truth) < 3 * error


def test_cases_not_read_yet_do_not_count(cohort):
    labels, groups = cohort
    sample = sampling.draw(groups, 40, rng=np.random.default_rng(1))
    half = sample.study_id[sample.position <= 30]
    labels["verification"] = np.where(labels.study_id.isin(half), "human", "none")
    found = from_sample(sample, labels)
    assert found.n.eq(30).all()
    nobody = from_sample(sample, labels.assign(verification="none"))
    assert nobody.empty


def test_the_design_effect_of_labels_that_err_together_is_their_number():
    value = np.full((400, 5), "false")
    extracted = np.where((np.arange(400) % 10 == 0)[:, None], "true", value)
    assert estimates.design_effect(labels_of(extracted, value)) == pytest.approx(5, rel=0.01)
    rng = np.random.default_rng(7)
    alone = np.where(rng.random((400, 5)) < 0.1, "true", "false")
    assert estimates.design_effect(labels_of(alone, value)) == pytest.approx(1, abs=0.25)
    assert np.isnan(estimates.design_effect(labels_of(value, value)))


def test_the_planned_number_of_cases_gives_the_wanted_width():
    rng = np.random.default_rng(9)
    hard = rng.random(3000) < 0.1
    value = np.full((3000, 20), "false")
    extracted = np.where(rng.random((3000, 20)) < np.where(hard, 0.3, 0.01)[:, None], "true", "false")
    labels = labels_of(extracted, value)
    plan = estimates.cases_needed(labels, width=0.02).set_index("width")
    assert plan.rests_on.eq("verified labels").all() and plan.cases.is_monotonic_increasing
    groups = pd.Series("all", index=labels.study_id.unique())
    right = (extracted == value).sum(axis=1)
    cases = int(plan.loc[0.02, "cases"])
    widths = []
    for _ in range(40):
        drawn = rng.choice(3000, cases, replace=False)
        found = estimates.estimate(
            right[drawn], np.full(cases, 20.0), stratum=np.zeros(cases, int), sizes=np.array([3000])
        )
        widths.append(found.high - found.low)
    assert np.mean(widths) == pytest.approx(0.02, rel=0.1)
    assert len(groups) == 3000


def test_without_readings_the_plan_assumes_the_studys_accuracy_and_never_asks_for_more_than_there_is():
    labels = labels_of(np.full((50, 3), "false"), np.full((50, 3), "false")).assign(verification="none")
    plan = estimates.cases_needed(labels, width=0.001)
    assert plan.rests_on.eq("assumed").all() and plan.label_accuracy.eq(0.986).all() and plan.cases.eq(50).all()
    empty = estimates.cases_needed(labels.head(0), width=0.01)
    assert empty.cases.eq(0).all()
