"""Contracts of the tables that cross a step."""

import csv
import io

import pandas as pd
import pytest

from labkit import tables
from labkit.errors import TableError

CONTRACTS = [value for value in vars(tables).values() if isinstance(value, tables.Table)]
CLOSED = [(table, column) for table in CONTRACTS for column in table.allowed]
# What a person or a spreadsheet program can do no harm to: umlauts, both delimiters, quotes and a line break.
TEXT = 'Köpfchen; "Gelenkspalt", beidseits\n2. Zeile'
IN_GERMAN_EXCEL = {"true": "WAHR", "false": "FALSCH"}


def example(table, *, n=3):
    """Rows that keep a contract: ids with leading zeros, every allowed value, decimals and empty numbers."""
    content = {}
    for column in table.all_columns:
        allowed = table.allowed.get(column, (TEXT, "0012", ""))
        content[column] = [allowed[i % len(allowed)] for i in range(n)]
    content |= {column: [0.25, None, 1e-05][:n] for column in table.numbers}
    content |= {column: [-1, 0, 2048][:n] for column in table.integers}
    free = next(column for column in table.key if column not in table.integers and column not in table.allowed)
    content[free] = [f"{i:04d}" for i in range(n)]
    return tables.check(pd.DataFrame(content), table)


def saved_by_german_excel(path, table, *, encoding):
    """Rewrite a table as a German Excel saves it: semicolons, WAHR and FALSCH, decimal commas, Windows line ends."""
    with open(path, encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    numbers = {header.index(column) for column in (*table.numbers, *table.integers)}
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow(header)
    for row in rows:
        cells = [IN_GERMAN_EXCEL.get(cell, cell) for cell in row]
        writer.writerow([cell.replace(".", ",").upper() if n in numbers else cell for n, cell in enumerate(cells)])
    path.write_bytes(out.getvalue().encode(encoding))


def labels(**changes):
    row = {"study_id": "0012", "finding": "Ossicles", "patient": "P-0001", "site": "internal", "split": "test"}
    row |= {"extracted": "true", "value": "true", "reference": "uncertain", "verification": "none"}
    return pd.DataFrame([row | changes])


@pytest.mark.parametrize("table", CONTRACTS, ids=lambda t: t.name)
def test_every_contract_closes_only_columns_that_it_declares(table):
    assert set(table.allowed) | set(table.numbers) | set(table.integers) <= set(table.all_columns)
    assert len(set(table.all_columns)) == len(table.all_columns)


@pytest.mark.parametrize("table", CONTRACTS, ids=lambda t: t.name)
def test_every_table_is_read_as_it_was_written(tmp_path, table):
    frame = example(table)
    pd.testing.assert_frame_equal(tables.read(tables.write(frame, tmp_path / "x.csv", table), table), frame)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp1252"])
@pytest.mark.parametrize("table", CONTRACTS, ids=lambda t: t.name)
def test_every_table_survives_a_german_excel(tmp_path, table, encoding):
    frame = example(table)
    path = tables.write(frame, tmp_path / "x.csv", table)
    saved_by_german_excel(path, table, encoding=encoding)
    back = tables.read(path, table)
    pd.testing.assert_frame_equal(back.replace("\r\n", "\n", regex=True), frame)


@pytest.mark.parametrize(("table", "column"), CLOSED, ids=lambda part: getattr(part, "name", part))
def test_closed_columns_take_their_values_and_no_other(table, column):
    for value in table.allowed[column]:
        assert tables.check(example(table, n=1).assign(**{column: value}), table)[column].tolist() == [value]
    for value in ("maybe", "True", "1", None if "" not in table.allowed[column] else "?"):
        with pytest.raises(TableError, match=f"column '{column}': 1 of 1 values are not allowed"):
            tables.check(example(table, n=1).assign(**{column: value}), table)


def test_label_values_are_the_studys_three():
    for table, column in ((tables.FINDINGS, "value"), (tables.LABELS, "reference"), (tables.REVIEWS, "value")):
        assert set(table.allowed[column]) == {"true", "false", "uncertain"}


def test_ids_and_values_stay_text(tmp_path):
    path = tables.write(labels(), tmp_path / "labels.csv", tables.LABELS)
    back = tables.read(path, tables.LABELS)
    assert back.loc[0, "study_id"] == "0012"
    assert back.loc[0, "value"] == "true"


@pytest.mark.parametrize(
    ("frame", "part"),
    [
        (labels().drop(columns="site"), "lacks the column 'site'"),
        (labels().assign(more=1), "undeclared column 'more'"),
        (labels(value="maybe"), "column 'value': 1 of 1 values are not allowed"),
        (labels(value=""), "column 'value': 1 of 1 values are not allowed"),
        (pd.concat([labels(), labels()]), "repeat the key"),
    ],
)
def test_what_does_not_keep_the_contract_is_refused(frame, part):
    with pytest.raises(TableError, match=part):
        tables.check(frame, tables.LABELS)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("score", "0,5", "PREDICTIONS, column 'score', row 1: not a number."),
        ("score", "Frau Muster", "PREDICTIONS, column 'score', row 1: not a number."),
        ("seed", "1.5", "PREDICTIONS, column 'seed', row 1: not a whole number."),
        ("seed", "", "PREDICTIONS, column 'seed', row 1: not a whole number."),
    ],
)
def test_a_number_that_is_none_is_refused_without_being_shown(column, value, message):
    with pytest.raises(TableError) as caught:
        tables.check(example(tables.PREDICTIONS, n=1).assign(**{column: value}), tables.PREDICTIONS)
    assert str(caught.value) == message


def test_checking_leaves_the_input_alone_and_orders_the_columns():
    frame = labels()[list(reversed(labels().columns))]
    before = frame.copy(deep=True)
    assert list(tables.check(frame, tables.LABELS).columns) == list(tables.LABELS.all_columns)
    pd.testing.assert_frame_equal(frame, before)


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


def test_a_broken_row_stops_the_reading(tmp_path):
    path = tables.write(example(tables.SPLITS), tmp_path / "splits.csv", tables.SPLITS)
    path.write_text(path.read_text(encoding="utf-8") + "P-0009\n", encoding="utf-8")
    with pytest.raises(TableError, match=r"splits.csv: line 5 has 1 fields where the header has 2; mend"):
        tables.read(path, tables.SPLITS)


def test_a_table_without_rows_is_still_a_table(tmp_path):
    empty = pd.DataFrame(columns=list(tables.REVIEWS.all_columns))
    back = tables.read(tables.write(empty, tmp_path / "r.csv", tables.REVIEWS), tables.REVIEWS)
    assert len(back) == 0 and back.dtypes["sequence"] == "int64"


def test_a_missing_table_says_what_to_run(tmp_path):
    with pytest.raises(TableError, match="run the step that writes LABELS first"):
        tables.read(tmp_path / "labels.csv", tables.LABELS)
