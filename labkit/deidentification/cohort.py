"""Known names in a text: every spelling is found, ordinary words and eponyms that are someone's surname mostly stay."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

from labkit.deidentification.cues import UPPER, WORD
from labkit.deidentification.eponyms import Eponyms
from labkit.deidentification.known import KnownIdentifiers, KnownNumbers
from labkit.deidentification.lexicon import Lexicon
from labkit.deidentification.names import NameReader
from labkit.deidentification.spans import Span
from labkit.deidentification.spellings import fold, name_parts

__all__ = ["KnownIndex", "KnownNames"]

GAP = re.compile(
    r"(?:[\s,^_;|-]|\.(?!\s)|</?[a-zA-Z][^<>]{0,60}>){1,6}(?:(?:von|van|de|der|den|zu|zur|vom|del|di|da|al|el|le|la)\s)?$",
    re.IGNORECASE,
)
GENITIVE = re.compile(r"['’]s?(?!\w)")
PARTICLE_BEFORE = re.compile(r"(?<!\w)(?:(?:von|van|de|der|den|zu|zur|vom|del|di|da|al|el|le|la)\s)+$", re.IGNORECASE)
INITIAL_BEFORE = re.compile(rf"(?<!\w)([{UPPER}])\.[ -]?$")
INITIAL_AFTER = re.compile(rf",? ([{UPPER}])\.(?!\w)")
SENTENCE_START = re.compile(r"(?:^|[.:;!?\n•*-])\s*$")


class _Hit:
    """A known word at a place: the persons it may name, and whether it is anyone's surname."""

    __slots__ = ("end", "persons", "start", "sure", "surname", "word")

    def __init__(self, start: int, end: int, word: str, persons: set[int], surname: bool):
        self.start, self.end, self.word, self.persons, self.surname = start, end, word, persons, surname
        self.sure = False


class KnownNames:
    """Names of known persons, looked up word by word, so that a cohort costs no more than a single name."""

    def __init__(
        self, names: Iterable[str], *, lexicon: Lexicon, eponyms: Eponyms, reader: NameReader, strict: bool = False
    ):
        self._lexicon, self._eponyms, self._reader, self._strict = lexicon, eponyms, reader, strict
        self._persons: dict[str, set[int]] = defaultdict(set)
        self._surnames: set[str] = set()
        self._initials: dict[int, set[str]] = {}
        self._particled: set[int] = set()
        for person, name in enumerate(names):
            surnames, given = name_parts(name)
            # Without a comma or ^ the column may hold "Surname Given" as well: then each word may be the surname.
            leading = surnames if "," in name or "^" in name else [*surnames, *given]
            self._initials[person] = {word[0].upper() for word in WORD.findall(name)}
            if any(word.islower() for word in WORD.findall(name)):
                self._particled.add(person)
            for word in (*surnames, *given):
                for key in self._keys(word):
                    self._persons[key].add(person)
                    if word in leading:
                        self._surnames.add(key)

    @staticmethod
    def _keys(word: str) -> set[str]:
        """The whole word and the parts of a hyphenated one."""
        parts = [part for part in re.split(r"[-'’]", word) if len(part) > 2]
        return {key for form in (word, *parts) for key in fold(form)}

    def __bool__(self) -> bool:
        return bool(self._persons)

    def lookup(self, word: str) -> str | None:
        """The known key of a word of a text, also in the genitive; None where it is no known name."""
        for key in fold(word):
            if key in self._persons:
                return key
            if key.endswith("s") and len(key) > 4 and key[:-1] in self._persons:
                return key[:-1]
        return None

    def find(self, text: str) -> Iterator[Span]:
        """Places of the known names."""
        yield from self._group(text, self._judged(text, self._hits(text, WORD.finditer(text))))

    def _hits(self, text: str, words: Iterable[re.Match]) -> list[_Hit]:
        found = []
        for match in words:
            word = match.group()
            key = self.lookup(word)
            if key:
                found.append(_Hit(match.start(), match.end(), word, self._persons[key], key in self._surnames))
            elif "-" in word or "'" in word or "’" in word:
                found += self._parts(match)
        return found

    def _parts(self, match: re.Match) -> list[_Hit]:
        """Known parts of a hyphenated word; other parts go too where they are no clinical words ("Müller-Schmidt")."""
        parts = [
            (p.start() + match.start(), p.end() + match.start(), p.group())
            for p in re.finditer(r"[^-'’]+", match.group())
        ]
        hits = [(start, end, part, key) for start, end, part in parts if (key := self.lookup(part)) and len(part) > 1]
        if not hits:
            return []
        rest = [part for _, _, part in parts if part not in {hit[2] for hit in hits}]
        if rest and all(part == "s" or (part[0].isupper() and not self._lexicon.known(part)) for part in rest):
            key = hits[0][3]
            return [_Hit(match.start(), match.end(), match.group(), self._persons[key], key in self._surnames)]
        return [_Hit(start, end, part, self._persons[key], key in self._surnames) for start, end, part, key in hits]

    def _judged(self, text: str, hits: list[_Hit]) -> list[_Hit]:
        """The hits that name a person here, in order."""
        for i, hit in enumerate(hits):
            hit.sure = self._beside(text, hits, i) or self._alone(text, hit)
        return [hit for hit in hits if hit.sure]

    def _beside(self, text: str, hits: list[_Hit], i: int) -> bool:
        """Whether another word of the same person's name stands next to it."""
        for j in (i - 1, i + 1):
            if (
                0 <= j < len(hits)
                and hits[i].persons & hits[j].persons
                and hits[i].word.casefold() != hits[j].word.casefold()
            ):
                first, second = sorted((hits[i], hits[j]), key=lambda hit: hit.start)
                if GAP.match(text[first.end : second.start]):
                    return True
        return False

    def _alone(self, text: str, hit: _Hit) -> bool:
        word = hit.word
        if self._reader.led.search(text, max(0, hit.start - 32), hit.start):
            return True
        if self._eponyms.in_use(text, hit.start, hit.end) or len(word) < 3:
            return False
        if word.islower():
            return len(word) > 3 and not self._lexicon.small(word) and word not in self._eponyms
        if self._lexicon.noun(word) and not (self._strict and not self._lexicon.clinical(word)):
            return False
        if self._lexicon.listed(word) and not self._strict:
            return not SENTENCE_START.search(text, max(0, hit.start - 8), hit.start)
        return True

    def _group(self, text: str, hits: list[_Hit]) -> Iterator[Span]:
        """One span per name: neighbouring words of it with what joins them, its initials and the genitive."""
        i = 0
        while i < len(hits):
            j = i
            while (
                j + 1 < len(hits)
                and GAP.match(text[hits[j].end : hits[j + 1].start])
                and hits[i].persons & hits[j + 1].persons
            ):
                j += 1
            start, end = hits[i].start, hits[j].end
            initials = {letter for person in hits[i].persons for letter in self._initials[person]}
            particle = (
                PARTICLE_BEFORE.search(text, max(0, start - 12), start) if hits[i].persons & self._particled else None
            )
            start = particle.start() if particle else start
            before = INITIAL_BEFORE.search(text, max(0, start - 4), start)
            if before and before.group(1) in initials and not text[before.start() - 3 : before.start()].isupper():
                start = before.start()
            after = GENITIVE.match(text, end) or INITIAL_AFTER.match(text, end)
            if after and (not after.groups() or after.group(1) in initials):
                end = after.end()
            yield Span(start, end, "NAME")
            i = j + 1

    def certain(self, text: str, words: Iterable[re.Match]) -> Iterator[Span]:
        """Names among the given words of a rendered page: full names, or surnames that are no word of any other use."""
        hits = self._hits(text, words)
        kept = []
        for i, hit in enumerate(hits):
            if self._beside(text, hits, i) or (hit.surname and not self._common(hit)):
                kept.append(hit)
        yield from self._group(text, kept)

    def _common(self, hit: _Hit) -> bool:
        short = len(hit.word) < (6 if hit.word.islower() else 4)
        return short or self._lexicon.known(hit.word) or hit.word in self._eponyms


class KnownIndex:
    """Known names and numbers together."""

    def __init__(
        self, known: KnownIdentifiers, *, lexicon: Lexicon, eponyms: Eponyms, reader: NameReader, strict: bool = False
    ):
        self.names = KnownNames(known.names, lexicon=lexicon, eponyms=eponyms, reader=reader, strict=strict)
        self.numbers = KnownNumbers(known)

    def find(self, text: str) -> list[Span]:
        """Places and types of the known identifiers; the gate finds spelled dates with all other dates."""
        return [*self.names.find(text), *self.numbers.find(text)]
