"""One step as one process, started by Snakemake: `python -m labkit.run.node --plan PLAN --step ID`.

It runs the step's notebook (or makes the synthetic cohort), renders it, and writes the receipt last; only the
receipt makes the step done. Its state (running, done, failed) lies in the plan's working folder, where the
progress display reads it.
"""

import argparse
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from labkit.errors import LabkitError
from labkit.run import files, receipts
from labkit.run.steps import Plan, Step

__all__ = ["main", "run_step"]


def main(arguments: list[str] | None = None) -> int:
    """Run one step; 0 when its receipt was written, 1 when it failed (the reason is on standard error)."""
    parser = argparse.ArgumentParser(prog="python -m labkit.run.node", description="Run one step of a plan.")
    parser.add_argument("--plan", type=Path, required=True, help="the plan that `labkit run` wrote")
    parser.add_argument("--step", required=True, help="the step's id in it, such as demo/elbow/extraction")
    given = parser.parse_args(arguments)
    # jsonschema would spend over a second on a grammar of addresses that no notebook needs; it does without.
    sys.modules.setdefault("rfc3987_syntax", None)
    try:
        plan = Plan.read(given.plan)
        run_step(plan, plan.step(given.step))
    except LabkitError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    return 0


def run_step(plan: Plan, step: Step) -> None:
    """Run a step to its receipt.

    Raises
    ------
    LabkitError : the step failed; its failed page tells why.
    """
    started, clock = datetime.now(UTC), time.monotonic()
    _ = step.made_from  # read now: a notebook edited while it runs must count as changed afterwards
    _note(plan, step, state="running", started=started.timestamp(), pid=os.getpid())
    if step.html:
        plan.failed_page(step).unlink(missing_ok=True)
        plan.scratch(step).unlink(missing_ok=True)
    draft = step.beside(plan.work_dir / "drafts", ".json")
    draft.unlink(missing_ok=True)
    os.environ[receipts.DRAFT] = str(draft)
    try:
        notices = _run_notebook(plan, step, started) if step.notebook else _make_cohort(plan, step)
        listed = receipts.draft(draft)
        written = [*map(Path, listed["files"]), *(path for path in (step.ipynb, step.html) if path)]
        content = receipts.make(
            plan,
            step,
            written,
            started=started.isoformat(timespec="seconds"),
            seconds=round(time.monotonic() - clock, 1),
            headline=listed["headline"],
            notices=notices,
        )
        receipts.write(step, content)
    except Exception as error:  # the border of the process: whatever happened, the run has to know and a page to say it
        _fail(plan, step, error, started=started)
        raise
    _note(plan, step, state="done", started=started.timestamp(), seconds=content["seconds"])


def _fail(plan: Plan, step: Step, error: Exception, *, started: datetime) -> None:
    """Note the failure, and leave a page where the notebook did not come to leave one."""
    reason = str(error) if isinstance(error, LabkitError) else f"{type(error).__name__}, see its log."
    page = plan.failed_page(step)
    if page and not page.is_file():
        from labkit.run import pages

        pages.leave_failed(plan, step, reason)
    _note(plan, step, state="failed", started=started.timestamp(), reason=reason)


def _note(plan: Plan, step: Step, **facts: object) -> None:
    files.write_json(plan.state_path(step), {"step": step.id, **facts})


def _run_notebook(plan: Plan, step: Step, started: datetime) -> list[str]:
    # jsonschema, behind nbformat, builds a grammar of international addresses where this package is installed: two
    # seconds per step for a format that no notebook has.
    sys.modules.setdefault("rfc3987_syntax", None)
    from labkit.run import execute, pages  # imported late: the cohort needs none of these heavy libraries

    os.environ.update(execute.thread_settings(step.threads))
    # labkit.params.study reads it in the kernel; importing that here would cost a second.
    os.environ["LABKIT_BASE_DIR"] = str(step.base)
    clock = time.monotonic()
    return execute.execute_notebook(
        step.notebook,
        step.parameters,
        out_ipynb=step.ipynb,
        out_html=step.html,
        page=lambda: pages.frame(plan, step, started=started, seconds=time.monotonic() - clock),
        scratch=plan.scratch(step),
        base=step.base,
    )


def _make_cohort(plan: Plan, step: Step) -> list[str]:
    from labkit.run import simulation

    simulation.make(plan, step)
    return []


if __name__ == "__main__":
    sys.exit(main())
