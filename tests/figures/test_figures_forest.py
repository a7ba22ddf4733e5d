"""Forest plot, matrix, doses and learning curves: marks where the tables say."""

import itertools

import numpy as np
import pandas as pd
import pytest

from labkit import evaluation, figures, tables
from labkit.evaluation import MACRO

POLICIES = ("inclusive", "exclusive")


def primary(metrics, site="home"):
    return metrics[
        (metrics.metric == "auc") & (metrics.reading == "primary") & (metrics.site == site) & metrics.value.notna()
    ]


def test_marks_are_areas_with_their_intervals_the_macro_average_on_top_then_ranked(two, closed):
    _, metrics, _ = two
    made = figures.forest(metrics, site="home", margin=0.02)
    ax = closed(made.figure).axes[0]
    rows = primary(metrics)
    ranked = rows[rows.finding != MACRO].groupby("finding").value.mean().sort_values(ascending=False)
    names = [text.get_text().replace("\n", " ") for text in ax.get_yticklabels()]
    assert [name.rsplit(" (", 1)[0] for name in names] == [MACRO, *ranked.index]
    one = rows[rows.finding == ranked.index[0]].iloc[0]
    assert names[1].endswith(f"({int(one.n_positive)}/{int(one.n)})")
    assert [bars.get_label() for bars in ax.containers] == list(POLICIES)
    for bars, policy in zip(ax.containers, POLICIES):
        own = rows[rows.policy == policy]
        assert list(bars[0].get_xdata()) == list(own.value)
        assert np.allclose([segment[:, 0] for segment in bars[2][0].get_segments()], own[["low", "high"]])
    assert bars[0].get_marker() != ax.containers[0][0].get_marker(), "told apart without colour"
    assert ax.yaxis_inverted() and "95 % interval" in ax.get_xlabel()


def test_differences_stand_in_the_row_of_their_finding_with_the_margin_as_a_zone(two, closed):
    _, metrics, _ = two
    sure = metrics.assign(value=np.where(metrics.metric == "auc_difference_p_holm", 0.9, metrics.value))
    chosen = (sure.metric == "auc_difference_p_holm") & (sure.finding == "Ossicles")
    sure.loc[chosen, "value"] = 0.01
    made = figures.forest(sure, site="home", margin=0.03)
    left, right = closed(made.figure).axes
    rows = sure[(sure.metric == "auc_difference") & (sure.site == "home")].set_index("finding")
    places = {
        text.get_text().replace("\n", " ").rsplit(" (", 1)[0]: y
        for text, y in zip(left.get_yticklabels(), left.get_yticks())
    }
    hollow, filled = right.containers
    found = dict(
        zip([*hollow[0].get_ydata(), *filled[0].get_ydata()], [*hollow[0].get_xdata(), *filled[0].get_xdata()])
    )
    assert found == {places[finding]: row.value for finding, row in rows.iterrows()}
    assert list(filled[0].get_ydata()) == [places["Ossicles"]] and hollow[0].get_markerfacecolor() == "white"
    zone = right.patches[0]
    assert (zone.get_x(), zone.get_x() + zone.get_width()) == pytest.approx((-0.03, 0.03))
    assert right.get_ylim() == left.get_ylim() and "±0.03" in made.caption
    assert set(made.data.metric) == {"auc", "auc_difference"}
    assert len(made.data) == len(primary(sure)) + len(rows)


def test_one_policy_has_no_differences_and_seven_are_compared_with_the_first(one, seven, closed):
    made = figures.forest(one[1], site="home")
    assert len(closed(made.figure).axes) == 1 and "Right" not in made.caption
    made = figures.forest(seven[1], site="home", margin=0.02)
    drawn = closed(made.figure)
    assert drawn.get_figheight() <= 9.21 and len(drawn.axes) == 2
    assert drawn.axes[1].get_xlabel() == "difference, inclusive - each"
    rows = primary(seven[1])
    assert len(drawn.axes[0].containers) == 7
    at = np.concatenate([bars[0].get_ydata() for bars in drawn.axes[0].containers]).astype(float)
    assert len(np.unique(at.round(6))) == len(rows), "no mark hides another"
    drawn.draw_without_rendering()
    boxes = [text.get_window_extent() for text in drawn.axes[0].get_yticklabels()]
    assert min(box.x0 for box in boxes) >= 0
    assert all(not a.padded(-1).overlaps(b) for a, b in itertools.pairwise(boxes)), "names do not run into each other"


def test_a_forest_of_nothing_is_empty_axes(none, closed):
    drawn, axes = figures.figure()
    closed(drawn)
    ax = figures.auc_forest(none[1], ax=axes[0])
    assert len(ax.containers) == 0 and ax.get_legend() is None and "nothing to show" in ax.get_xlabel()


def test_the_matrix_holds_policy_by_site(two, none, closed):
    _, metrics, _ = two
    made = figures.site_matrix(metrics)
    ax = closed(made.figure).axes[0]
    rows = metrics[(metrics.finding == MACRO) & (metrics.metric == "auc") & (metrics.reading == "primary")]
    expected = rows.pivot(index="policy", columns="site", values="value").loc[list(POLICIES), ["home", "away"]]
    assert np.allclose(ax.collections[0].get_array().reshape(2, 2), expected)
    area = rows[(rows.policy == "exclusive") & (rows.site == "home")].iloc[0]
    assert ax.texts[2].get_text() == f"{area.value:.3f}\n({area.low:.3f}–{area.high:.3f})\n3 findings"
    assert [text.get_text() for text in ax.get_xticklabels()] == ["home\n(n = 60)", "away\n(n = 60)"]
    made = figures.site_matrix(none[1])
    assert [text.get_text() for text in closed(made.figure).axes[0].texts] == ["–"]


@pytest.fixture
def doses():
    rng = np.random.default_rng(2)
    rows = [
        (policy, share, seed, "home", "macro_auc", 0.8 - slope * share + rng.normal(0, 0.005))
        for policy, slope in (("inclusive", 0.02), ("exclusive", 0.3), ("ignore", 0.1))
        for share in (0.0, 0.1, 0.2, 0.4)
        for seed in (1, 2, 3)
    ]
    return tables.check(pd.DataFrame(rows, columns=list(tables.DOSES.all_columns)), tables.DOSES)


def test_a_dose_plot_shows_every_training_and_the_fitted_trends(doses, closed):
    two_policies = doses[doses.policy != "ignore"][::-1]
    made = figures.dose_plot(two_policies, site="home", margin=0.02)
    left, right = closed(made.figure).axes
    for policy in POLICIES:
        own = two_policies[two_policies.policy == policy]
        dots = next(line for line in left.lines if len(line.get_xdata()) == len(own))
        if policy == "inclusive":
            assert np.allclose(dots.get_xdata(), 100 * own.share) and np.allclose(dots.get_ydata(), own.value)
        fitted = evaluation.dose_response(own[["share", "seed", "value"]]).fitted
        line = next(line for line in left.lines if line.get_label() == policy)
        assert np.allclose(line.get_ydata(), fitted.value)
    trend = evaluation.policy_trend(two_policies, *POLICIES, margin=0.02).trend.fitted
    assert np.allclose(next(line for line in right.lines if line.get_label() == "exclusive").get_ydata(), trend.value)
    assert (made.data.kind == "training").sum() == 24 and "24 trainings (4 shares, 3 seeds)" in made.caption
    assert right.get_ylabel() == "difference, inclusive - exclusive"


def test_too_few_trainings_for_a_trend_are_dots(doses, closed):
    few = doses[(doses.share == 0.1) & (doses.policy != "ignore")]
    made = figures.dose_plot(few, site="home")
    assert set(made.data.kind) == {"training"}
    assert [text.get_text() for text in closed(made.figure).axes[0].get_legend().get_texts()] == list(POLICIES)
    assert figures.dose_plot(doses, site="nowhere") is None
    one = figures.dose_plot(doses[doses.policy == "ignore"], site="home")
    assert len(closed(one.figure).axes) == 1


def epochs(best=(True, True, False)):
    return pd.DataFrame({
        "seed": 1, "epoch": [1, 2, 3], "train_loss": [0.5, 0.4, 0.3], "validation_loss": [0.6, 0.5, 0.7],
        "validation_auc": [0.6, 0.7, 0.65], "best": best,
    })  # fmt: skip


def test_only_the_last_best_epoch_is_marked_also_where_a_file_spells_it(closed):
    for best in ((True, True, False), ("True", "true", "False")):
        drawn, axes = figures.figure()
        ax = figures.history(epochs(best), ax=axes[0])
        assert list(ax.lines[-1].get_xdata()) == [2] and list(ax.lines[-1].get_ydata()) == [0.5]
        closed(drawn)


def test_learning_curves_have_a_panel_per_policy_and_one_of_validation(closed):
    names = ("inclusive", "exclusive", "ignore", "soft", "graded", "multiclass", "self_trained")
    made = figures.learning_curves({name: epochs() for name in names})
    axes = closed(made.figure).axes
    assert [ax.get_title(loc="left") for ax in axes] == [
        *(f"loss, {name.replace('_', '-')}" for name in names), "macro AUC on validation",
    ]  # fmt: skip
    assert list(axes[0].lines[1].get_ydata()) == [0.6, 0.5, 0.7]
    assert sum(len(line.get_xdata()) == 3 for line in axes[-1].lines) == 7
    assert len(made.data) == 21 and "one seed per policy, 3 epochs" in made.caption
