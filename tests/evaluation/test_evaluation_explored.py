"""Thresholds packed for a page: order kept, counts exact, small enough, and no single study where none may show."""

import base64

import numpy as np
import pytest

from labkit import evaluation
from labkit.evaluation import explored, operating

SETTINGS = evaluation.Settings(min_positives=3)


def column(rng, *, n=745, share=0.05, threshold=0.02):
    """A rare finding: scores crowd near 0."""
    reference = (rng.random(n) < share).astype(float)
    reference[rng.random(n) < 0.02] = np.nan
    score = np.round(1 / (1 + np.exp(-rng.normal(np.nan_to_num(reference) * 2 - 5, 1.5))), 9)
    return explored.Column("Ossicles", score, reference, rng.random(n) < 0.03, threshold)


def group(columns, *, site="north", split="test", policy="inclusive"):
    ids = tuple(f"S-{n:05d}" for n in range(len(columns[0].score)))
    return explored.Group(site, split, policy, ids, tuple(columns))


def levels(data, at, n, kind="<u2"):
    return np.frombuffer(base64.b64decode(data["packed"]), kind, count=n, offset=at)


def test_equal_scores_share_a_level_and_higher_ones_have_higher_levels(rng):
    one = column(rng, n=3000)
    one.score[:40] = 0.02
    data = explored.pack([group([one])], show_cases=True, min_cell=10)
    facts = data["groups"][0]["columns"][0]
    found = levels(data, facts["from"], 3000)
    order = np.argsort(one.score, kind="stable")
    assert (np.diff(one.score[order]) > 0).tolist() == (np.diff(found[order].astype(int)) > 0).tolist()
    carried = facts["low"] + found / 65535 * (facts["high"] - facts["low"])
    assert np.abs(1 / (1 + np.exp(-carried)) - one.score).max() < 1e-4


def test_scores_that_lie_as_close_as_numbers_can_keep_their_order():
    score = np.append(np.linspace(1 - 1e-7, 1, 60_000), 0.0)
    one = explored.Column("Ossicles", score, np.tile([0.0, 1.0], 30_001)[:60_001], np.zeros(60_001, bool), 0.5)
    data = explored.pack([group([one])], show_cases=True, min_cell=10)
    found = levels(data, data["groups"][0]["columns"][0]["from"], 60_001).astype(int)
    assert (np.diff(found[np.argsort(score)]) > 0).all()


def test_counts_at_every_threshold_are_those_of_a_confusion_matrix(rng):
    one = column(rng)
    used = ~np.isnan(one.reference)
    cuts, hits, alarms = one.counts
    for place in (0, 17, len(cuts) // 2, len(cuts) - 1, one.at(cuts)):
        expected = operating.confusion(one.reference[used], one.score[used], threshold=cuts[place])
        assert (hits[place], alarms[place]) == (expected.true_positive, expected.false_positive)
    assert (hits[-1], alarms[-1]) == (0, 0)
    expected = operating.confusion(one.reference[used], one.score[used], threshold=one.threshold)
    assert hits[one.at(cuts)] == expected.true_positive


def test_without_cases_no_two_thresholds_are_nearer_than_the_smallest_cell(rng):
    one = column(rng)
    data = explored.pack([group([one])], show_cases=False, min_cell=10)
    facts = data["groups"][0]["columns"][0]
    k = facts["k"]
    _, hits, alarms = levels(data, facts["from"], 3 * k, "<u4").reshape(3, k).astype(int)
    assert (np.diff(hits + alarms) <= -10).all()
    used = ~np.isnan(one.reference)
    declared = operating.confusion(one.reference[used], one.score[used], threshold=one.threshold)
    assert (hits[facts["at"]], alarms[facts["at"]]) == (declared.true_positive, declared.false_positive)
    assert not data["cases"] and data["rosters"] == []


def test_a_study_of_two_policies_two_sites_and_29_findings_stays_below_half_a_megabyte(rng):
    groups = [
        group([column(rng) for _ in range(29)], site=site, policy=policy)
        for site in ("north", "south")
        for policy in ("inclusive", "exclusive")
    ]
    data = explored.pack(groups, show_cases=True, min_cell=10)
    assert data["cases"]
    assert len(str(data)) < 500_000


def test_studies_that_policies_share_are_packed_once(rng):
    one = column(rng)
    both = [group([one], policy=policy) for policy in ("inclusive", "exclusive")]
    data = explored.pack(both, show_cases=True, min_cell=10)
    assert [g["roster"] for g in data["groups"]] == [0, 0]
    assert len(data["rosters"]) == 1


def test_a_cohort_too_large_for_a_page_is_shown_by_counts(rng):
    one = column(rng, n=20_000)
    data = explored.pack([group([one] * 40)], show_cases=True, min_cell=10)
    assert not data["cases"] and len(data["packed"]) < 100_000


def test_validation_and_each_test_site_are_there_under_every_policy(predictions, labels):
    found = explored.groups(predictions, labels, settings=SETTINGS)
    assert [(g.policy, g.site, g.split) for g in found] == [
        (policy, site, split)
        for policy in ("inclusive", "exclusive")
        for site, split in (("north", "test"), ("south", "external"), ("north", "validation"))
    ]
    assert all(c.finding != "Foreign Bodies" for g in found for c in g.columns)


def test_thresholds_are_those_of_the_metrics(predictions, labels):
    metrics, _ = evaluation.evaluate(predictions, labels, settings=SETTINGS)
    for one in explored.groups(predictions, labels, settings=SETTINGS):
        if one.split == "validation":
            continue
        for found in one.columns:
            row = metrics[
                (metrics.finding == found.finding)
                & (metrics.metric == "threshold")
                & (metrics.site == one.site)
                & (metrics.policy == one.policy)
            ]
            assert found.threshold == pytest.approx(row["value"].item(), abs=0)
