"""What users get wrong most: one exact sentence each, without a word of any report or an identifier of anybody."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from labkit import cli, corpus, splits, tables, templates
from labkit.errors import ExtractionError, TableError
from labkit.extraction import labelling, rules

TEXT = "Frau Gundula Beispielfrau, geb. 01.02.1960. Dislozierte Olekranonfraktur links."
ROW = f'A0098765;"{TEXT}"'
# No message may hold a word of the report, the name, the birth date or the hospital's number.
SECRETS = [*re.findall(r"\w{5,}", TEXT), "01.02.", "A0098765"]


def labkit(folder, monkeypatch, *arguments):
    """Exit code and what was said."""
    monkeypatch.chdir(folder)
    ran = CliRunner().invoke(cli.main, [str(argument) for argument in arguments])
    return ran.exit_code, ran.output.strip()


def tells_nothing(message):
    return [secret for secret in SECRETS if secret.casefold() in message.casefold()] == []


FILES = {
    "no such file": (
        None,
        "CorpusError: reports.csv: no such file; give the path of a CSV or JSONL file with reports.",
    ),
    "no header": (
        f"{ROW}\n{ROW}\n",
        "CorpusError: reports.csv: the column 'report_id' (for report_id) is not there; the first line seems to be a "
        "row already; put a line with the names of the columns on top.",
    ),
    "no header, a value twice": (
        f"A0098765;A0098765;{TEXT}\n",
        "TableError: reports.csv: a value of the first line stands twice in the header; names must differ.",
    ),
    "other columns": (
        f"Befund-ID;Befundtext\n{ROW}\n",
        "CorpusError: reports.csv: the column 'report_id' (for report_id) is not there; the file has Befund-ID, "
        "Befundtext.",
    ),
    "one other column": (
        f"report_id;Befundtext 2023\n{ROW}\n",
        "CorpusError: reports.csv: the column 'report' (for report) is not there; the file has report_id, "
        "Befundtext 2023.",
    ),
    "no row can be used": (
        f"report_id;report\n;{TEXT}\n{ROW};{TEXT}\n",
        "CorpusError: reports.csv: none of 2 rows holds a report id and a text.",
    ),
    "an empty file": (
        "",
        "TableError: reports.csv: the first line is empty; a CSV starts with the names of its columns.",
    ),
}


@pytest.mark.parametrize(("content", "message"), FILES.values(), ids=FILES)
def test_a_file_of_reports_that_cannot_be_read(tmp_path, monkeypatch, content, message):
    if content is not None:
        (tmp_path / "reports.csv").write_text(content, encoding="utf-8")
    said = labkit(tmp_path, monkeypatch, "extract", "reports.csv", "-t", "elbow", "-o", "labels.csv")
    assert said == (2, message)
    assert tells_nothing(said[1])


def test_a_file_of_json_lines_that_is_none(tmp_path):
    path = tmp_path / "reports.jsonl"
    path.write_text(json.dumps({"report_id": "A0098765", "report": TEXT})[:-1], encoding="utf-8")
    with pytest.raises(TableError) as caught:
        corpus.load(path, corpus.Columns(report_id="report_id", report="report"))
    assert str(caught.value) == "reports.jsonl: no line holds a JSON object; one object a line is expected."


def test_rows_that_are_not_used_tell_their_line_and_never_their_words(tmp_path):
    rows = ["1;Fraktur", f"2;{TEXT};zu viel", ';"ohne Nummer"', f'3;"{TEXT}', "4;", "5;a", "5;b"]
    (tmp_path / "reports.csv").write_text("\n".join(["report_id;report", *rows, ""]), encoding="utf-8")
    read = corpus.load(tmp_path / "reports.csv", corpus.Columns(report_id="report_id", report="report"))
    assert [report.report_id for report in read.reports] == ["1"]
    assert len(read.rejected) == len(rows) - 1
    assert all(reason and tells_nothing(reason) for reason in read.rejected["reason"])


COMMANDS = {
    "params file that is not there": (
        ["run", "study.yaml"],
        "ParamsError: study.yaml: no such file; give the path of a params file such as params/demo/elbow.yaml.",
    ),
    "template that is not there": (
        ["extract", "reports.csv", "-t", "knee", "-o", "l.csv"],
        "ParamsError: knee: no such template; known names: clavicle, elbow, thumb. Give one of them or the path of a "
        "YAML file.",
    ),
    "images that are not there": (
        ["index", "images", "-o", "images.csv"],
        "ImageError: images: there is no such folder; give the folder that holds the images.",
    ),
    "output without a folder": (
        ["extract", "reports.csv", "-t", "elbow", "-o", "out/l.csv"],
        "CorpusError: out/l.csv: there is no folder out; make it first.",
    ),
    "output over the reports": (
        ["extract", "reports.csv", "-t", "elbow", "-o", "reports.csv"],
        "CorpusError: reports.csv: would replace the reports; give --output another name.",
    ),
    "no key for a remote endpoint": (
        ["extract", "reports.csv", "-t", "elbow", "-x", "openai", "--model", "m", "-o", "l.csv"],
        "ExtractionError: endpoint api.openai.com: the environment variable OPENAI_API_KEY is not set; export the key "
        "there (it belongs in no params file).",
    ),
}


@pytest.mark.parametrize(("arguments", "message"), COMMANDS.values(), ids=COMMANDS)
def test_a_command_that_cannot_start(tmp_path, monkeypatch, arguments, message):
    reports = tmp_path / "reports.csv"
    reports.write_text(f"report_id;report\n{ROW}\n", encoding="utf-8")
    before = reports.read_bytes()
    said = labkit(tmp_path, monkeypatch, *arguments)
    assert said == (2, message)
    assert tells_nothing(said[1])
    assert reports.read_bytes() == before and [path.name for path in tmp_path.iterdir()] == ["reports.csv"]


def test_a_report_without_text_is_an_answer_with_a_reason():
    with pytest.raises(ExtractionError) as caught:
        rules.RuleExtractor(templates.load("elbow"), switches=rules.Switches())("  \n")
    labelled = labelling.by_rules([("S-0001", "  \n")], template=templates.load("elbow"), switches=rules.Switches())
    assert labelled.answers["reason"].tolist() == [str(caught.value)] and str(caught.value)
    assert len(labelled.findings) == 0


def findings(**changes):
    row = dict.fromkeys(tables.FINDINGS.all_columns, "") | {"study_id": "S-0001", "finding": "Ossicles"}
    row |= {"source": "rules", "value": "true", "evidence": TEXT, "start": 0, "end": 5, "confidence": np.nan}
    return pd.DataFrame([row | changes])


TABLES = {
    "a value of a reader's own": (
        findings(value=TEXT),
        "findings.csv, column 'value': 1 of 1 values are not allowed, the first is in row 1; allowed: true, false, "
        "uncertain.",
    ),
    "words where a number belongs": (
        findings(start=TEXT),
        "findings.csv, column 'start', row 1: not a whole number.",
    ),
    "a row twice": (
        pd.concat([findings(), findings()]),
        "findings.csv: 1 rows repeat the key (study_id, finding, source), first in row 2; one row per key is allowed.",
    ),
}


@pytest.mark.parametrize(("frame", "message"), TABLES.values(), ids=TABLES)
def test_a_table_that_breaks_its_contract(frame, message):
    with pytest.raises(TableError) as caught:
        tables.check(frame, tables.FINDINGS, name="findings.csv")
    assert str(caught.value) == message
    assert tells_nothing(message)


def test_a_patient_in_two_splits_is_named_by_pseudonym():
    split = pd.DataFrame({"patient": ["P-0001", "P-0001"], "split": ["train", "test"]})
    with pytest.raises(TableError) as caught:
        splits.check_disjoint(split, name="splits.csv")
    assert str(caught.value) == (
        "splits.csv: patient P-0001 is in test and train; one split per patient is allowed. Rebuild it with "
        "splits.assign."
    )
