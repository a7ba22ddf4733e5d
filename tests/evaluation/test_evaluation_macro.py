"""The closed form of the macro AUC against DeLong and a patient bootstrap."""

import numpy as np
import pytest

from labkit import evaluation
from labkit.errors import EvaluationError
from labkit.evaluation import roc


def cohort(seed, *, n_patients=150, n_labels=6):
    """Reference, two correlated scores and patients; about 1.5 studies per patient that resemble each
    other."""
    rng = np.random.default_rng(seed)
    patients = np.repeat(np.arange(n_patients), rng.integers(1, 3, n_patients))
    trait = rng.normal(size=(n_patients, n_labels))[patients]
    y = (0.8 * trait + 0.6 * rng.normal(size=trait.shape) > 0.7).astype(float)
    shared = y + rng.normal(size=y.shape) + 0.5 * trait
    return y, shared + 0.5 * rng.normal(size=y.shape), shared + 0.5 * rng.normal(size=y.shape), patients


def bootstrap(y, scores, patients, *, n=400, seed=0):
    """Macro AUC of each score in resamples of whole patients, (n, scores)."""
    rng = np.random.default_rng(seed)
    members = [np.flatnonzero(patients == patient) for patient in np.unique(patients)]
    found = []
    for _ in range(n):
        drawn = np.concatenate([members[i] for i in rng.integers(0, len(members), len(members))])
        found.append([roc.areas(y[drawn], score[drawn]).mean() for score in scores])
    return np.array(found)


def test_one_label_without_clusters_is_delong_exactly():
    y, score, _, _ = cohort(1)
    single, macro = evaluation.auc(y[:, 0], score[:, 0]), evaluation.macro_auc(y[:, :1], score[:, :1])
    assert macro.auc == pytest.approx(single.auc, rel=1e-14)
    assert macro.variance == pytest.approx(single.variance, rel=1e-12)
    assert macro.ci == pytest.approx(single.ci, rel=1e-12)


def test_one_label_paired_is_delong_exactly():
    y, a, b, _ = cohort(2)
    single = evaluation.compare_auc(y[:, 0], a[:, 0], b[:, 0])
    macro = evaluation.compare_macro_auc(y[:, :1], a[:, :1], b[:, :1])
    assert macro.p_value == pytest.approx(single.p_value, rel=1e-9)


def test_standard_errors_agree_with_a_patient_bootstrap():
    y, a, b, patients = cohort(3)
    y[::11, 2] = np.nan
    drawn = bootstrap(y, (a, b), patients)
    found = evaluation.macro_auc(y, a, patients=patients)
    paired = evaluation.compare_macro_auc(y, a, b, patients=patients)
    # 400 resamples know a standard deviation to 3.5 %
    assert np.sqrt(found.variance) == pytest.approx(drawn[:, 0].std(ddof=1), rel=0.1)
    assert paired.se == pytest.approx((drawn[:, 0] - drawn[:, 1]).std(ddof=1), rel=0.1)


def test_patients_with_several_alike_studies_widen_the_interval():
    y, score, _, _ = cohort(4)
    doubled_y, doubled = np.vstack([y, y]), np.vstack([score, score])
    patients = np.tile(np.arange(len(y)), 2)
    single = evaluation.macro_auc(y, score).variance
    assert evaluation.macro_auc(doubled_y, doubled, patients=patients).variance == pytest.approx(single, rel=1e-3)
    assert evaluation.macro_auc(doubled_y, doubled).variance == pytest.approx(single / 2, rel=0.02)


def test_intervals_cover_the_truth_in_simulated_test_sets():
    truth = 0.7602499389065233  # Phi(1 / sqrt(2)), two normal distributions one deviation apart
    covered = 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        y = (rng.random((120, 8)) < 0.2).astype(float)
        low, high = evaluation.macro_auc(y, y + rng.normal(size=y.shape)).ci
        covered += low <= truth <= high
    assert 0.91 <= covered / 300 <= 0.985  # 0.95 within 3 standard errors


def test_order_of_cases_and_names_of_patients_do_not_matter():
    y, a, _, patients = cohort(5)
    order = np.random.default_rng(0).permutation(len(y))
    named = np.array([f"P-{patient:04d}" for patient in patients])
    found = evaluation.macro_auc(y, a, patients=patients)
    shuffled = evaluation.macro_auc(y[order], a[order], patients=named[order])
    assert shuffled.variance == pytest.approx(found.variance, rel=1e-12)
    assert shuffled.n_patients == found.n_patients == len(np.unique(patients))


def test_sites_are_compared_with_welch_degrees_of_freedom():
    y, a, _, patients = cohort(6)
    first, second = evaluation.macro_auc(y, a, patients=patients), evaluation.macro_auc(y[:80], a[:80])
    found = evaluation.compare_macro_auc_unpaired(first, second)
    assert found.se == pytest.approx(np.sqrt(first.variance + second.variance), rel=1e-14)
    assert 78 < found.df < first.n_patients + second.n_patients


def test_a_label_with_one_class_is_refused():
    y, a, _, _ = cohort(7)
    y[:, 3] = 0
    with pytest.raises(EvaluationError, match="Column 3 has 0 positive"):
        evaluation.macro_auc(y, a)


def test_a_label_with_one_positive_has_no_interval():
    y, a, _, _ = cohort(8)
    y[:, 3] = 0
    y[5, 3] = 1
    assert np.isnan(evaluation.macro_auc(y, a).variance)


def test_robust_interval_of_one_label_is_that_of_its_area_and_never_a_point():
    rng = np.random.default_rng(4)
    y = (rng.random(70) < 0.2).astype(float)
    score = y + rng.normal(size=70)
    found = evaluation.macro_auc(y[:, None], score[:, None])
    assert found.ci_robust == pytest.approx(evaluation.auc(y, score).ci_robust, abs=1e-12)
    perfect = evaluation.macro_auc(np.column_stack([y, y]), np.column_stack([y, y]))
    assert perfect.ci == (1, 1)
    assert 0.9 < perfect.ci_robust[0] < 1


def test_robust_interval_of_many_labels_is_close_to_delongs_where_that_holds():
    rng = np.random.default_rng(5)
    y = (rng.random((900, 20)) < 0.2).astype(float)
    found = evaluation.macro_auc(y, y + rng.normal(size=y.shape))
    assert found.ci_robust == pytest.approx(found.ci, abs=0.002)


def test_one_patient_alone_says_nothing_of_the_spread_between_patients():
    y, score = np.array([[1.0], [0.0], [1.0], [0.0]]), np.array([[0.9], [0.1], [0.4], [0.5]])
    alone = evaluation.macro_auc(y, score, patients=["a"] * 4)
    assert np.isnan([alone.variance, *alone.ci]).all()
    assert 0 <= alone.ci_robust[0] < alone.auc < alone.ci_robust[1] <= 1
    assert np.isnan(evaluation.compare_macro_auc(y, score, -score, patients=["a"] * 4).p_value)
    several = evaluation.macro_auc(y, score, patients=["a", "b", "c", "d"])
    assert np.isnan(evaluation.compare_macro_auc_unpaired(alone, several).p_value)
