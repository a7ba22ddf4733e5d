"""Bands of curves against plain loops and against what they promise."""

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_curve

from labkit.evaluation import bands, resampling


@pytest.fixture
def cases():
    """Rounded scores, so that there are ties between and within the classes."""
    rng = np.random.default_rng(3)
    y = (rng.random(120) < 0.3).astype(float)
    return y, np.round(rng.random(120) + 0.4 * y, 1)


def by_loop(y, score, weight):
    """True positive rate and precision over the grid of one column of weights, by scikit-learn and interpolation."""
    x, tpr, _ = roc_curve(y, score, sample_weight=weight, drop_intermediate=False)
    grid = np.round(bands.GRID * weight[y == 0].sum(), 6) / weight[y == 0].sum()
    rates = np.array([np.interp(g, x, tpr) if g not in x else tpr[x == g].max() for g in grid])
    precisions = []
    for recall in np.maximum(bands.GRID, bands.NO_RECALL):
        n = np.flatnonzero(tpr >= recall - 1e-12)[0]
        part = (recall - tpr[n - 1]) / (tpr[n] - tpr[n - 1])
        alarms = (x[n - 1] + part * (x[n] - x[n - 1])) * weight[y == 0].sum()
        hits = recall * weight[y == 1].sum()
        precisions.append(hits / (hits + alarms))
    return rates, np.array(precisions)


def test_all_resamples_at_once_equal_a_loop_over_them(cases):
    y, score = cases
    weight = next(resampling.draws(np.arange(len(y)) // 2, 40, rng=np.random.default_rng(1)))
    rates, precisions = bands.heights(y, score, weight)
    for n in range(40):
        drawn = weight[:, n] > 0  # scikit-learn keeps thresholds of cases without weight
        expected = by_loop(y[drawn], score[drawn], weight[drawn, n].astype(float))
        assert rates[n] == pytest.approx(expected[0], abs=1e-6)
        assert precisions[n] == pytest.approx(expected[1], abs=1e-6)


def test_the_curve_within_the_band_is_that_of_the_cases(cases):
    y, score = cases
    found = bands.bands(y[:, None], score[:, None], patients=np.arange(120), rng=np.random.default_rng(1))
    rates, precisions = by_loop(y, score, np.ones(120))
    for curve, expected in (("roc", rates), ("pr", precisions)):
        value, low, high = found[curve][0].T
        assert value == pytest.approx(expected, abs=1e-6)
        assert (low <= high).all() and np.mean((low <= value) & (value <= high)) > 0.95
        assert found[curve][1] == pytest.approx(found[curve][0]), "the mean of one label is that label"


def test_the_mean_over_labels_leaves_out_missing_references_and_has_the_narrower_band():
    rng = np.random.default_rng(5)
    y = (rng.random((300, 6)) < 0.3).astype(float)
    score = rng.random((300, 6)) + 0.3 * y
    y[:40, 2] = np.nan
    found = bands.bands(y, score, patients=np.arange(300), rng=rng, plan=resampling.Plan(200))["roc"]
    assert found[-1, :, 0] == pytest.approx(found[:-1, :, 0].mean(axis=0))
    widths = found[:, 10:90, 2] - found[:, 10:90, 1]
    assert (widths[-1].mean() < widths[:-1].mean(axis=1)).all()
    assert found[2, :, 0] == pytest.approx(bands.heights(y[40:, 2], score[40:, 2], np.ones((260, 1)))[0][0])


def test_bands_cover_the_true_curve_about_as_often_as_they_say():
    rng = np.random.default_rng(11)
    covered = []
    for _ in range(60):
        y = (np.arange(200) < 60).astype(float)
        score = rng.normal(size=200) + y
        found = bands.bands(y[:, None], score[:, None], patients=np.arange(200), rng=rng, plan=resampling.Plan(200))
        true = norm.sf(norm.isf(bands.GRID[20:81]) - 1)
        covered.append((found["roc"][0, 20:81, 1] <= true) & (true <= found["roc"][0, 20:81, 2]))
    assert 0.9 < np.mean(covered) <= 1.0


def test_patients_with_several_studies_widen_the_band(cases):
    y, score = (np.repeat(part, 4) for part in cases)
    widths = []
    for patients in (np.arange(480), np.repeat(np.arange(120), 4)):
        found = bands.bands(y[:, None], score[:, None], patients=patients, rng=np.random.default_rng(2))
        widths.append(np.mean(found["roc"][0, :, 2] - found["roc"][0, :, 1]))
    assert widths[1] > 1.5 * widths[0]


def test_one_patient_alone_has_no_band_and_no_label_no_curve(cases):
    y, score = cases
    found = bands.bands(y[:, None], score[:, None], patients=np.zeros(120), rng=np.random.default_rng(2))
    assert (found["roc"][0, :, 1] == found["roc"][0, :, 0]).all(), "the same cases in every resample"
    nothing = bands.bands(
        y[:, None][:, :0], score[:, None][:, :0], patients=np.arange(120), rng=np.random.default_rng(2)
    )
    assert nothing["roc"].shape == (1, len(bands.GRID), 3) and np.isnan(nothing["roc"]).all()


def test_perfect_separation_is_the_corner():
    y, score = np.repeat([0.0, 1.0], 20), np.repeat([0.0, 1.0], 20)
    rates, precisions = bands.heights(y, score, np.ones((40, 1)))
    assert (rates == 1).all() and precisions == pytest.approx(np.ones((1, len(bands.GRID))))
