"""Read a person's name forwards from a cue or backwards from what follows it."""

import re

from labkit.deidentification.cues import UPPER, alternation
from labkit.deidentification.eponyms import Eponyms
from labkit.deidentification.languages import Language
from labkit.deidentification.lexicon import Lexicon

__all__ = ["CLOSES", "INITIAL", "NAME", "Name", "NameReader"]

LETTER = rf"(?:[{UPPER}]|Ch|Chr|Fr|Joh|Ph|St|Th|Wilh)\."
INITIAL = re.compile(rf"{LETTER}(?:[ -]?{LETTER})*(?:-(?=[{UPPER}]))?|[{UPPER}](?= [{UPPER}][^\W\d_])")
FULL = rf"(?:[dlDLO]['’])?[{UPPER}][^\W\d_]*(?:['’-][^\W\d_]+)*"
NAME = re.compile(rf"{FULL}(?!\w)")
GAP = re.compile(r"[ \u00a0]{1,2}(?! )")
WRAP = re.compile(r"[ \t\u00a0]*\r?\n[ \t]*")
PAIR = re.compile(rf",[ \t]*({FULL})")
CLOSES = re.compile(r"[ \t]*(?:$|[\r\n.,;)(*/])")
LAST_INITIAL = re.compile(rf",[ ]?(?:{LETTER}[ -]?){{1,3}}(?<=\.)(?!\w)")
COMMA = re.compile(r",[ \t]*")


def _cut(text: str, start: int) -> bool:
    """Whether a name cannot begin at `start`: inside a word, or at the second letter of an abbreviation like "i.V."."""
    before = text[start - 1]
    return before.isalnum() or before in "-_" or (before == "." and text[start + 1 : start + 2] == ".")


class Name:
    """A name read from a text: its place, how many name words it has, and whether a title stands in it."""

    __slots__ = ("end", "start", "titled", "words")

    def __init__(self, start: int, end: int, words: int, titled: bool):
        self.start, self.end, self.words, self.titled = start, end, words, titled


class NameReader:
    """Reads names with the titles, particles and ordinary words of some languages."""

    def __init__(self, languages: tuple[Language, ...], *, lexicon: Lexicon, eponyms: Eponyms):
        people = [language.people for language in languages]
        self._lexicon, self._eponyms = lexicon, eponyms
        titles = [t for p in people for t in (*p.titles, *p.title_tails)]
        self.title = re.compile(
            rf"(?:(?<!\w){alternation(form for t in titles for form in (t, t.upper()))}(?:\.(?=[{UPPER}])|(?![^\W\d_]))"
            rf"[ \t,:]*(?:\r?\n[ \t]*(?=[{UPPER}]))?)+"
        )
        self.title_before = re.compile(rf"(?:(?<!\w){alternation(titles)}[ ]?)+$")
        leads = [
            cue
            for p in people
            for cues in (p.honorifics, p.titles, p.weak_titles, p.patients, p.labels, p.signatures, p.contacts)
            for cue in cues
        ]
        self.led = re.compile(rf"(?<!\w){alternation(leads)}\s?:?\s+$")
        particles = {form for p in people for w in p.particles for form in (w, w.upper(), w.capitalize())}
        self.particle_before = re.compile(rf"(?<!\w)(?:{alternation(particles)}[ ])+$")
        self._particle = re.compile(rf"(?:{alternation(particles)}(?:\s+|(?=[{UPPER}])))+(?=[{UPPER}])")
        piece = rf"(?:{LETTER}(?:[ -]?{LETTER})*|{FULL}|{alternation(w for p in people for w in p.particles)}(?=\s))"
        self._backwards = re.compile(rf"{piece}(?:,?[ \t]+{piece})*$")
        self._skipped = {w.casefold().rstrip(".") for p in people for w in p.skipped}
        credentials = alternation(c for p in people for c in p.credentials)
        self._credentials = re.compile(rf"(?:\s?[,(]\s?|\s){credentials}(?!\w)\)?")

    def given(self, word: str) -> bool:
        """Whether the word, or each part of a hyphenated one, is a listed given name."""
        return self._lexicon.given(word)

    def ordinary(self, text: str, start: int, end: int) -> bool:
        """Whether the word at [start, end) is an ordinary or clinical word, or an eponym used as a term."""
        word = text[start:end]
        return (self._lexicon.known(word) and not self.given(word)) or self._eponyms.in_use(text, start, end)

    def forward(self, text: str, start: int, *, strong: bool, comma: bool = False, limit: int = 4) -> Name | None:
        """The name that begins at `start`: strong cues take any capitalised first word, weak ones no ordinary word.

        `comma` allows "Surname, Given".
        """
        position, end, words, titled, previous = start, None, 0, False, ""
        while words < limit:
            title = self.title.match(text, position)
            if title and words == 0:
                titled, position, previous = True, title.end(), "title"
            particle = self._particle.match(text, position)
            if particle and not self.given(text[position : particle.end()].strip()):
                position, previous = particle.end(), "particle"
            initial = INITIAL.match(text, position)
            word = None if initial else NAME.match(text, position)
            if initial:
                end, previous = initial.end(), "."
                position = end
            elif word and word.group().casefold() in self._skipped and words == 0:
                position = word.end()
                position += text[position : position + 1] == "."
            elif word and self._accepts(
                text,
                word,
                first=words == 0 and (strong or titled or previous != "."),
                strong=strong or titled,
                previous=previous,
            ):
                position = end = word.end()
                previous, words = word.group(), words + 1
            else:
                break
            follow = self._gap(text, position, words=words, comma=comma, previous=previous)
            if follow is None:
                break
            comma = comma and text[position : position + 1] != ","
            position = follow
        if end is None or (words == 0 and not strong):
            return None
        return Name(start, self.with_credentials(text, end), words, titled)

    def with_credentials(self, text: str, end: int) -> int:
        # "Befunder: Uhl, E."
        initial = LAST_INITIAL.match(text, end)
        end = initial.end() if initial else end
        tail = self._credentials.match(text, end)
        while tail:
            end, tail = tail.end(), self._credentials.match(text, tail.end())
        return end

    def _accepts(self, text: str, word: re.Match, *, first: bool, strong: bool, previous: str) -> bool:
        found = word.group()
        if re.match(r"\.?:", text[word.end() : word.end() + 2]) and not first:
            # "Anna Befund:" holds a label, "durch Korbinian Starke:" a name
            plain = not (self._lexicon.noun(found) or self._lexicon.clinical(found))
            return self.given(previous) and plain and word.group().istitle()
        if not first and re.match(r"\.? ?\d", text[word.end() : word.end() + 3]) and self._lexicon.known(found):
            return False  # "Strong May 15"
        if self._eponyms.in_use(text, word.start(), word.end()) and not (first and strong):
            return False
        if first and strong:
            above = "\n" in text[word.start() - 2 : word.start()]
            return not (
                self._lexicon.clinical(found)
                or (above and self._lexicon.known(found) and not self._lexicon.surname(found))
            )
        if not first and found.isupper() and len(found) <= 3:
            return False
        if self.given(found) or (previous == "particle" and not first and not self._lexicon.clinical(found)):
            return True
        return not self._lexicon.known(found) or self._as_surname(text, word, first=first, previous=previous)

    def _as_surname(self, text: str, word: re.Match, *, first: bool, previous: str) -> bool:
        """Whether an ordinary word stands where only a surname can."""
        found = word.group()
        if self._lexicon.clinical(found):
            return False
        if first:
            # "Klein, Sepp"
            pair = PAIR.match(text, word.end())
            return bool(pair) and self._lexicon.soft(found) and not self.ordinary(text, pair.start(1), pair.end(1))
        if self._lexicon.surname(found):
            return True
        # "Dr. Anna Leber" at the end of a clause; "Anna Fein": a capital adjective after a given name
        led = self.given(previous)
        if CLOSES.match(text, word.end()) and (led or previous in {".", "title"}):
            return True
        return led and self._lexicon.listed(found) and not self._lexicon.noun(found)

    def _gap(self, text: str, position: int, *, words: int, comma: bool, previous: str) -> int | None:
        gap = GAP.match(text, position)
        wrap = WRAP.match(text, position)
        if wrap and (words == 0 or previous == "." or (words == 1 and self.given(previous))):
            return wrap.end()
        if gap:
            return gap.end()
        if comma and words >= 1:
            after = COMMA.match(text, position)
            following = NAME.match(text, after.end()) if after else None
            if following and not self.ordinary(text, following.start(), following.end()):
                return after.end()
        return position if text[position - 1 : position] in "-." and words == 0 else None

    def backward(self, text: str, end: int, *, least: int = 1) -> Name | None:
        """The name that ends at `end` on the same line, of at least `least` words or initials."""
        line = max(text.rfind("\n", 0, end) + 1, end - 80)
        match = self._backwards.search(text, line, end)
        while match and match.start() > line and _cut(text, match.start()):
            match = self._backwards.search(text, match.start() + 1, end)
        if not match:
            return None
        pieces = list(re.finditer(r"[^\s,]+", match.group()))
        kept: list[re.Match] = []
        for piece in reversed(pieces):
            start, stop = match.start() + piece.start(), match.start() + piece.end()
            bare = piece.group().rstrip(".")
            skipped = bare.casefold() in self._skipped
            ordinary = len(bare) > 1 and self.ordinary(text, start, stop)
            if skipped or (ordinary and not self._beside_given(text, start, stop, pieces, kept, piece)):
                break
            kept.append(piece)
        kept = [p for p in kept if p.group()[0].isupper() or p is not kept[-1]]
        if len(kept) < least or not any(len(p.group()) > 2 and p.group()[0].isupper() for p in kept):
            return None
        return Name(match.start() + kept[-1].start(), end, len(kept), False)

    def _beside_given(self, text: str, start: int, stop: int, pieces: list, kept: list, piece: re.Match) -> bool:
        """Whether an ordinary word is a surname here: before ", Given" or right after a given name."""
        word = text[start:stop]
        if text[stop : stop + 1] == "," and kept:
            return self.given(kept[-1].group()) or self._lexicon.soft(word)
        left = pieces.index(piece) - 1
        if left < 0 or kept or self._lexicon.clinical(word):
            return False
        before = pieces[left].group()
        return self.given(before) or (self._lexicon.surname(word) and not self._lexicon.known(before.rstrip(".")))
