"""Labels from a model at any OpenAI-compatible endpoint: nothing lost, nothing asked twice, every failure with its
reason.

Used by 01_extraction and `labkit extract`. Reports go in as (id, text), one `Answer` per report comes out in the same
order.
"""

import gc
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labkit.errors import ExtractionError
from labkit.extraction import prices, prompts
from labkit.extraction.answers import STATUSES, Answer, Label
from labkit.extraction.engine import Engine
from labkit.extraction.extracted import Extracted
from labkit.extraction.gate import Gate
from labkit.extraction.jobs import Job, prepare, sample_key
from labkit.extraction.progress import Bar
from labkit.extraction.runs import Run
from labkit.extraction.settings import Settings
from labkit.extraction.store import Store
from labkit.templates import Template

__all__ = [
    "STATUSES",
    "Answer",
    "Estimate",
    "Extracted",
    "Gate",
    "Label",
    "Settings",
    "checked_job",
    "estimate",
    "extract",
    "watch",
]

GRACE_S = 10.0  # time for calls in flight to finish after an interrupt
ENVELOPE = 30  # characters of JSON around one finding of an answer


def extract(reports: Iterable[tuple[str, str]], *, template: Template, settings: Settings, store_path: str | Path,
            deidentify: Callable[[str], Any] | None = None, gate: Gate | None = None, progress: bool = True,
            retry_failed: bool = False) -> Extracted:  # fmt: skip
    """Ask for the labels of every report that the store does not hold yet.

    Parameters
    ----------
    reports : (report id, text) pairs, read once and as a stream; ids are opaque.
    store_path : SQLite file; the same call on it again goes on where it stopped.
    deidentify : text to an object with `.text` and `.to_original(start, end)`, as `labkit.deidentification.Gate.clean`.
    gate : shared admission to the endpoint, when several calls follow one another; made here by default.
    retry_failed : ask again for reports whose last answer failed.

    Returns
    -------
    Extracted with as many rows as reports; `stopped` holds a sentence where the run ended early, its other rows are
    skipped.

    Raises
    ------
    ExtractionError : before the first call: no key, texts that may name people on the way out, a budget without a
    price.
    KeyboardInterrupt : after an interrupt, when the calls in flight are kept.
    """
    job = checked_job(template, settings, store_path, deidentify, retry_failed)
    return watch(Engine(job, gate=gate), reports, progress=progress)


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


@dataclass(frozen=True)
class Estimate:
    """What a run would ask for; cost is None where the model has no price. Tokens are good to about `margin` "
    "(share)."""

    reports: int
    unsent: int  # empty reports and those that de-identification holds back
    known: int  # answered in the store
    calls: int
    prompt_tokens: int
    completion_tokens: int
    cost: float | None
    cost_low: float | None
    cost_high: float | None
    currency: str
    margin: float
    measured_on: int  # earlier answers that the estimate rests on


def estimate(reports: Iterable[tuple[str, str]], *, template: Template, settings: Settings, store_path: str | Path,
             deidentify: Callable[[str], Any] | None = None, retry_failed: bool = False) -> Estimate:  # fmt: skip
    """Calls, tokens and cost of a run before anything is sent; `reports` is read once, give it again to `extract`."""
    prompt = prompts.load(settings.prompt, template, switches=settings.switches)
    table = prices.load(settings.prices)
    price, digest = table.of(settings.model), settings.digest(prompt.sha256)
    n = unsent = known = calls = characters = 0
    seen: set[str] = set()
    with Store(store_path) as store:
        for report_id, text in reports:
            n += 1
            row, sent = prepare(str(report_id), text, digest=digest, deidentify=deidentify)
            if row.key is None:
                unsent += 1
                continue
            keys = {sample_key(row.key, i) for i in range(settings.samples)} - seen
            answered = {k for k, row in store.statuses(keys).items() if row[0] == "ok" or not retry_failed}
            seen |= keys
            known += not keys - answered
            calls += len(keys - answered)
            characters += len(keys - answered) * (len(prompt.text) + len(sent))
        past = store.latest(10)
    density, completion = _measured(past, prompt, template)
    tokens = (int(characters * density), int(calls * completion))
    margin = 0.15 if past else 0.35
    cost = price.cost(tokens[0], 0, tokens[1]) if price else None
    span = [round(cost * (1 + sign * margin), 6) if cost is not None else None for sign in (-1, 1)]
    return Estimate(n, unsent, known, calls, *tokens, cost, *span, table.currency, margin, len(past))


def _measured(past: list[dict], prompt: prompts.Prompt, template: Template) -> tuple[float, float]:
    """(prompt tokens per character, completion tokens per call), from earlier answers or by rule of thumb."""
    past = [p for p in past if p.get("prompt") == prompt.sha256 and p["tokens"][0] and p["tokens"][2]]
    if not past:
        envelope = sum(len(i) + ENVELOPE for i in template.ids)
        return 0.28, envelope / 3.5 + 60
    # Reports are short beside the prompt: their usual length is good enough here.
    prompt_tokens = [p["tokens"][0] / max(1, p.get("completions", p["attempts"])) for p in past]
    density = sum(prompt_tokens) / len(past) / (len(prompt.text) + 600)
    return density, sum(p["tokens"][2] for p in past) / len(past)
