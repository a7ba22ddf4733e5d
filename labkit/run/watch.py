"""Follow a run by what its steps say of themselves: running, done, failed, or killed without a word."""

import contextlib
import json
import time

import psutil

from labkit.run import files
from labkit.run.progress import Progress
from labkit.run.steps import Plan, Step

__all__ = ["durations", "keep_durations", "look"]


def look(planned: Plan, due: list[Step], shown: Progress, *, local: bool) -> None:
    """Read the steps' states; a step whose process is gone without a word was killed."""
    for step in due:
        if step.id in shown.ended:
            continue
        try:
            state = json.loads(planned.state_path(step).read_text(encoding="utf-8"))
        except (OSError, json.JSONDecodeError):
            continue
        seconds = time.time() - state["started"]
        if state["state"] == "done":
            shown.end(step, state["seconds"])
        elif state["state"] == "failed":
            shown.end(step, seconds, failed=state["reason"])
        elif local and not psutil.pid_exists(state["pid"]):
            _leave_page(planned, step)
            shown.end(step, seconds, failed="ended from outside")
        else:
            shown.start(step)


def _leave_page(planned: Plan, step: Step) -> None:
    """Render what a killed step had saved, marked as failed."""
    if step.html:
        from labkit.run import pages  # the heavy libraries are loaded only for this rare page

        pages.leave_failed(planned, step)


def durations(planned: Plan) -> dict[str, float]:
    """Seconds that each step took when it was last done, by id."""
    try:
        return json.loads((planned.work_dir / "durations.json").read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError):
        return {}


def keep_durations(planned: Plan, due: list[Step]) -> None:
    """Remember how long the steps took, for the next run's guess of the time left."""
    known = durations(planned)
    for step in due:
        with contextlib.suppress(OSError, json.JSONDecodeError, KeyError):
            known[step.id] = json.loads(step.receipt.read_text(encoding="utf-8"))["seconds"]
    files.write_json(planned.work_dir / "durations.json", known)
