"""The command line: help, exit codes, sentences instead of tracebacks."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from labkit import cli, cohort, params
from labkit.layout import ROOT

FIXTURES = Path(__file__).parent / "fixtures" / "dicom"
CONSOLE = Path(sys.executable).with_name("labkit")
COMMANDS = ["run", "check", "extract", "index", "synthetic", "scan", "lab", "train", "predict", "export", "dose"]


def labkit(*arguments):
    return CliRunner().invoke(cli.main, [str(a) for a in arguments])


def console(folder, *arguments):
    """The installed command in a process of its own, started from any folder."""
    return subprocess.run(
        [CONSOLE, *arguments], cwd=folder, capture_output=True, encoding="utf-8", timeout=120, check=False
    )


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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["frob"], "No such command 'frob'"),
        (["run"], "Missing argument 'PARAMS...'"),
        (["extract", "r.csv", "-o", "l.csv"], "Missing option '-t' / '--template'"),
        (["extract", "r.csv", "-t", "elbow", "-o", "l.csv", "-x", "magic"], "'magic' is not one of 'rules', 'openai'"),
        (["run", "x.yaml", "--jobs", "0"], "0 is not in the range x>=1"),
        (["index", "x", "-o", "l.csv", "--job"], "No such option"),
    ],
)
def test_wrong_usage_is_exit_code_2(arguments, message):
    ran = labkit(*arguments)
    assert ran.exit_code == 2 and message in ran.output


def test_the_console_script_works_from_any_folder(tmp_path):
    (tmp_path / "r.csv").write_text('report_id;report\n0012;"Köpfchenfraktur, Größe 3 mm."\n', encoding="cp1252")
    version = console(tmp_path, "--version")
    assert (version.returncode, version.stderr) == (0, "") and version.stdout.startswith("labkit, version ")
    ran = console(tmp_path, "extract", "r.csv", "--template", "elbow", "-o", "l.csv")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "l.csv: labels of 1 of 1 reports.\n", "")
    evidence = {row["finding"]: row["evidence"] for row in rows(tmp_path / "l.csv") if row["value"] == "true"}
    assert evidence["Radial Head Fracture"] == "Köpfchenfraktur"
    wrong = console(tmp_path, "extract", "missing.csv", "--template", "elbow", "-o", "l.csv")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr == (
        "CorpusError: missing.csv: no such file; give the path of a CSV or JSONL file with reports.\n"
    )


@pytest.mark.parametrize("command", [["extract", "r.csv", "-t", "elbow"], ["index", "."]])
def test_an_output_that_is_a_folder_is_refused(tmp_path, command):
    ran = labkit(*command, "-o", tmp_path)
    assert ran.exit_code == 2 and "is a directory" in ran.output


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


@pytest.mark.parametrize("code", [0, 1])
def test_run_gives_its_options_and_its_exit_code(monkeypatch, code):
    asked = {}

    def run(paths, **options):
        asked.update(paths=paths, **options)
        return code

    monkeypatch.setattr("labkit.run.workflow.run", run)
    assert labkit("run", "a.yaml", "b.yaml", "-j", 3, "--force").exit_code == code
    paths = [Path("a.yaml"), Path("b.yaml")]
    assert asked == {"paths": paths, "jobs": 3, "dry_run": False, "forced": True, "profile": None}


def test_an_interrupt_is_a_sentence_and_exit_code_130(monkeypatch):
    def run(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("labkit.run.workflow.run", run)
    ran = labkit("run", "a.yaml")
    assert ran.exit_code == 130
    assert "what was finished is kept. The same command goes on from there." in ran.output


def test_a_dry_run_says_what_would_run_and_makes_nothing(tmp_path):
    path = tmp_path / "elbow.yaml"
    path.write_bytes((ROOT / "params" / "demo" / "elbow.yaml").read_bytes())
    ran = labkit("run", path, "--dry-run")
    assert ran.exit_code == 0, ran.output
    for word in ("extraction", "verification", "inclusive", "exclusive", "figures"):
        assert word in ran.output
    assert list(tmp_path.iterdir()) == [path]


def test_lab_opens_for_this_machine_only_and_keeps_its_token(monkeypatch):
    started = []
    monkeypatch.setattr("subprocess.call", lambda command, env: started.append((command, env)) or 0)
    assert labkit("lab", "--port", 9999, "--no-browser").exit_code == 0
    command, environment = started[0]
    assert command[:3] == [sys.executable, "-m", "jupyterlab"]
    assert {"--ServerApp.ip=127.0.0.1", "--ServerApp.port=9999", "--no-browser"} <= set(command)
    assert not [option for option in command if "token" in option or "password" in option]
    assert str(ROOT / "labkit" / "jupyter") in environment["JUPYTER_CONFIG_PATH"]


@pytest.fixture
def study(tmp_path):
    """A study of two reports with names, taken in; what may be shared is empty."""
    columns = "report_id,report,accession_number,patient_id,study_date,sex,birth_date,name"
    people = ["1,Fraktur.,A-77001,P-55001,2024-05-31,W,1960-02-01,Beispielfrau^Gundula"]
    people += ["2,Kein Erguss.,A-77002,P-55002,2024-05-31,M,1961-03-02,Mustermensch^Otto"]
    (tmp_path / "data" / "elbow").mkdir(parents=True)
    (tmp_path / "data" / "elbow" / "reports.csv").write_text("\n".join([columns, *people, ""]), encoding="utf-8")
    text = (ROOT / "params" / "elbow.yaml").read_text(encoding="utf-8")
    text = text.replace("images: data/elbow/dicom ", "images: null ")
    text = text.replace("        sex: sex ", "        patient_name: name\n        sex: sex ")
    (tmp_path / "elbow.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "reports").mkdir()
    return params.load(tmp_path / "elbow.yaml")


def scan(study):
    return labkit("scan", study.resolve("reports"), "--params", study.file)


def test_scan_names_files_with_identifiers_and_never_the_identifiers(study):
    before = scan(study)
    assert before.exit_code == 2 and "run the step that writes KEYS first" in before.output
    cohort.intake(study.cohort, views=(), resolve=study.resolve, keys_path=study.layout.keys)
    shared = study.resolve("reports")
    (shared / "good.html").write_text("<td>S-0001</td> Kein Erguss.", encoding="utf-8")
    clean = scan(study)
    assert (clean.exit_code, clean.output) == (0, f"{shared}: no identifier of the cohort was found.\n")
    (shared / "bad.html").write_text("<td>Beispielfrau</td><td>A-77002</td>", encoding="utf-8")
    found = scan(study)
    assert found.exit_code == 1
    assert found.output.splitlines() == ["bad.html: 1 x ID", "bad.html: 1 x NAME", f"{shared}: 2 finds."]
