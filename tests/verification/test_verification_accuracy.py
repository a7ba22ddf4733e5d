"""Label accuracy: every figure against scikit-learn, and intervals that know that labels of a report are alike."""

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as reference

from labkit import tables, verification
from labkit.evaluation import Plan, wilson
from labkit.verification import tallies
from labkit.verification.accuracy import ALL_FINDINGS, ALL_SITES, by_anatomy

VALUES = np.array(["true", "uncertain", "false"])
FINDINGS = ["Fracture", "Swelling", "Ossicles"]


def labels_of(extracted, value, *, sites=None):
    """LABELS of (reports, findings) arrays of words, all verified by a person."""
    n, k = np.shape(value)
    studies = np.repeat([f"S-{i:04d}" for i in range(n)], k)
    sites = np.repeat(["internal"] * n if sites is None else sites, k)
    findings = np.tile([f"{FINDINGS[f % 3]}{f // 3 or ''}" for f in range(k)], n)
    words = {"extracted": np.ravel(extracted), "value": np.ravel(value)}
    made = pd.DataFrame({"study_id": studies, "finding": findings, "patient": studies, "site": sites, **words})
    made = made.assign(split="test", reference=made["value"], verification="human")
    return tables.check(made, tables.LABELS)


def simulated(rng, *, n=80, k=3):
    value = VALUES[rng.choice(3, (n, k), p=[0.2, 0.1, 0.7])]
    wrong = rng.random((n, k)) < 0.15
    return np.where(wrong, VALUES[rng.choice(3, (n, k))], value), value


def accuracy(labels, **plan):
    return verification.accuracy(labels, rng=np.random.default_rng(1), plan=Plan(**plan) if plan else None)


def of(metrics, finding=ALL_FINDINGS, site=ALL_SITES):
    return metrics[(metrics.finding == finding) & (metrics.site == site)].set_index("metric")


def test_every_figure_equals_scikit_learn_overall_per_finding_and_per_site():
    rng = np.random.default_rng(3)
    extracted, value = simulated(rng)
    labels = labels_of(extracted, value, sites=np.where(np.arange(80) < 50, "here", "there"))
    metrics = accuracy(labels, n_resamples=200)
    for finding, site in ((ALL_FINDINGS, ALL_SITES), (ALL_FINDINGS, "there"), ("Swelling", ALL_SITES)):
        own = labels[labels.finding.isin(FINDINGS if finding == ALL_FINDINGS else [finding])]
        own = own if site == ALL_SITES else own[own.site == site]
        found = of(metrics, finding, site)["value"]
        told = list(VALUES)
        precision, recall, f1, _ = reference.precision_recall_fscore_support(own.value, own.extracted, labels=told)
        for k, word in enumerate(told):
            expected = precision[k], recall[k], f1[k]
            assert (found[f"precision_{word}"], found[f"recall_{word}"], found[f"f1_{word}"]) == pytest.approx(expected)
        assert found["label_accuracy"] == pytest.approx(reference.accuracy_score(own.value, own.extracted))
        assert found["balanced_accuracy"] == pytest.approx(reference.balanced_accuracy_score(own.value, own.extracted))
        assert found["macro_f1"] == pytest.approx(f1.mean())
        assert found["all_false_accuracy"] == pytest.approx((own.value == "false").mean())


def test_exact_match_counts_reports_whose_labels_are_all_right():
    value = np.array([["true", "false"], ["false", "false"], ["uncertain", "true"]])
    extracted = value.copy()
    extracted[2] = ["false", "false"]
    row = of(accuracy(labels_of(extracted, value))).loc["exact_match"]
    expected = wilson(2, 3)
    assert row[["value", "low", "high", "n", "n_positive"]].tolist() == [2 / 3, expected.low, expected.high, 3, 2]


def test_the_interval_of_reports_is_that_of_the_ratio_of_totals():
    rng = np.random.default_rng(5)
    hard = rng.random(600) < 0.1
    value = np.full((600, 10), "false")
    extracted = np.where(rng.random((600, 10)) < np.where(hard, 0.5, 0.02)[:, None], "true", "false")
    found = of(accuracy(labels_of(extracted, value), n_resamples=4000)).loc["label_accuracy"]
    right = (extracted == value).sum(axis=1)
    half = 1.96 * right.std(ddof=1) / np.sqrt(600) / 10
    assert found["high"] - found["low"] == pytest.approx(2 * half, rel=0.05)
    naive = of(accuracy(labels_of(extracted, value))).loc["label_accuracy_wilson"]
    assert (found["high"] - found["low"]) > 1.5 * (naive["high"] - naive["low"])


def test_a_finding_has_one_label_per_report_and_wilsons_interval():
    extracted, value = simulated(np.random.default_rng(7))
    row = of(accuracy(labels_of(extracted, value)), "Ossicles").loc["label_accuracy"]
    expected = wilson(int((extracted[:, 2] == value[:, 2]).sum()), 80)
    assert (row["low"], row["high"], row["method"]) == (expected.low, expected.high, "Wilson")


def test_sites_are_drawn_apart_so_that_each_keeps_its_number_of_reports():
    extracted, value = simulated(np.random.default_rng(9))
    labels = labels_of(extracted, value, sites=np.where(np.arange(80) < 79, "large", "small"))
    drawn = tallies.tally(labels).drawn(rng=np.random.default_rng(1), plan=Plan(50))
    assert {site: set(counts.sum(axis=(0, 1))) for site, counts in drawn.items()} == {"large": {237.0}, "small": {3.0}}


def test_one_report_without_an_error_gives_wilsons_interval_and_no_spread():
    found = of(accuracy(labels_of([["true", "false"]], [["true", "false"]])))
    assert found.loc["label_accuracy", ["value", "high", "method"]].tolist() == [1.0, 1.0, "Wilson"]
    assert found.loc["label_accuracy", "low"] == pytest.approx(wilson(2, 2).low)
    assert np.isnan(found.loc["macro_f1", "low"]) and found.loc["macro_f1", "method"] == "no spread between reports"


def test_without_an_error_labels_of_a_report_count_half():
    value = np.full((40, 20), "false")
    found = of(accuracy(labels_of(value, value), n_resamples=50))
    row = found.loc["label_accuracy"]
    assert (row["n"], row["low"], row["method"]) == (800, pytest.approx(wilson(400, 400).low), "Wilson, by reports")
    assert found.loc["label_accuracy_wilson", "low"] == pytest.approx(wilson(800, 800).low)


def test_a_value_that_occurs_nowhere_has_no_figure():
    found = of(accuracy(labels_of([["true", "false"]] * 3, [["true", "false"]] * 3)))
    assert np.isnan(found.loc[["precision_uncertain", "recall_uncertain", "f1_uncertain"], "value"]).all()
    assert found.loc["balanced_accuracy", "value"] == found.loc["macro_f1", "value"] == 1


def test_the_same_generator_gives_the_same_table():
    labels = labels_of(*simulated(np.random.default_rng(11)))
    pd.testing.assert_frame_equal(accuracy(labels), accuracy(labels))


def test_labels_that_nobody_verified_do_not_count():
    extracted, value = simulated(np.random.default_rng(13))
    labels = labels_of(extracted, value)
    labels.loc[labels.study_id >= "S-0040", "verification"] = "none"
    assert of(accuracy(labels)).loc["label_accuracy", "n"] == 120
    assert verification.confusion(labels).to_numpy().sum() == 120


def test_the_confusion_has_verified_values_down_and_extracted_ones_across():
    counts = verification.confusion(labels_of([["false", "true", "true"]], [["true", "uncertain", "true"]]))
    assert counts.loc["true", "false"] == counts.loc["uncertain", "true"] == counts.loc["true", "true"] == 1
    assert counts.to_numpy().sum() == 3


def test_the_studys_own_count_gives_its_interval():
    # 60,618 of 61,488 labels (Kreutzer et al., doi 10.1007/s00330-025-12102-1): 98.49 to 98.68 %
    known = wilson(60618, 61488)
    assert [round(100 * x, 2) for x in (known.value, known.low, known.high)] == [98.59, 98.49, 98.68]


def test_the_studys_count_as_labels_gives_its_interval_in_its_own_table():
    sizes = {"clavicle": (533, 26), "elbow": (1045, 29), "thumb": (693, 25)}
    left = 61488 - 60618
    made = {}
    for anatomy, (n, k) in sizes.items():
        value, extracted = np.full(n * k, "false"), np.full(n * k, "false")
        wrong = left if anatomy == "elbow" else 0
        extracted[:wrong] = "true"
        made[anatomy] = labels_of(extracted.reshape(n, k), value.reshape(n, k))
    table = by_anatomy(made, rng=np.random.default_rng(1), plan=Plan(200)).set_index("anatomy")
    assert list(table.index) == ["clavicle", "elbow", "thumb", "all anatomies"]
    total = table.loc["all anatomies"]
    assert total[["reports", "labels", "right"]].tolist() == [2271, 61488, 60618]
    assert (round(total["wilson_low"], 4), round(total["wilson_high"], 4)) == (0.9849, 0.9868)
    # all errors stand in 30 reports, so that the honest interval is much wider
    assert total["high"] - total["low"] > 3 * (total["wilson_high"] - total["wilson_low"])


def test_an_anatomy_without_verified_labels_has_no_line():
    labels = labels_of([["true"]], [["true"]])
    table = by_anatomy({"elbow": labels.assign(verification="none")}, rng=np.random.default_rng(1))
    assert table.empty and "label_accuracy" in table
