"""The last look at what is shared."""

import gzip
import json
import time
import zipfile

import numpy as np
import pytest

from labkit.deidentification import KnownIdentifiers, scan_folder
from labkit.errors import RunError

KNOWN = KnownIdentifiers(
    names=("Müller, Karl", "Kopf, Ida", "Bennett, Ann", "Li, Wei", "Wilson, Bob"),
    dates=("1955-07-07",),
    ids=("55-01-7723", "00912873", "123"),
)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        ("<td>M&uuml;ller</td>", "NAME"),
        ("<td>M&#252;ller</td>", "NAME"),
        (json.dumps({"source": "x\nMüller kam"}), "NAME"),
        ("?name=M%C3%BCller&x", "NAME"),
        ("Mueller", "NAME"),
        ("<b>Ann</b> <i>Bennett</i>", "NAME"),
        ("Kopf, Ida", "NAME"),
        ("born 7. Juli 1955", "DATE"),
        ("07.07.55", "DATE"),
        ("19550707", "DATE"),
        ('"id": "00912873"', "ID"),
        ("55017723", "ID"),
    ],
)
def test_every_escaped_form_is_found_once(tmp_path, content, kind):
    (tmp_path / "page.html").write_text(content, encoding="utf-8")
    assert scan_folder(tmp_path, KNOWN) == [("page.html", kind, 1)]


def test_clinical_words_numbers_and_statisticians_are_no_alarm(tmp_path):
    text = "Bennett fracture, Radius-Kopf, Wilson interval, li., Karl, Bobby, 0.912873, 123, Müllerin, 1955, x55017723"
    (tmp_path / "page.html").write_text(text, encoding="utf-8")
    assert scan_folder(tmp_path, KNOWN) == []


COHORT = KnownIdentifiers(
    names=("Klein, Otto", "Bush, Ann", "Page, Max", "Long, Eva", "Wilson, Bob", "Cohen, Ida", "Smith, Jo", "May, Al"),
    dates=("2024-08-06", "2010-03-02", "2026-11-24", "1960-02-01"),
    ids=("1234567", "12345", "1234", "S-77", "00012", "P-0007", "1.2.840.4711", "333333"),
)
HONEST = [
    "Wilson interval, Cohen's kappa, Smith-Fraktur, Page 1, How long, in May, small (klein) bones",
    "gpt-4o-2024-08-06, asked 2026-11-24 09:12 UTC, 2026-11-24T09:12:00+00:00, papermill 2.3.10",
    "0.12345, 123.4567, 12345.5, 1,234 of 12,345 and 10,150 rows, 1234 calls",
    "S-00012 and P-00012 of S-0001, P-0007",
    '<svg viewBox="0 0 12345 1234567"><path d="M 12345 0 L 1234567 12" style="fill: #333333"/></svg>',
    '"<path d=\\"M 12345 0\\" transform=\\"scale(1234567)\\"/>"',
    "<style>.a { color: #333333; width: 12345px }</style>",
    "sha256 123456789abcdef, x12345, 12345x",
]


@pytest.mark.parametrize("text", HONEST)
def test_an_honest_page_is_no_alarm(tmp_path, text):
    (tmp_path / "page.html").write_text(text, encoding="utf-8")
    assert scan_folder(tmp_path, COHORT) == []


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Otto Klein", "NAME"),
        ("Klein, Otto", "NAME"),
        ("Klein^Otto", "NAME"),
        ("Max Page", "NAME"),
        ("<td>Jo</td><td>Smith</td>", "NAME"),
        ("1,12345,x", "ID"),
        ("x,12345\n", "ID"),
        ("(12345)", "ID"),
        ("No. 12345. Next", "ID"),
        ("12-34567", "ID"),
        ("p0007", "ID"),
        ("1.2.840.4711", "ID"),
        ("UID 1.2.840.4711.", "ID"),
        ("geb. 06.08.2024", "DATE"),
        ("2010-03-02 00:00:00", "DATE"),
        ("02.03.10", "DATE"),
        ("20100302", "DATE"),
    ],
)
def test_the_same_identifiers_are_found_where_they_mean_a_person(tmp_path, text, kind):
    (tmp_path / "page.html").write_text(text, encoding="utf-8")
    assert scan_folder(tmp_path, COHORT) == [("page.html", kind, 1)]


@pytest.mark.parametrize("name", ["Müller", "Schmidt", "Schneider", "Fischer", "Becker", "Walker", "Nguyen"])
def test_a_frequent_surname_alone_is_found(tmp_path, name):
    (tmp_path / "page.html").write_text(f"<td>{name}</td>", encoding="utf-8")
    assert scan_folder(tmp_path, KnownIdentifiers(names=(f"{name}, Gundula",))) == [("page.html", "NAME", 1)]


def test_names_of_files_are_scanned_and_masked(tmp_path):
    (tmp_path / "mueller_karl").mkdir()
    (tmp_path / "mueller_karl" / "55017723.csv").write_text("a\n1\n", encoding="utf-8")
    assert scan_folder(tmp_path, KNOWN) == [("[NAME]/[ID].csv", "ID", 1), ("[NAME]/[ID].csv", "NAME", 1)]


def test_packed_and_binary_files_are_opened(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("inner.txt", "Müller")
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress("Müller".encode()))
    (tmp_path / "c.png").write_bytes(b"\x89PNG\0\1\2tEXtPatient Mueller\0\xff")
    (tmp_path / "d.csv").write_bytes("Müller;1".encode("cp1252"))
    assert [(path, n) for path, _, n in scan_folder(tmp_path, KNOWN)] == [
        ("a.zip", 1),
        ("b.csv.gz", 1),
        ("c.png", 1),
        ("d.csv", 1),
    ]


def test_the_answer_holds_no_identifier(tmp_path):
    (tmp_path / "Müller.txt").write_text("Müller 55017723", encoding="utf-8")
    shown = repr(scan_folder(tmp_path, KNOWN))
    assert "ller" not in shown and "7723" not in shown


def test_plain_strings_may_be_given(tmp_path):
    (tmp_path / "page.txt").write_text("Sabine Quast", encoding="utf-8")
    assert scan_folder(tmp_path, ["Sabine Quast"]) == [("page.txt", "NAME", 1)]


def test_a_missing_folder_is_an_error(tmp_path):
    with pytest.raises(RunError, match="no such folder"):
        scan_folder(tmp_path / "none", KNOWN)


def test_megabytes_with_a_cohort_take_seconds(tmp_path):
    rng = np.random.default_rng(3)
    words = np.array(["function", "return", "fracture", "value", "<div>", "{x:", "};", "0.25", "label", "Ellenbogen"])
    (tmp_path / "page.html").write_text(" ".join(words[rng.integers(0, len(words), 600_000)]), encoding="utf-8")
    names = tuple(f"Quast{chr(97 + i)}{chr(97 + j)}, Ida" for i in range(26) for j in range(26))
    started = time.process_time()
    assert scan_folder(tmp_path, KnownIdentifiers(names=names, ids=tuple(map(str, range(10**7, 10**7 + 2000))))) == []
    assert time.process_time() - started < 10


@pytest.mark.parametrize("name", ["Beispielfrau Gundula", "Gundula Beispielfrau", "Beispielfrau, Gundula"])
def test_a_surname_alone_is_found_whichever_way_round_the_column_has_names(tmp_path, name):
    (tmp_path / "page.txt").write_text("Verlaufskontrolle bei Beispielfrau.", encoding="utf-8")
    assert scan_folder(tmp_path, KnownIdentifiers(names=(name,))) == [("page.txt", "NAME", 1)]


def test_a_given_name_alone_is_no_find_where_the_column_tells_it_from_the_surname(tmp_path):
    (tmp_path / "page.txt").write_text("Gundula", encoding="utf-8")
    assert scan_folder(tmp_path, KnownIdentifiers(names=("Beispielfrau, Gundula",))) == []
