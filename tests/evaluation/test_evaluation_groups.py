"""Subgroups: counts, areas, unknown values and small cells that stay hidden."""

import numpy as np
import pandas as pd
import pytest

from labkit import evaluation, tables

SETTINGS = evaluation.Settings(min_positives=3, min_cell=5)


def group_table(labels, rng):
    studies = labels["study_id"].unique()
    return pd.DataFrame({"study_id": studies, "sex": rng.choice(["F", "M"], len(studies))})


def test_characteristics_are_texts_with_bands_and_unknowns():
    studies = pd.DataFrame(
        {
            "study_id": ["a", "b", "c", "d", "e"],
            "sex": ["F", "", "M", "D", "F"],
            "age": ["17", "18", "", "x", "101"],
        }
    )
    images = pd.DataFrame(
        {
            "study_id": ["a", "a", "a", "b", "c", "d", "d", "e", "e"],
            "view": ["AP", "LATERAL", "AP", "AP", "AP", "AP", "LATERAL", "AP", "LATERAL"],
            "usable": ["true", "true", "true", "true", "false", "true", "true", "true", "true"],
            "device": ["ÄDVANCE 1", "Ädvance  1", "Ädvance 1", "", "X", "Ädvance 1", "X", "", "Ädvance 1"],
        }
    )
    found = evaluation.characteristics(studies, images, settings=SETTINGS).set_index("study_id")
    assert found["sex"].tolist() == ["F", "unknown", "M", "D", "F"]
    assert found["age_band"].tolist() == ["0-17", "18-39", "unknown", "unknown", "65+"]
    assert found["views"].tolist() == ["2", "1", "unknown", "2", "2"]
    assert found["device"].tolist() == ["ÄDVANCE 1", "unknown", "unknown", "several", "ÄDVANCE 1"]


def test_without_images_or_devices_the_other_characteristics_stay():
    studies = pd.DataFrame({"study_id": ["a"], "sex": ["F"], "age": ["17"]})
    assert list(evaluation.characteristics(studies, settings=SETTINGS)) == ["study_id", "sex", "age_band"]
    images = pd.DataFrame({"study_id": ["a"], "view": ["AP"], "usable": ["true"], "device": [""]})
    for given in (images, images.iloc[:0]):
        found = evaluation.characteristics(studies, given, settings=SETTINGS)
        assert found["device"].tolist() == ["unknown"]


def test_rare_devices_are_hidden(predictions, labels):
    studies = labels.drop_duplicates("study_id")[["study_id", "split"]]
    rare = studies.groupby("split").head(2)["study_id"]
    named = studies.assign(device=np.where(studies["study_id"].isin(rare), "Maker B", "Maker A"))
    found = evaluation.subgroups(predictions, labels, named[["study_id", "device"]], settings=SETTINGS)
    rare = found[found["reading"] == "device: Maker B"]
    assert len(rare) and rare["value"].isna().all() and rare["n"].isna().all()


def test_a_group_is_what_the_whole_would_be_with_its_studies_only(predictions, labels, rng):
    groups = group_table(labels, rng)
    found = evaluation.subgroups(predictions, labels, groups, settings=SETTINGS)
    tables.check(found, tables.METRICS)
    members = groups.loc[groups["sex"] == "F", "study_id"]
    own = predictions[
        (predictions["split"] == "test")
        & (predictions["policy"] == "inclusive")
        & predictions["study_id"].isin(members)
        & (predictions["finding"] != "Foreign Bodies")
    ].merge(labels)
    wide = own.pivot(index="study_id", columns="finding", values=["reference", "score"])
    y = wide["reference"].replace({"true": 1.0, "false": 0.0, "uncertain": np.nan}).to_numpy(float)
    patients = own.drop_duplicates("study_id").set_index("study_id")["patient"].reindex(wide.index)
    expected = evaluation.pooled_auc(y, wide["score"].to_numpy(float), patients=patients)
    row = found[
        (found["reading"] == "sex: F")
        & (found["site"] == "north")
        & (found["policy"] == "inclusive")
        & (found["metric"] == "auc_pooled")
    ].iloc[0]
    assert (row["value"], row["low"], row["high"]) == pytest.approx((expected.auc, *expected.ci))
    assert (row["n"], row["n_positive"]) == (expected.n, expected.n_positive)


def test_a_small_group_is_hidden_and_cannot_be_subtracted(predictions, labels, rng):
    groups = group_table(labels, rng)
    groups.loc[groups["study_id"].isin(predictions["study_id"].unique()[:3]), "sex"] = "D"
    tests = predictions.loc[predictions["split"] == "test", "study_id"].unique()
    groups.loc[groups["study_id"] == tests[0], "sex"] = "D"
    found = evaluation.subgroups(predictions, labels, groups, settings=SETTINGS)
    own = found[(found["site"] == "north") & (found["policy"] == "inclusive")]
    hidden = own[own["value"].isna()]
    assert len(hidden) == 2
    assert "sex: D" in set(hidden["reading"])
    assert hidden[["n", "n_positive", "low", "high"]].isna().all(axis=None)
    assert hidden["method"].str.contains("below 5").all()


def test_studies_without_a_row_are_unknown(predictions, labels):
    nobody = pd.DataFrame({"study_id": ["other"], "sex": ["F"]})
    found = evaluation.subgroups(predictions, labels, nobody, settings=SETTINGS)
    assert set(found["reading"]) == {"sex: unknown"}
