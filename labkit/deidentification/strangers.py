"""Names that no cue announces: words with a capital that are in no vocabulary, no eponym and no abbreviation."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator

from labkit.deidentification.cues import UPPER, WORD, alternation
from labkit.deidentification.eponyms import Eponyms
from labkit.deidentification.languages import Language
from labkit.deidentification.lexicon import Lexicon
from labkit.deidentification.names import INITIAL, NameReader
from labkit.deidentification.spans import Span, merge

__all__ = ["Strangers"]

SHORTEST = 4
SHORTEST_CAPITALS = 5
# "McAllister", "DiPietro", "O'Brien"; any other capital inside a word is a brand or an abbreviation
INNER = re.compile(
    rf"(?:[{UPPER}](?=[{UPPER}][^\W\d_]{{3}})|Ma?c|De|Di|Du|La|Le|Lo|Van|Von|Fitz|[OD]['’])[{UPPER}][^\W\d_]+(?:['’]s?)?"
)
LEFT = re.compile(rf"(?:(?<!\w)(?:{INITIAL.pattern})[ ]?|(?<!\w)[{UPPER}]\. ?)+$")
RIGHT = re.compile(
    rf",? [{UPPER}]\.(?:[ -]?[{UPPER}]\.)?(?!\w)|,? [{UPPER}]"
    r"(?=[ \t]*(?:$|[\r\n,;)|/(]|\*|(?:at|on|am|um|DOB|dob|geb|born|MRN)\b))"
)
ABBREVIATED = re.compile(r"\.(?=[ \t]*(?:[^\W\d_A-ZÄÖÜ]|\d|[,;:)/]))")
LABEL = re.compile(r"\.?\s?:")
HEAD = re.compile(r"(?:^|[\n\t.;,|/)]| {2}) ?$")
CELL = re.compile(r"(?:^|[\n\t|(/:]) ?$")
LED = re.compile(rf"(?<!\w)((?!M\.)[{UPPER}]\.|[{UPPER}][^\W\d_]+) ?$")
OCCUPATION = re.compile(
    r"(?:(?:Beruf|BERUF|Tätigkeit|Occupation|OCCUPATION|Job|Profession)\s?:|"
    r"(?:von Beruf|[Bb]eruflich|arbeitet als|tätig als|gelernter?|works? as an?|retired))\s+$"
)
PARTS = re.compile(r"[-'’]")
WORD_BEFORE = re.compile(rf"(?<![\w-])([{UPPER}][^\W\d_]+(?:-[{UPPER}][^\W\d_]+)*),? $")
TOWN = re.compile(r"(?<!\w)(?:in|aus|nach|from|at|near|bei)\s$")


class Strangers:
    """Finds words that only a name can be, and the names around them."""

    def __init__(self, languages: tuple[Language, ...], *, lexicon: Lexicon, eponyms: Eponyms, reader: NameReader):
        self._lexicon, self._eponyms, self._reader = lexicon, eponyms, reader
        particles = alternation(p for language in languages for p in language.people.particles)
        self._particle = re.compile(rf"(?<!\w)(?:{particles}\s)+$")
        fronts = alternation(word for language in languages for word in language.places.town_fronts)
        self._front = re.compile(rf"(?<!\w){fronts}[ -]$")
        backs = alternation(word for language in languages for word in language.places.town_backs)
        joins = alternation(word for language in languages for word in language.places.town_joins)
        # a language of few words says nothing about the others: then only listed names are found
        self._complete = all(language.vocabulary for language in languages)
        tails = alternation(word for language in languages for word in language.places.town_tails)
        self._tail = re.compile(rf",? {tails}(?!\w)")
        self._towns = {word.casefold() for language in languages for word in language.places.town_words}
        self._back = re.compile(rf"[ -]{backs}(?!\w)|[ -]{joins}[ -](?P<last>[{UPPER}][^\W\d_]+)")

    def find(self, text: str, taken: Iterable[Span]) -> Iterator[Span]:
        """Places of the names outside of the spans already `taken`."""
        taken = merge(taken)
        starts = [span.start for span in taken]
        done = 0
        for match in WORD.finditer(text):
            word = match.group()
            if match.start() < done or not word[0].isupper() or (len(word) < 3 and not self._lexicon.named(word)):
                continue
            before = bisect_right(starts, match.start()) - 1
            if (before >= 0 and match.start() < taken[before].end) or not self._strange(text, match):
                continue
            span = self._whole(text, match)
            done = span.end
            if not self._eponyms.leads(text, span.end):
                yield span

    def _strange(self, text: str, match: re.Match) -> bool:
        word, start, end = match.group(), match.start(), match.end()
        named = self._lexicon.named(word)
        if OCCUPATION.search(text, max(0, start - 16), start):
            return False
        if word.casefold() in self._towns and TOWN.search(text, max(0, start - 8), start):
            return not self._eponyms.placed(text, start, end)  # "Resektionsarthroplastik nach Epping"
        if self._lexicon.known(word) and not ("-" in word and named and not self._is_term(word)):
            return False
        if (not named and not self._complete) or self._is_eponym(text, start, end):
            return False
        if any(c.isdigit() for c in word) or (text[start - 1 : start] in {"_", "@", "."} and start):
            return False
        if len(word) < SHORTEST:
            return named and not (len(word) == 2 and word.isupper() and word.isascii())
        if not named and text[end : end + 1] == "." and self._lexicon.clipped(word):
            return False
        short = word.isupper() or len(word) < 6 or text[end : end + 1] == "."
        label = short and LABEL.match(text, end) and HEAD.search(text, max(0, start - 3), start)
        if word.isupper():
            if not named and label:
                return False
            return named or (len(word) >= SHORTEST_CAPITALS and len(set(word) & set("AEIOUYÄÖÜ")) > 0)
        parts = () if INNER.fullmatch(word) else PARTS.split(word)
        if not all(part[1:] == part[1:].lower() or INNER.fullmatch(part) for part in parts):
            return named and all(part.istitle() or part.islower() for part in word.split("-"))
        # "Lig. collaterale", "BEURT.:": an abbreviation or a label, unless it is a known name
        return named or (not (len(word) < 7 and ABBREVIATED.match(text, end)) and not label)

    def _is_eponym(self, text: str, start: int, end: int) -> bool:
        """Whether the word is used as an eponym, or is listed as one and no initial or given name leads to it."""
        word = text[start:end]
        first, _, last = word.rpartition("-")
        if first and self._eponyms.lists(word):
            return True
        if self._eponyms.placed(text, start, end):
            return True
        if first and last not in self._eponyms and self._lexicon.named(last):
            return False
        if self._eponyms.in_use(text, start, end) or self._eponyms.likely(text, start, end):
            return True
        if not self._eponyms.alone(text, start, end):
            return False
        led = LED.search(text, max(0, start - 24), start)
        given = led and (led.group(1)[-1] == "." or self._reader.given(led.group(1).rstrip()))
        return not given

    def _is_term(self, word: str) -> bool:
        """Whether a hyphenated word ends in a noun, as "Pauwels-Winkel" does and "Meier-Lang" does not."""
        last = word.rsplit("-", 1)[-1]
        return self._lexicon.noun(last) or self._lexicon.clinical(last) or not self._lexicon.surname(last)

    def _whole(self, text: str, match: re.Match) -> Span:
        """The span of the name that the word belongs to: given names, initials, particles, and what makes up a town."""
        start, end = match.start(), match.end()
        cell = CELL.search(text, max(0, start - 3), start) is not None
        name = self._reader.forward(text, start, strong=False, comma=cell)
        end = max(end, name.end) if name else end
        back = self._back.match(text, end)
        if back and not (back.group("last") and self._lexicon.known(back.group("last"))):
            return Span(self._begin(text, start), back.end(), "ADDRESS")
        right = RIGHT.match(text, end)
        end = self._reader.with_credentials(text, right.end() if right else end)
        begin = self._begin(text, start)
        tail = self._tail.match(text, end)
        if tail:
            return Span(begin, tail.end(), "ADDRESS")
        place = TOWN.search(text, max(0, begin - 8), begin) or self._front.search(text[max(0, begin - 12) : start])
        return Span(begin, end, "ADDRESS" if place else "NAME")

    def _begin(self, text: str, start: int) -> int:
        for left in (self._front, self._particle, LEFT, self._reader.title_before):
            found = left.search(text[max(0, start - 40) : start])
            start -= len(found.group()) if found else 0
        given = re.search(
            rf"(?<![\w-])([{UPPER}][^\W\d_]+(?:-[{UPPER}][^\W\d_]+)*),? $", text[max(0, start - 30) : start]
        )
        if given and (self._reader.given(given.group(1)) or self._lexicon.surname(given.group(1))):
            start -= len(given.group())
        return start
