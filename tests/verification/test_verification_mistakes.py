"""Errors as a table: kinds, causes and quotes, with the text kept where it belongs; contradictions; the workbook."""

import io
import zipfile
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from readings import review
from test_verification_accuracy import labels_of

from labkit import tables, templates
from labkit.deidentification import KnownIdentifiers
from labkit.errors import TableError
from labkit.verification import hierarchy, mistakes, reviews, workbook

KINDS = {
    ("true", "false"): "finding missed",
    ("uncertain", "true"): "doubt missed",
    ("false", "uncertain"): "doubtful finding made up",
}
NOBODY = reviews.read_reviews("nowhere")
NOT_RAISED = pd.DataFrame(columns=list(tables.RAISED.all_columns))


def found(labels, **changes):
    """FINDINGS as extracted, of one source; changes by column and finding."""
    made = labels[["study_id", "finding"]].assign(source="rules", value=labels["extracted"], start=-1, end=-1)
    made = made.reindex(columns=list(tables.FINDINGS.all_columns))
    for column, by_finding in changes.items():
        made[column] = made["finding"].map(by_finding)
    return tables.check(made, tables.FINDINGS)


@pytest.fixture
def wrong():
    return labels_of([["false", "true", "uncertain"], ["false"] * 3], [["true", "uncertain", "false"], ["false"] * 3])


def test_every_wrong_label_is_listed_with_its_kind_and_no_right_one(wrong):
    table = mistakes.review_table(wrong, found(wrong), NOBODY, NOT_RAISED)
    assert len(table) == 3 and set(table.study_id) == {"S-0000"}
    told = dict(zip(zip(table.verified, table.extracted), table.error))
    assert told == KINDS


def test_kinds_are_counted_with_their_reports(wrong):
    counted = mistakes.error_types(wrong).set_index("error")
    assert counted.labels.sum() == 3 and len(counted) == 6
    assert counted.loc["finding missed", ["labels", "reports", "share of errors"]].tolist() == [1, 1, 1 / 3]
    nothing = mistakes.error_types(wrong.assign(verification="none"))
    assert nothing.labels.sum() == 0 and nothing["share of errors"].sum() == 0


def test_the_reason_names_what_is_known_of_the_label(wrong):
    quoted = found(wrong, evidence={"Swelling": "Schwellung"}, grounded={"Swelling": "false"})
    row = ("S-0000", "Ossicles", "rules", "false", "uncertain")
    raised = pd.DataFrame([row], columns=list(tables.RAISED.all_columns))
    table = mistakes.review_table(wrong, quoted, NOBODY, raised).set_index("finding")
    assert table.reason["Swelling"] == "the quote is not in the report" and table.quote["Swelling"] == "Schwellung"
    assert table.reason["Ossicles"] == "raised by the hierarchy: see its parts"
    assert table.reason["Fracture"] == "no quote: not mentioned"
    sure = found(wrong, confidence={"Fracture": 0.75})
    assert (
        mistakes.review_table(wrong, sure, NOBODY, NOT_RAISED).reason[0] == "no quote: not mentioned, confidence 0.75"
    )


def test_readers_comments_stand_beside_and_stay_in_the_hospital(wrong):
    said = review("S-0000", "Fracture", "true").assign(comment="Größe; Frau Beispielfrau")
    quoted = found(wrong, evidence={"Fracture": "Pat. Gundula Beispielfrau, geb. 01.02.1960: Fraktur"})
    table = mistakes.review_table(wrong, quoted, said, NOT_RAISED)
    assert table.comment[0] == "Größe; Frau Beispielfrau"
    for show_text in (False, True):
        shared = mistakes.shareable(table, show_text=show_text)
        assert "Beispielfrau" not in shared.to_string() and "1960" not in shared.to_string()
        assert ("Fraktur" in shared.quote[0]) is show_text


def test_a_name_of_the_cohort_is_masked_where_text_is_shown(wrong):
    known = KnownIdentifiers(names=["Xaver Quillmann"], dates=[], ids=["QX4711"])
    table = mistakes.review_table(
        wrong, found(wrong, evidence={"Fracture": "quillmann QX4711 Fraktur"}), NOBODY, NOT_RAISED
    )
    shown = mistakes.shareable(table, show_text=True, known=known).quote[0]
    assert "Fraktur" in shown and "quillmann" not in shown and "QX4711" not in shown


def test_a_whole_below_its_part_is_a_contradiction():
    template = templates.load("clavicle")
    values = pd.DataFrame({"study_id": "S-1", "finding": template.names, "extracted": "false"})
    assert hierarchy.contradictions(values, template, column="extracted").empty
    values.loc[values.finding == "Middle Third Fracture", "extracted"] = "true"
    values.loc[values.finding == "Fracture (All Locations)", "extracted"] = "uncertain"
    (row,) = hierarchy.contradictions(values, template, column="extracted").itertuples(index=False)
    assert tuple(row) == ("S-1", "Fracture (All Locations)", "Middle Third Fracture", "uncertain", "true")


def test_contradictions_are_those_of_the_template_for_any_values():
    template, rng = templates.load("elbow"), np.random.default_rng(1)
    words = rng.choice(["true", "false", "uncertain"], (20, len(template.ids)))
    rows = pd.DataFrame(words, columns=template.names).rename_axis("study_id").reset_index()
    long = rows.melt("study_id", var_name="finding", value_name="value")
    made = hierarchy.contradictions(long, template, column="value")
    expected = sum(len(template.violations(dict(zip(template.ids, values)))) for values in words)
    assert len(made) == expected > 100


def test_violations_are_counted_as_extracted_and_as_verified():
    template = templates.load("clavicle")
    value = np.full((2, 26), "false")
    extracted = value.copy()
    extracted[:, list(template.names).index("Middle Third Fracture")] = "true"
    labels = labels_of(extracted, value).assign(finding=np.tile(template.names, 2))
    table = hierarchy.violations(labels, template)
    assert table.to_numpy().tolist() == [["Fracture (All Locations)", "Middle Third Fracture", 2, 0]]
    assert hierarchy.violations(labels.assign(extracted="false"), template).empty
    assert hierarchy.violations(labels.head(0), template).empty


def cells(path):
    with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as package:
        assert all(ElementTree.fromstring(package.read(name)) is not None for name in package.namelist())
        sheet = ElementTree.fromstring(package.read("xl/worksheets/sheet1.xml"))
    space = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    return [[text.text or "" for text in row.iter(f"{space}t")] for row in sheet.iter(f"{space}row")]


def test_a_workbook_holds_every_cell_as_text(tmp_path):
    frame = pd.DataFrame({"id": ["0012", "=1+1"], "text": ['Größe <& "x">\nneu', "a\x00b"], "n": [1.5, None]})
    path = workbook.write_workbook(frame, tmp_path / "errors.xlsx", sheet="errors")
    assert cells(path) == [["id", "text", "n"], ["0012", 'Größe <& "x">\nneu', "1.5"], ["=1+1", "ab", ""]]
    first = path.read_bytes()
    assert workbook.write_workbook(frame, path, sheet="errors").read_bytes() == first


def test_a_workbook_without_rows_has_its_header(tmp_path):
    path = workbook.write_workbook(pd.DataFrame(columns=["a", "b"]), tmp_path / "x.xlsx", sheet="a" * 40)
    assert cells(path) == [["a", "b"]]


def test_more_rows_than_a_sheet_holds_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(workbook, "MOST_ROWS", 2)
    with pytest.raises(TableError, match="use the CSV"):
        workbook.write_workbook(pd.DataFrame({"a": [1, 2]}), tmp_path / "x.xlsx", sheet="a")
