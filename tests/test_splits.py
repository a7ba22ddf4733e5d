"""Patients to splits: disjoint, alike in prevalence, the same whatever the order of the rows."""

import numpy as np
import pandas as pd
import pytest

from labkit import splits, tables
from labkit.errors import ParamsError, TableError

SHARES = np.geomspace(0.01, 0.4, 12)


def label_table(seed=0, *, n_patients=600):
    """About 1.3 studies per patient, 12 findings from 1 % to 40 %, 2 % uncertain."""
    rng = np.random.default_rng(seed)
    patients = np.repeat(np.arange(n_patients), 1 + rng.poisson(0.3, n_patients))
    drawn = rng.random((len(patients), len(SHARES)))
    values = np.where(drawn < SHARES, "true", np.where(drawn > 0.98, "uncertain", "false"))
    study, finding = np.indices(values.shape)
    return pd.DataFrame(
        {
            "study_id": [f"S-{i:04d}" for i in study.ravel()],
            "patient": [f"P-{patients[i]:04d}" for i in study.ravel()],
            "finding": [f"Finding {i}" for i in finding.ravel()],
            "value": values.ravel(),
        }
    )


def prevalence(labels):
    """Share of true by finding and split."""
    return labels.assign(true=labels["value"] == "true").groupby(["finding", "split"])["true"].mean().unstack()


def test_every_patient_has_one_split():
    labels = label_table()
    found = splits.assign(labels, seed=1)
    tables.check(found, tables.SPLITS)
    assert list(found["patient"]) == sorted(labels["patient"].unique())
    attached = splits.attach(labels, found)
    assert (attached.groupby("patient")["split"].nunique() == 1).all()


def test_splits_have_their_sizes_and_nearly_equal_prevalence():
    labels = splits.attach(label_table(), splits.assign(label_table(), seed=1))
    sizes = labels.groupby("split")["study_id"].nunique() / labels["study_id"].nunique()
    assert sizes.to_dict() == pytest.approx({"test": 0.20, "train": 0.64, "validation": 0.16}, abs=0.005)
    table = prevalence(labels)
    # one study of the validation part is 0.8 %
    assert (table.sub(table["train"], axis=0).abs() < 0.01).all(axis=None)


def test_stratified_is_closer_than_chance():
    labels, rng = label_table(3), np.random.default_rng(3)
    names = sorted(labels["patient"].unique())
    chance = pd.DataFrame(
        {"patient": names, "split": rng.choice(list(splits.FRACTIONS), len(names), p=[0.64, 0.16, 0.2])}
    )
    spread = [
        prevalence(splits.attach(labels, table)).std(axis=1).mean() for table in (splits.assign(labels, seed=3), chance)
    ]
    assert spread[0] < spread[1] / 4


def test_a_rare_finding_reaches_every_split():
    labels = label_table()
    labels.loc[labels["finding"] == "Finding 0", "value"] = "false"
    rare = labels.index[labels["finding"] == "Finding 0"][::40][:8]
    labels.loc[rare, "value"] = "true"
    attached = splits.attach(labels, splits.assign(labels, seed=2))
    assert set(attached.loc[rare, "split"]) == {"train", "validation", "test"}


def test_order_of_rows_does_not_matter_and_the_seed_does():
    labels = label_table()
    first = splits.assign(labels, seed=5)
    assert splits.assign(labels.sample(frac=1, random_state=1), seed=5).equals(first)
    assert not splits.assign(labels, seed=6).equals(first)


def test_external_sites_are_test_only():
    labels = label_table()
    labels["site"] = np.where(labels["patient"] < "P-0100", "south", "north")
    found = splits.assign(labels, seed=1, external_sites=("south",)).set_index("patient")["split"]
    assert (found[found.index < "P-0100"] == "external").all()
    assert set(found[found.index >= "P-0100"]) == {"train", "validation", "test"}


def test_a_patient_of_both_sites_is_refused():
    labels = label_table(n_patients=20)
    labels["site"] = np.where(labels["study_id"] == "S-0003", "south", "north")
    patient = labels.loc[labels["study_id"] == "S-0003", "patient"].iloc[0]
    labels = pd.concat([labels, labels[labels["patient"] == patient].assign(site="north", study_id="S-9999")])
    with pytest.raises(TableError, match=f"patient {patient} is at an internal and at an external site"):
        splits.assign(labels, seed=1, external_sites=("south",))


def test_equal_shares_make_folds():
    labels = label_table()
    found = splits.attach(labels, splits.assign(labels, fractions={f"fold {i}": 0.2 for i in range(5)}, seed=1))
    assert found.groupby("split")["study_id"].nunique().std() < 2


@pytest.mark.parametrize("fractions", [{"train": 0.8, "test": 0.3}, {"train": 1.0, "test": 0.0}])
def test_fractions_that_do_not_divide_the_whole_are_refused(fractions):
    with pytest.raises(ParamsError, match="their sum 1"):
        splits.assign(label_table(n_patients=5), fractions=fractions, seed=1)


def test_a_patient_in_two_splits_is_named():
    table = pd.DataFrame({"patient": ["P-0001", "P-0017", "P-0017"], "split": ["train", "train", "test"]})
    with pytest.raises(TableError, match="published: patient P-0017 is in test and train"):
        splits.check_disjoint(table, name="published")
    splits.check_disjoint(table.head(2))


def test_a_patient_without_split_is_named():
    labels = label_table(n_patients=10)
    with pytest.raises(TableError, match="1 patients have no split, first P-0004"):
        splits.attach(labels, splits.assign(labels, seed=1).query("patient != 'P-0004'"))


def test_counts_list_every_finding_value_and_split_zeros_included():
    labels = splits.attach(label_table(), splits.assign(label_table(), seed=1))
    table = splits.counts(labels)
    assert len(table) == len(SHARES) * 3 * 3
    chosen = table[(table["finding"] == "Finding 11") & (table["value"] == "true") & (table["split"] == "test")]
    expected = labels[(labels["finding"] == "Finding 11") & (labels["value"] == "true") & (labels["split"] == "test")]
    assert chosen["n_studies"].item() == len(expected)
    assert table.groupby(["finding", "split"])["share"].sum().to_numpy() == pytest.approx(1)
