"""Reports from the files that hospitals have."""

import json

import pytest

from labkit import corpus
from labkit.errors import CorpusError

TEXTS = {
    "007": "Röntgen Ellenbogen:\nKein Erguß; Köpfchen unauffällig.",
    "8": 'Er sagte "Luxation", ausgeschlossen.',
    "9": "Größe 5 µm, Winkel 30°, „am ehesten“ – älter.\n\n  eingerückt",
}
COLUMNS = corpus.Columns(report_id="nr", report="befund")


def as_csv(delimiter, *, end="\n"):
    doubled = {i: text.replace('"', '""').replace("\n", end) for i, text in TEXTS.items()}
    rows = [f'{i}{delimiter}"{text}"' for i, text in doubled.items()]
    return "\r\n".join([f"nr{delimiter}befund", *rows, ""])


FILES = {
    "comma.csv": as_csv(",").encode("utf-8"),
    "bom.csv": as_csv(";").encode("utf-8-sig"),
    "windows.csv": as_csv(";", end="\r\n").encode("cp1252"),
    "lines.jsonl": "\n".join(
        json.dumps({"nr": i, "befund": t.replace("\n", "\r\n")}, ensure_ascii=False) for i, t in TEXTS.items()
    ).encode(),
}


@pytest.mark.parametrize("name", FILES)
def test_four_forms_of_file_give_the_same_reports(tmp_path, name):
    (tmp_path / name).write_bytes(FILES[name])
    read = corpus.load(tmp_path / name, COLUMNS)
    assert {report.report_id: report.text for report in read.reports} == TEXTS
    assert len(read.rejected) == 0 and read.n_rows == len(TEXTS)


def test_the_same_text_has_the_same_hash_whatever_the_file(tmp_path):
    for name, data in FILES.items():
        (tmp_path / name).write_bytes(data)
    hashes = {tuple(r.text_sha256 for r in corpus.load(tmp_path / name, COLUMNS).reports) for name in FILES}
    assert len(hashes) == 1


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
    assert dict(zip(read.rejected["row"], read.rejected["report_id"])) == {2: "2", 3: "", 4: "3", 5: "3", 7: "4", 8: ""}


def test_a_damaged_row_is_a_reason_and_the_umlauts_of_the_others_stay(tmp_path):
    path = tmp_path / "r.csv"
    path.write_bytes("nr,befund\n1,Größe\n".encode() + b"2,br\xf6ken\n" + "3,Köpfchen\n".encode())
    read = corpus.load(path, COLUMNS)
    assert [report.text for report in read.reports] == ["Größe", "Köpfchen"]
    assert read.rejected.to_numpy().tolist() == [[2, "", "line 3 holds bytes that are not valid UTF-8"]]


def test_ids_and_dates_are_text_without_outer_blanks_and_reports_keep_theirs(tmp_path):
    path = tmp_path / "r.csv"
    path.write_text("nr;befund;datum;pat\n 0012 ;  Kein Erguss. ; 01.02.2024;00-7\n")
    columns = corpus.Columns(report_id="nr", report="befund", study_date="datum", patient_id="pat")
    report = corpus.load(path, columns).reports[0]
    assert (report.report_id, report.study_date, report.patient_id) == ("0012", "01.02.2024", "00-7")
    assert report.text == "  Kein Erguss. "
    assert report.accession_number == "", "a column that the file does not have is empty"


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (None, "r.csv: no such file; give the path of a CSV or JSONL file with reports."),
        ("a,b\n1,2\n", r"r.csv: the column 'nr' \(for report_id\) is not there; the file has a, b."),
        ("nr,b\n1,2\n", r"r.csv: the column 'befund' \(for report\) is not there; the file has nr, b."),
        ("nr,befund\n1,\n", "r.csv: none of 1 rows holds a report id and a text."),
        ("nr,befund\n", "r.csv: none of 0 rows holds a report id and a text."),
    ],
)
def test_a_file_without_reports_is_refused(tmp_path, content, part):
    if content is not None:
        (tmp_path / "r.csv").write_text(content)
    with pytest.raises(CorpusError, match=part):
        corpus.load(tmp_path / "r.csv", COLUMNS)


def test_a_report_does_not_show_its_text(tmp_path):
    (tmp_path / "comma.csv").write_bytes(FILES["comma.csv"])
    columns = COLUMNS.model_copy(update={"patient_name": "befund", "birth_date": "befund", "patient_id": "befund"})
    assert "Erguß" not in repr(corpus.load(tmp_path / "comma.csv", columns).reports[0])
