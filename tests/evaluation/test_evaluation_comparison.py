"""Differences between policies and sites, and the verdicts on them."""

import numpy as np
import pandas as pd
import pytest

from labkit import evaluation, tables
from labkit.errors import EvaluationError

SETTINGS = evaluation.Settings(min_positives=3)


def value(metrics, metric, *, finding=evaluation.MACRO, site="north", column="value"):
    chosen = metrics[(metrics["finding"] == finding) & (metrics["metric"] == metric) & (metrics["site"] == site)]
    assert len(chosen) == 1
    return chosen[column].iloc[0]


def test_table_keeps_its_contract_and_names_the_pair_in_the_study_order(predictions, labels):
    found = evaluation.compare(predictions, labels, settings=SETTINGS)
    tables.check(found, tables.METRICS)
    assert set(found["policy"]) == {"inclusive - exclusive"}


def test_macro_difference_is_the_difference_of_both_macro_areas(predictions, labels):
    found = evaluation.compare(predictions, labels, settings=SETTINGS)
    metrics, _ = evaluation.evaluate(predictions, labels, settings=SETTINGS)
    macro = metrics.query("finding == 'Macro average' and metric == 'auc' and reading == 'primary' and site == 'south'")
    by_policy = macro.set_index("policy")["value"]
    expected = by_policy["inclusive"] - by_policy["exclusive"]
    assert value(found, "auc_difference", site="south") == pytest.approx(expected, abs=1e-12)


def test_findings_are_compared_by_paired_delong_with_holm_and_benjamini_hochberg(predictions, labels):
    labels["patient"] = labels["study_id"]
    found = evaluation.compare(predictions, labels, settings=SETTINGS)
    test = predictions[predictions["split"] == "test"].merge(labels[["study_id", "finding", "reference"]])
    p_values = []
    for finding in ("Olecranon Fracture", "Ossicles"):
        sure = test[(test["finding"] == finding) & (test["reference"] != "uncertain")]
        wide = sure.pivot(index=["study_id", "reference"], columns="policy", values="score").reset_index()
        single = evaluation.compare_auc(wide["reference"] == "true", wide["inclusive"], wide["exclusive"])
        assert value(found, "auc_difference_p", finding=finding) == pytest.approx(single.p_value, rel=1e-9)
        p_values.append(single.p_value)
    adjusted = [value(found, "auc_difference_p_holm", finding=f) for f in ("Olecranon Fracture", "Ossicles")]
    assert adjusted == pytest.approx(evaluation.holm(p_values))
    adjusted = [value(found, "auc_difference_p_bh", finding=f) for f in ("Olecranon Fracture", "Ossicles")]
    assert adjusted == pytest.approx(evaluation.benjamini_hochberg(p_values))


def test_every_difference_has_its_verdict_beside_it(predictions, labels):
    found = evaluation.compare(predictions, labels, settings=SETTINGS)
    metrics_of = found.groupby(["finding", "site"])["metric"].agg(set)
    beside = {
        "auc_difference_p",
        "auc_difference_p_permutation",
        "auc_difference_detectable",
        "equivalence_p",
        "equivalent",
    }
    assert all(beside < names for names in metrics_of)
    assert len(metrics_of) == 6


def test_studies_of_one_patient_are_not_taken_as_independent(predictions, labels):
    doubled = [table.assign(study_id=table["study_id"] + "b") for table in (predictions, labels)]
    twice = [pd.concat([table, copy]) for table, copy in zip((predictions, labels), doubled)]
    once = evaluation.compare(predictions, labels, settings=SETTINGS)
    found = evaluation.compare(*twice, settings=SETTINGS)
    for finding in (evaluation.MACRO, "Ossicles"):
        assert value(found, "auc_difference", finding=finding) == pytest.approx(
            value(once, "auc_difference", finding=finding)
        )
        assert value(found, "auc_difference_p", finding=finding) == pytest.approx(
            value(once, "auc_difference_p", finding=finding), rel=1e-9
        )


def test_permutation_and_bootstrap_stand_beside_the_closed_form(predictions, labels):
    found = evaluation.compare(predictions, labels, settings=SETTINGS, rng=np.random.default_rng(1))
    p_value = value(found, "auc_difference_p_permutation")
    assert p_value == pytest.approx(value(found, "auc_difference_p"), abs=0.08)
    assert value(found, "auc_difference_bootstrap") == pytest.approx(value(found, "auc_difference"), abs=1e-12)
    widths = [
        value(found, name, column="high") - value(found, name, column="low")
        for name in ("auc_difference", "auc_difference_bootstrap")
    ]
    assert widths[0] == pytest.approx(widths[1], rel=0.35)
    again = evaluation.compare(predictions, labels, settings=SETTINGS, rng=np.random.default_rng(1))
    assert found.equals(again)


def test_equal_policies_are_equivalent_and_not_different(predictions, labels):
    same = predictions[predictions["policy"] == "inclusive"]
    both = pd.concat([same, same.assign(policy="exclusive")], ignore_index=True)
    found = evaluation.compare(both, labels, settings=SETTINGS)
    assert value(found, "auc_difference") == 0
    assert value(found, "auc_difference_p") == 1
    assert value(found, "equivalent") == 1
    assert value(found, "auc_difference_detectable") == 0


def test_few_cases_are_neither_different_nor_equivalent(predictions, labels):
    found = evaluation.compare(predictions, labels, settings=SETTINGS)
    assert value(found, "equivalent") == 0
    assert value(found, "equivalence_p", column="method") == "TOST, margin 0.02"
    half = (value(found, "auc_difference", column="high") - value(found, "auc_difference", column="low")) / 2
    # (1.96 + 0.84) standard errors beside 1.96
    assert value(found, "auc_difference_detectable") / half == pytest.approx(1.4294, abs=1e-3)


def test_only_studies_that_every_policy_scored_are_compared(predictions, labels):
    gone = predictions.loc[predictions["split"] == "test", "study_id"].unique()[:4]
    missing = predictions["study_id"].isin(gone) & (predictions["policy"] == "exclusive")
    found = evaluation.compare(predictions[~missing], labels, settings=SETTINGS)
    n_test = predictions.loc[predictions["split"] == "test", "study_id"].nunique()
    assert value(found, "auc_difference", column="n") == n_test - 4


def test_one_policy_cannot_be_compared(predictions, labels):
    with pytest.raises(EvaluationError, match="a comparison needs two"):
        evaluation.compare(predictions[predictions["policy"] == "inclusive"], labels, settings=SETTINGS)


def test_sites_are_compared_on_the_findings_of_both(predictions, labels):
    outside = (labels["site"] == "south") & (labels["finding"] == "Ossicles")
    labels.loc[outside, "reference"] = "false"
    found = evaluation.compare_sites(predictions, labels, settings=SETTINGS)
    found = found[found["policy"] == "inclusive"]
    metrics, _ = evaluation.evaluate(predictions, labels, settings=SETTINGS)
    area = metrics.query("finding == 'Olecranon Fracture' and metric == 'auc' and reading == 'primary'")
    area = area[area["policy"] == "inclusive"].set_index("site")["value"]
    assert value(found, "auc_difference", site="north - south") == pytest.approx(area["north"] - area["south"])
    assert np.isfinite(value(found, "auc_difference_p", site="north - south"))
