"""Signatures without a cue: names that fill the last lines, initials of who dictated and who typed."""

import re
from collections.abc import Iterator

from labkit.deidentification.cues import UPPER
from labkit.deidentification.lexicon import Lexicon
from labkit.deidentification.names import NAME, NameReader
from labkit.deidentification.spans import Span

__all__ = ["Signatures"]

FINAL_LETTERS = re.compile(rf"(?:[.!?] +|^[ \t]*|\n[ \t]*| {{2,}})([{UPPER}]{{2,3}})[ \t]*$")
TYPIST = re.compile(r"(?:(?<=[\s/])|^)([^\W\d_]{1,4})(?:\.?\s?[/|]\s?|:(?=[a-z]))([^\W\d_]{1,4})\.?[ \t]*(?=$|\r?\n)")
SIGNED = re.compile(
    rf"(?:(?<=[.:)\]] )|(?<=  )|(?<=\d )|(?<=// )|(?<=[/|·;,] )|(?<=/)|(?<=^)|(?<=\n))((?:[{UPPER}]\. ?-?){{1,2}})"
    rf"(?<!M\. )({NAME.pattern})[ \t]*(?=$|\r?\n)"
)
# "Spitz, O." and, alone on a line, "Short L"
SHORT = 60
INVERTED = re.compile(
    rf"(?:(?<=[\n/;|])|(?<=[/;|.] )|(?<=  )|^)[ \t]*({NAME.pattern})(?:, ?|(?= [{UPPER}][ \t]*(?:$|\r?\n)) )"
    rf"(?:[{UPPER}]\.?[ -]?){{1,2}}(?=[ \t]*(?:$|[\r\n/;|]))"
)
# fmt: off
VIEW_WORDS = (
    "re", "li", "rt", "lt", "r", "l", "ap", "pa", "dp", "lat", "seit", "seitl", "m", "w", "d", "f", "i",
    "ii", "iii", "iv",
    "ac", "sc", "mc", "ip",
)
# fmt: on
# projections, sides and Roman numbers, which stand as "ap/lat", "re/li", "II/III"
VIEWS = frozenset(VIEW_WORDS)
COLUMNS = re.compile(r"\t+| {2,}| ?/ ?| ?[,;&|] ?")


class Signatures:
    """Finds signatures by their place in the text."""

    def __init__(self, *, lexicon: Lexicon, reader: NameReader):
        self._lexicon, self._reader = lexicon, reader

    def lines(self, text: str, start: int) -> Iterator[Span]:
        """Names that fill lines, or columns of lines, after `start`."""
        for line in re.finditer(r"[^\r\n]+", text[start : start + 600]):
            position = 0
            for column in [*COLUMNS.finditer(line.group()), None]:
                stop = column.start() if column else len(line.group())
                begin = start + line.start() + position
                found = self._fills(text, begin, start + line.start() + stop)
                if found:
                    yield found
                position = column.end() if column else stop

    def last(self, text: str) -> Iterator[Span]:
        """Names that fill the last lines of a text of several lines."""
        filled = list(re.finditer(r"[^\r\n]*\S[^\r\n]*", text))
        if len(filled) > 1:
            yield from self.lines(text, filled[max(1, len(filled) - 2)].start())
        for line in {*filled[:2], *filled[-2:]}:
            yield from self._initials(text, line.start(), line.end(), final=line is filled[-1])

    def _initials(self, text: str, start: int, end: int, *, final: bool) -> Iterator[Span]:
        """What ends a line: a name with initials, "KM/sb", and at the end of the text "KM"."""
        signed = SIGNED.search(text, start, end) if text.find(".", start, end) >= 0 else None
        if signed and (self._lexicon.surname(signed.group(2)) or not self._lexicon.known(signed.group(2))):
            yield Span(signed.start(1), signed.end(2), "PHYSICIAN")
        short = end - start < SHORT or text.find("/", start, end) >= 0
        for match in INVERTED.finditer(text, start, end) if short else ():
            if not self._lexicon.clinical(match.group(1)):
                yield Span(match.start(1), match.end(), "PHYSICIAN")
        letters = FINAL_LETTERS.search(text, start, end) if final else None
        if letters and not self._lexicon.known(letters.group(1)):
            yield Span(letters.start(1), letters.end(1), "PHYSICIAN")
        typist = TYPIST.search(text, start, end)
        if typist and VIEWS.isdisjoint({half.casefold() for half in typist.groups()}):
            yield Span(typist.start(), typist.end(), "PHYSICIAN")

    def _fills(self, text: str, begin: int, end: int) -> Span | None:
        piece = text[begin:end]
        begin += len(piece) - len(piece.lstrip())
        if not piece.strip() or len(piece) > 60:
            return None
        name = self._reader.forward(text, begin, strong=False)
        alone = "\n" in text[begin - 1 : begin] and not text[end : end + 1].strip()
        if name is None and alone and NAME.fullmatch(bare := piece.strip(" .,\t")) and self._lexicon.surname(bare):
            return Span(begin, begin + len(piece.strip()), "PHYSICIAN")
        if name is None or text[name.end : end].strip(" .,\t") or name.end > end:
            return None
        several = name.words >= 2 or (name.words == 1 and "." in text[begin : name.end]) or name.titled
        return Span(begin, name.end, "PHYSICIAN") if several else None
