"""Contracts of the tables that cross a step."""

import pandas as pd
import pytest

from labkit import tables
from labkit.errors import TableError

CONTRACTS = [value for value in vars(tables).values() if isinstance(value, tables.Table)]


def labels(**changes):
    row = {"study_id": "0012", "finding": "Ossicles", "patient": "P-0001", "site": "internal", "split": "test"}
    row |= {"extracted": "true", "value": "true", "reference": "uncertain", "verification": "none"}
    return pd.DataFrame([row | changes])


@pytest.mark.parametrize("table", CONTRACTS, ids=lambda t: t.name)
def test_every_contract_closes_only_columns_that_it_declares(table):
    assert set(table.allowed) | set(table.numbers) | set(table.integers) <= set(table.all_columns)
    assert len(set(table.all_columns)) == len(table.all_columns)


def test_ids_and_values_stay_text(tmp_path):
    path = tables.write(labels(), tmp_path / "labels.csv", tables.LABELS)
    back = tables.read(path, tables.LABELS)
    assert back.loc[0, "study_id"] == "0012"
    assert back.loc[0, "value"] == "true"


def test_a_table_survives_a_german_excel(tmp_path):
    path = tables.write(labels(value="false", reference="false"), tmp_path / "labels.csv", tables.LABELS)
    excel = path.read_text().replace(",", ";").replace("true", "WAHR").replace("false", "FALSCH").replace("\n", "\r\n")
    path.write_bytes(b"\xef\xbb\xbf" + excel.encode("utf-8"))
    back = tables.read(path, tables.LABELS)
    assert back.loc[0, ["extracted", "value", "reference"]].tolist() == ["true", "false", "false"]
    assert back.loc[0, "study_id"] == "0012"


def test_decimal_commas_of_a_german_excel_are_numbers(tmp_path):
    path = tmp_path / "predictions.csv"
    path.write_text("study_id;finding;policy;seed;split;site;score\nS-1;Ossicles;inclusive;1;test;internal;0,25\n")
    assert tables.read(path, tables.PREDICTIONS).loc[0, "score"] == 0.25


@pytest.mark.parametrize(
    ("frame", "part"),
    [
        (labels().drop(columns="site"), "lacks the column 'site'"),
        (labels().assign(more=1), "undeclared column 'more'"),
        (labels(value="maybe"), "column 'value': 1 of 1 values are not allowed"),
        (pd.concat([labels(), labels()]), "repeat the key"),
    ],
)
def test_what_does_not_keep_the_contract_is_refused(frame, part):
    with pytest.raises(TableError, match=part):
        tables.check(frame, tables.LABELS)


def test_messages_do_not_hold_the_value_of_a_cell():
    with pytest.raises(TableError) as caught:
        tables.check(labels(value="Frau Muster hat eine Fraktur"), tables.LABELS)
    assert "Muster" not in str(caught.value)


def test_the_same_table_gives_the_same_bytes(tmp_path):
    first = tables.write(labels(), tmp_path / "a.csv", tables.LABELS).read_bytes()
    assert tables.write(labels(), tmp_path / "b.csv", tables.LABELS).read_bytes() == first
    assert b"\r" not in first


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    path = tables.atomic_write(tmp_path / "x.csv", b"old")
    monkeypatch.setattr(tables.os, "replace", lambda *_: (_ for _ in ()).throw(OSError("disk")))
    with pytest.raises(OSError, match="disk"):
        tables.atomic_write(path, b"new")
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("x.csv", b"old")]


def test_a_missing_table_says_what_to_run(tmp_path):
    with pytest.raises(TableError, match="run the step that writes LABELS first"):
        tables.read(tmp_path / "labels.csv", tables.LABELS)
