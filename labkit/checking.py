"""Looks at params files and their inputs without running anything; the work of `labkit check`."""

import os
from collections.abc import Callable
from pathlib import Path

from labkit import corpus, params
from labkit.errors import LabkitError
from labkit.params import Study

__all__ = ["check"]


def check(paths: list[Path], *, say: Callable[[str], None]) -> int:
    """Say every fault of every file, what the inputs hold and what would run; 0 where nothing is wrong, else 2."""
    studies, faults = [], []
    for path in paths:
        try:
            studies.append(params.load(path))
        except LabkitError as error:
            faults += str(error).splitlines()
    for study in studies:
        faults += _look(study, say)
    for fault in faults:
        say(fault)
    if faults:
        say(f"{len(faults)} {'fault' if len(faults) == 1 else 'faults'}; nothing was run.")
        return 2
    _say_plan(paths, say)
    return 0


def _look(study: Study, say: Callable[[str], None]) -> list[str]:
    """Say what the inputs of a study hold; give the faults."""
    say(f"{study.file.name}: study {study.study}, {study.anatomy}, {len(study.template.findings)} findings, "
        f"policies {', '.join(study.policies)}")  # fmt: skip
    if study.synthetic:
        made = study.synthetic
        say(f"  synthetic cohort: {made.n_internal} internal and {made.n_external} external studies")
        return []
    faults = []
    for name, site in study.cohort.sites.items():
        try:
            read = corpus.load(study.resolve(site.reports), site.columns)
        except LabkitError as error:
            faults.append(f"{study.file.name}: cohort.sites.{name}.reports: {error}")
            continue
        say(f"  {name}: {len(read.reports)} reports in {read.n_rows} rows")
        for reason, n in read.rejected["reason"].str.replace(r"line \d+ ", "", regex=True).value_counts().items():
            say(f"    {n} rows are not used: {reason}")
        if site.images is None:
            say("    no radiographs: extraction and verification only")
        else:
            n_files = sum(len(files) for _, _, files in os.walk(study.resolve(site.images)))
            say(f"    {n_files} files in the image folder")
    return faults


def _say_plan(paths: list[Path], say: Callable[[str], None]) -> None:
    from labkit.run import workflow

    due = workflow.plan(paths)
    if not due:
        say("Everything is up to date; nothing would run.")
        return
    say(f"{len(due)} steps would run:")
    for item in due:
        say(f"  {item.step.label:<42} {item.reason}")
