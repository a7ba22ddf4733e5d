"""What is checked before a kernel starts, what a receipt holds, and what the progress shows."""

import io
import json
import os

import pytest
import run_study

from labkit.errors import ParamsError, RunError
from labkit.run import execute, files, node, orphans, receipt, receipts, steps
from labkit.run.progress import Progress


@pytest.fixture
def plan(tmp_path):
    return run_study.build_plan(tmp_path)


def test_a_misspelt_or_missing_parameter_stops_before_any_kernel(plan):
    notebook = plan.steps[0].notebook
    with pytest.raises(ParamsError, match="'extrction' is not one of its parameters; it declares paths, extraction"):
        execute.check_parameters(notebook, {"paths": {}, "extrction": {}})
    with pytest.raises(ParamsError, match="no value for its parameter 'extraction'"):
        execute.check_parameters(notebook, {"paths": {}})
    execute.check_parameters(notebook, {"extraction": {}, "paths": {}})


def test_a_step_with_an_unknown_parameter_fails_with_a_page_and_without_a_kernel(plan, monkeypatch):
    monkeypatch.setattr(execute, "_run", lambda *a: pytest.fail("a kernel was started"))
    monkeypatch.setattr(os, "environ", dict(os.environ))
    wrong = plan.steps[0].model_copy(update={"parameters": {"paths": {}, "extraction": {}, "epoch": 3}})
    path = plan.model_copy(update={"steps": (wrong,)}).save(plan.work_dir / "plan.json")
    assert node.main(["--plan", str(path), "--step", wrong.id]) == 1
    assert "&#39;epoch&#39; is not one of its parameters" in plan.failed_page(wrong).read_text(encoding="utf-8")
    state = json.loads(plan.state_path(wrong).read_text(encoding="utf-8"))
    assert state["state"] == "failed"
    assert not wrong.receipt.exists()


@pytest.mark.parametrize(
    ("source", "declared"),
    [
        ('anatomy: str = "thumb"  # a = b', {"anatomy": "thumb"}),
        ("epochs: int | None = None\nshare = 0.5", {"epochs": None, "share": 0.5}),
        ("# nothing\nseeds: list = [1, 2]", {"seeds": [1, 2]}),
    ],
)
def test_parameters_that_papermill_overlooks_are_seen(tmp_path, source, declared):
    notebook = run_study.notebook(tmp_path / "n.ipynb", [], source)
    assert steps.declared_parameters(notebook) == declared


def test_a_computed_default_is_refused(tmp_path):
    notebook = run_study.notebook(tmp_path / "n.ipynb", [], 'out = f"runs/{3}"')
    with pytest.raises(ParamsError, match="the default of 'out' is computed"):
        steps.declared_parameters(notebook)


def test_the_receipt_shows_rows_and_hashes_and_tells_the_run(tmp_path, monkeypatch):
    table = tmp_path / "t.csv"
    table.write_text('a,b\n1,"two\nlines"\n2,x\n', encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(receipts.DRAFT, str(tmp_path / "draft.json"))
    shown = receipt([table], headline={"Studies": "2"})
    assert shown.index.tolist() == ["t.csv"]
    assert shown.loc["t.csv", "rows"] == "2"
    assert files.sha256(table).startswith(shown.loc["t.csv", "sha256"])
    told = receipts.draft(tmp_path / "draft.json")
    assert told == {"files": [str(table)], "headline": [["Studies", "2"]]}
    with pytest.raises(RunError, match=r"gone\.csv: named in the receipt but not written"):
        receipt([tmp_path / "gone.csv"])


def test_a_folder_fingerprint_sees_added_and_changed_files(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.dcm").write_bytes(b"1")
    first = files.fingerprint_folder(tmp_path)
    assert files.fingerprint_folder(tmp_path) == first
    os.utime(tmp_path / "deep" / "a.dcm", ns=(1, 1))
    second = files.fingerprint_folder(tmp_path)
    (tmp_path / "b.dcm").write_bytes(b"")
    assert len({first, second, files.fingerprint_folder(tmp_path)}) == 3


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path):
    path = files.write_text(tmp_path / "x.json", "old")
    with pytest.raises(UnicodeEncodeError):
        files.write_text(path, "new \udc80")
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_processes_of_another_build_folder_are_never_found(tmp_path):
    assert orphans.marker(tmp_path / "a") != orphans.marker(tmp_path / "b")
    assert orphans.find(orphans.marker(tmp_path / "a")) == []


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


def test_progress_prints_lines_and_on_a_terminal_a_bar_with_time_left(plan):
    first, second, third = plan.steps
    console = Terminal()
    shown = Progress(console, list(plan.steps), 2, {first.id: 10.0, second.id: 40.0, third.id: 40.0})
    assert shown.left_s() == pytest.approx(45, abs=1)
    shown.start(first)
    shown.end(first, 61)
    shown.start(second)
    shown.draw()
    lines = console.getvalue().split("\r\033[2K")[-1].split("\n")
    assert lines[0] == "[1/3] wrist · extraction            done in 1 min 01 s"
    assert lines[1].startswith("███████░░░░░░░░░░░░░ 1/3 | 0 s elapsed | about 40 s left | wrist · inclusive")
    plain = io.StringIO()
    quiet = Progress(plain, list(plan.steps), 1)
    assert quiet.left_s() is None
    quiet.draw()
    quiet.end(first, 3, failed="why")
    assert plain.getvalue() == "[1/3] wrist · extraction            FAILED after 3 s\n"
