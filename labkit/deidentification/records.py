"""Records of fields, "P/Spitz^Tomasz/242084/9.5.73", and heads of letters: what stands among identifiers is one."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator

from labkit.deidentification.cues import UPPER
from labkit.deidentification.lexicon import Lexicon
from labkit.deidentification.spans import Span, merge

__all__ = ["Records"]

CARET = re.compile(r"[^\W\d_][^\s^/|;,:\d]*(?: [^\s^/|;,:\d]+){0,2}?\^+[^\W\d_][^\s/|;,:\d]*(?:\^[^\s/|;,:\d]*)*")
LINE = re.compile(r"[^\r\n]+")
SEPARATOR = re.compile(r"\s?[/|;·•~\t\[\]]+\s?|,\s?| {2,}| [-–—*] ")
IDENTITY = {"DATE", "ID", "PHONE", "ADDRESS", "EMAIL", "URL"}
CONTACT = {"PHONE", "ADDRESS", "EMAIL", "URL"}
NUMBERED = re.compile(r"[A-Za-z]{0,4}[-/#.]?\d{4,}(?:[-/.]\w{1,4})?")
WORDS = re.compile(rf"[{UPPER}][\w'’-]*\.?(?: [{UPPER}][\w'’-]*\.?){{0,3}}")
PRACTICE = re.compile(
    rf"[{UPPER}][\w'’.-]+"
    rf"(?: (?:[{UPPER}\d][\w'’.-]*|am|an|der|den|dem|im|in|zum|zur|bei|von|für|of|the|and|und|at|&|\+)){{0,5}}"
)
# of a field, that identifiers cover
SHARE = 0.7
MOST_WORDS = 4


class Records:
    """Finds names and numbers in the fields beside identifiers that are already found."""

    def __init__(self, *, lexicon: Lexicon):
        self._lexicon = lexicon

    def find(self, text: str, taken: Iterable[Span]) -> Iterator[Span]:
        """Places of the fields outside of the spans `taken` that name somebody or count something."""
        if "^" in text:
            yield from (Span(match.start(), match.end(), "NAME") for match in CARET.finditer(text))
        taken = merge(taken)
        starts = [span.start for span in taken]
        for line in LINE.finditer(text):
            first = max(0, bisect_right(starts, line.start()) - 1)
            spans = [s for s in taken[first : bisect_right(starts, line.end())] if s.end > line.start()]
            if any(span.type in IDENTITY for span in spans):
                yield from self._line(text, line, spans)

    def _line(self, text: str, line: re.Match, spans: list[Span]) -> Iterator[Span]:
        fields = list(_fields(text, line, spans))
        sure = {kind for _, _, kind in fields if kind in IDENTITY}
        n_sure = sum(kind in IDENTITY for _, _, kind in fields)
        # one date makes no record of a sentence with commas
        short = len(fields) <= MOST_WORDS and len(line.group()) < 60
        if n_sure < 2 and not (n_sure and short):
            return
        letterhead = len(sure & CONTACT) >= 2 or ("ADDRESS" in sure and n_sure > 1)
        for start, end, kind in fields:
            field = text[start:end]
            if kind:
                continue
            if kind is not None:
                # "Röntgen am Alpenblick": a part of it has been found
                if letterhead and start == fields[0][0] and PRACTICE.fullmatch(field) and not self._is_term(field):
                    yield Span(start, end, "HOSPITAL")
                continue
            if n_sure > 1 and NUMBERED.fullmatch(field):
                yield Span(start, end, "ID")
            elif WORDS.fullmatch(field) and self._names(field, initials=text[start - 1 : start] == "["):
                yield Span(start, end, "NAME")
            elif letterhead and PRACTICE.fullmatch(field) and not self._is_term(field):
                yield Span(start, end, "HOSPITAL")

    def _names(self, field: str, *, initials: bool) -> bool:
        """Whether all words of a field may be a name, and one is no other word."""
        words = [word.rstrip(".") for word in field.split() if len(word.rstrip(".")) > 1]
        soft = [self._lexicon.surname(w) or self._lexicon.given(w) or not self._lexicon.known(w) for w in words]
        short = not initials and all(word.isupper() and len(word) < 5 for word in words)
        return bool(words) and all(soft) and not any(map(self._lexicon.clinical, words)) and not short

    def _is_term(self, field: str) -> bool:
        return self._lexicon.clinical(field.split()[-1]) or self._lexicon.noun(field.split()[-1]) or " " not in field


def _fields(text: str, line: re.Match, spans: list[Span]) -> Iterator[tuple[int, int, str | None]]:
    """Start and end of a line's fields with the type of the identifier that fills it, "" where one stands in it."""
    begin = line.start()
    for mark in [*SEPARATOR.finditer(text, line.start(), line.end()), None]:
        if mark and any(span.start <= mark.start() and mark.end() <= span.end for span in spans):
            continue
        start, end = begin, mark.start() if mark else line.end()
        begin = mark.end() if mark else end
        start += len(text[start:end]) - len(text[start:end].lstrip())
        end -= len(text[start:end]) - len(text[start:end].rstrip())
        if start >= end:
            continue
        within = [span for span in spans if span.start < end and span.end > start]
        covered = sum(min(span.end, end) - max(span.start, start) for span in within)
        filled = within and covered >= SHARE * (end - start)
        yield start, end, within[0].type if filled else ("" if within else None)
