"""Reports of one patient are not independent: intervals of accuracy rest on patients where one has several reports."""

import numpy as np
import pandas as pd
import pytest
from readings import review
from test_verification_accuracy import accuracy, labels_of, of, simulated

from labkit.evaluation import wilson
from labkit.verification import between_readers, compare_extractors, tallies


def doubled(labels):
    """Every patient with a second report that reads the same."""
    again = labels.assign(study_id=labels["study_id"] + "-again")
    return pd.concat([labels, again], ignore_index=True)


@pytest.fixture(scope="module")
def once():
    return labels_of(*simulated(np.random.default_rng(3), n=120))


def test_a_second_report_that_reads_the_same_adds_no_certainty(once):
    single, double = (accuracy(labels, n_resamples=2000) for labels in (once, doubled(once)))
    for finding in ("All findings", "Swelling"):
        a, b = of(single, finding), of(double, finding)
        assert b["value"].tolist() == pytest.approx(a["value"].tolist())
        drop = ["label_accuracy_wilson"] if finding == "All findings" else []
        widths = ((found["high"] - found["low"]).drop(drop).to_numpy(float) for found in (a, b))
        assert np.divide(*widths) == pytest.approx(np.ones(len(a) - len(drop)), abs=0.08)
    naive = of(double).loc["label_accuracy_wilson"]
    assert naive["n"] == 720 and naive["high"] - naive["low"] < 0.75 * (
        of(double).loc["label_accuracy", ["low", "high"]] @ [-1, 1]
    )


def test_the_method_names_the_larger_unit(once):
    for labels, unit in ((once, "reports"), (doubled(once), "patients")):
        found = accuracy(labels, n_resamples=100)
        assert of(found).loc["label_accuracy", "method"] == f"bootstrap of {unit}"
        assert of(found, "Swelling").loc["macro_f1", "method"] == f"bootstrap of {unit}"
    assert of(found, "Swelling").loc["label_accuracy", "method"] == "Wilson, by patients"
    assert of(found).loc["exact_match", ["method", "n"]].tolist() == ["Wilson, by patients", 240]


def test_the_interval_of_patients_is_that_of_the_ratio_of_totals():
    """Patients with one to three reports, some hard to read: the linearised error of a ratio of totals."""
    rng = np.random.default_rng(5)
    patients = np.repeat(np.arange(300), rng.integers(1, 4, 300))
    n = len(patients)
    hard = (rng.random(300) < 0.15)[patients]
    value = np.full((n, 10), "false")
    extracted = np.where(rng.random((n, 10)) < np.where(hard, 0.5, 0.02)[:, None], "true", "false")
    labels = labels_of(extracted, value)
    labels["patient"] = np.repeat([f"P-{p:03d}" for p in patients], 10)
    found = of(accuracy(labels, n_resamples=4000)).loc["label_accuracy"]
    right = np.bincount(patients, (extracted == value).sum(axis=1))
    whole = np.bincount(patients) * 10.0
    residual = right - right.sum() / whole.sum() * whole
    half = 1.96 * np.sqrt(300 / 299 * (residual @ residual)) / whole.sum()
    assert found["high"] - found["low"] == pytest.approx(2 * half, rel=0.06)


def test_a_patient_of_two_sites_is_drawn_at_each():
    labels = labels_of([["true", "false"]] * 4, [["true", "false"]] * 4, sites=["here", "here", "there", "there"])
    labels["patient"] = np.repeat(["P-1", "P-2", "P-1", "P-3"], 2)
    counted = tallies.tally(labels)
    assert list(counted.sites) == ["here", "here", "there", "there"] and counted.counts.sum() == 8


@pytest.mark.parametrize(
    ("hits", "whole", "expected"),
    [
        ([1, 0, 1, 1], [1, 1, 1, 1], 1.0),  # one label each
        ([3, 2, 1], [3, 2, 1], 2.0),  # no variance: a unit counts as one label
        ([0, 0, 0], [3, 3, 3], 2.0),  # or, where it has many, half of them
        ([2, 1], [2, 1], 1.5),
        ([2, 0] * 50, [2, 2] * 50, 2 * 100 / 99),  # labels of a unit are copies
        ([1, 1] * 50, [2, 2] * 50, 1.0),  # never surer than labels that are independent
        ([4], [4], 1.0),  # one unit tells nothing of others
    ],
)
def test_the_design_effect_says_how_alike_labels_of_a_unit_are(hits, whole, expected):
    assert tallies.effect(np.array(hits, float), np.array(whole, float)) == pytest.approx(expected)


def test_a_finding_read_right_throughout_counts_patients():
    right = np.full((30, 1), "false")
    row = of(accuracy(doubled(labels_of(right, right)), n_resamples=50), "Fracture").loc["label_accuracy"]
    assert (row["n"], row["low"]) == (60, pytest.approx(wilson(30, 30).low))


def test_readers_and_extractors_are_compared_by_patients_too(once):
    given = once.assign(value=np.where(np.arange(len(once)) % 7 == 0, "uncertain", once["value"]))
    reviews = {
        name: pd.concat([read_as(once, "anna", "value"), read_as(given, "ben", "value")])
        for name, once, given in (("once", once, given), ("twice", doubled(once), doubled(given)))
    }
    patient = doubled(once).drop_duplicates("study_id").set_index("study_id")["patient"]
    single = of(between_readers(reviews["once"]))
    alike = of(between_readers(reviews["twice"], patients=patient))
    apart = of(between_readers(reviews["twice"]))
    assert set(single["method"]) == {"linearised, by reports"} and set(alike["method"]) == {"linearised, by patients"}
    width = {name: (found["high"] - found["low"]).to_numpy(float) for name, found in zip("sab", (single, alike, apart))}
    assert np.divide(width["a"], width["s"]) == pytest.approx(np.ones(5), abs=0.03)
    assert np.divide(width["b"], width["s"]) == pytest.approx(np.full(5, 2**-0.5), abs=0.03)
    widths = []
    for labels in (once, doubled(once)):
        second = labels.assign(source="second", value=labels["extracted"])
        found = compare_extractors(pd.concat([labels.assign(source="first"), second]), labels)
        widths.append(found.loc[0, "high"] - found.loc[0, "low"])
    assert widths[0] == pytest.approx(widths[1])


def read_as(labels, reader, column):
    """REVIEWS of one reader who gave the values of a column."""
    parts = [review(s, f, v, reader=reader) for s, f, v in zip(labels.study_id, labels.finding, labels[column])]
    return pd.concat(parts, ignore_index=True)
