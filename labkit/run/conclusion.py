"""How a run ends: the first page, the last look for identifiers of patients, and what is said."""

import json
from pathlib import Path
from typing import TextIO

from labkit.errors import LabkitError
from labkit.run import files, index_page, last_look
from labkit.run.progress import say
from labkit.run.steps import Plan, Step

__all__ = ["conclude", "may_be_shared"]


def conclude(planned: Plan, due: list[Step], failed_ids: set[str], console: TextIO, *, code: int) -> int:
    """Write the first page, look for identifiers, and say in the last line what to open; gives the exit code.

    Parameters
    ----------
    failed_ids : ids of the steps that said they failed; others without a receipt were not run.
    code : Snakemake's own exit code.
    """
    index = index_page.build(planned)
    shareable = may_be_shared(planned, console)
    missing = [step for step in due if not step.receipt.is_file()]
    if not missing and code == 0:
        if shareable:
            say(console, f"All done. Open {files.portable(index, Path.cwd())}")
        return 0 if shareable else 1
    failed = [step for step in missing if step.id in failed_ids]
    waiting = len(missing) - len(failed)
    if waiting and failed:
        say(console, f"{waiting} later {'step was' if waiting == 1 else 'steps were'} not run.")
    if failed:
        say(console, _reason(planned, failed[0]))
        count = f"{len(failed)} {'step' if len(failed) == 1 else 'steps'} failed"
        say(console, f"{count}, first {failed[0].label}; open {_open(planned, failed[0])}")
    else:
        log = files.portable(planned.work_dir / "snakemake.log", Path.cwd())
        say(console, f"The run was cut off; the same command goes on from here. Its log is {log}")
    return 1


def may_be_shared(planned: Plan, console: TextIO) -> bool:
    """Look for identifiers of patients in what is new under reports/; where there are any, the first page says so."""
    try:
        found, n_read = last_look.look(planned)
    except LabkitError as error:
        say(console, f"Do not share the reports, they were not searched for identifiers: {error}")
        return False
    if found or index_page.is_marked(planned):
        index_page.build(planned)
        found, _ = last_look.look(planned)  # the page that was just written, too
    if found:
        say(console, last_look.sentence(found))
    elif n_read:
        count = f"{n_read} new {'file' if n_read == 1 else 'files'}"
        say(console, f"No identifier of a patient was found in {count} that may be shared.")
    return not found


def _reason(planned: Plan, step: Step) -> str:
    """What the step's process said last; its log may hold more."""
    try:
        return json.loads(planned.state_path(step).read_text(encoding="utf-8"))["reason"]
    except (OSError, ValueError, KeyError):
        return f"{step.label} was ended from outside."


def _open(planned: Plan, step: Step) -> str:
    page = planned.failed_page(step)
    if page is None or not page.is_file():
        page = step.beside(planned.work_dir / "log", ".log")
    return files.portable(page, Path.cwd())
