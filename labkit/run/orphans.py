"""Processes that an ended run left behind: found by a marker in their environment, never by name, and ended.

Every process below a run (Snakemake, each step, each kernel and what it started) inherits the marker of its
build folder. Processes without it, of other users or of other build folders are never touched.
"""

import glob
import os
import shutil
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import psutil

from labkit.run import files

__all__ = ["MARKER", "end", "find", "marker", "sweep"]

MARKER = "LABKIT_RUN_MARKER"
ROUNDS = 20
PAUSE_S = 0.1


def marker(build_dir: Path) -> str:
    """The mark of all processes that write into this build folder."""
    return files.digest(os.path.realpath(build_dir))[:16]


def find(mark: str) -> list[psutil.Process]:
    """Living processes that bear the mark, without this one and those above it."""
    own = psutil.Process()
    spared = {own.pid, *(process.pid for process in own.parents())}
    found = []
    for process in psutil.process_iter():
        if process.pid in spared:
            continue
        try:
            if process.environ().get(MARKER) == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.Error, OSError):  # gone meanwhile, or another user's
            continue
    return found


def end(mark: str) -> int:
    """End all processes that bear the mark, at once; gives their number.

    Nothing is asked to finish first: every file is written whole or not at all, and only receipts count.
    psutil compares the creation time before it sends a signal, so that a reused process id is never hit.
    """
    ended: set[int] = set()
    for _ in range(ROUNDS):
        living = find(mark)
        if not living:
            break
        for process in living:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
            ended.add(process.pid)
        psutil.wait_procs(living, timeout=2)
        time.sleep(PAUSE_S)
    return len(ended)


def sweep(prefix: str, folders: Iterable[Path]) -> None:
    """Remove what killed processes left: temporary kernel folders (only this user's own) and half-written files."""
    for place in {tempfile.gettempdir(), "/tmp"}:
        for folder in glob.glob(os.path.join(glob.escape(place), f"{prefix}*")):
            facts = os.lstat(folder)
            if not hasattr(os, "getuid") or facts.st_uid == os.getuid():
                shutil.rmtree(folder, ignore_errors=True)
    for folder in folders:
        for part in folder.glob(".*.part"):
            part.unlink(missing_ok=True)
