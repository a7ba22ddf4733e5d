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
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    assert pd.read_csv(first[2]).shape == points.shape


def test_findings_keep_the_order_of_the_table_and_long_names_are_shortened():
    name = "Distal Humerus - Comminuted or Fragmented Fracture (All Locations)"
    labels = pd.DataFrame({"study_id": ["a", "a", "b"], "finding": [name, "Ossicles", name], "value": "false"})
    drawn, axes = figures.figure()
    ax = figures.label_distribution(labels, ax=axes[0])
    shown = [label.get_text() for label in ax.get_yticklabels()]
    assert shown[0].endswith("…") and len(shown[0]) == figures.LABEL_CHARS and shown[1] == "Ossicles"
    assert all(patch.get_width() == 0 for patch in ax.patches)
    plt.close(drawn)


def test_the_agreement_map_holds_counts_and_colours_shares_of_the_row():
    values = ["true", "uncertain", "false"]
    counts = pd.DataFrame([[8, 2, 0], [0, 0, 0], [1, 0, 1999]], index=values, columns=values)
    drawn, axes = figures.figure()
    ax = figures.agreement_map(counts, ax=axes[0])
    assert [text.get_text() for text in ax.texts if text.get_text()][:3] == ["8", "2", "0"]
    assert "1,999" in [text.get_text() for text in ax.texts]
    assert ax.collections[0].get_array().filled(-1).reshape(3, 3)[0].tolist() == [0.8, 0.2, 0.0]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("extracted", "verified")
    plt.close(drawn)


def accuracy_metrics(*sites):
    rows = [
        ("All findings", m, s, "", "report", v, v - 0.01, v + 0.005, 0.95, 100, 98, "Wilson")
        for s in sites
        for m, v in (("label_accuracy", 0.98), ("all_false_accuracy", 0.93))
    ]
    rows += [("Ossicles", "label_accuracy", s, "", "report", 0.1, 0.0, 0.2, 0.95, 10, 1, "Wilson") for s in sites]
    return pd.DataFrame(rows, columns=list(tables.METRICS.all_columns))


def test_accuracy_stands_beside_what_false_everywhere_would_reach():
    drawn, axes = figures.figure()
    ax = figures.accuracy_bars(accuracy_metrics("all", "home"), ax=axes[0])
    baseline = next(line for line in ax.lines if line.get_label() == "false everywhere")
    assert list(baseline.get_xdata()) == [0.93, 0.93] and baseline.get_markerfacecolor() == "none"
    bars = ax.containers[0]
    assert list(bars[0].get_xdata()) == [0.98, 0.98]
    assert bars[2][0].get_segments()[0][:, 0].tolist() == pytest.approx([0.97, 0.985])
    plt.close(drawn)


def test_nothing_verified_draws_empty_axes():
    drawn, axes = figures.figure()
    assert figures.accuracy_bars(accuracy_metrics(), ax=axes[0]).get_xlabel() == "share of labels that are right"
    plt.close(drawn)


def test_the_forest_has_a_mark_per_policy_with_its_interval_and_names_the_level(metrics):
    drawn, axes = figures.figure()
    ax = figures.auc_forest(metrics.assign(level=0.9), ax=axes[0])
    assert [bars.get_label() for bars in ax.containers] == ["inclusive", "exclusive"]
    values = [list(bars[0].get_xdata()) for bars in ax.containers]
    assert values == [pytest.approx([0.75, 0.8, 0.7]), pytest.approx([0.65, 0.7, 0.6])]
    assert ax.containers[0][2][0].get_segments()[0][:, 0].tolist() == pytest.approx([0.65, 0.8])
    assert ax.get_xlabel() == "area under the ROC curve, 90 % interval"
    plt.close(drawn)


def test_a_forest_of_nothing_is_empty(metrics):
    drawn, axes = figures.figure()
    ax = figures.auc_forest(metrics.assign(value=None), ax=axes[0])
    assert ax.containers == [] and ax.get_legend() is None
    plt.close(drawn)


def test_the_roc_has_the_line_of_chance_and_the_pr_curve_has_none(points, metrics):
    chosen, own = points[points.policy == "inclusive"], metrics[metrics.policy == "inclusive"]
    drawn, axes = figures.figure(columns=2)
    roc = figures.curves(chosen, own, kind="roc", ax=axes[0])
    pr = figures.curves(chosen[chosen.curve == "pr"], own, kind="pr", ax=axes[1])
    assert [list(line.get_ydata()) for line in roc.lines if line.get_linestyle() == "--"] == [[0, 1]]
    assert [line for line in pr.lines if line.get_linestyle() == "--"] == []
    assert (pr.get_xlabel(), pr.get_ylabel()) == ("recall (sensitivity)", "precision")
    plt.close(drawn)


def test_a_saved_figure_is_closed_shown_once_and_has_its_caption_as_alternative_text(tmp_path, points, monkeypatch):
    shown = []
    monkeypatch.setattr(figures, "display", lambda drawn, metadata: shown.append(metadata))
    drawn, axes = figures.figure()
    axes[0].plot([0, 1], [0, 1])
    figures.save(drawn, points, tmp_path / "deep" / "a", caption="A line, n = 3", dpi=72)
    assert shown == [{"image/png": {"alt": "A line, n = 3"}}]
    svg = (tmp_path / "deep" / "a.svg").read_text(encoding="utf-8")
    assert "<dc:date>" not in svg and "<text" in svg, "text stays text"
    assert str(tmp_path) not in svg
