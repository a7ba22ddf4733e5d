"""METRICS and CURVES of a small study."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from labkit import evaluation, tables
from labkit.errors import TableError
from labkit.evaluation import cases

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


def test_areas_need_no_validation_scores(predictions, labels):
    with_validation = evaluation.metrics.areas(predictions, labels, settings=SETTINGS)
    tested = predictions[predictions["split"] != "validation"]
    pd.testing.assert_frame_equal(evaluation.metrics.areas(tested, labels, settings=SETTINGS), with_validation)
    assert value(with_validation, "auc") > 0.5
    labels.loc[(labels["split"] == "validation") & (labels["finding"] == "Ossicles"), "reference"] = "false"
    bare = evaluation.metrics.areas(tested, labels, settings=SETTINGS)
    assert value(bare, "left_out", column="method") == "0 positive validation studies, 1 needed"


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


def test_several_seeds_meet_at_their_mean_logit(predictions, labels):
    second = predictions.assign(seed=2, score=predictions["score"] / 2)
    chosen = {"split": "test", "policy": predictions["policy"].iloc[0]}
    both = cases.select(pd.concat([predictions, second]), labels, **chosen)
    one = cases.select(predictions, labels, **chosen).score.clip(1e-9, 1 - 1e-9)
    odds = np.sqrt(one / (1 - one) * (one / 2) / (1 - one / 2))
    np.testing.assert_allclose(both.score, odds / (1 + odds), rtol=1e-6)


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


def test_every_operating_point_keeps_its_promise_on_validation(predictions, labels):
    settings = evaluation.Settings(min_positives=3, operating_point="specificity", fixed_specificity=0.8)
    metrics, _ = evaluation.evaluate(predictions, labels, settings=settings)
    tuning = joined(predictions, labels, split="validation").query("reference != 'uncertain'")
    absent, there = (tuning.loc[tuning["reference"] == word, "score"] for word in ("false", "true"))
    assert (absent < value(metrics, "threshold")).mean() >= 0.8
    assert (there >= value(metrics, "threshold_at_sensitivity_0.9")).mean() >= 0.9
    youden = evaluation.youden_threshold(tuning["reference"] == "true", tuning["score"])
    assert value(metrics, "threshold_at_youden") == youden
    test = joined(predictions, labels, split="test").query("reference == 'true'")["score"]
    assert value(metrics, "sensitivity") == pytest.approx((test >= value(metrics, "threshold")).mean())
    assert value(metrics, "sensitivity_at_youden") == pytest.approx((test >= youden).mean())


def test_rates_may_be_resampled_over_patients_with_a_seed(predictions, labels):
    settings = evaluation.Settings(min_positives=3, rate_interval="bootstrap", n_resamples=200)
    first, _ = evaluation.evaluate(predictions, labels, settings=settings)
    second, _ = evaluation.evaluate(predictions, labels, settings=settings, rng=np.random.default_rng(settings.seed))
    assert first.equals(second)
    plain, _ = evaluation.evaluate(predictions, labels, settings=SETTINGS)
    assert value(first, "accuracy") == value(plain, "accuracy")
    assert value(first, "accuracy", column="method") == "bootstrap of patients"
    assert value(first, "accuracy", column="low") != value(plain, "accuracy", column="low")


def test_the_interval_of_an_area_is_robust_or_delongs_by_patients(predictions, labels):
    found = {
        kind: evaluation.evaluate(
            predictions, labels, settings=evaluation.Settings(min_positives=3, auc_interval=kind)
        )[0]
        for kind in ("robust", "delong")
    }
    table = joined(predictions, labels, split="test").query("reference != 'uncertain'")
    y, score = (table["reference"] == "true").to_numpy(float), table["score"].to_numpy()
    expected = evaluation.macro_auc(y[:, None], score[:, None], patients=table["patient"])
    for kind, limits in (("robust", expected.ci_robust), ("delong", expected.ci)):
        assert tuple(value(found[kind], "auc", column=c) for c in ("low", "high")) == pytest.approx(limits)


def test_calibration_stands_per_finding_and_for_all_with_the_temperature_of_validation(predictions, labels):
    metrics, curves = evaluation.evaluate(predictions, labels, settings=SETTINGS)
    table = joined(predictions, labels, split="test").query("reference != 'uncertain'")
    y, score = (table["reference"] == "true").to_numpy(float), table["score"].to_numpy()
    assert value(metrics, "brier") == pytest.approx(np.mean((score - y) ** 2))
    assert value(metrics, "ece") == pytest.approx(evaluation.ece(y, score))
    both = predictions[predictions["policy"] == "inclusive"].merge(labels[["study_id", "finding", "reference"]])
    tuning = both[(both["split"] == "validation") & (both["reference"] != "uncertain")]
    warmth = evaluation.temperature(tuning["reference"] == "true", tuning["score"])
    assert value(metrics, "temperature", finding=evaluation.POOLED) == pytest.approx(warmth)
    test = both[(both["split"] == "test") & (both["reference"] != "uncertain")]
    test = test[test["finding"] != "Foreign Bodies"]
    warmed = evaluation.tempered(test["score"], warmth)
    expected = np.mean((warmed - (test["reference"] == "true")) ** 2)
    assert value(metrics, "brier_tempered", finding=evaluation.POOLED) == pytest.approx(expected)
    bins = curves[(curves["curve"] == "reliability_n") & (curves["finding"] == evaluation.POOLED)]
    bins = bins[(bins["site"] == "north") & (bins["policy"] == "inclusive")]
    assert bins["y"].sum() == len(test)
    limits = curves[(curves["curve"] == "reliability") & (curves["finding"] == evaluation.POOLED)]
    assert (limits["low"] <= limits["y"]).all() and (limits["y"] <= limits["high"]).all()


def test_every_evaluated_finding_and_the_macro_average_have_bands(predictions, labels):
    metrics, curves = evaluation.evaluate(predictions, labels, settings=SETTINGS)
    evaluated = metrics[(metrics["metric"] == "auc") & (metrics["reading"] == "primary") & metrics["value"].notna()]
    for kind in ("roc_band", "pr_band"):
        banded = curves[curves["curve"] == kind]
        key = ["finding", "site", "policy"]
        assert set(map(tuple, banded[key].to_numpy())) == set(map(tuple, evaluated[key].to_numpy()))
        assert (banded["low"] <= banded["high"]).all() and banded[["low", "high"]].stack().between(0, 1).all()


def test_scores_that_are_no_probabilities_have_areas_and_no_calibration(predictions, labels):
    predictions = predictions.assign(score=10 * predictions["score"] - 5)
    metrics, curves = evaluation.evaluate(predictions, labels, settings=SETTINGS)
    assert 0 < value(metrics, "auc") < 1
    assert not metrics["metric"].str.startswith(("brier", "ece", "calibration")).any()
    assert set(curves["curve"]) == {"roc", "pr", "roc_band", "pr_band"}


def test_bands_change_no_interval_of_metrics(predictions, labels, monkeypatch):
    settings = SETTINGS.model_copy(update={"rate_interval": "bootstrap", "n_resamples": 100})
    with_bands, _ = evaluation.evaluate(predictions, labels, settings=settings)
    monkeypatch.setattr("labkit.evaluation.curves.points", lambda *_, **__: [])
    without, _ = evaluation.evaluate(predictions, labels, settings=settings)
    pd.testing.assert_frame_equal(with_bands, without)
