"""Names of people that are medical terms, kept where they are used as a term."""

import re
from itertools import pairwise
from pathlib import Path

from labkit.deidentification.cues import UPPER
from labkit.deidentification.languages import LANGUAGES_DIR, Language
from labkit.deidentification.lexicon import Lexicon
from labkit.errors import ParamsError

__all__ = ["EPONYMS_PATH", "Eponyms"]

EPONYMS_PATH = LANGUAGES_DIR / "eponyms.txt"

# "Mason 2" or an angle, but not "Mason 2.3.1960", "Mason 2 Ebenen"
DIGIT = (
    r"\d[a-dA-D]?(?!\w)(?!\s?[.,:/-]\s?\d)"
    r"(?!\s?(?:Tag|Woche|Monat|Jahr|J\.|Std|Uhr|Ebene|Eb\.|x\b|days?\b|weeks?\b|months?\b|years?\b|y/?o\b|views?\b))"
    r"|\d{1,3}\s?(?:°|mm\b|cm\b)"
)
# "Mason II", "Neer 2", "Mason type", "(Bado III", "Salter-Harris-Typ", "Colles' fracture", "Bennett-Fraktur"
GRADE = re.compile(
    r"(?:['’]s?)?[ -]{1,2}(?:[Tt]yp[e]?|[Gg]rad[e]?|[Ss]tadium|[Ss]tage|[Kk]lassifikation|"
    rf"[IVX]{{1,4}}[a-dA-D]?\b|[A-F]\d(?:\.\d)?\b|\d[A-D][\dA-D]\b|{DIGIT})"
)
NEXT = re.compile(
    r"(?:['’]s?)?(?P<link> ?[/+&] ?|-| (?:and|und|u\.|type|modified|reverse|like) | )(?P<word>[^\W\d_][\w-]*)"
)
JOINED = re.compile(r"(?:['’]s?)?(?: ?[/+&–-] ?| (?:and|und|u\.) | )(?P<word>[^\W\d_]+)")
JOINED_BEFORE = re.compile(r"(?<![^\W_])(?P<word>[^\W\d_]+)(?: ?[/+&–-] ?| (?:and|und|u\.) | )$")
ASKED = (
    r"\b(?:[Tt]yp[e]?|[Gg]rad[e]?|Morbus|sog\.|sogenannte[rn]?|Klassifikation|classification|"
    r"reverse|umgekehrte|Mb\.|Syndrom|syndrome|[Kk]ein[e]?|no|V\. ?a\.|DD|Ausschluss|Z\. ?n\.)\s"
)
BEFORE = re.compile(rf"(?:{ASKED}|\b(?:nach|M\.|per|according to|of|de|eine[rn]?|a|by the|the)\s|[(/+]\s?|-)$")
# many people bear a frequent name: an article, "(" or "/" before it says nothing
FREQUENT_BEFORE = re.compile(rf"(?:{ASKED})$")

# Where no person can stand: "Typ II nach X", "Prothese nach X und Y", "modifiziert nach X", "classification of X".
# Titles and forms of address ("nach Dr. X") do not fit in between; nouns of a journey ("Verlegung nach X") are missing.
NOUNS = (
    r"(?:klassifikation|einteilung|graduierung|kriterien|methode|technik|verfahren|schema|modifikation|linie|winkel|index|score|zeichen|"
    r"test|manöver|handgriff|aufnahmen?|projektion(?:en)?|serie|prothese|plastik|tomie|ektomie|arthrodese|operation|osteosynthese|"
    r"nagelung|naht|zugang|gips|schiene|verband|orthese|alter|reposition|typ|grad(?:es)?|stadium|stadien|arthrose|fraktur|verletzung|"
    r"läsion|nekrose|luxation|notching|lift-off|verkalkung(?:en)?|ossifikation(?:en)?)"
)
LEVEL = r"\(?(?:G|[IVX]{1,4}[a-dA-D]?|[A-D]?\d{1,2}[a-dA-D]?|[A-D]\d?)\)?"
CHAIN = rf"(?:[{UPPER}][\w'’-]+(?:\s(?:und|UND|u\.|and|&)\s|\s?[/&]\s?))?"
UNLISTED_BEFORE = re.compile(
    r"(?:\b(?:Morbus|Mb\.|Syndrom|[Tt]yp[e]?|[Ss]tadium|[Gg]rad[e]?|Zeichen|Maladie de)\s|"
    rf"(?:(?i:{NOUNS})|\bOP|\b[GR]?{LEVEL})(?:\s{LEVEL})?(?:,?\s[a-zäöü]{{3,}})?,?\s(?:nach|NACH)\s{CHAIN}|"
    rf"\b(?:[Mm]odifiziert|mod\.)\snach\s{CHAIN}|"
    rf"\b(?:[Cc]lassification|[Cc]riteria|[Mm]ethod|[Tt]echnique)\s(?:of|by|per|after|according to)\s{CHAIN}|"
    rf"\b(?:[Gg]rade|[Tt]ype|[Ss]tage)\s{LEVEL}\s(?:according to|after)\s{CHAIN})$"
)
# what every such place ends with
LINKED = re.compile(
    r"(?:\b(?:nach|NACH|of|by|per|after|to|und|UND|u\.|and|Morbus|Mb\.|Syndrom|[Tt]ype?|[Ss]tadium|[Gg]rade?|Zeichen|de)\s|"
    r"[/&]\s?)$"
)
COUPLED = re.compile(rf"(?:\s(?:und|u\.|and|&)\s|\s?[/&]\s?)[{UPPER}][\w'’]+(?:-[{UPPER}][\w'’]+)*")
# "Knochenalter ... nach X und Y 13 Jahre"
AGE = re.compile(rf"(?:{COUPLED.pattern})?(?:\set al\.?)?:?\s\d{{1,2}}(?:[.,]\d+)?\s(?:Jahre|Monate|J\.|years|months)")
AGE_BEFORE = re.compile(rf"(?:[Aa]lter|\bage)\b.{{0,90}}\b(?:nach|according to|by|per)\s{CHAIN}$", re.DOTALL)

# "Lister Ward", "Lister, 2.3.1960", "Lister kam"; a last line of its own is a signature unless a heading asks for it
PERSONAL = re.compile(
    r"[ -](?:ward|clinic|hospital|unit|klinik|station|praxis)\b|[ ,(*]{1,3}\d{1,2}[./]\d{1,2}[./]\d|"
    r" (?:kam|kommt|stellte?|stürzte|fiel|berichtete?|klagte?|gab|gibt|möchte|wünscht|attended|presented|came|fell|"
    r"reports|reported|complains|states|denies|agreed|phoned)\b",
    re.IGNORECASE,
)
CLOSING = re.compile(r"[.\s]*$")
OWN_LINE = re.compile(rf"[^:\s][ \t]*(?:\r?\n[ \t]*)+(?P<initial>(?:[{UPPER}]\. ?)*)$")


class Eponyms:
    """The eponyms of a file, and whether one is used as a term at a place in a text."""

    def __init__(self, path: str | Path | None, *, languages: tuple[Language, ...], lexicon: Lexicon):
        self._lexicon = lexicon
        self._nouns = {noun.casefold() for language in languages for noun in language.eponym_nouns}
        path = Path(path or EPONYMS_PATH)
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise ParamsError(f"{path.name}: the list of eponyms cannot be read; give a text file in UTF-8.") from error
        entries = {_key(line.split("#")[0].strip()) for line in lines} - {""}
        self._frequent = {entry.removesuffix("*").rstrip() for entry in entries if entry.endswith("*")}
        self._names = {entry for entry in entries if not entry.endswith("*")}
        # "Greulich-Pyle" also means "Greulich und Pyle", "Greulich/Pyle"; neither name counts by itself
        particles = {word.casefold() for language in languages for word in language.people.particles} - {"le"}
        chains = [re.split(r"[- ]", name) for name in self._names]
        pairs = {pair for words in chains for pair in pairwise(words)}
        self._pairs = {pair for pair in pairs if particles.isdisjoint(pair)}
        self._paired = {word for pair in self._pairs for word in pair}
        self._heads = {re.split(r"[-']", name)[0] for name in self._names} | self._frequent | self._paired

    def __contains__(self, word: str) -> bool:
        key = _key(word)
        if key in self._names or key.removesuffix("'s") in self._names:
            return True
        first, _, rest = key.partition("-")
        return bool(rest) and first in self._names and self._completes(rest.rpartition("-")[2])

    def _completes(self, last: str) -> bool:
        """Whether the last part of a hyphenated word makes a term of it: "Bennett-Läsion", not "Bennett-Maier"."""
        return (
            last in self._names or self._noun(last) or (self._lexicon.known(last) and not self._lexicon.surname(last))
        )

    def lists(self, word: str) -> bool:
        """Whether the word stands in the file as it is, hyphens included."""
        return _key(word) in self._names

    def frequent(self, word: str) -> bool:
        """Whether the file marks the word as a frequent name, which is an eponym beside a clinical word only."""
        return _key(word).removesuffix("'s") in self._frequent

    def leads(self, text: str, end: int) -> bool:
        """Whether a noun of terms follows a name that ends at `end`: "Thurston Holland fragment"."""
        # a dictated full stop is no "Punkt" of anyone's
        after = NEXT.match(text, end)
        return bool(after) and after.group("word") != "Punkt" and self._noun(after.group("word"))

    def in_use(self, text: str, start: int, end: int) -> bool:
        """Whether the word at [start, end) is an eponym with a grade, a clinical word, "Morbus", "nach" or "type"."""
        word = text[start:end]
        # most words of a text are in no entry
        if re.split(r"[-']", _key(word), maxsplit=1)[0] not in self._heads and _key(word) not in self._frequent:
            return False
        frequent = self.frequent(word)
        if self._in_pair(text, start, end):
            return True
        if not frequent and word not in self:
            return False
        # "M. Weber" below the report signs it, "M. Crohn" does not
        if self._lexicon.surname(word) and self._signed(text, start, end):
            return False
        if GRADE.match(text, end) or self._asked(text, start, frequent) or self.placed(text, start, end):
            return True
        after = NEXT.match(text, end)
        if not after:
            return False
        word, link = after.group("word"), after.group("link")
        if word in self or self.frequent(word):
            # "Salter Harris II" is a term, "Robert Wright" a person, and of two frequent names both may have signed
            joined = link != " " and not (frequent or self.frequent(word))
            return joined or self.in_use(text, after.start("word"), after.end("word"))
        return self._noun(word) or (link == "-" and self._lexicon.known(word))

    def _asked(self, text: str, start: int, frequent: bool) -> bool:
        """Whether a word or sign that asks for an eponym stands before `start`; "/" needs a term on its left."""
        before = (FREQUENT_BEFORE if frequent else BEFORE).search(text, max(0, start - 20), start)
        if before is None or before.group().strip() not in {"/", "+"}:
            return before is not None
        other = JOINED_BEFORE.search(text, max(0, start - 32), start)
        word = other.group("word") if other else ""
        return not word or word.isupper() or word in self or self._lexicon.known(word)

    def alone(self, text: str, start: int, end: int) -> bool:
        """Whether a word without a cue is rather an eponym: listed, not as frequent, and no signature or ward."""
        word = text[start:end]
        return word in self and not PERSONAL.match(text, end) and not self._signed(text, start, end)

    def _signed(self, text: str, start: int, end: int) -> bool:
        """Whether the word, with or without initials, is the last line of the text."""
        return CLOSING.match(text, end) is not None and OWN_LINE.search(text, max(0, start - 12), start) is not None

    def likely(self, text: str, start: int, end: int) -> bool:
        """Whether an unlisted word stands where an eponym does: "Morbus X", "X-Klassifikation", "X type II"."""
        last = text[start:end].rpartition("-")[2]
        if self.placed(text, start, end) or GRADE.match(text, end) or self.leads(text, end):
            return True
        if last != text[start:end] and self._noun(last):
            return True
        other = COUPLED.match(text, end)
        return other is not None and (GRADE.match(text, other.end()) is not None or self.leads(text, other.end()))

    def placed(self, text: str, start: int, end: int) -> bool:
        """Whether what stands before the word leaves no other reading than an eponym, whatever the word is."""
        if not LINKED.search(text, max(0, start - 10), start):
            return False
        if UNLISTED_BEFORE.search(text, max(0, start - 64), start):
            return True
        return AGE.match(text, end) is not None and AGE_BEFORE.search(text, max(0, start - 120), start) is not None

    def _in_pair(self, text: str, start: int, end: int) -> bool:
        """Whether the word and its neighbour are listed together: "Greulich und Pyle", "Terry Thomas", "Weber B"."""
        key = _key(text[start:end])
        if key not in self._paired:
            return False
        after = JOINED.match(text, end)
        if after and (key, _key(after.group("word"))) in self._pairs:
            return True
        before = JOINED_BEFORE.search(text, max(0, start - 32), start)
        return before is not None and (_key(before.group("word")), key) in self._pairs

    def _noun(self, word: str) -> bool:
        """Whether the word is one that eponyms stand before: listed, in the plural, or with a clinical stem."""
        low = word.casefold().split("-")[-1]
        return (
            low in self._nouns
            or low.rstrip("ens") in self._nouns
            or low.removesuffix("s") in self._nouns
            or self._lexicon.clinical(low)
        )


def _key(word: str) -> str:
    return word.casefold().replace("’", "'")
