"""Addresses, and wards and rooms that bear a name or number."""

import re
from collections.abc import Iterator

from labkit.deidentification.cues import UPPER, CueIndex, alternation
from labkit.deidentification.languages import Language
from labkit.deidentification.languages import Places as PlaceCues
from labkit.deidentification.lexicon import Lexicon
from labkit.deidentification.names import NAME, NameReader
from labkit.deidentification.spans import Span

__all__ = ["Places"]

WORD = rf"[{UPPER}][\w'’.-]*"
UNIT = r"(?!\s?(?:mm|cm|°|%|Ebenen|Eb\.|Tage|Wochen|Grad|x\b|views?\b|weeks?\b))"
NUMBER = rf"\d{{1,4}}(?:\s?-\s?\d{{1,4}})?(?:\s?[a-zA-Z](?![\w.]))?(?:\s?/\s?\d+){{0,3}}(?![\w,.]\d|\w){UNIT}"
CITY = rf"{WORD}(?:[ -](?:{WORD}|am|an der|a\.d\.|a\.\s?d\.|bei|b\.|im|in der|ob der|vor der|\([{UPPER}]\w*\)))*"
AMBIGUOUS = {
    "st",
    "st.",
    "dr",
    "dr.",
    "pl",
    "close",
    "way",
    "green",
    "hill",
    "row",
    "walk",
    "rise",
    "view",
    "park",
    "place",
    "court",
    "ct",
    "square",
    "circle",
    "drive",
}
WORD_OR_SAINT = rf"(?:(?:St|Str|str|Dr|Prof|Hl|Bgm)\.-?)?[{UPPER}][\w'’-]*(?:(?<=str)\.|(?<=Str)\.|(?<=St)\.)?"
REST = re.compile(
    rf"[:\s]{{0,3}}((?:{WORD_OR_SAINT}|\d{{1,5}}[a-zA-Z]?\b(?!\.\d)|am|an|der|den|im|in|bei|zur|zum|dem|des|of|the|[,/–-])"
    r"(?:[ \t]+|(?=,)|$|(?=[\n.;])))+"
)
# with the letters of a country, which a letter of a state in front of five digits is not
NUMERIC = re.compile(r"((?:D|DE|A|AT|CH|L|FL|LI)[- ]\s?)?\d{4,5}")
FIELD = re.compile(r"(?:^|[\n\t,;·•|/(])\s{0,2}$")
CITY_BETWEEN = re.compile(rf",\s?({CITY})(?=,\s?)")
CITY_AFTER = re.compile(rf"[\s-]\s?({CITY})")
COMMA = re.compile(r",?\s?")
TOWN = re.compile(rf",\s({WORD})")
BEFORE_NUMBER = re.compile(r"([^\W\d_][\w'’-]*)\.?\s?(?=\d)")
TO_CODE = re.compile(r"[,\s/–-]{0,3}")
HOUSE_NUMBER = re.compile(r"\d[ ]?[a-zA-Z]?,?\s*$")
WARD = re.compile(
    rf"\s?:?\s(?:{WORD}\s(?=\d))?(?:[A-Z]{{0,4}}[- ]?\d{{1,4}}(?:\.\d)?[A-Za-z]?(?!\w){UNIT}|[A-Z]\d?(?!\w|\.))"
    r"(?:\s?/\s?\d{1,3}(?!\w))?(?:\s(?i:Süd|Nord|West|Ost|links|rechts|North|South|East)\b)?"
)
BIRTHPLACE = re.compile(rf"\s(?:in|aus|at)\s({WORD})")


class Places:
    """Finds places with the cues of some languages."""

    def __init__(self, languages: tuple[Language, ...], *, lexicon: Lexicon, reader: NameReader):
        self._lexicon, self._reader = lexicon, reader
        self._places = [language.places for language in languages]
        self._streets = [(p, re.compile(source), ends) for p in self._places for source, ends in _streets(p)]
        self._town_words = {word.casefold() for p in self._places for word in p.town_words}
        codes = [p.postcode for p in self._places if p.postcode]
        self._code = re.compile(rf"(?<![\w-])(?:{'|'.join(codes)})(?!\w)") if codes else None

    def register(self, index: CueIndex) -> None:
        """Put all cues of places into the index."""
        for p in self._places:
            phrases = [cue for cue in p.residence if " " in cue or cue.endswith(".") or cue.islower()]
            index.add("residence", phrases)
            index.add("residence", [cue for cue in p.residence if cue not in phrases], after=r"\s?:")
            index.add("ward", p.wards, after=r"(?![\w-])")
            index.add("room", p.rooms, after=r"(?![\w-])")

    def free(self, text: str) -> Iterator[Span]:
        """Streets with a house number and postcodes with a place."""
        for places, street, endings in self._streets:
            for match in street.finditer(text) if endings is None else _numbered(text, street, endings):
                if self._is_street(match, places):
                    yield Span(match.start(), self._with_city(text, match.end()), "ADDRESS")
        for match in self._code.finditer(text) if self._code else ():
            yield from self._postcode(text, match)

    def _is_street(self, match: re.Match, places: PlaceCues) -> bool:
        name = match.group("name").split()
        if places.street_last:
            coded = self._code is not None and self._code.match(
                match.string, TO_CODE.match(match.string, match.end()).end()
            )
            spelled = name[-1].casefold().rstrip(".").endswith(("str", "straße", "strasse"))
            return bool(coded) or spelled or not self._lexicon.clinical(name[-1])
        # "3839 Main St.": three digits count no thing that reports speak of
        long = len(match.group("number")) > 2
        return long or not (match.group("kind").casefold() in AMBIGUOUS and all(map(self._lexicon.known, name)))

    def _with_city(self, text: str, end: int) -> int:
        code = self._code.match(text, TO_CODE.match(text, end).end()) if self._code else None
        city = CITY_BETWEEN.match(text, end)
        if city and self._code:
            code = self._code.match(text, COMMA.match(text, city.end()).end()) or code
        if not code:
            town = TOWN.match(text, end)
            return town.end() if town and not self._lexicon.known(town.group(1)) else end
        return next((span.end for span in self._postcode(text, code)), code.end())

    def _postcode(self, text: str, match: re.Match) -> Iterator[Span]:
        city = CITY_AFTER.match(text, match.end())
        numeric = NUMERIC.fullmatch(match.group())
        if numeric:
            words = city.group(1).split() if city else []
            if len(match.group()) == 4 and not self._four_digits(text, match, words):
                return
            addressed = (
                numeric.group(1) or HOUSE_NUMBER.search(text, max(0, match.start() - 8), match.start()) is not None
            )
            if city and (addressed or self._may_be_town(words)):
                yield Span(match.start(), city.start(1) + len(self._town(words)), "ADDRESS")
            return
        before = re.search(rf"(?:{WORD}\s)?{WORD},?\s$", text[max(0, match.start() - 40) : match.start()])
        yield Span(match.start() - (len(before.group()) if before else 0), match.end(), "ADDRESS")

    def _four_digits(self, text: str, match: re.Match, words: list[str]) -> bool:
        """Whether four digits begin a field or line and a town follows, a listed one where they may be a year."""
        if not words or not FIELD.search(text, max(0, match.start() - 3), match.start()):
            return False
        town = words[0].rstrip(".,")
        listed = self._lexicon.town(town) or town.casefold() in self._town_words
        return listed or (match.group()[:2] not in {"19", "20"} and not self._lexicon.known(town))

    def _may_be_town(self, words: list[str]) -> bool:
        """Whether the first word is no ordinary one, or one like "Bad", "Neu", "Klein" with a name after it."""
        first = words[0].rstrip(".,")
        if first.casefold() in self._town_words:
            return True
        adjective = len(words) > 1 and words[1][0].isupper() and not self._lexicon.known(words[1].rstrip(".,"))
        return not self._lexicon.known(first) or (
            adjective and self._lexicon.listed(first) and not self._lexicon.noun(first)
        )

    def _town(self, words: list[str]) -> str:
        """The town's words up to an ordinary one."""
        kept = [words[0]]
        for word in words[1:4]:
            if word[0].isupper() and (
                (kept[-1][-1] in ".," and kept[-1] not in {"St.", "Bad"}) or self._lexicon.known(word.rstrip(".,"))
            ):
                break
            kept.append(word)
        while not kept[-1][0].isupper() and kept[-1][0] != "(":
            kept.pop()
        return " ".join(kept).rstrip(".,")

    def birthplace(self, text: str, end: int) -> Iterator[Span]:
        """The place after a birth date that ends at `end`: "geb. 1.2.1960 in Neustadt"."""
        match = BIRTHPLACE.match(text, end)
        if match and not self._lexicon.known(match.group(1).rstrip(".")):
            yield Span(match.start(1), match.start(1) + len(match.group(1).rstrip(".")), "ADDRESS")

    def at_cue(self, kind: str, text: str, start: int, end: int) -> list[Span]:
        """Spans that a cue of a kind at [start, end) leads to."""
        if kind == "residence":
            rest = REST.match(text, end)
            if not rest or not re.search(rf"[{UPPER}\d]", rest.group()[:4]):
                return []
            stop = end + len(re.sub(r"[\s,.–/-]+(?:der|den|des|dem|im|in|am|an|of|the)?[\s,.–/-]*$", "", rest.group()))
            return [Span(end + re.compile(r"[:\s]*").match(rest.group()).end(), stop, "ADDRESS")]
        return self._ward(text, start, end, named=kind == "ward")

    def _ward(self, text: str, start: int, end: int, *, named: bool) -> list[Span]:
        number = WARD.match(text, end)
        if number:
            return [Span(start, number.end(), "HOSPITAL")]
        name = NAME.match(text, end + 1)
        named = named and name is not None and len(name.group()) > 2 and self._lexicon.soft(name.group())
        return [] if not named else [Span(start, name.end(), "HOSPITAL")]


def _numbered(text: str, street: re.Pattern, endings: tuple[str, ...]) -> Iterator[re.Match]:
    """Matches of a street, tried only where a word with one of the endings stands before a number."""
    done = 0
    for word in BEFORE_NUMBER.finditer(text):
        if word.start() >= done and word.group(1).casefold().endswith(endings):
            match = street.search(text, max(done, word.start() - 40), word.end() + 24)
            if match and match.start() <= word.start():
                done = match.end()
                yield match


def _streets(places: PlaceCues) -> Iterator[tuple[str, tuple[str, ...] | None]]:
    """Regular expressions of a street with its number, and the endings of the word before that, where it has some.

    The groups are `name` and, where the number leads, `kind` and `number`.
    """
    words = alternation(form for word in places.street_words for form in (word, word.upper()))
    if not places.street_last:
        flat = r"(?:(?:Flat|Apt\.?|Apartment|Unit|Suite)\s\w+,?\s)?"
        name = rf"(?P<name>(?:(?:{WORD}|\d{{1,3}}(?:st|nd|rd|th)|of|the)\s){{1,3}})(?P<kind>{words})"
        unit = r"\.?(?:,?\s(?:Apt\.?|Unit|Flat|Suite|#)\s?\w+)?"
        yield rf"{flat}(?<![\w.,/-])(?P<number>\d{{1,5}})[A-Za-z]?,?\s{name}(?!\w)\.?{unit}", None
        return
    if places.street_endings:
        spelled = {form for end in places.street_endings for form in (end, end.upper())}
        endings = "|".join(re.escape(end) for end in sorted(spelled, key=len, reverse=True))
        name = rf"(?P<name>(?:{WORD}\s)?[{UPPER}][\w'’-]{{2,}}(?:{endings}))"
        yield (
            rf"(?<!\w)(?:{alternation(places.street_starts)}\s)?{name}\.?\s?{NUMBER}",
            tuple(end.casefold() for end in places.street_endings),
        )
    if places.street_words:
        named = rf"{words}\s(?:des|der|am|von)\s(?:\d{{1,2}}\.\s)?{WORD}"
        yield rf"(?<!\w)(?P<name>[{UPPER}][\w'’.-]+[\s-]{words}|{named})\s?{NUMBER}", None
    if places.street_starts and places.postcode:
        name = rf"(?P<name>{alternation(places.street_starts)}\s(?:[^\W\d_]+\s)?{WORD}(?:\s{WORD})?)"
        yield rf"(?<!\w){name}(?:\s{NUMBER})?(?=[,\s·]+{places.postcode}\s[{UPPER}])", None
        yield rf"(?:(?<=[\n,;·|(])|(?<=[,;·|(] )|^){name}\s{NUMBER}", None
