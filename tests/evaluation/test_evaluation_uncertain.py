"""Cases whose report was uncertain, and what extracted test labels would have shown."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from labkit import evaluation, tables

SETTINGS = evaluation.Settings(min_positives=3)


def doubtful(labels, rng, share=0.3):
    """Labels of which a share is uncertain in the report; follow-up resolves them by the reference that is there."""
    hedged = rng.random(len(labels)) < share
    labels = labels.assign(value=labels["value"].where(~hedged, "uncertain"))
    return labels.assign(extracted=labels["value"])


def chosen(found, metric, *, site="north", policy="inclusive", reading="report_uncertain", column="value"):
    rows = found[
        (found["metric"] == metric)
        & (found["site"] == site)
        & (found["policy"] == policy)
        & (found["reading"] == reading)
    ]
    assert len(rows) == 1
    return rows[column].iloc[0]


def test_uncertain_and_certain_reports_are_scored_alone_against_the_follow_up(predictions, labels, rng):
    labels = doubtful(labels, rng)
    found = evaluation.by_report(predictions, labels, settings=SETTINGS)
    tables.check(found, tables.METRICS)
    joined = predictions[(predictions["split"] == "test") & (predictions["policy"] == "inclusive")].merge(labels)
    for reading, wanted in (
        ("report_uncertain", joined["value"] == "uncertain"),
        ("report_certain", joined["value"] != "uncertain"),
    ):
        own = joined[wanted]
        known = own[own["reference"] != "uncertain"]
        assert chosen(found, "n_labels", reading=reading) == len(own)
        assert chosen(found, "n_left_out", reading=reading) == len(own) - len(known)
        mean = known.loc[known["reference"] == "true", "score"].mean()
        assert chosen(found, "mean_score_true", reading=reading) == pytest.approx(mean)
        ordered = pairs = 0
        for _, of_finding in known.groupby("finding"):
            there = of_finding.loc[of_finding["reference"] == "true", "score"].to_numpy()
            absent = of_finding.loc[of_finding["reference"] == "false", "score"].to_numpy()
            ordered, pairs = ordered + (there[:, None] > absent).sum(), pairs + len(there) * len(absent)
        assert chosen(found, "auc_pooled", reading=reading) == pytest.approx(ordered / pairs)


def test_policies_are_compared_on_the_uncertain_with_a_verdict(predictions, labels, rng):
    found = evaluation.by_report(predictions, doubtful(labels, rng), settings=SETTINGS)
    pair = {"policy": "inclusive - exclusive"}
    gap = chosen(found, "auc_pooled", policy="inclusive") - chosen(found, "auc_pooled", policy="exclusive")
    assert chosen(found, "auc_pooled_difference", **pair) == pytest.approx(gap)
    assert 0 < chosen(found, "auc_pooled_difference_p", **pair) <= 1
    assert chosen(found, "auc_pooled_difference_detectable", **pair) > 0.05
    assert chosen(found, "equivalent", **pair) == 0


def test_no_uncertain_report_gives_nan_and_zero_counts(predictions, labels):
    sure = labels["value"] != "uncertain"
    labels = labels.assign(value=labels["value"].where(sure, "false"), reference=labels["value"].where(sure, "false"))
    found = evaluation.by_report(predictions, labels, settings=SETTINGS)
    assert chosen(found, "n_labels") == 0
    assert np.isnan(chosen(found, "auc_pooled"))
    assert np.isnan(chosen(found, "auc_pooled_difference", policy="inclusive - exclusive"))


def test_extracted_labels_are_read_corrected_and_beside_the_verified(predictions, labels, rng):
    wrong = rng.random(len(labels)) < 0.08
    turned = labels["reference"].map({"true": "false", "false": "true", "uncertain": "uncertain"})
    labels = labels.assign(extracted=labels["reference"].where(~wrong, turned))
    found = evaluation.against_extracted(predictions, labels, settings=SETTINGS, rng=rng)
    tables.check(found, tables.METRICS)
    own = labels[(labels["site"] == "north") & (labels["verification"] != "none")]
    there = own["reference"] == "true"
    share = (own.loc[there & (own["extracted"] != "uncertain"), "extracted"] == "true").mean()
    of_site = found[(found["metric"] == "extractor_sensitivity") & (found["site"] == "north")]
    assert of_site["value"].iloc[0] == pytest.approx(share)
    absent = own["reference"] == "false"
    specificity = (own.loc[absent & (own["extracted"] != "uncertain"), "extracted"] == "false").mean()
    plain, corrected, verified = [], [], []
    test = predictions[(predictions["split"] == "test") & (predictions["policy"] == "inclusive")].merge(labels)
    for finding in ("Ossicles", "Olecranon Fracture"):
        of_finding = test[test["finding"] == finding]
        for column, areas in (("extracted", plain), ("reference", verified)):
            sure = of_finding[(of_finding[column] != "uncertain") & (of_finding["extracted"] != "uncertain")]
            areas.append(roc_auc_score(sure[column] == "true", sure["score"]))
        said = (of_finding.loc[of_finding["extracted"] != "uncertain", "extracted"] == "true").mean()
        prevalence = (said + specificity - 1) / (share + specificity - 1)
        right = share * prevalence / said + specificity * (1 - prevalence) / (1 - said)
        corrected.append(0.5 + (plain[-1] - 0.5) / (right - 1))
    for reading, areas in (("extracted", plain), ("extracted_corrected", corrected), ("verified_same", verified)):
        assert chosen(found, "auc", reading=reading) == pytest.approx(np.mean(areas))
        low, high = (chosen(found, "auc", reading=reading, column=c) for c in ("low", "high"))
        assert low < np.mean(areas) < high


def test_without_verification_there_is_a_reason_and_no_number(predictions, labels, rng):
    found = evaluation.against_extracted(predictions, labels.assign(verification="none"), settings=SETTINGS, rng=rng)
    assert found["value"].isna().all()
    assert found["method"].str.contains("0 verified labels are true").all()
    assert len(found) == 2
