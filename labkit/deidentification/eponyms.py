"""Names of people that are medical terms, kept where they are used as a term."""

import re
from pathlib import Path

from labkit.deidentification.languages import LANGUAGES_DIR, Language
from labkit.deidentification.lexicon import Lexicon
from labkit.errors import ParamsError

__all__ = ["EPONYMS_PATH", "Eponyms"]

EPONYMS_PATH = LANGUAGES_DIR / "eponyms.txt"

# "Mason II", "Neer 2", "Mason type", "(Bado III", "Salter-Harris-Typ", "Colles' fracture", "Bennett-Fraktur"
GRADE = re.compile(
    r"(?:['’]s?)?[ -]{1,2}(?:[Tt]yp[e]?|[Gg]rad[e]?|[Ss]tadium|[Ss]tage|[Kk]lassifikation|"
    r"[IVX]{1,4}[abcAB]?\b|\d[a-cA-C]?\b)"
)
NEXT = re.compile(
    r"(?:['’]s?)?(?P<link> ?[/+&] ?|-| (?:and|und|type|modified|reverse|like) | )(?P<word>[^\W\d_][\w-]*)"
)
BEFORE = re.compile(
    r"(?:\b(?:nach|[Tt]yp[e]?|[Gg]rad[e]?|Morbus|M\.|sog\.|sogenannte[rn]?|Klassifikation|classification|"
    r"per|according to|of|de|reverse|umgekehrte|Mb\.|Syndrom|syndrome|"
    r"[Kk]ein[e]?|eine[rn]?|a|no|by the|the)\s|[(/+-]\s?)$"
)
UNLISTED_BEFORE = re.compile(
    r"(?:\b(?:Morbus|Mb\.|Syndrom|[Tt]yp[e]?|[Ss]tadium|[Gg]rad[e]?|Zeichen|Maladie de)\s|"
    r"(?:[Kk]lassifikation|[Ee]inteilung|[Tt]yp|[Gg]rad|[Mm]ethode|[Ll]inie|[Ww]inkel)\snach\s|"
    r"[Cc]lassification\s(?:of|by|per)\s)$"
)


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
        self._names = {line.split("#")[0].strip().casefold() for line in lines} - {""}

    def __contains__(self, word: str) -> bool:
        key = word.casefold()
        return key in self._names or key.split("-")[0] in self._names or key.removesuffix("'s") in self._names

    def lists(self, word: str) -> bool:
        """Whether the word stands in the file as it is, hyphens included."""
        return word.casefold() in self._names

    def leads(self, text: str, end: int) -> bool:
        """Whether a noun of terms follows a name that ends at `end`: "Thurston Holland fragment"."""
        # a dictated full stop is no "Punkt" of anyone's
        after = NEXT.match(text, end)
        return bool(after) and after.group("word") != "Punkt" and self._noun(after.group("word"))

    def in_use(self, text: str, start: int, end: int) -> bool:
        """Whether the word at [start, end) is an eponym with a grade, a clinical word, "Morbus", "nach" or "type"."""
        if text[start:end] not in self:
            return False
        if GRADE.match(text, end) or BEFORE.search(text, max(0, start - 20), start):
            return True
        after = NEXT.match(text, end)
        if not after:
            return False
        word, link = after.group("word"), after.group("link")
        if word in self:
            # "Salter Harris II" is a term, "Robert Wright" a person
            return link != " " or self.in_use(text, after.start("word"), after.end("word"))
        return self._noun(word) or (link == "-" and self._lexicon.known(word))

    def likely(self, text: str, start: int, end: int) -> bool:
        """Whether an unlisted word stands where an eponym does: "Morbus X", "X-Klassifikation", "X type II"."""
        if UNLISTED_BEFORE.search(text, max(0, start - 32), start) or GRADE.match(text, end):
            return True
        return self.leads(text, end)

    def _noun(self, word: str) -> bool:
        """Whether the word is one that eponyms stand before: listed, in the plural, or with a clinical stem."""
        low = word.casefold().split("-")[-1]
        return (
            low in self._nouns
            or low.rstrip("ens") in self._nouns
            or low.removesuffix("s") in self._nouns
            or self._lexicon.clinical(low)
        )
