"""Start a run and watch over it: what is refused before the first call, the progress bar, the interrupt.

Used by `chat` and `batch`.
"""

import gc
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from pathlib import Path

from labkit.errors import ExtractionError
from labkit.extraction import prices, prompts
from labkit.extraction.extracted import Extracted
from labkit.extraction.jobs import Job
from labkit.extraction.progress import Bar
from labkit.extraction.runs import Run
from labkit.extraction.settings import Settings
from labkit.extraction.store import Store
from labkit.templates import Template

__all__ = ["checked_job", "watch"]

GRACE_S = 10.0  # time for calls in flight to finish after an interrupt


def watch(engine: Run, reports: Iterable[tuple[str, str]], *, progress: bool) -> Extracted:
    """Run an engine in its thread and show how far it is; an interrupt winds it down and goes on up."""
    thread = threading.Thread(target=engine.run, args=(reports,), name="labkit-extraction", daemon=True)
    total = len(reports) if isinstance(reports, Sized) else None
    began = time.monotonic()
    thread.start()
    try:
        with _rare_collections(), Bar(total, shown=progress, label=engine.job.settings.model) as bar:
            # An event and not the thread's own join: in Python 3.11 an interrupted join takes the thread for ended.
            while not engine.ended.wait(0.1):
                bar.show(engine.tally)
            bar.show(engine.tally)
    except KeyboardInterrupt:
        _wind_down(engine)
        engine.close_files()
        raise
    if engine.error is not None:
        engine.close_files()
        raise engine.error
    assert engine.spool.n == engine.tally.seen, "rows out differ from rows in"
    return Extracted(engine, seconds=time.monotonic() - began)


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Look for garbage more rarely: answers with log-probabilities are thousands of small objects, none of it garbage.

    It takes a third of the time of a run otherwise.
    """
    before = gc.get_threshold()
    if before[0]:  # 0: the user has switched it off
        gc.set_threshold(max(before[0], 50_000), *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _wind_down(engine: Run) -> None:
    """Let calls in flight finish for a while, then give them up; a second interrupt gives them up at once."""
    engine.interrupt("interrupted; run again to go on, answers so far are kept")
    try:
        engine.ended.wait(min(GRACE_S, engine.job.settings.timeout_s))
    finally:
        engine.cut()
        engine.ended.wait(5.0)


def checked_job(
    template: Template, settings: Settings, store_path: str | Path, deidentify: Callable | None, retry_failed: bool
) -> Job:
    """Everything that can be refused before the first call is refused here."""
    if deidentify is None and not settings.is_local and settings.texts != "already anonymised":
        raise ExtractionError(
            f"endpoint {settings.host} is not local and the texts may name people: give a de-identification gate, "
            "list the host in "
            "local_hosts, or state texts: already anonymised. Nothing was sent."
        )
    settings.api_key()
    price = prices.load(settings.prices).for_run(settings)
    prompt = prompts.load(settings.prompt, template, switches=settings.switches)
    return Job(template, settings, prompt, Store(store_path), price, deidentify, retry_failed)
