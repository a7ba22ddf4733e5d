"""Agreement between readers against published worked examples and scikit-learn.

Published numbers: the vignette "overview" of the R package irrCAC 1.0 (K. L. Gwet), whose data are those of Gwet 2014,
Handbook of Inter-Rater Reliability, 4th ed., p. 120, and of Fleiss 1971, Psychological Bulletin 76, 378-382.
"""

import numpy as np
import pandas as pd
import pytest
from readings import review
from sklearn.metrics import cohen_kappa_score

from labkit.verification import agreement as readers
from labkit.verification import reviews

# Four readers, twelve units, five values, 0 = not read.
FOUR = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, 0, 0, 0],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, 0, 0],
        [0, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, 3],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, 0],
    ]
)
# Four readers, fifteen units (data set cac.raw.gender of irrCAC).
GENDER = ["aaaaabbbcaaaaab", "aaaababccaaaaba", "abbcaabbcabbcaa", "ccccaabbcccccaa"]
# Two readers of 100 women, rows by the first and columns by the second.
WOMEN = np.array([[13, 0, 0], [0, 20, 7], [0, 4, 56]])
# Six psychiatrists, the first fifteen patients of Fleiss 1971.
PSYCHIATRISTS = np.array(
    [
        [0, 0, 0, 0, 0, 2, 0, 2, 2, 0, 1, 1, 0, 1, 0],
        [0, 3, 1, 0, 3, 0, 0, 0, 0, 0, 0, 1, 3, 0, 2],
        [0, 0, 4, 0, 0, 4, 4, 3, 0, 0, 0, 0, 3, 0, 0],
        [6, 0, 0, 0, 3, 0, 0, 1, 4, 0, 5, 4, 0, 5, 3],
        [0, 3, 1, 6, 0, 0, 2, 0, 0, 6, 0, 0, 0, 0, 1],
    ]
).T

# Fourteen readers, ten subjects, five values (worked example of Fleiss' kappa, Wikipedia): 0.210.
FOURTEEN = np.array(
    [
        [0, 0, 0, 0, 14],
        [0, 2, 6, 4, 2],
        [0, 0, 3, 5, 6],
        [0, 3, 9, 2, 0],
        [2, 2, 8, 1, 1],
        [7, 7, 0, 0, 0],
        [3, 2, 6, 3, 0],
        [2, 5, 3, 2, 2],
        [6, 5, 2, 1, 0],
        [0, 2, 2, 3, 7],
    ]
)


def counted(given, values):
    return np.stack([(np.asarray(given) == v).sum(axis=0) for v in values], axis=1)


def of_women():
    return np.array(
        [[first, second] for first in range(3) for second in range(3) for _ in range(WOMEN[first, second])]
    ).T


@pytest.mark.parametrize(
    ("coefficient", "value"),
    [(readers.observed, 0.8181818), (readers.ac1, 0.77544), (readers.fleiss, 0.76117), (readers.alpha, 0.74342)],
)
def test_four_readers_with_gaps_equal_the_published_numbers(coefficient, value):
    counts = counted(FOUR, range(1, 6))
    found = coefficient(counts)
    assert found.value == pytest.approx(value, abs=6e-6)
    left_out = [coefficient(np.delete(counts, i, axis=0)).value for i in range(12)]
    jackknife = np.sqrt(11 / 12 * np.square(left_out - np.mean(left_out)).sum())
    assert found.se == pytest.approx(jackknife, rel=0.12)


@pytest.mark.parametrize(
    ("coefficient", "value", "se", "low", "high"),
    [
        (readers.ac1, 0.208, 0.091, 0.014, 0.403),
        (readers.fleiss, 0.129, 0.141, -0.172, 0.430),
        (readers.alpha, 0.143, 0.141, -0.158, 0.445),
    ],
)
def test_four_readers_of_every_unit_equal_the_published_numbers_with_their_intervals(coefficient, value, se, low, high):
    found = coefficient(counted([list(given) for given in GENDER], "abc"))
    assert found[:4] == pytest.approx((value, se, low, high), abs=1e-3)


@pytest.mark.parametrize(
    ("coefficient", "value", "se"),
    [
        (readers.ac1, 0.8493305, 0.04321747),
        (readers.alpha, 0.7972585, 0.05905473),
        (readers.fleiss, 0.7962397, 0.05905473),  # Scott's pi is Fleiss' kappa of two readers
        (readers.observed, 0.89, 0.03128898),
    ],
)
def test_two_readers_equal_the_published_numbers(coefficient, value, se):
    found = coefficient(counted(of_women(), range(3)))
    assert found.value == pytest.approx(value, abs=1e-7)
    # for a table of two readers irrCAC divides by n, where it divides by n - 1 elsewhere
    assert found.se * np.sqrt(99 / 100) == pytest.approx(se, abs=1e-7)


def test_cohens_kappa_equals_the_published_number_and_scikit_learn():
    first, second = of_women()
    found = readers.cohen(first, second)
    assert found.value == pytest.approx(0.7964094, abs=1e-7)
    assert found.value == pytest.approx(cohen_kappa_score(first, second), abs=1e-12)
    assert found.se * np.sqrt(99 / 100) == pytest.approx(0.05891072, abs=1e-7)
    assert (found.low, found.high) == pytest.approx((0.68, 0.913), abs=2e-3)


def test_fourteen_readers_equal_the_published_number():
    assert readers.fleiss(FOURTEEN).value == pytest.approx(0.210, abs=5e-4)
    assert readers.observed(FOURTEEN).value == pytest.approx(0.378, abs=5e-4)


def test_the_psychiatrists_of_fleiss_1971():
    agree = (PSYCHIATRISTS * (PSYCHIATRISTS - 1)).sum(axis=1) / 30
    share = PSYCHIATRISTS.sum(axis=0) / 90
    chance = (share**2).sum()
    assert readers.fleiss(PSYCHIATRISTS).value == pytest.approx((agree.mean() - chance) / (1 - chance))


def test_rare_labels_pull_kappa_down_and_leave_ac1():
    # 95 labels false to both readers, 5 on which they differ: they agree on 95 % and kappa is below 0
    counts = np.array([[0, 2]] * 95 + [[1, 1]] * 5)
    assert readers.fleiss(counts).value < 0 and readers.alpha(counts).value < 0.01
    assert readers.ac1(counts).value > 0.9


def test_one_value_throughout_has_no_kappa_and_full_ac1():
    counts = np.array([[2, 0, 0]] * 10)
    assert np.isnan([readers.fleiss(counts).value, readers.alpha(counts).value]).all()
    assert np.isnan(readers.cohen(np.zeros(10), np.zeros(10)).value)
    assert readers.ac1(counts).value == 1.0


@pytest.mark.parametrize("coefficient", [readers.observed, readers.fleiss, readers.alpha, readers.ac1])
def test_labels_that_nobody_read_twice_tell_nothing(coefficient):
    for counts in (np.zeros((0, 3)), np.array([[1, 0, 0], [0, 1, 0]]), np.zeros((4, 3))):
        assert np.isnan(coefficient(counts).value)


@pytest.mark.parametrize("coefficient", [readers.observed, readers.fleiss, readers.alpha, readers.ac1])
def test_labels_that_are_copies_within_a_report_add_no_certainty(coefficient):
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 3, 60)
    given = np.where(rng.random((3, 60)) < 0.2, rng.integers(0, 3, (3, 60)), truth)
    once = coefficient(counted(given, range(3)))
    copied = np.repeat(counted(given, range(3)), 4, axis=0)
    clustered = coefficient(copied, clusters=np.repeat(np.arange(60), 4))
    assert clustered.se == pytest.approx(once.se, rel=0.02)
    assert coefficient(copied).se < 0.6 * clustered.se


@pytest.mark.parametrize("coefficient", [readers.fleiss, readers.alpha, readers.ac1])
def test_standard_errors_are_those_of_drawing_labels_anew(coefficient):
    rng = np.random.default_rng(2)
    truth = rng.choice(3, 300, p=[0.2, 0.1, 0.7])
    given = np.where(rng.random((2, 300)) < 0.15, rng.integers(0, 3, (2, 300)), truth)
    counts = counted(given, range(3))
    drawn = [coefficient(counts[rng.integers(0, 300, 300)]).value for _ in range(800)]
    assert coefficient(counts).se == pytest.approx(np.std(drawn), rel=0.1)


def read_by(**values):
    """REVIEWS of readers by name: values of the fracture of successive studies, None = not read."""
    parts = [
        review(f"S-{n}", "Fracture", value, reader=reader)
        for reader, given in values.items()
        for n, value in enumerate(given)
        if value
    ]
    return pd.concat(parts, ignore_index=True)


def test_the_readings_of_people_are_compared_by_their_last_word():
    first = ["true", "false", "false", "uncertain", "true"]
    given = read_by(anna=first, ben=["true", "false", "true", "uncertain", None])
    corrected = review("S-2", "Fracture", "false", reader="ben", sequence=2)
    simulated = review("S-4", "Fracture", "false", reader=reviews.SIMULATED)
    found = readers.between_readers(pd.concat([given, corrected, simulated]))
    overall = found[found.finding == "All findings"].set_index("metric")
    assert set(overall.index) == {
        "readers_agree",
        "fleiss_kappa",
        "krippendorff_alpha",
        "gwet_ac1",
        "cohen_kappa",
    }
    assert overall.loc["readers_agree", ["value", "n", "n_positive"]].tolist() == [1.0, 4, 4]
    assert len(found[found.finding == "Fracture"]) == 5


def test_three_readers_have_no_cohens_kappa():
    found = readers.between_readers(read_by(anna=["true", "false"], ben=["true", "true"], cem=["true", None]))
    assert "cohen_kappa" not in set(found.metric) and set(found.reading) == {"readers"}


@pytest.mark.parametrize("n", [3, readers.MIN_LABELS - 1, readers.MIN_LABELS])
def test_coefficients_of_few_labels_are_not_given(n):
    found = readers.between_readers(read_by(anna=["true"] + ["false"] * (n - 1), ben=["false"] * (n - 1) + ["true"]))
    overall = found[found.finding == "All findings"].set_index("metric")
    few, coefficients = n < readers.MIN_LABELS, overall.drop(index="readers_agree")
    assert overall.loc["readers_agree", "value"] == pytest.approx((n - 2) / n)
    assert coefficients[["value", "low", "high"]].isna().all(axis=None) == few
    assert (coefficients["method"] == "too few, 10 labels needed").all() == few
    assert (coefficients["n"] == n).all()


def test_without_a_second_reader_the_table_is_empty():
    assert readers.between_readers(read_by(anna=["true", "false"])).empty
    assert readers.between_readers(reviews.read_reviews("nowhere")).empty
