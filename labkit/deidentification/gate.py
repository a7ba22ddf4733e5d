"""The gate in front of every endpoint that is not local: identifiers become typed placeholders."""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from labkit.deidentification import contacts
from labkit.deidentification.cohort import KnownIndex
from labkit.deidentification.cues import CueIndex
from labkit.deidentification.dates import Dates
from labkit.deidentification.edges import Edges
from labkit.deidentification.eponyms import Eponyms
from labkit.deidentification.institutions import Institutions
from labkit.deidentification.known import KnownIdentifiers
from labkit.deidentification.languages import load
from labkit.deidentification.lexicon import Lexicon
from labkit.deidentification.lowercase import Lowercase
from labkit.deidentification.names import NameReader
from labkit.deidentification.people import People
from labkit.deidentification.places import Places
from labkit.deidentification.records import Records
from labkit.deidentification.signatures import Signatures
from labkit.deidentification.spans import Cleaned, Span, merge, replace
from labkit.deidentification.strangers import Strangers

__all__ = ["Gate"]

PEOPLE_KINDS = {
    "honorific",
    "title",
    "weak_title",
    "patient",
    "label",
    "signature",
    "contact",
    "closing",
    "role",
    "action",
}
PLACE_KINDS = {"residence", "ward", "room"}


class Gate:
    """Replaces identifiers in reports; built once, used for every report.

    Parameters
    ----------
    known : identifiers of the whole cohort, from columns; the surest source.
    languages : codes (files in `params/deidentification/`) or paths of YAML files.
    eponyms : path of a list that replaces the project's own.
    own : identifiers of single reports, by their text. A patient's own name is taken for one also where it is a word
        ("Lang wird informiert"), which among the texts of all others would remove too much.

    Raises
    ------
    ParamsError : a language or the list of eponyms cannot be read.

    Rules and lists find most identifiers without `known`, not all: look at a sample before anything is sent.
    """

    def __init__(
        self,
        known: KnownIdentifiers | None = None,
        languages: Iterable[str | Path] = ("de", "en"),
        eponyms: str | Path | None = None,
        *,
        own: Mapping[str, KnownIdentifiers] | None = None,
    ):
        self._own = own or {}
        loaded = tuple(load(language) for language in languages)
        self._lexicon = Lexicon(loaded)
        self._eponyms = Eponyms(eponyms, languages=loaded, lexicon=self._lexicon)
        self._dates = Dates(loaded)
        self._reader = NameReader(loaded, lexicon=self._lexicon, eponyms=self._eponyms)
        self._people = People(loaded, lexicon=self._lexicon, eponyms=self._eponyms, reader=self._reader)
        self._signatures = Signatures(lexicon=self._lexicon, reader=self._reader)
        self._edges = Edges(lexicon=self._lexicon, reader=self._reader)
        self._places = Places(loaded, lexicon=self._lexicon, reader=self._reader)
        self._institutions = Institutions(loaded, lexicon=self._lexicon, reader=self._reader)
        self._strangers = Strangers(loaded, lexicon=self._lexicon, eponyms=self._eponyms, reader=self._reader)
        self._records = Records(lexicon=self._lexicon)
        self._lowercase = Lowercase(loaded, lexicon=self._lexicon)
        self._patterns = [(p.type, re.compile(p.regex), p.needs) for language in loaded for p in language.patterns]
        self._index = CueIndex()
        self._institutions.register(self._index)
        self._people.register(self._index)
        self._places.register(self._index)
        for language in loaded:
            self._index.add("phone", language.contacts.phone)
            self._index.add("id", language.contacts.id)
            self._index.add_endings("id", language.contacts.id_endings)
            self._index.add("birth", language.dates.birth)
        self._cohort = self._known_index(known) if known else None

    def clean(self, text: str, known: KnownIdentifiers | Iterable[str] = ()) -> Cleaned:
        """The text with placeholders; `known`: identifiers of this report alone, as an object or as plain strings."""
        return replace(text, self.find(text, known))

    def find(self, text: str, known: KnownIdentifiers | Iterable[str] = ()) -> tuple[Span, ...]:
        """Places and types of the identifiers in the text, in order and disjoint."""
        if not isinstance(known, KnownIdentifiers):
            known = KnownIdentifiers.of(known)
        if text in self._own:
            known |= self._own[text]
        indexes = [index for index in (self._cohort, self._known_index(known, strict=True) if known else None) if index]
        spans = [span for index in indexes for span in index.find(text)]
        for index in indexes:
            spans += self._dates.known(text, index.numbers.dates) if index.numbers.dates else ()
        spans += self._numbers(text)
        spans += self._at_words(text)
        spans += self._signatures.last(text)
        spans += [span] if (span := self._people.opening(text)) else []
        spans += self._lowercase.find(text)
        for kind, regex, needs in self._patterns:
            if needs and not any(needed in text for needed in needs):
                continue
            group = min(regex.groups, 1)
            spans += (Span(m.start(group), m.end(group), kind) for m in regex.finditer(text))
        spans += list(self._edges.repeated(text, spans))
        # last, since a name without a cue is too unsure to be looked for elsewhere
        spans += self._people.after_colons(text)
        spans += self._strangers.find(text, spans)
        spans += list(self._records.find(text, spans))
        return merge(self._edges.complete(text, span) for span in spans)

    def _known_index(self, known: KnownIdentifiers, *, strict: bool = False) -> KnownIndex:
        return KnownIndex(known, lexicon=self._lexicon, eponyms=self._eponyms, reader=self._reader, strict=strict)

    def _numbers(self, text: str) -> Iterator[Span]:
        """Dates, with the names before them, and everything else that is told by its digits."""
        for date in self._dates.find(text):
            yield date
            birth = not text[date.start].isdigit()
            name = self._people.before_date(text, date, birth=birth)
            if name:
                yield name
            yield from self._people.after_anchor(text, date.end)
            yield from contacts.after_date(text, date.end)
            if birth:
                yield from self._places.birthplace(text, date.end)
        yield from contacts.free(text)
        if any(map(str.isdigit, text)):
            yield from self._places.free(text)

    def _at_words(self, text: str) -> Iterator[Span]:
        """One pass over the words: cues, months, given names; words of an identifier already read are passed over."""
        done = 0
        for word, key, cues, match in self._index.walk(text):
            if match.start() < done:
                continue
            found: list[Span] = []
            reach = match.end() + 4
            for kind, start, end in cues:
                found = self._at_cue(kind, text, start, end)
                if found:
                    reach = end + 8 if kind in {"id", "phone"} else reach
                    break
            if not found and key in self._dates.month_words and word[0].isupper():
                found = [span] if (span := self._dates.at_month(text, match.start())) else []
            if not found and word[0].isupper() and self._reader.given(word):
                found = [span] if (span := self._people.at_given_name(text, match.start())) else []
            if found and found[0].type == "DATE":
                birth = key not in self._dates.month_words or found[0].start < match.start()
                found += [name] if (name := self._people.before_date(text, found[0], birth=birth)) else []
            yield from found
            done = max([done, *(span.end for span in found if span.start <= reach)])

    def _at_cue(self, kind: str, text: str, start: int, end: int) -> list[Span]:
        if kind in PEOPLE_KINDS:
            return self._people.at_cue(kind, text, start, end)
        if kind == "hospital":
            return self._institutions.at_cue(text, start, end)
        if kind in PLACE_KINDS:
            return self._places.at_cue(kind, text, start, end)
        reader = {"phone": contacts.after_phone, "id": contacts.after_id, "birth": self._dates.after_birth}[kind]
        span = reader(text, start, end)
        if span is None:
            return []
        name = self._people.before_id(text, start) if kind in {"id", "phone"} else None
        after = self._people.after_anchor(text, span.end) if kind == "id" else ()
        return [span, *([name] if name else []), *after]
