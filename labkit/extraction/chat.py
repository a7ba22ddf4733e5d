"""Labels from a model at any OpenAI-compatible endpoint: nothing lost, nothing asked twice, every failure with its
reason.

Used by 01_extraction and `labkit extract`. Reports go in as (id, text), one `Answer` per report comes out in the same
order.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from labkit.extraction import prices, prompts
from labkit.extraction.answers import STATUSES, Answer, Label
from labkit.extraction.engine import Engine
from labkit.extraction.extracted import Extracted
from labkit.extraction.gate import Gate
from labkit.extraction.jobs import prepare, sample_key
from labkit.extraction.settings import Settings
from labkit.extraction.store import Store
from labkit.extraction.watching import checked_job, watch
from labkit.templates import Template

__all__ = [
    "STATUSES",
    "Answer",
    "Estimate",
    "Extracted",
    "Gate",
    "Label",
    "Settings",
    "estimate",
    "extract",
]

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
    if settings.batch:
        # Imported here, as in a run: the client is loaded only where something is asked.
        from labkit.extraction import batch

        return batch.extract(reports, template=template, settings=settings, store_path=store_path,
                             deidentify=deidentify, progress=progress, retry_failed=retry_failed)  # fmt: skip
    job = checked_job(template, settings, store_path, deidentify, retry_failed)
    return watch(Engine(job, gate=gate), reports, progress=progress)


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
    price, digest = table.at(settings), settings.digest(prompt.sha256)
    n = unsent = known = calls = characters = 0
    seen: set[str] = set()
    with Store(store_path) as store:
        rows = (prepare(str(i), text, digest=digest, deidentify=deidentify) for i, text in reports)
        while chunk := list(islice(rows, 500)):
            n += len(chunk)
            sent = [(row.key, len(text)) for row, text in chunk if row.key is not None]
            unsent += len(chunk) - len(sent)
            keys = {key: [sample_key(key, i) for i in range(settings.samples)] for key, _ in sent}
            found = store.statuses(name for names in keys.values() for name in names)
            answered = {name for name, row in found.items() if row[0] == "ok" or not retry_failed}
            for key, length in sent:
                wanted = [name for name in keys[key] if name not in answered and name not in seen]
                seen.update(wanted)
                known += not wanted
                calls += len(wanted)
                characters += len(wanted) * (len(prompt.text) + length)
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
