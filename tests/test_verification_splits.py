"""How a split comes about: folds drawn once and turned, or a published file that leaks nothing."""

import pandas as pd
import pytest
from test_splits import label_table

from labkit import verification
from labkit.errors import TableError
from labkit.params import SplitSection


@pytest.fixture
def findings():
    return label_table(n_patients=40)


@pytest.fixture
def studies(findings):
    table = findings[["study_id", "patient"]].drop_duplicates()
    return table.assign(site=["south" if patient > "P-0034" else "north" for patient in table.patient])


def draw(findings, studies, path, **choices):
    section = SplitSection(train=0.64, validation=0.16, test=0.2, seed=1, **choices)
    return verification.draw_splits(
        findings[["study_id", "finding", "value"]], studies, section=section, test_only=("south",), path=path
    )


def test_every_fold_is_the_test_set_once_and_the_draw_is_kept(findings, studies, tmp_path):
    turned = [draw(findings, studies, tmp_path / "splits.csv", folds=4, fold=fold) for fold in range(4)]
    assert turned[0][1] == "fold 0 of 4 is the test set; drawn for the first time"
    assert turned[3][1] == "fold 3 of 4 is the test set; kept from the first draw"
    tested = pd.concat([table.patient[table.split == "test"] for table, _ in turned])
    assert sorted(tested) == sorted(set(studies.patient[studies.site == "north"]))
    assert pd.read_csv(tmp_path / "splits.csv").split.isin(["train", "validation", "test", "external"]).all()


def test_shares_after_folds_take_no_fold_for_their_own_draw(findings, studies, tmp_path):
    first, _ = draw(findings, studies, tmp_path / "splits.csv")
    draw(findings, studies, tmp_path / "splits.csv", folds=3)
    again, note = draw(findings, studies, tmp_path / "splits.csv")
    assert again.equals(first)
    assert note.startswith("drawn anew")


def take(findings, studies, folder, rows):
    (folder / "published.csv").write_text("\n".join(["patient,split", *rows]), encoding="utf-8")
    return verification.take_splits(
        findings[["study_id", "finding", "value"]],
        studies,
        file=folder / "published.csv",
        keys=studies.assign(patient_id="", accession_number="", study_uid="", report_id=""),
        test_only=("south",),
        path=folder / "splits.csv",
    )


def test_a_published_split_is_taken_and_other_sites_stay_external(findings, studies, tmp_path):
    rows = [f"{patient},{'test' if patient < 'P-0010' else 'train'}" for patient in sorted(set(studies.patient))]
    table, note = take(findings, studies, tmp_path, rows)
    assert table.groupby("split").size().to_dict() == {"external": 5, "test": 10, "train": 25}
    assert note == "taken from a file for 40 patients, by patient"


def test_a_published_split_that_lacks_a_patient_is_refused(findings, studies, tmp_path):
    with pytest.raises(TableError, match="patients have no split, first P-0001"):
        take(findings, studies, tmp_path, ["P-0000,train"])


def test_folds_and_a_file_exclude_each_other():
    with pytest.raises(ValueError, match="exclude each other"):
        SplitSection(train=0.6, validation=0.2, test=0.2, seed=1, folds=3, file="x.csv")
    with pytest.raises(ValueError, match="fold 3 does not exist"):
        SplitSection(train=0.6, validation=0.2, test=0.2, seed=1, folds=3, fold=3)
