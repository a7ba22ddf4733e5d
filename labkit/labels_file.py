"""One file of reports to one file of labels; the work of `labkit extract`.

Labels have one row per report and finding: `grounded` says whether the quote stands in the report (empty without a
quote), `confidence` is the model's where it gave one.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pandas as pd
from pydantic import ValidationError

from labkit import corpus, deidentification, tables, templates
from labkit.errors import CorpusError, ParamsError
from labkit.extraction import chat, labelling, rules
from labkit.extraction.settings import Settings
from labkit.params import messages

__all__ = ["Request", "extract"]

MOST_CLEANED = 20_000  # texts held at the same time
LABEL_COLUMNS = ["report_id", "finding", "value", "evidence", "grounded", "confidence"]
STATUS_COLUMNS = ["report_id", "status", "reason", "model", "prompt_tokens", "completion_tokens", "cost", "seconds"]


@dataclass(frozen=True)
class Request:
    """What is read, how, and where the labels go."""

    reports: Path
    template: str
    extractor: str
    output: Path
    id_column: str
    text_column: str

    @property
    def status_path(self) -> Path:
        return self.output.with_suffix(".status.csv")

    @property
    def store_path(self) -> Path:
        return self.output.with_suffix(".sqlite")


def extract(request: Request, *, options: dict, say: Callable[[str], None], warn: Callable[[str], None]) -> int:
    """Write labels and a status per row of the file; 0 where the run ended by itself, 1 where it stopped early.

    What was done is said, what is missing is warned of.

    Raises
    ------
    LabkitError : the file, the template or an option cannot be used; nothing was written.
    """
    _check_places(request, options)
    if request.extractor == "rules" and options:
        names = ", ".join(f"--{name.replace('_', '-')}" for name in options)
        raise ParamsError(f"{names}: the rules ask no model; add --extractor openai, or leave these out.")
    template = templates.load(request.template)
    read = corpus.load(request.reports, corpus.Columns(report_id=request.id_column, report=request.text_column))
    reports = [(report.report_id, report.text) for report in read.reports]
    if request.extractor == "rules":
        status, stopped = _read(request, reports, template), None
    else:
        status, stopped, notes = _ask(request, reports, template, dict(options), say)
        for note in notes:
            warn(f"Endpoint: {note}.")
    rejected = read.rejected[["report_id", "reason"]].assign(status="skipped")
    status = pd.concat([status, rejected], ignore_index=True)[STATUS_COLUMNS]
    whole = {"prompt_tokens": "Int64", "completion_tokens": "Int64"}
    status = status.astype(whole)
    assert len(status) == read.n_rows, "rows out differ from rows in"
    tables.write_csv(status, request.status_path)
    counts = status["status"].value_counts()
    say(f"{request.output}: labels of {counts.get('ok', 0)} of {read.n_rows} reports.")
    if counts.sum() > counts.get("ok", 0):
        warn(f"{request.status_path} says why {counts.sum() - counts.get('ok', 0)} have none.")
    if stopped:
        warn(f"Stopped early: {stopped}")
    return 1 if stopped else 0


def _check_places(request: Request, options: dict) -> None:
    """Refuse, before anything is read or paid for, an output that cannot be written or would replace another file."""
    if not request.output.parent.is_dir():
        raise CorpusError(f"{request.output}: there is no folder {request.output.parent}; make it first.")
    taken = {request.reports.resolve(): "the reports"}
    if request.extractor != "rules":
        taken[(options.get("store") or request.store_path).resolve()] = "the store of answers"
    for path in (request.output, request.status_path):
        if path.resolve() in taken:
            raise CorpusError(f"{path}: would replace {taken[path.resolve()]}; give --output another name.")


def _read(request: Request, reports: list[tuple[str, str]], template: templates.Template) -> pd.DataFrame:
    """Write what the rules read; the status of every report."""
    labelled = labelling.by_rules(reports, template=template, switches=rules.Switches())
    columns = ["study_id", *LABEL_COLUMNS[1:-1]]
    rows = labelled.findings[columns].itertuples(index=False)
    _write(((*row, "") for row in rows), request.output)
    return labelled.answers.rename(columns={"study_id": "report_id"})[STATUS_COLUMNS]


def _ask(
    request: Request, reports: list[tuple[str, str]], template: templates.Template, options: dict, say: Callable
) -> tuple[pd.DataFrame, str | None, list[str]]:
    """Write what the model said; every report's status, a sentence where the run ended early, and what to know."""
    store = options.pop("store", None) or request.store_path
    retry_failed, always = options.pop("retry_failed", False), options.pop("deidentify", False)
    if options.pop("already_anonymised", False):
        options["texts"] = "already anonymised"
    if "model" not in options:
        raise ParamsError("--model is missing: name the model at the endpoint, such as --model gpt-4o.")
    try:
        settings = Settings(**options)
    except ValidationError as error:
        faults = messages.sentences(error, options, Settings)
        raise ParamsError("\n".join(f"--{fault.replace('_', '-', 1)}" for fault in faults)) from None
    # A local endpoint gets the text as it is; whatever leaves the machine passes the gate.
    sends_as_is = (settings.is_local and not always) or settings.texts == "already anonymised"
    # Each text is cleaned for the estimate and again for the call; most cohorts are cleaned once this way.
    gate = None if sends_as_is else lru_cache(maxsize=MOST_CLEANED)(deidentification.Gate().clean)
    settings.api_key()
    how = {"template": template, "settings": settings, "store_path": store, "deidentify": gate,
           "retry_failed": retry_failed}  # fmt: skip
    expected = chat.estimate(reports, **how)
    if expected.calls:
        say(_in_words(expected, settings))
    statuses: list[tuple] = []
    with chat.extract(reports, **how) as answers:
        _write(_rows(answers, template, statuses), request.output)
        return pd.DataFrame(statuses, columns=STATUS_COLUMNS), answers.stopped, answers.record["warnings"]


def _in_words(expected: chat.Estimate, settings: Settings) -> str:
    """What is about to be asked, before it is: calls, tokens and what they cost."""
    tokens = f"about {expected.prompt_tokens:,} prompt and {expected.completion_tokens:,} answer tokens"
    if expected.cost is None:
        cost = f"{settings.model} has no price in the table"
    else:
        cost = f"about {expected.cost:,.2f} {expected.currency} ({expected.cost_low:,.2f} to {expected.cost_high:,.2f})"
    return f"{expected.calls:,} calls for {expected.reports:,} reports, {expected.known:,} answered: {tokens}; {cost}."


def _rows(answers: Iterable[chat.Answer], template: templates.Template, statuses: list[tuple]) -> Iterator[tuple]:
    """Rows of labels as they are read from the store, so that a long file needs no table of all; fills `statuses`."""
    names = [(finding.id, finding.name) for finding in template.findings]
    for answer in answers:
        model = answer.snapshot or answer.model
        used = (answer.prompt_tokens, answer.completion_tokens, answer.cost, answer.seconds)
        statuses.append((answer.report_id, answer.status, answer.reason, model, *used))
        for finding, name in names if answer.labels else ():
            label = answer.labels[finding]
            grounded = ("true" if label.grounded else "false") if label.evidence else ""
            yield answer.report_id, name, label.raised.value, label.evidence, grounded, label.confidence


def _write(rows: Iterable[tuple], path: Path) -> None:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(LABEL_COLUMNS)
    writer.writerows(rows)
    tables.atomic_write(path, buffer.getvalue().encode())
