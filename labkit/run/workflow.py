"""Run a plan with Snakemake: one run per build folder, resumed by itself after any kill, readable while it goes on.

Used by `labkit run` and `labkit check`. Snakemake decides what runs when; the receipts decide what is done;
every step is a process of its own (`labkit.run.node`). Snakemake's own words go to `.run/snakemake.log` in
the build folder.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from importlib.util import cache_from_source
from pathlib import Path
from typing import TextIO

import filelock
import psutil

from labkit.errors import RunError
from labkit.run import conclusion, files, freshness, index_page, orphans, watch
from labkit.run.freshness import Due
from labkit.run.progress import Progress, say
from labkit.run.steps import Plan, Step

__all__ = ["SNAKEFILE", "plan", "run", "run_plan"]

SNAKEFILE = Path(__file__).parents[2] / "workflow" / "Snakefile"
POLL_S = 0.2
INTERRUPTED = 130
UP_TO_DATE = "Everything is up to date; nothing was run."


def run(
    params_paths: list[Path],
    *,
    jobs: int | None = None,
    dry_run: bool = False,
    forced: bool = False,
    profile: Path | None = None,
    console: TextIO | None = None,
) -> int:
    """Run all steps of the given params files that are not done.

    Parameters
    ----------
    jobs : CPU cores to use together, by default all; results do not depend on it.
    dry_run : only print what would run and why.
    forced : run every step again.
    profile : folder of a Snakemake profile (a cluster); by default the steps run on this machine.

    Returns
    -------
    0 when all is done, 1 when a step failed (the last line printed names the page to open) or what may be shared
    holds an identifier of a patient, 130 when stopped.

    Raises
    ------
    ParamsError : a params file does not say what labkit can run.
    RunError : another run is using the same build folder.
    """
    from labkit.run import plans  # late: a notebook's kernel, which wants `receipt` only, needs no params models

    planned = plans.of_params(params_paths)
    return run_plan(planned, jobs=jobs, dry_run=dry_run, forced=forced, profile=profile, console=console or sys.stdout)


def plan(params_paths: list[Path]) -> list[Due]:
    """Steps that would run, each with its reason; nothing is run or changed."""
    from labkit.run import plans

    return freshness.due(plans.of_params(params_paths))


def run_plan(
    planned: Plan,
    *,
    jobs: int | None = None,
    dry_run: bool = False,
    forced: bool = False,
    profile: Path | None = None,
    console: TextIO,
) -> int:
    """Run a plan; see `run`."""
    if dry_run:
        return _tell(freshness.due(planned, forced=forced), console)
    with _only_run(planned), _stop_raises():
        mark = orphans.marker(planned.build_dir)
        ended = orphans.end(mark)
        if ended:
            say(console, f"An earlier run was cut off; ended {ended} of its processes and going on from there.")
        orphans.sweep(f"labkit-{mark[:10]}-", planned.folders)
        waiting = freshness.due(planned, forced=forced)
        if not waiting:
            say(console, UP_TO_DATE)
            if not (planned.reports_dir / "index.html").is_file():
                index_page.build(planned)
            return 0 if conclusion.may_be_shared(planned, console) else 1
        try:
            return _run_due(planned, [item.step for item in waiting], jobs=jobs, profile=profile, console=console)
        finally:
            orphans.end(mark)
            orphans.sweep(f"labkit-{mark[:10]}-", planned.folders)


def _tell(waiting: list[Due], console: TextIO) -> int:
    width = max((len(item.step.label) for item in waiting), default=0)
    for item in waiting:
        say(console, f"{item.step.label:<{width}}  {item.reason}")
    count = len(waiting)
    say(console, f"{count} {'step' if count == 1 else 'steps'} would run." if count else UP_TO_DATE)
    return 0


@contextlib.contextmanager
def _only_run(planned: Plan) -> Iterator[None]:
    """Hold the build folder's lock; the system frees it when this process ends, however it ends."""
    planned.work_dir.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(planned.work_dir / "lock", timeout=0)
    try:
        lock.acquire()
    except filelock.Timeout as error:
        raise RunError(
            f"Another run is using {files.portable(planned.build_dir, Path.cwd())}; wait for its end or stop it."
        ) from error
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def _stop_raises() -> Iterator[None]:
    """Treat a closed terminal or a polite kill like Ctrl-C, so that no child outlives the run."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(signum: int, frame: object) -> None:
        raise KeyboardInterrupt

    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


def _run_due(planned: Plan, due: list[Step], *, jobs: int | None, profile: Path | None, console: TextIO) -> int:
    freshness.discard(planned, due)
    for step in planned.steps:
        planned.state_path(step).unlink(missing_ok=True)
    jobs = jobs or os.cpu_count() or 1
    shown = Progress(console, due, jobs, watch.durations(planned))
    count = len(due)
    say(console, f"{count} {'step' if count == 1 else 'steps'} to run on {jobs} {'core' if jobs == 1 else 'cores'}.")
    process = _start(planned, jobs=jobs, profile=profile)
    try:
        while process.poll() is None:
            watch.look(planned, due, shown, local=profile is None)
            shown.draw()
            time.sleep(POLL_S)
    except KeyboardInterrupt:
        shown.close()
        orphans.end(orphans.marker(planned.build_dir))
        process.wait()
        say(console, "Stopped. What is done is kept; the same command goes on from here.")
        return INTERRUPTED
    orphans.end(orphans.marker(planned.build_dir))
    # When Snakemake itself was killed its steps did not fail, they were cut off.
    watch.look(planned, due, shown, local=process.returncode >= 0)
    shown.close()
    watch.keep_durations(planned, due)
    return conclusion.conclude(planned, due, shown.failed, console, code=process.returncode)


def _start(planned: Plan, *, jobs: int, profile: Path | None) -> subprocess.Popen:
    """Start Snakemake in its own session, with its words in a log and its records in the build folder."""
    plan_path = planned.save(planned.work_dir / "plan.json")
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(SNAKEFILE)]
    command += ["--directory", str(planned.work_dir), "--config", f"plan={plan_path}"]
    # The build folder's own lock stands for Snakemake's, which outlives a kill.
    # Its notes on incomplete files too: what lacks a sound receipt is gone by now, what has one is whole.
    command += ["--nolock", "--ignore-incomplete", "--keep-going", "--nocolor"]
    if profile:
        command += ["--profile", str(Path(profile).resolve()), "--jobs", str(jobs)]
    else:
        command += ["--cores", str(jobs), "--resources", "gpu=1", "--scheduler", "greedy"]
    environment = _environment(planned)
    with open(planned.work_dir / "snakemake.log", "w", encoding="utf-8") as log:
        return subprocess.Popen(
            command,
            stdout=log,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,
        )


def _environment(planned: Plan) -> dict[str, str]:
    """The children's environment: the mark by which a later run knows them, compiled modules in the build folder.

    Where modules are neither compiled nor may be (PYTHONDONTWRITEBYTECODE), each process would compile pandas
    and its like anew: seconds per step.
    """
    environment = {key: value for key, value in os.environ.items() if key != "SNAKEMAKE_PROFILE"}
    environment |= {orphans.MARKER: orphans.marker(planned.build_dir), "PYTHONUNBUFFERED": "1"}
    if environment.get("PYTHONDONTWRITEBYTECODE") and not Path(cache_from_source(psutil.__file__)).is_file():
        del environment["PYTHONDONTWRITEBYTECODE"]
        environment["PYTHONPYCACHEPREFIX"] = str(planned.work_dir / "bytecode")
    return environment
