"""Points of curves against scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import auc, precision_recall_curve, roc_auc_score, roc_curve

from labkit.evaluation import curves


@pytest.fixture
def cases():
    rng = np.random.default_rng(4)
    y = (rng.random(400) < 0.3).astype(float)
    return y, np.round(rng.random(400) + 0.3 * y, 2)


def test_roc_points_are_the_corners_of_the_curve_of_sklearn(cases):
    y, score = cases
    x, height, thresholds = curves.roc(y, score)
    known = {tuple(np.round(point, 12)) for point in zip(*roc_curve(y, score, drop_intermediate=False))}
    found = {tuple(np.round(point, 12)) for point in zip(x, height, thresholds)}
    assert found < known
    assert auc(x, height) == pytest.approx(roc_auc_score(y, score), abs=1e-12)


def test_precision_recall_points_equal_sklearn(cases):
    y, score = cases
    recall, precision, thresholds = curves.precision_recall(y, score)
    known_precision, known_recall, known_thresholds = precision_recall_curve(y, score)
    assert recall[::-1] == pytest.approx(known_recall[:-1])
    assert precision[::-1] == pytest.approx(known_precision[:-1])
    assert thresholds[::-1] == pytest.approx(known_thresholds)


def test_macro_curve_of_one_label_is_its_curve(cases):
    y, score = cases
    x, height = curves.macro_roc(y[:, None], score[:, None])
    own_x, own_height, _ = curves.roc(y, score)
    assert len(x) == curves.MAX_POINTS
    assert np.trapezoid(height, x) == pytest.approx(auc(own_x, own_height), abs=2e-3)
    for rate in (0.0, 1.0):
        assert height[x == rate][-1] == own_height[own_x == rate].max()


def test_macro_curve_leaves_out_missing_references(cases):
    y, score = cases
    two = np.column_stack([y, np.where(np.arange(len(y)) < 300, y, np.nan)])
    x, height = curves.macro_roc(two, np.column_stack([score, score]))
    expected = (roc_auc_score(y, score) + roc_auc_score(y[:300], score[:300])) / 2
    assert np.trapezoid(height, x) == pytest.approx(expected, abs=0.01)
