"""Bootstrap over patients: the same numbers as a loop over scikit-learn, seeded, stratified, with both intervals."""

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from labkit import evaluation
from labkit.errors import EvaluationError
from labkit.evaluation import resampling


def cases(rng, *, n=160, shares=(0.1, 0.3, 0.5), n_patients=110):
    patients = np.append(np.arange(n_patients), rng.integers(0, n_patients, n - n_patients))
    y = (rng.random((n, len(shares))) < shares).astype(float)
    score = np.round(y + rng.normal(size=y.shape), 1)  # ties
    y[rng.random(y.shape) < 0.05] = np.nan
    return y, score, patients


def by_sklearn(y, score, times):
    """Macro AUC of the cases repeated as often as they were drawn."""
    drawn = np.repeat(np.arange(len(y)), times.astype(int))
    found = []
    for column in range(y.shape[1]):
        used = drawn[~np.isnan(y[drawn, column])]
        if len(np.unique(y[used, column])) == 2:
            found.append(roc_auc_score(y[used, column], score[used, column]))
    return np.mean(found)


@pytest.mark.parametrize("pairs", [resampling.KERNEL_PAIRS, 0], ids=["compared", "sorted"])
def test_resamples_equal_a_loop_over_sklearn(rng, monkeypatch, pairs):
    monkeypatch.setattr(resampling, "KERNEL_PAIRS", pairs)
    y, score, patients = cases(rng)
    weight = np.hstack(list(resampling.draws(patients, 40, rng=rng)))
    expected = [by_sklearn(y, score, weight[:, b]) for b in range(40)]
    assert resampling.weighted_macro_auc(y, score, weight) == pytest.approx(expected, abs=1e-12)


def test_studies_of_a_patient_are_drawn_together_and_as_many_patients_as_there_are(rng):
    _, _, patients = cases(rng)
    weight = np.hstack(list(resampling.draws(patients, 30, rng=rng)))
    first = np.unique(patients, return_index=True)[1]
    assert (weight == weight[first][patients]).all()
    assert (weight[first].sum(axis=0) == 110).all()
    assert weight.max() > 1


def test_strata_keep_their_numbers_of_patients(rng):
    strata = np.repeat(["few", "many"], [7, 93])
    weight = np.hstack(list(resampling.draws(np.arange(100), 50, rng=rng, strata=strata)))
    assert (weight[:7].sum(axis=0) == 7).all()
    assert (weight[7:].sum(axis=0) == 93).all()


def test_a_patient_in_two_strata_is_a_stratum_of_its_own(rng):
    weight = np.hstack(list(resampling.draws([0, 0, 1, 2], 20, rng=rng, strata=[0, 1, 1, 1])))
    assert (weight[:2] == 1).all()


def test_same_seed_same_interval_whatever_the_block(rng, monkeypatch):
    y, score, patients = cases(rng)
    strata = y[:, 2] == 1
    found = []
    for cells in (resampling.BLOCK_CELLS, 7 * len(y)):
        monkeypatch.setattr(resampling, "BLOCK_CELLS", cells)
        seeded = {"rng": np.random.default_rng(5), "plan": evaluation.Plan(60), "strata": strata}
        found.append(evaluation.bootstrap_macro_auc(y, score, patients=patients, **seeded))
    assert (found[0].resamples == found[1].resamples).all()
    assert found[0].ci == found[1].ci


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_intervals_of_a_mean_equal_scipy(method):
    values = np.random.default_rng(8).exponential(size=60)
    plan = evaluation.Plan(20_000, method)

    def mean(weight):
        return values @ weight / weight.sum(axis=0)

    found = evaluation.bootstrap(mean, np.arange(60), rng=np.random.default_rng(9), plan=plan)
    kind = {"percentile": "percentile", "bca": "BCa"}[method]
    expected = stats.bootstrap((values,), np.mean, n_resamples=20_000, method=kind, rng=np.random.default_rng(10))
    assert found.value == pytest.approx(values.mean(), rel=1e-6)
    assert found.ci == pytest.approx(tuple(expected.confidence_interval), abs=0.01)
    assert found.se == pytest.approx(expected.standard_error, rel=0.03)


def test_interval_agrees_with_the_closed_form(rng):
    y, score, patients = cases(rng, n=700, n_patients=500)
    closed = evaluation.macro_auc(y, score, patients=patients)
    found = evaluation.bootstrap_macro_auc(y, score, patients=patients, rng=rng, plan=evaluation.Plan(3000))
    assert found.value == pytest.approx(closed.auc, abs=1e-12)
    assert found.se == pytest.approx(np.sqrt(closed.variance), rel=0.06)
    assert found.ci == pytest.approx(closed.ci, abs=0.006)


def test_acceleration_from_influence_equals_that_of_leaving_each_patient_out(rng):
    y, score, patients = cases(rng, n=300, n_patients=220)
    plan = evaluation.Plan(2000, "bca")
    quick = evaluation.bootstrap_macro_auc(y, score, patients=patients, rng=np.random.default_rng(4), plan=plan)

    def statistic(weight):
        return resampling.weighted_macro_auc(y, score, weight)

    slow = evaluation.bootstrap(statistic, patients, rng=np.random.default_rng(4), plan=plan)
    plain = evaluation.bootstrap(statistic, patients, rng=np.random.default_rng(4), plan=evaluation.Plan(2000))
    assert quick.ci == pytest.approx(slow.ci, abs=5e-4)
    assert abs(quick.ci[0] - plain.ci[0]) > 1e-3


def test_difference_keeps_both_scores_on_the_same_resamples(rng):
    y, score, patients = cases(rng)
    other = score + rng.normal(size=score.shape)
    found = evaluation.bootstrap_macro_difference(
        y, (score, other), patients=patients, rng=rng, plan=evaluation.Plan(3000)
    )
    closed = evaluation.compare_macro_auc(y, score, other, patients=patients)
    assert found.value == pytest.approx(closed.difference, abs=1e-12)
    assert found.se == pytest.approx(closed.se, rel=0.1)
    same = evaluation.bootstrap_macro_difference(y, (score, score), rng=rng, plan=evaluation.Plan(50, "bca"))
    assert (same.value, same.ci, same.se) == (0, (0, 0), 0)


def test_a_resample_without_positives_is_counted_and_not_an_area(rng):
    y, score = np.zeros((12, 1)), rng.normal(size=(12, 1))
    y[0] = 1
    found = evaluation.bootstrap_macro_auc(y, score, rng=rng, plan=evaluation.Plan(400))
    assert found.n_undefined / 400 == pytest.approx((11 / 12) ** 12, abs=0.1)
    assert np.isfinite(found.ci).all()
    kept = evaluation.bootstrap_macro_auc(y, score, rng=rng, plan=evaluation.Plan(100), strata=y[:, 0])
    assert kept.n_undefined == 0


def test_what_cannot_be_resampled_is_refused(rng):
    with pytest.raises(EvaluationError, match="allowed are percentile, bca"):
        evaluation.Plan(100, "basic")
    with pytest.raises(EvaluationError, match="allowed are 2 or more"):
        evaluation.Plan(1)
    with pytest.raises(EvaluationError, match="no cases"):
        evaluation.bootstrap_macro_auc(np.empty((0, 2)), np.empty((0, 2)), rng=rng)
    with pytest.raises(EvaluationError, match="give one per case"):
        next(resampling.draws([1, 2, 3], 5, rng=rng, strata=[1, 2]))
