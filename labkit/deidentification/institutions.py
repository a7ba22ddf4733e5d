"""Hospitals, practices, homes and schools that bear a name: "Klinikum am Park", "Royal Thornbury Infirmary"."""

import re

from labkit.deidentification.cues import UPPER, CueIndex, alternation
from labkit.deidentification.languages import Language
from labkit.deidentification.lexicon import Lexicon
from labkit.deidentification.names import NameReader
from labkit.deidentification.spans import Span

__all__ = ["Institutions"]

TOKEN = rf"[{UPPER}][\w'’.-]*"
# a long line may be broken inside of a name
BREAK = r"(?<=[^\n]{30})\r?\n"
BEFORE = re.compile(rf"(?P<word>{TOKEN})(?:[ -]|{BREAK})$")
NEXT = re.compile(rf"(?P<word>[{UPPER}](?:[\w'’.-]*[^\W_])?)(?![\w-])")
SAINT = re.compile(r"(?:St|Sankt|Saint|Skt|SS)\.?")
DAY = re.compile(r"(?:tag|abend|morgen|mittag|nacht|woche|monat|jahr|ende|beginn|termin)(?:e?s)?$", re.IGNORECASE)
LEGAL = re.compile(r",? (?:g?GmbH|gAG|AG|e\. ?V\.|GbR|PartG|KG|Ltd\.?|LLC|Inc\.?|PLC)(?!\w)")
ARTICLE = re.compile(r"(?<!\w)(?:The|THE)\s$")
MOST = 5
CLOSED = re.compile(r"[ \t]*(?:$|[\r\n,;:.()·|]|//|['’]s\b)")
SENTENCE = re.compile(r"(?:^|[.!?:;\n])\s*$")


class Institutions:
    """Finds institutions with the cues of some languages; a bare "Klinikum" or "the clinic" names none."""

    def __init__(self, languages: tuple[Language, ...], *, lexicon: Lexicon, reader: NameReader):
        self._lexicon, self._reader = lexicon, reader
        self._places = places = [language.places for language in languages]
        self._words = {w.casefold() for p in places for cue in p.hospitals for w in cue.split()}
        self._trailing = {w.casefold() for p in places if p.hospital_last for w in p.hospitals}
        self._generic = {
            w.casefold() for p in places for w in (*p.hospital_generic, *p.hospital_prefixes)
        } | self._words
        self._generic |= {w.casefold() for p in places for w in (*p.street_words, *p.town_backs)}
        self._fronts = {w.casefold().rstrip(".") for p in places for w in p.town_fronts}
        self._proper = {w.casefold() for p in places for w in p.hospital_names}
        self._proper_before = re.compile(rf"(?<!\w){alternation(w for p in places for w in p.hospital_names)}[ -]$")
        self._proper_next = re.compile(rf"{alternation(w for p in places for w in p.hospital_names)}(?![\w-])")
        links = {form for p in places for w in p.hospital_links for form in (w, w.capitalize(), w.upper())}
        self._link = re.compile(rf"(?: +|{BREAK})(?:(?P<link>{alternation(links)}) +)?")
        self._spots = {w.casefold() for p in places for w in p.hospital_spots}
        self._ending = tuple(end for p in places for end in p.hospital_endings)
        self._compound = tuple(end for p in places for end in p.hospital_compounds)
        self._heads = {head.casefold() for p in places for head in p.hospital_heads}
        self._weak = {w.casefold() for p in places for w in p.hospital_generic}
        self._sides = {w.casefold() for p in places if not p.hospital_last for w in p.town_backs}

    def register(self, index: CueIndex) -> None:
        """Put the words for institutions into the index."""
        for p in self._places:
            index.add("hospital", p.hospitals, after=r"(?![\w-])")
            index.add_endings("hospital", p.hospital_endings)

    def at_cue(self, text: str, start: int, end: int) -> list[Span]:
        """The institution whose kind stands at [start, end), where something names it."""
        cue = text[start:end].casefold()
        trailing = cue in self._trailing
        begin, before = self._back(text, start, end=end if trailing and cue not in self._weak else None)
        stop, after = self._forth(text, end, trailing=trailing)
        if not (before or after or self._inside(text[start:end])):
            return []
        legal = LEGAL.match(text, stop)
        return [Span(begin, legal.end() if legal else stop, "HOSPITAL")]

    def _back(self, text: str, start: int, *, end: int | None) -> tuple[int, bool]:
        """Where the name begins that stands before the kind, and whether it names anything.

        In front of a kind that ends at `end`, and follows its name, any word with a capital names it: "Summit Clinic".
        """
        closed = end is not None and CLOSED.match(text, end) is not None
        begin, named = start, False
        for _ in range(MOST):
            window = text[max(0, begin - 80) : begin]
            proper = self._proper_before.search(window)
            token = BEFORE.search(window)
            joined = re.search(rf"(?<!\w)({TOKEN} (?:of|and|&|the|und|des|der) )$", window) if begin < start else None
            if proper:
                begin, named = begin - len(proper.group()), True
            elif token and (kind := self._names(text, begin - len(token.group()), token.group("word"), back=True)):
                begin, named = begin - len(token.group()), named or kind == "name"
            elif token and end and self._capital(text, begin - len(token.group()), token.group("word"), closed=closed):
                begin, named = begin - len(token.group()), True
            elif joined and not self._lexicon.known(joined.group(1).split()[0]):
                begin, named = begin - len(joined.group(1)), True
            else:
                break
        article = ARTICLE.search(text, max(0, begin - 4), begin) if named else None
        return (article.start() if article else begin), named

    def _capital(self, text: str, start: int, word: str, *, closed: bool) -> bool:
        """Whether a word has its capital although it is an ordinary one and begins no sentence."""
        if not word[1:2].islower() or self._lexicon.clinical(word) or word.endswith("."):
            return False
        if self._reader.title.match(text, start) or self._reader.led.fullmatch(word + " "):
            return False
        return closed or SENTENCE.search(text, max(0, start - 3), start) is None

    def _forth(self, text: str, end: int, *, trailing: bool) -> tuple[int, bool]:
        """Where the name ends that stands behind the kind, and whether it names anything."""
        stop, named, reach = end, False, end
        for _ in range(MOST):
            link = self._link.match(text, reach)
            if not link:
                break
            proper = self._proper_next.match(text, link.end())
            token = NEXT.match(text, link.end())
            if proper:
                stop = reach = proper.end()
                named = True
                continue
            name = (
                self._reader.forward(text, link.end(), strong=False)
                if self._reader.title.match(text, link.end())
                else None
            )
            if name:
                return self._partners(text, name.end), True
            if not token or (trailing and not link.group("link")):
                break
            kind = self._names(text, token.start(), token.group("word"), back=False)
            if kind == "kind" and not link.group("link") and token.group("word").casefold() in self._sides:
                kind = "name"  # "LKH Süd"
            if kind != "name" and (link.group("link") or "").casefold() in self._spots:
                kind = "name" if self._is_spot(token.group("word")) else kind
            if not kind or (kind != "name" and text[token.end() : token.end() + 1] == ":"):
                break
            reach = token.end()
            if kind == "name":
                stop, named = reach, True
        return stop, named

    def _partners(self, text: str, end: int) -> int:
        """Where the last name ends of a practice of several: "Praxis Dres. Amann & Zell"."""
        while join := re.compile(r"\s?(?:&|/|,|und|and|\+)\s?(?=\w)").match(text, end):
            name = self._reader.forward(text, join.end(), strong=False)
            if name is None:
                break
            end = name.end
        return end

    def _names(self, text: str, start: int, word: str, *, back: bool) -> str | None:
        """What a capitalised word beside the kind does: name it, belong to it, or nothing."""
        bare = word.rstrip(".").casefold()
        if SAINT.fullmatch(word) or re.match(r"(?:St\.?|Sankt|Saint)-", word):
            return "name"
        if bare in self._generic or word.casefold() in self._generic:
            return "kind"
        if bare in self._fronts:
            return "kind"
        if back and self._reader.title.match(text, start):
            return None
        if len(word) > 2 and not self._reader.ordinary(text, start, start + len(word.rstrip("."))):
            return "name"
        possessive = re.fullmatch(rf"[{UPPER}]\w+['’]s", word)
        return "name" if possessive and word[:-2].casefold() not in {"children", "women"} else None

    def _is_spot(self, word: str) -> bool:
        """Whether a noun after "am", "an der" tells where an institution stands, and not when or what for."""
        return (
            len(word) > 2
            and not self._lexicon.clinical(word)
            and not DAY.search(word)
            and not self._lexicon.listed(word)
        )

    def _inside(self, word: str) -> bool:
        """Whether the word itself holds a name: "Marienhospital", "Thornbury-Klinik"."""
        first, hyphen, _ = word.partition("-")
        low = word.casefold()
        if hyphen and len(first) > 2:
            return first.casefold() not in self._heads and not self._lexicon.clinical(first)
        for end in self._compound:
            head = low.removesuffix(end)
            if low != head and len(head) > 2:
                return head not in self._heads and head + "s" not in self._heads and not self._lexicon.clinical(head)
        heads = [low.removesuffix(end) for end in self._ending if low.endswith(end)]
        return any(
            self._lexicon.given(form) for head in heads if len(head) > 3 for form in (head, head[:-1], head + "a")
        )
