"""Ink of the label figures is what the tables hold."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from labkit import evaluation, figures, tables, verification

VALUES = ["true", "uncertain", "false"]


def test_bars_are_the_shares_of_true_and_uncertain_at_each_site(two, closed):
    labels, *_ = two
    made = figures.prevalence(labels)
    axes = closed(made.figure).axes
    assert [ax.get_title(loc="left") for ax in axes] == ["home (n = 180)", "away (n = 60)"]
    findings = list(dict.fromkeys(labels.finding))
    for ax, site in zip(axes, ("home", "away")):
        own = labels[labels.site == site]
        counts = pd.crosstab(own.finding, own.value).loc[findings]
        widths = [patch.get_width() * own.study_id.nunique() for patch in ax.patches]
        assert widths == pytest.approx([*counts["true"], *counts["uncertain"]])
        assert [text.get_text() for text in ax.texts] == [
            f"{t} + {u}" for t, u in zip(counts["true"], counts["uncertain"])
        ]
    assert made.data.n.sum() == len(labels) and set(made.data.value) == set(VALUES)
    assert "240 studies" in made.caption and f"{len(labels):,} labels" in made.caption


def test_the_data_of_the_bars_are_the_table(two, closed):
    labels, *_ = two
    made = figures.prevalence(labels)
    closed(made.figure)
    expected = labels.groupby(["site", "finding", "value"]).size()
    found = made.data.set_index(["site", "finding", "value"]).n
    assert found[found > 0].sort_index().equals(expected.rename("n").sort_index())
    assert np.allclose(made.data.share, made.data.n / made.data.studies)


def test_doubt_has_a_hatch_beside_its_colour(two, closed):
    drawn = closed(figures.prevalence(two[0]).figure)
    n = len(drawn.axes[0].patches) // 2
    assert {patch.get_hatch() for patch in drawn.axes[0].patches[:n]} == {""}
    assert {patch.get_hatch() for patch in drawn.axes[0].patches[n:]} == {"////"}


def test_more_than_three_sites_are_one(closed):
    labels = pd.DataFrame(
        [(f"S-{s}{k}", "Ossicles", f"P-{s}{k}", f"site {s}", "external", v, v, v, "none") for s in range(5)
         for k, v in enumerate(VALUES)],
        columns=list(tables.LABELS.all_columns),
    )  # fmt: skip
    made = figures.prevalence(labels)
    assert [ax.get_title(loc="left") for ax in closed(made.figure).axes] == ["all sites (n = 15)"]


def test_the_agreement_map_holds_counts_and_colours_shares_of_the_row(closed):
    counts = pd.DataFrame([[8, 2, 0], [0, 0, 0], [1, 0, 1999]], index=VALUES, columns=VALUES)
    made = figures.agreement(counts)
    ax = closed(made.figure).axes[0]
    assert [text.get_text() for text in ax.texts] == ["8", "2", "0", "0", "0", "0", "1", "0", "1,999"]
    assert ax.collections[0].get_array().filled(-1).reshape(3, 3)[0].tolist() == [0.8, 0.2, 0.0]
    assert ax.collections[0].get_array().filled(-1).reshape(3, 3)[1].tolist() == [-1, -1, -1]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("extracted", "verified")
    assert "n = 2,010" in made.caption and "3 of them" in made.caption
    assert made.data.set_index("verified").to_numpy().tolist() == counts.to_numpy().tolist()


@pytest.fixture
def verified(two):
    labels = two[0].copy()
    wrong = (labels.finding == "Ossicles") & (labels.value == "true")
    labels.loc[wrong & (np.arange(len(labels)) % 3 == 0), "extracted"] = "false"
    plan = evaluation.Plan(100)
    return labels, verification.accuracy(labels, rng=np.random.default_rng(1), plan=plan)


def test_cells_of_the_accuracy_map_are_the_recall_with_its_count(verified, closed):
    labels, metrics = verified
    made = figures.accuracy_map(metrics, labels)
    ax = closed(made.figure).axes[0]
    own = labels[(labels.finding == "Ossicles") & (labels.site == "home") & (labels.value == "true")]
    right = (own.extracted == "true").mean()
    names = [text.get_text() for text in ax.get_yticklabels()]
    assert names[0] == "All findings" and names[1:] == [
        "Fracture (All Locations)", "Ossicles", "Distal Humerus - Comminuted\nor Fragmented Fracture", "Lytic Lesion",
    ]  # fmt: skip
    cells = np.array([text.get_text() for text in ax.texts[: 5 * 6]]).reshape(5, 6)
    assert cells[2, 0] == f"{100 * right:.0f} % ({len(own)})"
    row = made.data[(made.data.finding == "Ossicles") & (made.data.site == "home") & (made.data.verified == "true")]
    assert row.value.item() == pytest.approx(right) and row.n.item() == len(own)
    assert f"home {len(labels[labels.site == 'home']):,}" in made.caption


def test_small_cells_are_grey_and_show_their_number_alone(verified, closed):
    labels, metrics = verified
    ax = closed(figures.accuracy_map(metrics, labels, min_cell=10).figure).axes[0]
    cells = np.array([text.get_text() for text in ax.texts[: 5 * 6]]).reshape(5, 6)
    colours = ax.collections[0].get_array().reshape(5, 6)
    n = labels[(labels.finding == "Lytic Lesion") & (labels.value == "true") & (labels.site == "home")]
    assert len(n) == 6 and cells[4, 0] == "(6)" and colours.mask[4, 0]
    assert cells[4, 1] == "–" and colours.mask[4, 1]


def test_nothing_verified_draws_an_empty_map_and_empty_bars(two, closed):
    metrics = pd.DataFrame(columns=list(tables.METRICS.all_columns))
    made = figures.accuracy_map(tables.check(metrics, tables.METRICS), two[0])
    closed(made.figure)
    assert len(made.data) == 0 and "none" in made.caption
    drawn, axes = figures.figure()
    closed(drawn)
    ax = figures.accuracy_bars(metrics, ax=axes[0])
    assert ax.get_xlabel() == "share of labels that are right"
    assert [text.get_text() for text in ax.texts] == ["no label is verified yet"] and not len(ax.get_xticks())


@pytest.mark.parametrize("width", [0.9, 0.05, 0.004, 0.0004])
def test_percentages_below_the_bars_do_not_overlap(width, closed):
    row = {"finding": "All findings", "site": "internal", "value": 0.98765, "low": 0.98765 - width, "high": 0.98765}
    rows = [row | {"metric": "label_accuracy"}, row | {"metric": "all_false_accuracy", "value": 0.98765 - width}]
    drawn = closed(figures.accuracy_by_site(pd.DataFrame(rows).assign(n=100.0, level=0.95)).figure)
    drawn.draw_without_rendering()
    ticks = [tick for tick in drawn.axes[0].get_xticklabels() if tick.get_text()]
    boxes = [tick.get_window_extent() for tick in ticks]
    assert len({tick.get_text() for tick in ticks}) == len(ticks) > 2
    assert all(left.x1 < right.x0 for left, right in pairwise(boxes))


def test_accuracy_stands_beside_what_false_everywhere_would_reach(verified, closed):
    drawn, axes = figures.figure()
    ax = figures.accuracy_bars(verified[1], ax=axes[0])
    closed(drawn)
    rows = verified[1][verified[1].finding == "All findings"].set_index(["metric", "site"])
    baseline = next(line for line in ax.lines if line.get_label() == "false everywhere")
    assert list(baseline.get_xdata()) == list(rows.loc["all_false_accuracy"].value)
    assert baseline.get_markerfacecolor() == "none"
    bars = ax.containers[0]
    assert list(bars[0].get_xdata()) == list(rows.loc["label_accuracy"].value)
    limits = rows.loc[("label_accuracy", "all"), ["low", "high"]]
    assert bars[2][0].get_segments()[0][:, 0].tolist() == pytest.approx(list(limits))


def test_the_picture_of_accuracy_by_site_holds_its_rows_and_counts(verified, closed):
    labels, metrics = verified
    made = figures.accuracy_by_site(metrics)
    closed(made.figure)
    rows = made.data.set_index(["metric", "site"])
    home = labels[labels.site == "home"]
    right = (home.extracted == home.value).mean()
    assert rows.loc[("label_accuracy", "home"), "value"] == pytest.approx(right)
    assert set(made.data.metric) == {"label_accuracy", "all_false_accuracy"}
    assert f"home {len(home):,}" in made.caption and f"all {len(labels):,}" in made.caption


def test_extracted_labels_without_a_split_are_drawn_in_the_order_of_their_sites_and_none_are_not_drawn(two, closed):
    findings = two[0][["study_id", "finding", "site", "value"]][::-1]
    made = figures.prevalence(findings)
    assert [ax.get_title(loc="left") for ax in closed(made.figure).axes] == ["away (n = 60)", "home (n = 180)"]
    assert figures.prevalence(findings[:0]) is None
