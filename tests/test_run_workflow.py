"""The run through the real Snakemake, papermill and kernels: what is due, what fails, what a kill leaves."""

import dataclasses
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import run_study

from labkit.errors import RunError
from labkit.run import freshness, orphans
from labkit.run.steps import Plan

pytestmark = pytest.mark.notebooks
START = (
    "import sys; from pathlib import Path; from labkit.run import workflow; from labkit.run.steps import Plan;"
    "sys.exit(workflow.run_plan(Plan.read(Path(sys.argv[1])), jobs=2, console=sys.stdout))"
)


def start(plan: Plan) -> subprocess.Popen:
    """A run in a process of its own, as a person starts it."""
    path = plan.save(plan.steps[0].base / "plan.json")
    return subprocess.Popen([sys.executable, "-c", START, str(path)], stdout=subprocess.PIPE, text=True)


def wait_for(plan: Plan, word: str, *, limit_s: float = 90) -> psutil.Process:
    """The first process of this run whose command holds the word (a shell around it does not count)."""
    mark, end = orphans.marker(plan.build_dir), time.monotonic() + limit_s
    while time.monotonic() < end:
        for process in orphans.find(mark):
            try:
                command = process.cmdline()
            except psutil.Error:
                continue
            if word in " ".join(command) and "bash" not in command[0]:
                return process
        time.sleep(0.05)
    raise AssertionError(f"no process '{word}' appeared")


def wait_until_saved(plan: Plan, number: int, *, limit_s: float = 60) -> None:
    """Wait until a step's notebook has been saved with a cell that is being run."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        path = plan.scratch(plan.steps[number])
        if path.is_file() and '"status": "running"' in path.read_text(encoding="utf-8"):
            return
        time.sleep(0.05)
    raise AssertionError("the notebook was not saved")


@pytest.fixture(scope="module", autouse=True)
def compiled_once(tmp_path_factory):
    """Share compiled modules between the processes of all runs here; each would compile pandas anew."""
    with pytest.MonkeyPatch.context() as patch:
        if "PYTHONDONTWRITEBYTECODE" in os.environ:
            patch.delenv("PYTHONDONTWRITEBYTECODE")
            patch.setenv("PYTHONPYCACHEPREFIX", str(tmp_path_factory.getbasetemp().parent / "bytecode"))
        yield


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """A finished run and what it printed."""
    plan = run_study.build_plan(tmp_path_factory.mktemp("whole"))
    code, printed = run_study.run(plan)
    assert code == 0, printed
    return plan, printed


def test_a_run_does_every_step_and_names_the_page_to_open(undisturbed):
    plan, printed = undisturbed
    assert all(step.html.is_file() and step.receipt.is_file() for step in plan.steps)
    assert printed.splitlines()[0] == "3 steps to run on 2 cores."
    assert printed.splitlines()[-1].endswith("reports/index.html")
    assert len(run_study.hashes(plan)) == 3


def test_a_second_run_does_nothing_and_says_so_at_once(undisturbed):
    plan, _ = undisturbed
    before = [step.receipt.stat().st_mtime_ns for step in plan.steps]
    began = time.monotonic()
    assert run_study.run(plan) == (0, "Everything is up to date; nothing was run.\n")
    assert time.monotonic() - began < 6
    assert [step.receipt.stat().st_mtime_ns for step in plan.steps] == before


def test_a_changed_parameter_makes_due_only_what_reads_it(undisturbed):
    plan, _ = undisturbed
    changed = run_study.build_plan(plan.steps[0].base, training={"factor": 5})
    due = freshness.due(changed)
    assert [item.step.name for item in due] == ["training", "training"]
    assert {item.reason for item in due} == {"training.factor was 2, is 5"}
    everything = run_study.build_plan(plan.steps[0].base, extraction={"factor": 4})
    assert [item.reason for item in freshness.due(everything)] == [
        "extraction.factor was 3, is 4",
        "reads wrist · extraction",
        "reads wrist · extraction",
    ]
    run_study.build_plan(plan.steps[0].base)


def test_outputs_left_in_a_notebook_do_not_make_it_due_but_an_edit_does(undisturbed):
    plan, _ = undisturbed
    path = plan.steps[1].notebook
    content = json.loads(path.read_text(encoding="utf-8"))
    try:
        content["cells"][1]["metadata"]["scrolled"] = True
        content["cells"][2]["execution_count"] = 7
        path.write_text(json.dumps(content), encoding="utf-8")
        assert freshness.due(plan) == []
        content["cells"][-1]["source"] += "\n'edited'"
        path.write_text(json.dumps(content), encoding="utf-8")
        edited = run_study.Plan.read(plan.save(plan.steps[0].base / "edited.json"))
        assert {item.reason for item in freshness.due(edited)} == {"its notebook was edited"}
    finally:
        run_study.build_plan(plan.steps[0].base)


def test_a_changed_or_missing_table_makes_its_step_and_the_later_ones_due(undisturbed):
    plan, _ = undisturbed
    table = plan.steps[0].base / "build" / "mini" / "wrist" / "first.csv"
    whole = table.read_bytes()
    try:
        table.write_bytes(whole[: len(whole) // 2])
        assert freshness.due(plan)[0].reason == "first.csv was changed"
        assert len(freshness.due(plan)) == 3
        table.unlink()
        assert freshness.due(plan)[0].reason == "first.csv is missing"
    finally:
        table.write_bytes(whole)
    assert freshness.due(plan) == []


def test_a_result_that_rests_on_other_results_is_due(undisturbed):
    plan, _ = undisturbed
    receipt = plan.steps[2].receipt
    whole = receipt.read_text(encoding="utf-8")
    try:
        content = json.loads(whole)
        content["after"] = {plan.steps[0].id: "0" * 64}
        receipt.write_text(json.dumps(content), encoding="utf-8")
        assert [dataclasses.astuple(item)[1] for item in freshness.due(plan)] == ["wrist · extraction has new results"]
        receipt.write_text(whole[:40], encoding="utf-8")
        assert [item.reason for item in freshness.due(plan)] == ["not done yet"]
    finally:
        receipt.write_text(whole, encoding="utf-8")


def test_a_dry_run_tells_the_reason_and_changes_nothing(undisturbed):
    plan, _ = undisturbed
    changed = run_study.build_plan(plan.steps[0].base, training={"factor": 9})
    code, printed = run_study.run(changed, dry_run=True)
    assert code == 0
    assert printed.splitlines()[-1] == "2 steps would run."
    assert "training.factor was 2, is 9" in printed
    assert all(step.html.is_file() for step in plan.steps)
    run_study.build_plan(plan.steps[0].base)


def test_a_failing_notebook_leaves_its_page_and_the_others_go_on(tmp_path):
    plan = run_study.build_plan(tmp_path, training={"factor": 2})
    broken = plan.steps[1].model_copy(update={"parameters": plan.steps[1].parameters | {"training": {"seconds": 0}}})
    plan = plan.model_copy(update={"steps": (plan.steps[0], broken, plan.steps[2])})
    code, printed = run_study.run(plan)
    assert code == 1
    reason, last = printed.splitlines()[-2:]
    assert reason == "03_training.ipynb: Cell 4 stopped with KeyError. See 03_training.failed.html."
    assert last.startswith("1 step failed, first wrist · inclusive · training; open ")
    page = Path(last.partition("open ")[2])
    assert page.name == "03_training.failed.html"
    text = page.read_text(encoding="utf-8")
    assert "This step failed." in text and "KeyError" in text
    assert not plan.steps[1].html.exists() and not plan.steps[1].receipt.exists()
    assert plan.steps[2].receipt.is_file()
    index = (tmp_path / "reports" / "index.html").read_text(encoding="utf-8")
    assert "03_training.failed.html" in index
    mended = run_study.build_plan(tmp_path)
    code, printed = run_study.run(mended)
    assert (code, printed.splitlines()[0]) == (0, "1 step to run on 2 cores.")
    assert not page.exists()


def test_a_run_killed_anywhere_is_completed_by_the_same_command(undisturbed, tmp_path):
    plan = run_study.build_plan(tmp_path, seconds=1.5, policies=("inclusive",))
    page = plan.failed_page(plan.steps[0])
    traces = {"ipykernel_launcher": "The kernel was ended from outside", "labkit.run.node": "Its process was ended"}
    for target in ("ipykernel_launcher", "labkit.run.node", "-m snakemake", "parent"):
        running = start(plan)
        kernel = wait_for(plan, "ipykernel_launcher")
        wait_until_saved(plan, 0)
        (running if target == "parent" else wait_for(plan, target)).kill()
        printed, _ = running.communicate(timeout=90)
        assert running.returncode == (-9 if target == "parent" else 1), printed
        assert not plan.steps[0].receipt.exists() and not plan.steps[0].html.exists()
        assert page.is_file() == (target in traces)
        assert traces.get(target, "") in (page.read_text(encoding="utf-8") if page.is_file() else "")
    part = plan.steps[0].receipt.parent.parent / ".first.csv.x.part"
    part.write_text("half", encoding="utf-8")
    code, printed = run_study.run(plan)
    assert code == 0, printed
    assert printed.startswith("An earlier run was cut off; ended ")
    assert not part.exists()
    assert not kernel.is_running()
    # The pause is a parameter and the other policy is missing, but what was computed has to be the same.
    assert run_study.hashes(plan).items() <= run_study.hashes(undisturbed[0]).items()
    assert not list(tmp_path.rglob("*.failed.*"))


def test_a_second_run_on_the_same_build_folder_stops_with_one_sentence(undisturbed):
    plan, _ = undisturbed
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import filelock, sys; f = filelock.FileLock(sys.argv[1]); f.acquire(); print(1); input()",
        ]
        + [str(plan.work_dir / "lock")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        holder.stdout.readline()
        with pytest.raises(RunError, match=r"^Another run is using .*build; wait for its end or stop it\.$"):
            run_study.run(plan)
    finally:
        holder.kill()
        holder.communicate()
    assert run_study.run(plan)[0] == 0


def test_ctrl_c_ends_every_child_and_the_same_command_goes_on(tmp_path):
    plan = run_study.build_plan(tmp_path, seconds=20, policies=())
    running = start(plan)
    wait_for(plan, "ipykernel_launcher")
    running.send_signal(2)
    printed, _ = running.communicate(timeout=30)
    assert running.returncode == 130
    assert printed.splitlines()[-1].startswith("Stopped.")
    assert orphans.find(orphans.marker(plan.build_dir)) == []
    assert [item.reason for item in freshness.due(plan)] == ["not done yet"]


def test_a_sentence_of_labkit_is_said_and_what_others_say_is_not(tmp_path):
    said = "from labkit import errors\nraise errors.{}(f'the budget of 5 is reached, see {{folder.resolve()}}/x.csv.')"
    plan = run_study.build_plan(tmp_path, policies=("inclusive",))
    cells = [("code", run_study.FIRST), ("code", said.format("ExtractionError"))]
    run_study.notebook(plan.steps[0].notebook, cells, "paths: dict = {}\nextraction: dict = {}")
    _, printed = run_study.run(plan)
    assert (
        "01_extraction.ipynb: Cell 4 stopped with ExtractionError. the budget of 5 is reached, see "
        "build/mini/wrist/x.csv. See 01_extraction.failed.html."
    ) in printed.splitlines()
    page = plan.failed_page(plan.steps[0]).read_text(encoding="utf-8")
    assert "the budget of 5 is reached" in page and str(tmp_path) not in page
