"""Looks at params files and their inputs without running anything; the work of `labkit check`.

inputs     what the reports and radiographs of a study are, and every fault of its choices
outgoing   what an endpoint would be sent: calls, tokens, cost, what is removed, and a sample
reach      whether an endpoint answers, asked without any report
"""

from collections.abc import Callable
from pathlib import Path

from labkit import params
from labkit.checking import inputs, outgoing
from labkit.errors import LabkitError

__all__ = ["check"]


def check(
    paths: list[Path],
    *,
    say: Callable[[str], None],
    show: Callable[[str], None] | None = None,
    n_sample: int = 0,
    seed: int = 1,
) -> int:
    """Say every fault of every file, what the inputs hold, what would be sent and what would run.

    Parameters
    ----------
    show : takes lines of de-identified report text; None where they must not be shown.
    n_sample : de-identified reports to show, of studies that ask an endpoint.
    seed : chooses them.

    Returns
    -------
    0 where nothing is wrong, else 2.
    """
    studies, faults = [], []
    for path in paths:
        try:
            studies.append(params.load(path))
        except LabkitError as error:
            faults += str(error).splitlines()
    for study in studies:
        read, found = inputs.look(study, say)
        faults += found
        if "openai" in study.extraction.extractors:
            sample = outgoing.Sample(n_sample, seed, show)
            faults += outgoing.tell(study, read, say=say, sample=sample)
    for fault in faults:
        say(fault)
    if faults:
        say(f"{len(faults)} {'fault' if len(faults) == 1 else 'faults'}; nothing was run.")
        return 2
    _say_plan(paths, say)
    return 0


def _say_plan(paths: list[Path], say: Callable[[str], None]) -> None:
    from labkit.run import workflow

    due = workflow.plan(paths)
    if not due:
        say("Everything is up to date; nothing would run.")
        return
    say(f"{len(due)} steps would run:")
    for item in due:
        say(f"  {item.step.label:<42} {item.reason}")
