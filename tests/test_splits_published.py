"""Splits from a file and by folds: matched to the cohort, free of leakage, every patient tested once."""

import pandas as pd
import pytest
from test_splits import label_table

from labkit import splits, tables
from labkit.errors import ParamsError, TableError

KEYS = pd.DataFrame(
    [
        ("S-0001", "P-0001", "north", "r1", "A1", "0012", "1.1"),
        ("S-0002", "P-0001", "north", "r2", "A2", "0012", "1.2"),
        ("S-0003", "P-0002", "north", "r3", "A3", "0013", "1.3"),
        ("S-0004", "P-0003", "south", "r1", "A1", "0012", "2.1"),
    ],
    columns=["study_id", "patient", "site", "report_id", "accession_number", "patient_id", "study_uid"],
)


@pytest.fixture
def file(tmp_path):
    def write(text):
        path = tmp_path / "split.csv"
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize(
    "text",
    [
        "patient,split\nP-0001,train\nP-0002,test\n",
        "study_uid;Subset\n1.1;Training\n1.2;TRAIN\n1.3;hold-out\n".replace("hold-out", "testing"),
        "site,patient_id,split\nnorth,0012,train\nnorth,0013,Test\n",
        "split,accession_number,site\ntrain,A2,north\ntest,A3,north\n",
    ],
)
def test_a_published_split_is_matched_by_any_identifier(file, text):
    table, note = splits.published(file(text), KEYS)
    assert dict(zip(table.patient, table.split)) == {"P-0001": "train", "P-0002": "test"}
    tables.check(table, tables.SPLITS)
    assert note.startswith("taken from a file for 2 patients, by ")
    assert note.endswith("; 1 patients of the cohort are not in it")


def test_rows_of_other_cohorts_are_counted(file):
    _, note = splits.published(file("patient,split\nP-0001,val\nP-0002,dev\nP-0003,external\nP-0099,train\n"), KEYS)
    assert note == "taken from a file for 3 patients, by patient; 1 of its rows are not in the cohort"


def test_a_patient_in_two_splits_is_leakage_and_named_by_the_pseudonym_alone(file):
    path = file("study_uid,split\n1.1,train\n1.2,test\n1.3,test\n")
    with pytest.raises(TableError, match=r"split.csv: patient P-0001 is in test and train; one split per patient"):
        splits.published(path, KEYS)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("patient,part\nP-0001,train\n", "split.csv lacks the column split"),
        ("name,split\nx,train\n", "lacks the column patient or study_id or patient_id"),
        ("patient,split\nP-0001,trian\n", "column 'split', row 1: not the name of a split; known: train, training"),
        ("patient,split\nP-0001,\n", "column 'split', row 1: not the name of a split"),
        ("patient_id,split\n9,train\n", "none of its 1 rows names a patient or study of the cohort by patient_id"),
        (
            "patient_id,split\n0012,train\n",
            "a.* patient_id stands for 2 patients, among them P-0001; add a column site",
        ),
        ("patient,split\nP-0001,train,x\n", "mend or rewrite the file"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_with_a_sentence(file, text, sentence):
    with pytest.raises(TableError, match=sentence) as caught:
        splits.published(file(text), KEYS)
    assert "0012" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(TableError, match=r"gone.csv: not found"):
        splits.published(tmp_path / "gone.csv", KEYS)


def test_over_all_folds_each_patient_is_tested_once_and_validated_with_once():
    labels = label_table(n_patients=120)
    table = splits.folds(labels, 4, seed=3)
    turned = [splits.of_fold(table, fold) for fold in range(4)]
    for one in turned:
        tables.check(one, tables.SPLITS)
        assert set(one.split) == {"train", "validation", "test"}
    joined = pd.concat(turned).groupby("patient")["split"].value_counts().unstack()
    assert (joined["test"] == 1).all() and (joined["validation"] == 1).all() and (joined["train"] == 2).all()


def test_folds_are_alike_in_prevalence_and_seeded():
    labels = label_table()
    table = splits.folds(labels, 5, seed=1)
    assert table.equals(splits.folds(labels.sample(frac=1, random_state=5), 5, seed=1))
    true = splits.attach(labels, table).query("value == 'true'").groupby(["finding", "split"]).size().unstack()
    assert (true.max(axis=1) - true.min(axis=1)).max() <= 2


def test_external_patients_stay_external_in_every_fold():
    labels = label_table(n_patients=60)
    labels["site"] = labels.patient.map(lambda patient: "south" if patient > "P-0050" else "north")
    table = splits.folds(labels, 3, seed=1, external_sites=("south",))
    for fold in range(3):
        one = splits.of_fold(table, fold)
        assert set(one.patient[one.split == "external"]) == set(labels.patient[labels.site == "south"])


def test_folds_that_cannot_be_are_refused():
    labels = label_table(n_patients=20)
    with pytest.raises(ParamsError, match="folds 2: at least 3 are needed"):
        splits.folds(labels, 2, seed=1)
    with pytest.raises(ParamsError, match="fold 3 does not exist; there are 3, counted from 0"):
        splits.of_fold(splits.folds(labels, 3, seed=1), 3)


def test_the_overview_shows_every_finding_by_split_and_value():
    labels = splits.attach(label_table(), splits.assign(label_table(), seed=1))
    wide = splits.overview(labels)
    assert wide.index.tolist() == [f"Finding {n}" for n in range(12)]
    first = [("train", value) for value in ("false", "uncertain", "true")]
    assert wide.columns.tolist()[:4] == [*first, ("validation", "false")]
    assert (wide.sum(axis=1) == labels.study_id.nunique()).all()
    expected = labels[(labels.finding == "Finding 11") & (labels.split == "test") & (labels.value == "uncertain")]
    assert wide.loc["Finding 11", ("test", "uncertain")] == len(expected)
