"""What belongs to a name that was found: particles, initials and degrees beside it, and the same name elsewhere."""

import re
from collections.abc import Iterator

from labkit.deidentification.cues import UPPER, alternation
from labkit.deidentification.lexicon import Lexicon
from labkit.deidentification.names import NAME, NameReader
from labkit.deidentification.spans import Span

__all__ = ["Edges"]

BEFORE_INITIAL = re.compile(rf"(?<!\w)(?:[{UPPER}]\.[ -]?){{1,3}}$|(?:(?<=[:,/(|] )|(?<=\n)|^)[{UPPER}]{{1,2}} $")
AFTER_INITIAL = re.compile(
    rf",? [{UPPER}]{{1,2}}(?=[ \t]*(?:$|[\r\n;)|/(]|(?:at|on|am|um|DOB|dob|geb|born|MRN|GEB)\b))"
)
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
        return Span(before.start() if before else span.start, end, span.type)

    def _with_particle(self, text: str, span: Span) -> Span:
        found = self._reader.particle_before.search(text, max(0, span.start - 24), span.start)
        if not found or found.group().split()[0].casefold() in ARTICLES:
            return span
        before = text[max(0, found.start() - 20) : found.start()].rstrip(" ")
        led = (
            not before
            or (before[-1] == "." and BEFORE_INITIAL.search(before))
            or before[-1] in "\n:(/,|*=-\t"
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
        forms = alternation({form for name in names for form in (name, name.upper())})
        for match in re.finditer(rf"(?<![\w-])({forms})(?:s|['’]s?)?(?!\w)", text):
            if not self._reader.ordinary(text, match.start(1), match.end(1)) or self._lexicon.known(match.group(1)):
                kind = names.get(match.group(1)) or next(k for n, k in names.items() if n.upper() == match.group(1))
                yield Span(match.start(), match.end(), kind)
