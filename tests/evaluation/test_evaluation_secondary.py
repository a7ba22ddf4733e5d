"""Tables of secondary results: what they show stands in METRICS, and nothing breaks where there is little to show."""

import numpy as np
import pandas as pd
import pytest

from labkit import evaluation
from labkit.evaluation import reporting, secondary

SETTINGS = evaluation.Settings(min_positives=3, min_cell=3)


@pytest.fixture
def metrics(predictions, labels):
    return evaluation.evaluate(predictions, labels, settings=SETTINGS)[0]


def test_points_other_than_the_declared_have_a_row_per_finding(metrics):
    table = secondary.points_table(metrics)
    assert table.groupby("point").size().to_dict() == {"sensitivity 0.9": 8, "specificity 0.9": 8}
    assert list(table.columns) == [
        "site", "policy", "point", "finding", "threshold", "sensitivity", "specificity", "ppv", "npv",
    ]  # fmt: skip
    row = table.iloc[0]
    own = metrics[(metrics["finding"] == row.finding) & (metrics["site"] == row.site)]
    own = own[(own["policy"] == row.policy) & (own["metric"] == "sensitivity_at_sensitivity_0.9")].iloc[0]
    assert row.sensitivity == reporting.estimate(own)


def test_calibration_stands_as_scored_and_tempered(metrics):
    table = secondary.calibration_table(metrics)
    assert table["scores"].tolist() == ["as scored"] * 4 + ["tempered"] * 4
    assert (table.loc[table["scores"] == "as scored", "temperature"] == "1").all()
    assert {"brier", "ece", "calibration slope", "calibration intercept"} <= set(table.columns)


def test_doubt_and_comparisons_end_with_a_verdict(predictions, labels):
    doubt = secondary.doubt_table(evaluation.by_report(predictions, labels, settings=SETTINGS), settings=SETTINGS)
    compared = doubt[doubt["policy"].str.contains(" - ")]
    assert len(compared) == 4
    assert compared["verdict"].str.contains("equivalent|different|not defined").all()
    differences = evaluation.compare(predictions, labels, settings=SETTINGS)
    table = secondary.finding_differences(differences, settings=SETTINGS)
    assert len(table) == 4
    p_values = table[["p", "p (Benjamini-Hochberg)", "p (Holm)"]].astype(float).to_numpy()
    assert (np.diff(p_values, axis=1) >= 0).all()
    assert secondary.finding_differences(differences.head(0), settings=SETTINGS).empty


def test_a_verdict_on_one_of_many_findings_rests_on_holms_p(predictions, labels):
    differences = evaluation.compare(predictions, labels, settings=SETTINGS)
    finding = (differences["finding"] == "Ossicles") & (differences["site"] == "north")
    differences.loc[finding & (differences["metric"] == "auc_difference_p"), "value"] = 0.03
    differences.loc[finding & (differences["metric"] == "auc_difference_p_holm"), "value"] = 0.06
    table = secondary.finding_differences(differences, settings=SETTINGS)
    own = table[(table["finding"] == "Ossicles") & (table["site"] == "north")].iloc[0]
    assert own["p"] == "0.030"
    assert own["verdict (Holm)"].startswith("inconclusive")


def test_extracted_labels_have_one_column_per_reading(predictions, labels, rng):
    against = evaluation.against_extracted(predictions, labels, settings=SETTINGS, rng=rng)
    table = secondary.extracted_table(against)
    assert list(table.columns)[2:5] == list(secondary.EXTRACTED.values())
    assert table["extractor sensitivity"].str.startswith("1.00 (0.").all()
    nobody = evaluation.against_extracted(predictions, labels.assign(verification="none"), settings=SETTINGS, rng=rng)
    assert secondary.extracted_table(nobody)["reason"].str.contains("0 verified labels").all()


def test_hidden_groups_show_neither_numbers_nor_counts(predictions, labels, rng):
    groups = pd.DataFrame({"study_id": labels["study_id"].unique()})
    groups["sex"] = rng.choice(["F", "M"], len(groups))
    strict = evaluation.Settings(min_positives=3, min_cell=10_000)
    table = secondary.subgroup_table(evaluation.subgroups(predictions, labels, groups, settings=strict))
    assert (table["pooled AUC"] == "hidden").all()
    assert (table[["studies", "labels", "positive"]] == "–").all(axis=None)
    shown = secondary.subgroup_table(evaluation.subgroups(predictions, labels, groups, settings=SETTINGS))
    assert shown["studies"].astype(int).between(1, 100).all()


def test_one_policy_and_no_site_to_compare_give_tables_without_rows(predictions, labels):
    alone = predictions[(predictions["policy"] == "inclusive") & (predictions["split"] != "external")]
    differences = reporting.differences(alone, labels, settings=SETTINGS)
    assert secondary.finding_differences(differences, settings=SETTINGS).empty
    metrics, _ = evaluation.evaluate(alone, labels, settings=SETTINGS)
    assert len(evaluation.answer(metrics, differences, settings=SETTINGS)) == 1
