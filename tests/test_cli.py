"""The command line: help, exit codes, sentences instead of tracebacks."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from labkit import cli, templates

FIXTURES = Path(__file__).parent / "fixtures" / "dicom"
COMMANDS = ["run", "check", "extract", "index", "synthetic", "scan", "lab"]


def labkit(*arguments):
    return CliRunner().invoke(cli.main, [str(a) for a in arguments])


def rows(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command):
    shown = labkit(command, "--help")
    assert shown.exit_code == 0
    assert shown.output.startswith(f"Usage: main {command}")
    assert max(len(line) for line in shown.output.splitlines()) <= 100


def test_the_first_page_names_every_command_and_imports_nothing_heavy():
    code = "import sys, labkit.cli; sys.exit(bool({'pandas', 'torch', 'openai', 'pydicom'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert all(f"  {command} " in labkit("--help").output for command in COMMANDS)


@pytest.fixture
def reports(tmp_path):
    path = tmp_path / "r.csv"
    path.write_text('nr;text\n0012;"Fraktur des Olekranons."\n2;\n3;"Kein Hinweis auf eine Fraktur."\n4;zu;viel\n')
    return path


def extract(reports, *more):
    output = reports.with_name("labels.csv")
    ran = labkit("extract", reports, "-t", "elbow", "--id-column", "nr", "--text-column", "text", "-o", output, *more)
    return ran, output


def test_extract_writes_labels_and_a_status_for_every_row(reports):
    ran, output = extract(reports)
    assert ran.exit_code == 0, ran.output
    assert "labels of 2 of 4 reports" in ran.output
    labels = rows(output)
    assert list(labels[0]) == ["report_id", "finding", "value", "evidence"]
    names = templates.load("elbow").names
    assert [(row["report_id"], row["finding"]) for row in labels] == [(i, n) for i in ("0012", "3") for n in names]
    found = {(row["report_id"], row["finding"]): row["value"] for row in labels}
    assert found["0012", "Olecranon Fracture"] == found["0012", "Ulna Fracture"] == "true"
    assert found["3", "Fracture (All Locations)"] == "false"
    status = {row["report_id"] or "broken": row for row in rows(output.with_suffix(".status.csv"))}
    assert len(status) == 4
    assert status["0012"]["status"] == "ok" and status["2"]["status"] == "skipped"
    assert "3 fields" in status["broken"]["reason"]


def test_extract_reads_json_lines_and_a_template_by_path(tmp_path):
    (tmp_path / "r.jsonl").write_text(json.dumps({"report_id": "a", "report": "Olecranon fracture."}) + "\n")
    template = templates.TEMPLATES_DIR / "elbow.yaml"
    ran = labkit("extract", tmp_path / "r.jsonl", "-t", template, "-o", tmp_path / "l.csv")
    assert ran.exit_code == 0, ran.output
    assert len(rows(tmp_path / "l.csv")) == 29


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (["--id-column", "id"], "the column 'id' (for report_id) is not there; the file has nr, text."),
        (["-t", "knee"], "knee: no such template; known names: clavicle, elbow, thumb."),
        (["-x", "openai"], "--model is missing"),
        (["-x", "openai", "--model", "m", "--base-url", "x"], "--base-url: give an address such as"),
    ],
)
def test_wrong_input_is_one_sentence_and_exit_code_2(reports, change, message):
    ran, output = extract(reports, *change)
    assert ran.exit_code == 2
    assert message in ran.output
    assert "Traceback" not in ran.output and not output.exists()


def test_a_remote_endpoint_without_a_key_is_refused_before_anything_is_sent(reports, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    ran, _ = extract(reports, "-x", "openai", "--model", "m")
    assert ran.exit_code == 2
    assert "OPENAI_API_KEY is not set" in ran.output


def test_index_lists_every_file_with_its_hash_or_reason(tmp_path):
    ran = labkit("index", FIXTURES, "-o", tmp_path / "i.csv", "--decode")
    assert ran.exit_code == 0, ran.output
    found = {row["path"]: row for row in rows(tmp_path / "i.csv")}
    n_files = len([path for path in FIXTURES.rglob("*") if path.is_file()])
    assert len(found) == n_files
    assert all((row["usable"] == "true") != bool(row["reason"]) for row in found.values())
    for expected in FIXTURES.rglob("expected.json"):
        for name, facts in json.loads(expected.read_text()).items():
            row = found.get((expected.parent / name).relative_to(FIXTURES).as_posix())
            if row and facts["should_decode"] is True:
                assert row["pixel_sha256"] == facts["stored_sha256"], name


def test_a_missing_folder_is_a_sentence(tmp_path):
    ran = labkit("index", tmp_path / "none", "-o", tmp_path / "i.csv")
    assert ran.exit_code == 2 and "there is no such folder" in ran.output


def test_synthetic_makes_a_cohort(tmp_path):
    options = ["--n-internal", 4, "--n-external", 2, "--image-size-px", 32]
    ran = labkit("synthetic", "-t", "thumb", "-o", tmp_path / "c", *options)
    assert ran.exit_code == 0, ran.output
    assert "internal: 4 studies" in ran.output
    assert (tmp_path / "c" / "manifest.json").exists()
    wrong = labkit("synthetic", "-t", "thumb", "-o", tmp_path / "d", "--n-internal", 0)
    assert wrong.exit_code == 2 and "n_internal" in wrong.output


def test_check_names_every_fault_and_runs_nothing(tmp_path):
    (tmp_path / "x.yaml").write_text("study: demo\n")
    ran = labkit("check", tmp_path / "x.yaml", tmp_path / "missing.yaml")
    assert ran.exit_code == 2
    assert "anatomy: this key is missing" in ran.output and "no such file" in ran.output
    assert "nothing was run" in ran.output


def test_run_refuses_wrong_params_with_exit_code_2(tmp_path):
    (tmp_path / "x.yaml").write_text("study: no\n")
    ran = labkit("run", tmp_path / "x.yaml")
    assert ran.exit_code == 2
    assert "reads an unquoted yes, no, on or off as false" in ran.output
