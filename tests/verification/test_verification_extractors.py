"""Two extractors on the same cases: McNemar against scipy's binomial test, Holm, and the difference by reports."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from test_verification_accuracy import labels_of

from labkit import tables
from labkit.verification import compare_extractors
from labkit.verification.extractors import COLUMNS, mcnemar


def both(labels, first, second):
    """FINDINGS of two sources from (reports, findings) arrays of words, in the order of the labels."""
    own = labels[["study_id", "finding"]]
    parts = [own.assign(source=name, value=np.ravel(given)) for name, given in (("rules", first), ("model", second))]
    made = pd.concat(parts).assign(start=-1, end=-1).reindex(columns=list(tables.FINDINGS.all_columns))
    return tables.check(made, tables.FINDINGS)


def test_the_exact_test_is_the_binomial_one():
    pairs = [(0, 0), (1, 0), (5, 5), (0, 9), (12, 3), (40, 70), (3, 4)]
    expected = [stats.binomtest(a, a + b).pvalue if a + b else 1.0 for a, b in pairs]
    assert mcnemar(*zip(*pairs)) == pytest.approx(expected, abs=1e-12)


def test_a_published_table_gives_its_p_value():
    # Agresti, Categorical Data Analysis, 2nd ed., 10.1.1: approval of 1,600 people, discordant 150 and 86
    assert mcnemar(150, 86)[0] == pytest.approx(stats.binomtest(86, 236).pvalue, rel=1e-9)
    assert mcnemar(150, 86)[0] < 1e-4


@pytest.fixture
def compared():
    rng = np.random.default_rng(1)
    value = np.where(rng.random((200, 3)) < 0.3, "true", "false")
    wrong = np.where(value == "true", "false", "true")
    first = np.where(rng.random((200, 3)) < 0.05, wrong, value)
    second = np.where(rng.random((200, 3)) < np.array([0.3, 0.05, 0.05]), wrong, value)
    labels = labels_of(first, value)
    return compare_extractors(both(labels, first, second), labels), (value, first, second)


def test_counts_and_p_values_are_those_of_each_finding(compared):
    table, (value, first, second) = compared
    a, b = first == value, second == value
    assert list(table.finding) == ["All findings", "Fracture", "Swelling", "Ossicles"]
    assert table.only_first[1:].tolist() == (a & ~b).sum(axis=0).tolist()
    assert table.only_second[0] == (b & ~a).sum()
    assert table.first_right[0] == a.sum() and table.second_right[3] == b[:, 2].sum()
    expected = [stats.binomtest(k, k + m).pvalue for k, m in zip((a & ~b).sum(axis=0), (b & ~a).sum(axis=0))]
    assert table.p[1:].tolist() == pytest.approx(expected) and np.isnan(table.p[0])
    assert table.p_holm[1] == pytest.approx(3 * table.p[1]) and table.p_holm[1] < 0.001
    assert (table.p_holm[2:] > 0.05).all() and (table.p_holm[1:] >= table.p[1:]).all()


def test_the_difference_has_the_interval_of_paired_reports(compared):
    table, (value, first, second) = compared
    gap = ((first == value).sum(axis=1) - (second == value).sum(axis=1)) / 3
    half = 1.96 * gap.std(ddof=1) / np.sqrt(200)
    row = table.iloc[0]
    assert row.difference == pytest.approx(gap.mean())
    assert (row.low, row.high) == pytest.approx((gap.mean() - half, gap.mean() + half), abs=1e-4)
    assert table.attrs["sources"] == ["rules", "model"]


def test_without_a_second_source_or_a_verified_label_nothing_is_compared():
    value = np.full((4, 2), "false")
    labels = labels_of(value, value)
    two = both(labels, value, value)
    one = two[two.source == "rules"]
    for table in (
        compare_extractors(one, labels),
        compare_extractors(two, labels.assign(verification="none")),
        compare_extractors(two.head(0), labels),
    ):
        assert table.empty and list(table) == list(COLUMNS)


def test_reports_that_only_one_source_could_label_are_left_out():
    value = np.full((4, 2), "false")
    labels = labels_of(value, value)
    two = both(labels, value, value)
    fewer = two[(two.source == "rules") | (two.study_id != "S-0000")]
    table = compare_extractors(fewer, labels)
    assert table.labels[0] == 6 and table.p[1:].tolist() == [1.0, 1.0]
