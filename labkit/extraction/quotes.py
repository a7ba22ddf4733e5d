"""Where a quote stands in a report: exact first, then tolerant of white space, hyphenation and case.

Used by 01_extraction and by every extractor that backs a label by a quote. Offsets always refer to the original text.
"""

import re
from dataclasses import dataclass

__all__ = ["Span", "locate"]

# Characters that models and word processors exchange for one another.
DASHES = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2212"), "-")
QUOTES = {
    **dict.fromkeys(map(ord, "\u201c\u201d\u201e\u00ab\u00bb"), '"'),
    **dict.fromkeys(map(ord, "\u2018\u2019\u201a"), "'"),
}
SAME = DASHES | QUOTES
LEFT_OUT = re.compile(r"-[ \t]*\r?\n\s*|[\s\u00ad\u200b-]+")


@dataclass(frozen=True, slots=True)
class Span:
    """A verbatim slice of a report: `text == report[start:end]`."""

    text: str
    start: int
    end: int


def locate(quote: str, text: str) -> Span | None:
    """Span of the quote in the text, or None where it is not there.

    An exact occurrence is preferred; otherwise white space, hyphens (also those of a word divided at a line end),
    kinds of dashes and quotation marks, and case are left out of the comparison. The span's text is the original's.

    Parameters
    ----------
    quote : what an extractor says it read; surrounding white space is ignored.
    text : the report.

    Returns
    -------
    The first occurrence, with offsets in characters of `text`; None also for an empty quote.
    """
    quote = quote.strip()
    if not quote:
        return None
    start = text.find(quote)
    if start >= 0:
        return Span(quote, start, start + len(quote))
    wanted, _ = _bare(quote)
    bare, origin = _bare(text)
    at = bare.find(wanted) if wanted else -1
    if at < 0:
        return None
    start, end = origin[at], origin[at + len(wanted) - 1] + 1
    return Span(text[start:end], start, end)


def _bare(text: str) -> tuple[str, list[int]]:
    """Letters that count in the comparison, and for each its offset in the text."""
    letters: list[str] = []
    origin: list[int] = []
    same = text.translate(SAME)
    position = 0
    for gap in [*LEFT_OUT.finditer(same), None]:
        end = gap.start() if gap else len(same)
        for offset in range(position, end):
            # casefold may lengthen a letter (ß to ss): every new letter points at the old one.
            folded = same[offset].casefold()
            letters.append(folded)
            origin.extend([offset] * len(folded))
        position = gap.end() if gap else end
    return "".join(letters), origin
