"""Reports from the files that hospitals have."""

import json

import pytest

from labkit import corpus
from labkit.errors import CorpusError

TEXTS = {"007": "Röntgen Ellenbogen:\nKein Erguß; Köpfchen unauffällig.", "8": 'Er sagte "Luxation", ausgeschlossen.'}
COLUMNS = corpus.Columns(report_id="nr", report="befund")


def as_csv(delimiter):
    rows = [f'{i}{delimiter}"{t.replace(chr(34), chr(34) * 2)}"' for i, t in TEXTS.items()]
    return "\r\n".join([f"nr{delimiter}befund", *rows, ""])


FILES = {
    "comma.csv": as_csv(",").encode("utf-8"),
    "bom.csv": as_csv(";").encode("utf-8-sig"),
    "windows.csv": as_csv(";").encode("cp1252"),
    "lines.jsonl": "\n".join(json.dumps({"nr": i, "befund": t}) for i, t in TEXTS.items()).encode(),
}


@pytest.mark.parametrize("name", FILES)
def test_four_forms_of_file_give_the_same_reports(tmp_path, name):
    (tmp_path / name).write_bytes(FILES[name])
    read = corpus.load(tmp_path / name, COLUMNS)
    assert {report.report_id: report.text for report in read.reports} == TEXTS
    assert len(read.rejected) == 0


def test_every_row_ends_as_report_or_as_reason(tmp_path):
    path = tmp_path / "r.csv"
    path.write_text('nr,befund\n1,gut\n2,\n,ohne Nummer\n3,a\n3,b\n4,gleich\n4,gleich\n5,"offen\n6,gut\n')
    read = corpus.load(path, COLUMNS)
    assert [report.report_id for report in read.reports] == ["1", "4", "6"]
    assert len(read.reports) + len(read.rejected) == read.n_rows
    reasons = dict(zip(read.rejected["row"], read.rejected["reason"]))
    assert "empty" in reasons[2]
    assert "id is empty" in reasons[3]
    assert "different texts" in reasons[4] and "different texts" in reasons[5]
    assert "repeats" in reasons[7]
    assert "quote" in reasons[8]


@pytest.mark.parametrize(
    ("content", "part"),
    [(None, "no such file"), ("a,b\n1,2\n", "the column 'nr'"), ("nr,befund\n1,\n", "none of 1 rows")],
)
def test_a_file_without_reports_is_refused(tmp_path, content, part):
    if content is not None:
        (tmp_path / "r.csv").write_text(content)
    with pytest.raises(CorpusError, match=part):
        corpus.load(tmp_path / "r.csv", COLUMNS)


def test_a_report_does_not_show_its_text(tmp_path):
    (tmp_path / "comma.csv").write_bytes(FILES["comma.csv"])
    assert "Erguß" not in repr(corpus.load(tmp_path / "comma.csv", COLUMNS).reports[0])
