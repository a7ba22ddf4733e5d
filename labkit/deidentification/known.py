"""Identifiers known from columns or DICOM headers, found in every spelling that reports use."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from labkit.deidentification.spans import Span
from labkit.deidentification.spellings import fold, read_date

__all__ = ["KnownIdentifiers", "KnownNumbers", "identifiers_by_text"]

SHORTEST_ID = 4
CHUNK = re.compile(r"[^\W_]+")
JOINING = frozenset("-./ _#@()\u00a0\u202f\u2011–\t\r\n")
SEPARATOR = re.compile(r"[-./ _#@()\u00a0\u202f\u2011–]{1,3}")
# a line of a report may end inside of a number, a line of a table does not
WRAPPED = re.compile(r"[-./ _#@()\u00a0\u202f\u2011–]{0,2}[\t\r\n -]{1,3}|" + SEPARATOR.pattern)
GLUED = re.compile(r"(?<=[^\W\d_])\d{5,}|\d{5,}(?=[^\W\d_])")
MISSING = {"", "nan", "none", "null", "nat", "<na>", "unbekannt", "unknown", "anonymous", "anonym"}


def _clean(values) -> tuple[str, ...]:
    if isinstance(values, str):
        values = (values,)
    kept = []
    for value in values or ():
        text = value.isoformat()[:10] if isinstance(value, date) else str(value).strip()
        if text.casefold() not in MISSING:
            kept.append(text)
    return tuple(dict.fromkeys(kept))


Values = Annotated[tuple[str, ...], BeforeValidator(_clean), Field(repr=False)]


class KnownIdentifiers(BaseModel):
    """Identifiers by kind; empty, missing and repeated values are dropped, values do not show in `repr`.

    Names are full, one per person ("Müller, Karl", "Karl Müller", DICOM "Müller^Karl"); dates are objects,
    ISO, DICOM (19550707) or day.month.year; ids of fewer than 4 characters are ignored: they would hit measurements.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    names: Values = ()
    dates: Values = ()
    ids: Values = ()
    phones: Values = ()
    emails: Values = ()
    addresses: Values = ()

    @classmethod
    def of(cls, values: Iterable) -> "KnownIdentifiers":
        """Sort plain values into kinds by their looks: dates, e-mail, phones, addresses, ids, names."""
        sorted_values = defaultdict(list)
        for value in _clean(values):
            sorted_values[_kind(value)].append(value)
        return cls(**sorted_values)

    def __bool__(self) -> bool:
        return any((self.names, self.dates, self.ids, self.phones, self.emails, self.addresses))

    def __or__(self, other: "KnownIdentifiers") -> "KnownIdentifiers":
        """All identifiers of both."""
        return KnownIdentifiers(
            **{kind: getattr(self, kind) + getattr(other, kind) for kind in KnownIdentifiers.model_fields}
        )


def identifiers_by_text(found: Iterable[tuple[str, Iterable]]) -> dict[str, KnownIdentifiers]:
    """Identifiers of single reports by their text, from (text, plain values); those of equal texts together."""
    own: dict[str, KnownIdentifiers] = {}
    for text, values in found:
        if known := KnownIdentifiers.of(values):
            own[text] = own.get(text, KnownIdentifiers()) | known
    return own


def _kind(value: str) -> str:
    if read_date(value):
        return "dates"
    if "@" in value:
        return "emails"
    if not any(c.isdigit() for c in value):
        return "names"
    if (
        re.match(r"(?:\+|00|0\d+[ /-]|\()", value)
        and sum(c.isdigit() for c in value) >= 7
        and not any(c.isalpha() for c in value)
    ):
        return "phones"
    return "addresses" if re.search(r"[^\W\d_]{3,}\W*\s\d|\d\s[^\W\d_]{3,}", value) else "ids"


class KnownNumbers:
    """Known dates, ids and other strings, found with and without separators.

    Known strings are kept as letters and digits alone; a text is read in runs of those, joined over separators.
    `short_dates` adds DDMMYY, which in a page full of numbers would be a false alarm.
    """

    def __init__(self, known: KnownIdentifiers, *, short_dates: bool = True):
        self._exact: dict[str, str] = {}
        self._first: set[str] = set()
        read = [d for d in map(read_date, known.dates) if d]
        self.dates = {(d.year % 100, d.month, d.day) for d in read}
        self.years = {d.year for d in read}
        self._in_report = short_dates
        self._separator = WRAPPED if short_dates else SEPARATOR
        for d in read:
            short = (f"{d:%d%m%y}", f"{d:%y%m%d}") if short_dates else ()
            forms = (f"{d:%Y%m%d}", f"{d:%d%m%Y}", f"{d:%m%d%Y}", *short)
            self._exact |= dict.fromkeys(forms, "DATE")
        for kind, values in (
            ("ID", known.ids),
            ("PHONE", known.phones),
            ("EMAIL", known.emails),
            ("ADDRESS", known.addresses),
        ):
            for value in values:
                for part in (value, *value.split(",")) if kind == "ADDRESS" else (value,):
                    self._add(kind, part)
        self._prefixes = {value[:n] for value in self._exact for n in range(1, len(value) + 1)}

    def _add(self, kind: str, value: str) -> None:
        runs = CHUNK.findall(value)
        for form in fold("".join(runs)):
            if len(form) < SHORTEST_ID or (
                kind == "ADDRESS" and not (form.isalnum() and any(c.isdigit() for c in form))
            ):
                continue
            self._first.update(fold(runs[0]))
            self._exact[form] = kind
            bare = form.lstrip("0")
            # a column read as a number has lost its leading zeros
            if form.isdigit() and len(bare) > SHORTEST_ID:
                self._exact[bare] = kind
            if kind == "PHONE" and form.startswith("49"):
                self._exact["0" + form[2:]] = kind

    def find(self, text: str) -> Iterator[Span]:
        """Places of the known strings, the longest at each place."""
        if not self._exact:
            return
        # judged once per distinct run: pages hold millions of runs and few that begin a known string
        runs = set(CHUNK.findall(text))
        starts = {run: joined for run in runs if (joined := self._beginnings(run))}
        if self._in_report:
            yield from self._glued(text, runs)
        if not starts:
            return
        done = 0
        for chunk in CHUNK.finditer(text):
            joined = starts.get(chunk.group())
            if joined is None or chunk.start() < done:
                continue
            # most runs stand alone: nothing to join, or one or two digits before a blank
            following = text[chunk.end() : chunk.end() + 1]
            alone = following not in JOINING or (
                following == " " and len(joined[0]) < 3 and joined[0] not in self._first
            )
            if alone and joined[0] not in self._exact:
                continue
            found = self._longest(text, chunk.end(), joined)
            if found:
                done, kind = found
                yield Span(chunk.start(), done, kind)

    def _glued(self, text: str, runs: set[str]) -> Iterator[Span]:
        """Known numbers that letters touch, as in "MRN12345678"."""
        glued = {run for run in runs if any(n.group() in self._exact for n in GLUED.finditer(run))}
        for chunk in CHUNK.finditer(text) if glued else ():
            if chunk.group() in glued:
                yield Span(chunk.start(), chunk.end(), "ID")

    def _beginnings(self, run: str) -> list[str]:
        """The forms of a run that begin a known string; a single character only where a known string is so written."""
        forms = [form for form in _stripped(run) if form in self._prefixes]
        return [form for form in forms if len(form) > 1 or form in self._first]

    def _longest(self, text: str, end: int, joined: list[str]) -> tuple[int, str] | None:
        """End and kind of the longest known string whose first run, ending at `end`, folds to `joined`."""
        found = None
        while joined:
            for form in joined:
                if form in self._exact:
                    found = (end, self._exact[form])
            gap = self._separator.match(text, end)
            chunk = CHUNK.match(text, gap.end()) if gap else None
            if chunk is None:
                break
            joined = [a + b for a in joined for b in fold(chunk.group()) if a + b in self._prefixes]
            end = chunk.end()
        return found


def _stripped(chunk: str) -> tuple[str, ...]:
    """The folded run, and without leading zeros where it is a number."""
    forms = fold(chunk)
    return (
        (*forms, forms[0].lstrip("0"))
        if forms[0][0] == "0" and forms[0].isdigit() and len(forms[0]) > SHORTEST_ID
        else forms
    )
