"""Ink of curves, calibration and decision curves is what CURVES and METRICS hold."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from labkit import figures
from labkit.evaluation import MACRO, POOLED
from labkit.figures.style import SMALLEST_PT, look


def lines(ax):
    return {line.get_label(): line for line in ax.lines if not line.get_label().startswith("_")}


def of(curves, finding, policy, curve, site="home"):
    return curves[
        (curves.finding == finding) & (curves.policy == policy) & (curves.curve == curve) & (curves.site == site)
    ]


@pytest.mark.parametrize("kind", ["roc", "pr"])
def test_lines_and_bands_are_the_table(two, closed, kind):
    _, metrics, curves = two
    made = figures.curve_panels(curves, metrics, site="home", kind=kind)
    axes = closed(made.figure).axes
    positives = metrics[(metrics.metric == "auc") & (metrics.site == "home") & (metrics.reading == "primary")]
    order = positives.drop_duplicates("finding").set_index("finding").n_positive.sort_values(ascending=False)
    drawn = [MACRO, *[finding for finding in order.index if finding != MACRO]]
    assert [ax.get_title(loc="left").replace("\n", " ").split(" (")[0] for ax in axes] == [
        finding.split(" (")[0] for finding in drawn
    ]
    for ax, finding in zip(axes, drawn):
        for policy, band in zip(("inclusive", "exclusive"), ax.collections, strict=True):
            line = lines(ax)[policy]
            table = of(curves, finding, policy, kind if kind == "roc" else "pr_band")
            assert np.array_equal(line.get_xdata(), table.x) and np.array_equal(line.get_ydata(), table.y)
            assert (to_hex(line.get_color()), line.get_linestyle() == "-") == (
                look(policy).color.lower(), policy == "inclusive",
            )  # fmt: skip
            limits = of(curves, finding, policy, f"{kind}_band")
            inked = band.get_paths()[0].vertices
            assert inked[:, 1].min() == pytest.approx(limits.low.min()) and inked[:, 1].max() == limits.high.max()
    assert set(made.data.curve) == {kind, f"{kind}_band"} and set(made.data.site) == {"home"}
    expected = curves[(curves.site == "home") & curves.curve.isin([kind, f"{kind}_band"])]
    assert len(made.data) == len(expected)


def test_numbers_above_a_panel_are_those_of_metrics(two, closed):
    _, metrics, curves = two
    made = figures.curve_panels(curves, metrics, site="away", kind="roc", max_findings=1)
    axes = closed(made.figure).axes
    rows = metrics[(metrics.metric == "auc") & (metrics.site == "away") & (metrics.reading == "primary")]
    for ax, finding in zip(axes, (MACRO, "Fracture (All Locations)")):
        expected = rows[rows.finding == finding].set_index("policy")
        for text in ax.texts:
            policy = text.get_text().split(" ")[0]
            area = expected.loc[policy]
            assert text.get_text() == f"{policy} {area.value:.2f} ({area.low:.2f}–{area.high:.2f})"
    assert "3 findings evaluated; the 1 with most positives shown" in made.caption
    n = rows[rows.finding == MACRO].n.iloc[0]
    assert f"n = {int(n)} studies" in made.caption and "95 %" in made.caption


def test_chance_is_the_diagonal_and_the_prevalence_a_level(two, closed):
    _, metrics, curves = two
    for kind in ("roc", "pr"):
        made = figures.curve_panels(curves, metrics, site="home", kind=kind)
        grey = [line for line in closed(made.figure).axes[1].lines if line.get_label().startswith("_")]
        rows = metrics[(metrics.metric == "prevalence") & (metrics.finding == "Fracture (All Locations)")]
        level = rows[(rows.site == "home") & (rows.policy == "inclusive")].value.item()
        assert list(grey[0].get_ydata()) == ([0, 1] if kind == "roc" else [level, level])


@pytest.mark.parametrize("kind", ["roc", "pr"])
def test_one_policy_at_one_site_and_seven_with_29_long_names_are_drawn(one, seven, closed, kind):
    made = figures.curve_panels(one[2], one[1], site="home", kind=kind)
    assert len(closed(made.figure).axes[0].collections) == 1 and "policy ignore" in made.caption
    made = figures.curve_panels(seven[2], seven[1], site="home", kind=kind, max_findings=29)
    drawn = closed(made.figure)
    assert drawn.get_figheight() <= 9.21 and not drawn.axes[0].collections
    evaluated = seven[1][(seven[1].metric == "auc") & (seven[1].reading == "primary")].finding.nunique()
    assert len(drawn.axes) == evaluated > 20
    assert len(lines(drawn.axes[0])) == 7
    titles = [ax.title.get_text() or ax.get_title(loc="left") for ax in drawn.axes]
    assert all("Part" in title for title in titles[1:])


def test_no_finding_that_can_be_evaluated_is_no_figure(none):
    _, metrics, curves = none
    for kind in ("roc", "pr"):
        assert figures.curve_panels(curves, metrics, site="home", kind=kind) is None
    assert figures.calibration_panels(curves, metrics, site="home") is None
    assert figures.decision_panels(curves, metrics, site="home") is None
    assert figures.forest(metrics, site="home") is None


def test_reliability_is_drawn_with_its_limits_and_the_labels_of_each_bin(two, closed):
    _, metrics, curves = two
    made = figures.calibration_panels(curves, metrics, site="home")
    axes = closed(made.figure).axes
    ax, strip = axes[0], axes[1]
    assert ax.get_title(loc="left") == POOLED
    for policy, bars in zip(("inclusive", "exclusive"), ax.containers, strict=True):
        table = of(curves, POOLED, policy, "reliability")
        assert np.array_equal(lines(ax)[policy].get_ydata(), table.y)
        segments = [segment[:, 1] for segment in bars[2][0].get_segments()]
        assert np.allclose(segments, table[["low", "high"]])
    for patch, policy in zip(strip.patches, ("inclusive", "exclusive"), strict=True):
        counts = of(curves, POOLED, policy, "reliability_n")
        heights = patch.get_data().values
        assert heights.sum() == counts.y.sum() and len(heights) == 10
        assert np.array_equal(heights[(counts.threshold * 10).round().astype(int)], counts.y)
    n = metrics[(metrics.metric == "brier") & (metrics.finding == POOLED) & (metrics.site == "home")].n.iloc[0]
    assert f"n = {int(n)} labels" in made.caption
    errors = metrics[(metrics.metric == "ece") & (metrics.finding == POOLED) & (metrics.site == "home")]
    found = sorted(text.get_text() for text in ax.texts)
    assert found == sorted(f"{row.policy} ECE {row.value:.3f}" for row in errors.itertuples())


def test_a_decision_curve_stands_beside_everybody_and_nobody(two, closed):
    _, metrics, curves = two
    made = figures.decision_panels(curves, metrics, site="home")
    ax = closed(made.figure).axes[0]
    finding = ax.get_title(loc="left")
    table = of(curves, finding, "exclusive", "decision")
    assert np.array_equal(lines(ax)["exclusive"].get_ydata(), table.y)
    everybody = of(curves, finding, "inclusive", "decision_all")
    assert np.array_equal(ax.lines[0].get_ydata(), everybody.y) and list(ax.lines[1].get_ydata()) == [0, 0]
    row = metrics[(metrics.metric == "brier") & (metrics.finding == finding) & (metrics.site == "home")].iloc[0]
    assert f"{finding} {int(row.n_positive)}/{int(row.n)}" in made.caption
    assert set(made.data.curve) == {"decision", "decision_all"}


def test_scores_that_are_no_probabilities_have_no_such_figures(two):
    _, metrics, curves = two
    bare = curves[curves.curve.isin(["roc", "pr", "roc_band", "pr_band"])]
    assert figures.calibration_panels(bare, metrics, site="home") is None
    assert figures.decision_panels(bare, metrics, site="home") is None


@pytest.mark.parametrize("study", ["one", "two", "seven"])
def test_no_text_is_small_cut_off_or_over_another(study, request, closed):
    _, metrics, curves = request.getfixturevalue(study)
    pictures = [
        figures.curve_panels(curves, metrics, site="home", kind="roc", max_findings=29),
        figures.calibration_panels(curves, metrics, site="home"),
        figures.decision_panels(curves, metrics, site="home"),
    ]
    for made in pictures:
        drawn = closed(made.figure)
        drawn.draw_without_rendering()
        boxes = []
        for ax in drawn.axes:
            for text in [ax._left_title, *ax.texts, *drawn.texts]:
                if not text.get_text():
                    continue
                box = text.get_window_extent()
                assert text.get_fontsize() >= SMALLEST_PT
                assert box.x0 >= -1 and box.x1 <= drawn.bbox.x1 + 1 and box.y1 <= drawn.bbox.y1 + 1, text.get_text()
                if text not in drawn.texts:
                    boxes.append(box.padded(-1.5))
        assert [n for n, box in enumerate(boxes) if any(box.overlaps(other) for other in boxes[n + 1 :])] == []
