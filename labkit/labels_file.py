"""One file of reports to one file of labels; the work of `labkit extract`.

Labels have one row per report and finding: `grounded` says whether the quote stands in the report (empty without a
quote), `start` and `end` where (in characters; a line end is one), `confidence` is the model's where it gave one, and
`raised` is true where the hierarchy rule changed the value. A record of the run is written beside them.
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
from labkit.deidentification import KnownIdentifiers, identifiers_by_text
from labkit.errors import CorpusError, ParamsError
from labkit.extraction import chat, labelling, methods, rules
from labkit.extraction.settings import Settings
from labkit.params import messages

__all__ = ["Request", "extract"]

MOST_CLEANED = 20_000  # texts held at the same time
LABEL_COLUMNS = ["report_id", "finding", "value", "evidence", "start", "end", "grounded", "confidence", "raised"]
STATUS_COLUMNS = ["report_id", "status", "reason", "model", "prompt_tokens", "completion_tokens", "cost", "seconds"]
PLACE = "row"  # of the file, so that rows without an id, and those of one id, can be told apart


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
    def record_path(self) -> Path:
        return self.output.with_suffix(".record.json")

    @property
    def store_path(self) -> Path:
        return self.output.with_suffix(".sqlite")


@dataclass(frozen=True)
class Outcome:
    """Labels as a CSV, the status of every report in their order, the record; a sentence where the run ended early."""

    labels: bytes
    status: pd.DataFrame
    record: dict
    stopped: str = ""


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
    if request.extractor == "rules":
        outcome = _read(_pairs(read), template)
    else:
        outcome = _ask(request, read, template, dict(options), say)
    for note in outcome.record.get("warnings", ()):
        warn(f"Endpoint: {note}.")
    status = _every_row(outcome.status, read)
    n_ok = int((status["status"] == "ok").sum())
    if outcome.stopped and not n_ok and request.output.exists():
        warn(f"{request.output}: left as it was, since no report has labels from this run.")
    else:
        _write(outcome, status, request)
        say(f"{request.output}: labels of {n_ok} of {read.n_rows} reports.")
        if outcome.record.get("violations"):
            say(f"{outcome.record['raised']:,} values were raised to those of their parts (column raised).")
        if len(status) > n_ok:
            warn(f"{request.status_path} says why {len(status) - n_ok} have none.")
    if outcome.stopped:
        warn(f"Stopped early: {outcome.stopped}")
    return 1 if outcome.stopped else 0


def _check_places(request: Request, options: dict) -> None:
    """Refuse, before anything is read or paid for, an output that cannot be written or would replace another file."""
    if not request.output.parent.is_dir():
        raise CorpusError(f"{request.output}: there is no folder {request.output.parent}; make it first.")
    taken = {request.reports.resolve(): "the reports"}
    if request.extractor != "rules":
        taken[(options.get("store") or request.store_path).resolve()] = "the store of answers"
    for path in (request.output, request.status_path, request.record_path):
        if path.resolve() in taken:
            raise CorpusError(f"{path}: would replace {taken[path.resolve()]}; give --output another name.")


def _every_row(status: pd.DataFrame, read: corpus.Corpus) -> pd.DataFrame:
    """The status of every row of the file, in its order, also of those that could not be used."""
    status = status.assign(**{PLACE: [report.row for report in read.reports]})
    rejected = read.rejected[[PLACE, "report_id", "reason"]].assign(status="skipped")
    status = pd.concat([status, rejected], ignore_index=True)[[*STATUS_COLUMNS, PLACE]]
    assert len(status) == read.n_rows, "rows out differ from rows in"
    whole = {"prompt_tokens": "Int64", "completion_tokens": "Int64"}
    return status.astype(whole).sort_values(PLACE, kind="stable", ignore_index=True)


def _read(reports: list[tuple[str, str]], template: templates.Template) -> Outcome:
    """What the rules read."""
    labelled = labelling.by_rules(reports, template=template, switches=rules.Switches())
    raised = set(labelled.raised[["study_id", "finding"]].itertuples(index=False, name=None))
    columns = ["study_id", "finding", "value", "evidence", "start", "end", "grounded"]
    rows = (
        (*row[:4], *(row[4:6] if row[4] >= 0 else ("", "")), row[6], "", str(row[:2] in raised).lower())
        for row in labelled.findings[columns].itertuples(index=False, name=None)
    )
    status = labelled.answers.rename(columns={"study_id": "report_id"})[STATUS_COLUMNS]
    return Outcome(_lines(rows), status, labelled.record)


def _pairs(read: corpus.Corpus) -> list[tuple[str, str]]:
    return [(report.report_id, report.text) for report in read.reports]


def _ask(request: Request, read: corpus.Corpus, template: templates.Template, options: dict, say: Callable) -> Outcome:
    """What the model said."""
    reports = _pairs(read)
    store = options.pop("store", None) or request.store_path
    retry_failed, always = options.pop("retry_failed", False), options.pop("deidentify", False)
    known = options.pop("known_column", ())
    settings = _settings(options)
    # A local endpoint gets the text as it is; whatever leaves the machine passes the gate.
    sends_as_is = (settings.is_local and not always) or settings.texts == "already anonymised"
    if known and sends_as_is:
        raise ParamsError("--known-column: the texts are sent as they are; leave it out, or add --deidentify.")
    gate = None if sends_as_is else _gate(request, read, known)
    settings.api_key()
    how = {"template": template, "settings": settings, "store_path": store, "deidentify": gate,
           "retry_failed": retry_failed}  # fmt: skip
    expected = chat.estimate(reports, **how)
    if expected.calls:
        say(_in_words(expected, settings))
    statuses: list[tuple] = []
    with chat.extract(reports, **how) as answers:
        # Rows become text as they are read, so that a long file needs no table of all.
        lines = _lines(_rows(answers, template, statuses))
        record = {**answers.record, **answers.quality()}
        return Outcome(lines, pd.DataFrame(statuses, columns=STATUS_COLUMNS), record, answers.stopped or "")


def _settings(options: dict) -> Settings:
    if options.pop("already_anonymised", False):
        options["texts"] = "already anonymised"
    if "model" not in options:
        raise ParamsError("--model is missing: name the model at the endpoint, such as --model gpt-4o.")
    try:
        return Settings(**options)
    except ValidationError as error:
        faults = messages.sentences(error, options, Settings)
        raise ParamsError("\n".join(f"--{fault.replace('_', '-', 1)}" for fault in faults)) from None


def _gate(request: Request, read: corpus.Corpus, columns: tuple[str, ...]) -> Callable:
    """De-identification that knows the report ids and the values of the columns named."""
    values = corpus.values(request.reports, columns)
    known = KnownIdentifiers(ids=[report.report_id for report in read.reports])
    known |= KnownIdentifiers.of(value for held in values.values() for value in held)
    own = identifiers_by_text((report.text, values.get(report.row, ())) for report in read.reports)
    # Each text is cleaned for the estimate and again for the call; most cohorts are cleaned once this way.
    return lru_cache(maxsize=MOST_CLEANED)(deidentification.Gate(known=known, own=own).clean)


def _in_words(expected: chat.Estimate, settings: Settings) -> str:
    """What is about to be asked, before it is: calls, tokens and what they cost."""
    tokens = f"about {expected.prompt_tokens:,} prompt and {expected.completion_tokens:,} answer tokens"
    if expected.cost is None:
        cost = f"{settings.model} has no price in the table"
    else:
        cost = f"about {expected.cost:,.2f} {expected.currency} ({expected.cost_low:,.2f} to {expected.cost_high:,.2f})"
    return f"{expected.calls:,} calls for {expected.reports:,} reports, {expected.known:,} answered: {tokens}; {cost}."


def _rows(answers: Iterable[chat.Answer], template: templates.Template, statuses: list[tuple]) -> Iterator[tuple]:
    """Rows of labels as they are read from the store; fills `statuses`."""
    names = [(finding.id, finding.name) for finding in template.findings]
    for answer in answers:
        model = answer.snapshot or answer.model
        used = (answer.prompt_tokens, answer.completion_tokens, answer.cost, answer.seconds)
        statuses.append((answer.report_id, answer.status, answer.reason, model, *used))
        for finding, name in names if answer.labels else ():
            label = answer.labels[finding]
            grounded = ("true" if label.grounded else "false") if label.evidence else ""
            raised = "false" if label.raised is label.value else "true"
            place = (label.evidence, label.start, label.end, grounded, label.confidence, raised)
            yield answer.report_id, name, label.raised.value, *place


def _lines(rows: Iterable[tuple]) -> bytes:
    """The labels as the bytes of a CSV."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(LABEL_COLUMNS)
    writer.writerows(rows)
    return buffer.getvalue().encode()


def _write(outcome: Outcome, status: pd.DataFrame, request: Request) -> None:
    tables.atomic_write(request.output, outcome.labels)
    tables.write_csv(status, request.status_path)
    methods.save_record({request.extractor: outcome.record}, request.record_path)
