"""Tables of primary results: without hardware, on the same findings, and the readings side by side."""

import pandas as pd
import pytest

from labkit import evaluation, tables
from labkit.evaluation import reporting

SETTINGS = evaluation.Settings(min_positives=3)


@pytest.fixture
def studies(labels, rng):
    """Every fourth study names hardware."""
    found = pd.DataFrame({"study_id": labels["study_id"].unique()})
    return found.assign(hardware=rng.choice(["true", "false"], len(found), p=[0.25, 0.75]))


def area(metrics, reading, *, finding=evaluation.MACRO, site="north", column="value"):
    rows = metrics[(metrics["finding"] == finding) & (metrics["reading"] == reading) & (metrics["metric"] == "auc")]
    return rows.loc[(rows["site"] == site) & (rows["policy"] == "inclusive"), column].iloc[0]


def test_without_hardware_is_the_evaluation_of_the_studies_left(predictions, labels, studies):
    found = reporting.without_hardware(predictions, labels, studies, settings=SETTINGS)
    tables.check(found, tables.METRICS)
    kept = studies.loc[studies["hardware"] == "false", "study_id"]
    chosen = predictions[predictions["study_id"].isin(kept) | (predictions["split"] == "validation")]
    expected, _ = evaluation.evaluate(chosen, labels, settings=SETTINGS)
    for finding in ("Ossicles", evaluation.MACRO):
        assert area(found, "without_hardware", finding=finding) == area(expected, "primary", finding=finding)
    whole, _ = evaluation.evaluate(predictions, labels, settings=SETTINGS)
    assert area(found, "without_hardware") != area(whole, "primary")


def test_a_finding_that_only_hardware_studies_show_leaves_both_sides_of_the_comparison(predictions, labels, studies):
    there = (labels["finding"] == "Ossicles") & (labels["reference"] == "true") & (labels["split"] == "test")
    studies["hardware"] = studies["study_id"].isin(labels.loc[there, "study_id"]).map({True: "true", False: "false"})
    found = reporting.without_hardware(predictions, labels, studies, settings=SETTINGS)
    whole, _ = evaluation.evaluate(predictions, labels, settings=SETTINGS)
    olecranon = area(whole, "primary", finding="Olecranon Fracture")
    assert area(found, "all_same_findings") == pytest.approx(olecranon)
    assert area(whole, "primary") != pytest.approx(olecranon)
    shown = reporting.readings_table(pd.concat([whole, found], ignore_index=True))
    assert list(shown.columns) == [
        "primary",
        "uncertain true",
        "uncertain false",
        "without hardware",
        "all same findings",
    ]


def test_estimates_as_text():
    row = pd.Series({"value": 0.8512, "low": 0.8, "high": 0.9})
    assert reporting.estimate(row) == "0.85 (0.80–0.90)"
    assert reporting.estimate(row.replace(0.8, float("nan"))) == "0.851"
    assert reporting.estimate(row * float("nan")) == "–"
    assert reporting.signed(row) == "+0.851 (+0.800 to +0.900)"
    assert [reporting.p_text(p) for p in (0.0123, 1e-9, float("nan"), None)] == ["0.012", "< 0.001", "–", "–"]
