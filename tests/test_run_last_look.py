"""The last look at what a run wrote: what it finds, what it reads again, and what the first page says then."""

import gzip
import io
import json

import pandas as pd
import pytest

from labkit import tables
from labkit.deidentification.scan import Scanner
from labkit.errors import LabkitError
from labkit.run import conclusion, index_page, last_look
from labkit.run.steps import Plan, Step

PERSON = "Beispielfrau^Gundula"
ROWS = [
    "report_id,report,accession_number,patient_id,study_date,sex,birth_date,name",
    f"1,Fraktur.,A-77001,P-55001,2024-05-31,W,1960-02-01,{PERSON}",
    "2,Kein Erguss.,A-77002,P-55002,2024-06-01,M,1961-03-02,Klein^Otto",
]
COLUMNS = {
    "report_id": "report_id",
    "report": "report",
    "accession_number": "accession_number",
    "patient_id": "patient_id",
    "study_date": "study_date",
    "birth_date": "birth_date",
    "patient_name": "name",
}
COHORT = {
    "link_by": "accession_number",
    "missing_view": "drop",
    "view_rules": [],
    "sites": {"internal": {"test_only": False, "reports": "reports.csv", "images": None, "columns": COLUMNS}},
}


@pytest.fixture
def plan(tmp_path):
    """A study that has run: two patients with names, a page without any."""
    (tmp_path / "reports.csv").write_text("\n".join([*ROWS, ""]), encoding="utf-8")
    build, shared = tmp_path / "build" / "mine" / "elbow", tmp_path / "reports" / "mine" / "elbow"
    shared.mkdir(parents=True)
    (build / "receipts").mkdir(parents=True)
    page = shared / "01_extraction.html"
    page.write_text("<p>Small bones (klein), 2024-05-31, S-0001, n = 77001.5</p>", encoding="utf-8")
    step = Step(
        id="mine/elbow/extraction",
        name="extraction",
        study="mine",
        anatomy="elbow",
        base=tmp_path,
        parameters={"cohort": COHORT},
        receipt=build / "receipts" / "extraction.json",
        html=page,
    )
    return Plan(build_dir=tmp_path / "build", reports_dir=tmp_path / "reports", steps=(step,))


@pytest.fixture
def shared(plan):
    return plan.steps[0].html.parent


def conclude(plan):
    """Whether the reports may be shared, and what was said."""
    console = io.StringIO()
    return conclusion.may_be_shared(plan, console), console.getvalue().strip()


def test_an_honest_study_passes_and_nothing_is_read_twice(plan, monkeypatch):
    index_page.build(plan)
    assert conclude(plan) == (True, "No identifier of a patient was found in 2 new files that may be shared.")
    monkeypatch.setattr(Scanner, "look", lambda *_: pytest.fail("was clean already"))
    assert conclude(plan) == (True, "")


@pytest.mark.parametrize(
    ("name", "content", "kinds"),
    [
        ("02_verification.html", "<td>Beispielfrau</td>", {"NAME": 1}),
        ("exclusive/tables/x.csv", "study_id,id\nS-0001,A-77002\n", {"ID": 1}),
        ("figures/a.svg", "<svg><text>geb. 1.2.1960</text></svg>", {"DATE": 1}),
        ("x.txt", "Otto Klein, P55002", {"ID": 1, "NAME": 1}),
        ("rows.csv.gz", gzip.compress(b"P55001\n", mtime=0), {"ID": 1}),
        ("03_training.failed.ipynb", json.dumps({"cells": [{"source": ["Gundula\tBeispielfrau"]}]}), {"NAME": 1}),
    ],
)
def test_an_identifier_anywhere_is_an_alarm_until_it_is_gone(plan, shared, name, content, kinds):
    assert conclude(plan)[0]
    (shared / name).parent.mkdir(parents=True, exist_ok=True)
    (shared / name).write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    found, n_read = last_look.look(plan)
    assert (found, n_read) == ([last_look.Alarm(f"mine/elbow/{name}", kinds)], 1)
    assert last_look.look(plan) == (found, 0), "it stays an alarm"
    (shared / name).unlink()
    assert last_look.look(plan) == ([], 0) and last_look.alarms(plan) == []


def test_the_sentence_names_file_and_kind_and_never_the_identifier(plan, shared):
    (shared / "x.html").write_text("Gundula Beispielfrau, 01.02.1960, A-77001, A-77001", encoding="utf-8")
    (shared / "Beispielfrau.csv").write_text("a\n1\n", encoding="utf-8")
    passed, said = conclude(plan)
    assert not passed
    assert said == (
        "Do not share the reports: identifiers of patients stand in 2 files, first mine/elbow/x.html "
        "(1 birth date, 2 numbers, 1 name); the first page lists all, mend their cause and run again."
    )
    html = (plan.reports_dir / "index.html").read_text(encoding="utf-8")
    assert "Do not share these reports" in html
    assert "<code>mine/elbow/x.html</code>: 1 birth date, 2 numbers, 1 name" in html
    assert "<code>mine/elbow/[NAME].csv</code>: 1 name" in html
    assert "Beispielfrau" not in said + html and "77001" not in said + html


def test_the_first_page_is_marked_and_cleared(plan, shared):
    (shared / "x.html").write_text("Beispielfrau", encoding="utf-8")
    conclude(plan)
    page = plan.reports_dir / "index.html"
    assert "Do not share" in page.read_text(encoding="utf-8")
    (shared / "x.html").unlink()
    assert conclude(plan)[0]
    assert "Do not share" not in page.read_text(encoding="utf-8")
    assert conclude(plan) == (True, "")


def test_new_identifiers_are_looked_for_in_old_files(plan, shared, tmp_path):
    (shared / "x.html").write_text("Quasthoff", encoding="utf-8")
    assert conclude(plan)[0]
    row = "3,Erguss.,A-77003,P-55003,2024-06-01,M,1961-03-02,Quasthoff^Ida"
    (tmp_path / "reports.csv").write_text("\n".join([*ROWS, row, ""]), encoding="utf-8")
    assert not conclude(plan)[0]


def test_identifiers_of_earlier_runs_are_looked_for_by_the_key_table(plan, shared, tmp_path):
    row = dict.fromkeys(tables.KEYS.all_columns, "") | {"study_id": "S-0009", "site": "internal"}
    keys = pd.DataFrame([row | {"patient": "P-0009", "report_id": "9", "patient_id": "PX-99887"}])
    tables.write(keys, tmp_path / "build" / "mine" / "elbow" / "keys.csv", tables.KEYS)
    (shared / "old.csv").write_text("patient\nPX99887\n", encoding="utf-8")
    assert last_look.look(plan)[0] == [last_look.Alarm("mine/elbow/old.csv", {"ID": 1})]


def test_what_cannot_be_searched_must_not_be_shared(plan, tmp_path):
    (tmp_path / "reports.csv").write_text("no,columns\n1,2\n", encoding="utf-8")
    passed, said = conclude(plan)
    assert not passed and said.startswith(
        "Do not share the reports, they were not searched for identifiers: reports.csv"
    )
    with pytest.raises(LabkitError):
        last_look.look(plan)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"against": 1}', '{"against": "x", "files": 3}'])
def test_a_damaged_record_only_means_that_all_is_read_again(plan, tmp_path, content):
    assert conclude(plan)[0]
    (tmp_path / "build" / "mine" / "elbow" / "last_look.json").write_text(content, encoding="utf-8")
    assert last_look.look(plan) == ([], 1)


def test_a_run_whose_pages_name_a_patient_fails(plan, shared):
    (shared / "x.html").write_text("Beispielfrau", encoding="utf-8")
    console = io.StringIO()
    plan.steps[0].receipt.write_text('{"name": "extraction"}', encoding="utf-8")
    assert conclusion.conclude(plan, list(plan.steps), set(), console, code=0) == 1
    assert "All done" not in console.getvalue()
