"""What figures draw is what the tables hold."""

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from labkit import figures, tables
from labkit.evaluation import MACRO


@pytest.fixture(autouse=True)
def plain_backend():
    plt.switch_backend("agg")
    figures.style()
    yield
    assert plt.get_fignums() == [], "a figure stays open"


@pytest.fixture
def metrics():
    rows = [
        (f, m, "home", p, "primary", v, v - 0.1, v + 0.05, 0.95, 50, n, "")
        for p, shift in (("inclusive", 0.0), ("exclusive", -0.1))
        for m in ("auc", "average_precision")
        for f, v, n in ((MACRO, 0.75 + shift, 50), ("Ossicles", 0.8 + shift, 9), ("Fracture", 0.7 + shift, 20))
    ]
    return pd.DataFrame(rows, columns=list(tables.METRICS.all_columns))


@pytest.fixture
def points():
    rows = [
        (f, c, "home", p, n, n / 2, y, None)
        for p in ("inclusive", "exclusive")
        for c in ("roc", "pr")
        for f in (MACRO, "Ossicles", "Fracture")
        for n, y in enumerate((0.0, 0.9, 1.0))
    ]
    return pd.DataFrame(rows, columns=["finding", "curve", "site", "policy", "point", "x", "y", "threshold"])


def test_bars_are_the_shares_of_true_and_uncertain():
    labels = pd.DataFrame(
        {"study_id": list("abcd"), "finding": "Ossicles", "value": ["true", "uncertain", "true", "false"]}
    )
    drawn, axes = figures.figure()
    ax = figures.label_distribution(labels, ax=axes[0])
    assert [patch.get_width() for patch in ax.patches] == [0.5, 0.25]
    assert "n = 4" in ax.get_xlabel()
    plt.close(drawn)


def test_curves_show_the_findings_with_most_positives_then_the_macro_average(points, metrics):
    drawn, axes = figures.figure()
    own = metrics[metrics.policy == "inclusive"]
    ax = figures.curves(points[points.policy == "inclusive"], own, kind="roc", max_findings=1, ax=axes[0])
    assert [line.get_label() for line in ax.lines[:2]] == ["Fracture: 0.70", f"{MACRO}: 0.75"]
    assert list(ax.lines[0].get_ydata()) == [0.0, 0.9, 1.0]
    plt.close(drawn)


def test_one_panel_per_policy(points, metrics):
    drawn = figures.curve_panels(points, metrics, site="home", kind="pr")
    assert [ax.get_title() for ax in drawn.axes] == ["home site, inclusive", "home site, exclusive"]
    plt.close(drawn)


def test_the_forest_puts_the_macro_average_on_top_and_ranks_the_rest(metrics):
    drawn, axes = figures.figure()
    ax = figures.auc_forest(metrics, ax=axes[0])
    assert [label.get_text() for label in ax.get_yticklabels()] == [MACRO, "Ossicles", "Fracture"]
    assert ax.yaxis_inverted()
    plt.close(drawn)


def test_only_the_last_best_epoch_is_marked():
    epochs = pd.DataFrame({"seed": 1, "epoch": [1, 2, 3], "train_loss": 1.0, "validation_loss": [3.0, 2.0, 4.0]})
    drawn, axes = figures.figure()
    ax = figures.history(epochs.assign(best=[True, True, False]), ax=axes[0])
    assert list(ax.lines[-1].get_xdata()) == [2]
    plt.close(drawn)


def test_saving_writes_picture_and_data_the_same_way_twice(tmp_path, points):
    def save(name):
        drawn, axes = figures.figure()
        axes[0].plot([0, 1], [0, 1])
        return figures.save(drawn, points, tmp_path / name, caption="A line", dpi=72)

    first, second = save("a"), save("b")
    assert [path.suffix for path in first] == [".svg", ".png", ".csv"]
    assert first[0].read_bytes() == second[0].read_bytes()
    assert pd.read_csv(first[2]).shape == points.shape
