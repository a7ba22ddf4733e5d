"""What belongs to a name that was found: particles, initials and degrees beside it, and the same name elsewhere."""

import re
from collections.abc import Iterator

from labkit.deidentification.cues import UPPER, WORD
from labkit.deidentification.lexicon import Lexicon
from labkit.deidentification.names import NAME, NameReader
from labkit.deidentification.spans import Span

__all__ = ["Edges"]

BEFORE_INITIAL = re.compile(rf"(?<!\w)(?:[{UPPER}]\.[ -]?){{1,3}}$|(?:(?<=[:,/(|] )|(?<=\n)|^)[{UPPER}]{{1,2}} $")
AFTER_INITIAL = re.compile(
    rf",? [{UPPER}]{{1,2}}(?=[ \t]*(?:$|[\r\n;)|/(]|(?:at|on|am|um|DOB|dob|geb|born|MRN|GEB)\b))"
)
TOWN = re.compile(rf",[ \t]*([{UPPER}][^\W\d_]+)(?=[ \t]*(?:$|[\r\n.,;)|/]))")
# the genitive, and what a hyphen joins
ENDING = re.compile(r"((?:s|['’]s?)?)(?:-.*)?")
# alone before a name these are articles, as in "der Patient"
ARTICLES = {"der", "den", "da", "la", "y"}


class Edges:
    """Completes names."""

    def __init__(self, *, lexicon: Lexicon, reader: NameReader):
        self._lexicon, self._reader = lexicon, reader

    def complete(self, text: str, span: Span) -> Span:
        """The span of a name with its particle, initials and degrees: "von" in "Befunder: von X"."""
        if span.type not in {"NAME", "PHYSICIAN"}:
            return span
        span = self._with_particle(text, span)
        before = BEFORE_INITIAL.search(text, max(0, span.start - 12), span.start)
        after = AFTER_INITIAL.match(text, span.end)
        end = self._reader.with_credentials(text, after.end() if after else span.end)
        town = TOWN.match(text, end)
        if town and self._lexicon.town(town.group(1)):
            end = town.end()  # "Magdalena Aydın, Zug"
        return Span(before.start() if before else span.start, end, span.type)

    def _with_particle(self, text: str, span: Span) -> Span:
        found = self._reader.particle_before.search(text, max(0, span.start - 24), span.start)
        if not found or found.group().split()[0].casefold() in ARTICLES:
            return span
        before = text[max(0, found.start() - 20) : found.start()].rstrip(" ")
        led = (
            not before
            or (before[-1] == "." and BEFORE_INITIAL.search(before))
            or before[-1] in "\n:;(/,|*=-·[\t"
            or (found.group()[0].isupper() and not text[span.start : span.end].isupper() and before[-1] not in ".!?")
            or self._reader.led.search(before + " ") is not None
        )
        given = re.search(r"[^\W\d_]+$", before)
        led = led or (given is not None and self._reader.given(given.group()))
        return Span(found.start(), span.end, span.type) if led else span

    def repeated(self, text: str, spans: list[Span]) -> Iterator[Span]:
        """Further places of the names in `spans`, also in the genitive or in capitals."""
        names: dict[str, str] = {}
        for span in spans:
            if span.type in {"NAME", "PHYSICIAN"}:
                bare = self._reader.title.sub(" ", text[span.start : span.end])
                for word in NAME.findall(bare):
                    word = re.sub(r"['’]s$", "", word)
                    if len(word) > 2 and not self._lexicon.known(word):
                        names.setdefault(word, span.type)
        if not names:
            return
        forms = {name.upper(): kind for name, kind in names.items()} | names
        heads = {form[:3] for form in forms}
        for word in WORD.finditer(text):
            if word.group()[:3] not in heads or text[word.start() - 1 : word.start()] == "-":
                continue
            for form in sorted(forms, key=len, reverse=True):
                ending = ENDING.fullmatch(word.group(), len(form)) if word.group().startswith(form) else None
                end = word.start() + len(form)
                if ending and not self._reader.ordinary(text, word.start(), end):
                    yield Span(word.start(), end + len(ending.group(1)), forms[form])
                    break
