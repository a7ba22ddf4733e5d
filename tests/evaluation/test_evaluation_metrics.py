"""METRICS and CURVES of a small study."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from labkit import evaluation, tables
from labkit.errors import TableError

SETTINGS = evaluation.Settings(min_positives=3)


def value(metrics, metric, *, finding="Ossicles", site="north", policy="inclusive", reading="primary", column="value"):
    """The one number of METRICS that these names point to."""
    chosen = metrics[
        (metrics["finding"] == finding)
        & (metrics["metric"] == metric)
        & (metrics["site"] == site)
        & (metrics["policy"] == policy)
        & (metrics["reading"] == reading)
    ]
    assert len(chosen) == 1
    return chosen[column].iloc[0]


def joined(predictions, labels, *, split, finding="Ossicles", policy="inclusive"):
    """Reference and score of one finding, straight from the tables."""
    chosen = predictions[(predictions["split"] == split) & (predictions["policy"] == policy)]
    return chosen[chosen["finding"] == finding].merge(labels[["study_id", "finding", "reference", "patient"]])


def test_tables_keep_their_contracts(predictions, labels):
    metrics, curves = evaluation.evaluate(predictions, labels, settings=SETTINGS)
    tables.check(metrics, tables.METRICS)
    tables.check(curves, tables.CURVES)


def test_area_is_taken_on_the_test_reference_without_the_uncertain(predictions, labels):
    metrics, _ = evaluation.evaluate(predictions, labels, settings=SETTINGS)
    table = joined(predictions, labels, split="test")
    sure = table[table["reference"] != "uncertain"]
    assert len(sure) < len(table)
    expected = roc_auc_score(sure["reference"] == "true", sure["score"])
    assert value(metrics, "auc") == pytest.approx(expected, abs=1e-12)
    assert value(metrics, "auc", column="n") == len(sure)
    assert value(metrics, "n_left_out") == len(table) - len(sure)


@pytest.mark.parametrize(
    ("reading", "positive"), [("uncertain_true", ["true", "uncertain"]), ("uncertain_false", ["true"])]
)
def test_uncertain_references_are_also_read_as_true_and_as_false(predictions, labels, reading, positive):
    metrics, _ = evaluation.evaluate(predictions, labels, settings=SETTINGS)
    table = joined(predictions, labels, split="external")
    expected = roc_auc_score(table["reference"].isin(positive), table["score"])
    assert value(metrics, "auc", site="south", reading=reading) == pytest.approx(expected, abs=1e-12)


def test_threshold_is_chosen_on_validation_and_applied_to_test(predictions, labels):
    metrics, _ = evaluation.evaluate(predictions, labels, settings=SETTINGS)
    tuning = joined(predictions, labels, split="validation").query("reference != 'uncertain'")
    threshold = evaluation.youden_threshold(tuning["reference"] == "true", tuning["score"])
    assert value(metrics, "threshold") == threshold
    test = joined(predictions, labels, split="test").query("reference == 'true'")
    assert value(metrics, "sensitivity") == pytest.approx((test["score"] >= threshold).mean())


def test_a_validation_of_one_class_gives_no_threshold_and_no_rates(predictions, labels):
    only_negative = (labels["split"] == "validation") & (labels["finding"] == "Ossicles")
    labels.loc[only_negative, "reference"] = "false"
    settings = evaluation.Settings(min_positives=3)
    metrics, _ = evaluation.evaluate(predictions, labels, settings=settings)
    assert value(metrics, "left_out", column="method") == "0 positive validation studies, 1 needed"
    labels.loc[only_negative, "reference"] = "true"
    metrics, _ = evaluation.evaluate(predictions, labels, settings=settings)
    assert np.isnan([value(metrics, name) for name in ("threshold", "sensitivity", "ppv", "accuracy", "f1")]).all()
    assert 0 < value(metrics, "auc") < 1


def test_a_finding_without_positives_is_listed_with_its_reason_and_not_averaged(predictions, labels):
    metrics, curves = evaluation.evaluate(predictions, labels, settings=SETTINGS)
    assert value(metrics, "left_out", finding="Foreign Bodies", column="method") == "0 positive test studies, 3 needed"
    assert "auc" not in set(metrics.loc[metrics["finding"] == "Foreign Bodies", "metric"])
    assert value(metrics, "n_findings", finding=evaluation.MACRO) == 2
    assert "Foreign Bodies" not in set(curves["finding"])


def test_macro_is_the_mean_of_its_findings_with_their_range(predictions, labels):
    metrics, _ = evaluation.evaluate(predictions, labels, settings=SETTINGS)
    single = [value(metrics, "auc", finding=name) for name in ("Ossicles", "Olecranon Fracture")]
    assert value(metrics, "auc", finding=evaluation.MACRO) == pytest.approx(np.mean(single), abs=1e-12)
    assert value(metrics, "auc_min", finding=evaluation.MACRO) == min(single)
    assert value(metrics, "auc_max", finding=evaluation.MACRO) == max(single)


def test_macro_interval_counts_patients_not_studies(predictions, labels):
    clustered, _ = evaluation.evaluate(predictions, labels, settings=SETTINGS)
    labels["patient"] = labels["study_id"]
    single, _ = evaluation.evaluate(predictions, labels, settings=SETTINGS)
    assert value(clustered, "auc", finding=evaluation.MACRO) == value(single, "auc", finding=evaluation.MACRO)
    low = [value(table, "auc", finding=evaluation.MACRO, column="low") for table in (clustered, single)]
    assert low[0] != low[1]


def test_studies_without_prediction_are_counted(predictions, labels):
    gone = predictions.loc[predictions["split"] == "test", "study_id"].unique()[:3]
    metrics, _ = evaluation.evaluate(predictions[~predictions["study_id"].isin(gone)], labels, settings=SETTINGS)
    assert value(metrics, "n_without_prediction", finding=evaluation.MACRO) == 3
    assert value(metrics, "n_without_prediction", finding=evaluation.MACRO, site="south") == 0


def test_scores_of_several_seeds_are_averaged(predictions, labels):
    second = predictions.assign(seed=2, score=1 - predictions["score"])
    both = pd.concat([predictions, second], ignore_index=True)
    metrics, _ = evaluation.evaluate(both, labels, settings=SETTINGS)
    assert value(metrics, "auc") == pytest.approx(0.5, abs=0.2)  # each mean is 0.5 up to rounding
    alone, _ = evaluation.evaluate(pd.concat([predictions, predictions.assign(seed=2)]), labels, settings=SETTINGS)
    expected, _ = evaluation.evaluate(predictions, labels, settings=SETTINGS)
    assert value(alone, "auc") == value(expected, "auc")


def test_order_of_rows_does_not_matter(predictions, labels):
    first, _ = evaluation.evaluate(predictions, labels, settings=SETTINGS)
    shuffled = (table.sample(frac=1, random_state=3) for table in (predictions, labels))
    second, _ = evaluation.evaluate(*shuffled, settings=SETTINGS)
    assert first.equals(second)


def test_predictions_without_labels_are_refused(predictions, labels):
    with pytest.raises(TableError, match="no reference"):
        evaluation.evaluate(predictions, labels[labels["study_id"] != predictions["study_id"][0]], settings=SETTINGS)


def test_scores_for_some_findings_only_are_refused(predictions, labels):
    with pytest.raises(TableError, match="some findings only"):
        evaluation.evaluate(predictions.drop(index=4), labels, settings=SETTINGS)


def test_label_set_is_the_same_for_every_policy(predictions, labels):
    metrics, _ = evaluation.evaluate(predictions, labels, settings=SETTINGS)
    per_policy = metrics[metrics["metric"] == "auc"].groupby("policy")["finding"].agg(list)
    assert per_policy["inclusive"] == per_policy["exclusive"]


def test_curves_enclose_the_area_they_belong_to(predictions, labels):
    metrics, curves = evaluation.evaluate(predictions, labels, settings=SETTINGS)
    for finding in ("Ossicles", evaluation.MACRO):
        chosen = curves[
            (curves["finding"] == finding)
            & (curves["curve"] == "roc")
            & (curves["site"] == "north")
            & (curves["policy"] == "inclusive")
        ]
        assert np.trapezoid(chosen["y"], chosen["x"]) == pytest.approx(value(metrics, "auc", finding=finding), abs=0.01)
        assert chosen[["x", "y"]].iloc[[0, -1]].to_numpy().tolist() == [[0, 0], [1, 1]]
