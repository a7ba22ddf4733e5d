"""Names and dates of columns read apart, and words folded so that every spelling of a name meets the others."""

import re
import unicodedata
from datetime import date

from labkit.deidentification.cues import WORD

__all__ = ["fold", "name_parts", "read_date"]

DATE_LIKE = re.compile(r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}|(?:19|20)\d{6}")
UMLAUTS = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ı": "i"}
)


def read_date(value: str) -> date | None:
    """The date of a column's value: ISO, DICOM or day.month.year; None where it is none."""
    if not DATE_LIKE.fullmatch(value.strip()[:10].rstrip("T ")):
        return None
    numbers = re.findall(r"\d+", value.strip()[:10])
    if len(numbers) == 1:
        numbers = [numbers[0][:4], numbers[0][4:6], numbers[0][6:]]
    first, month, last = (int(n) for n in numbers)
    year, day = (first, last) if len(numbers[0]) == 4 else (last, first)
    if year < 100:
        year += 1900 if year > 30 else 2000
    try:
        return date(year, month, day)
    except ValueError:
        pass
    try:
        return date(year, day, month)
    except ValueError:
        return None


def fold(word: str) -> tuple[str, ...]:
    """The word in small letters without accents: umlauts written out, and, where that differs, their dots lost."""
    low = word.casefold()
    if low.isascii():
        return (low,)
    low = unicodedata.normalize("NFC", low)
    spelled = _bare(low.translate(UMLAUTS))
    bare = _bare(low)
    return (spelled,) if spelled == bare else (spelled, bare)


def _bare(word: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", word) if not unicodedata.combining(c))


def name_parts(name: str) -> tuple[list[str], list[str]]:
    """The (surnames, given names) of a full name, without initials, particles and titles.

    "A, B" and DICOM "A^B" put the surname first, otherwise the last word is it.
    """
    surname, separator, given = name.replace("^", ",", 1).partition(",")
    halves = [
        [w for w in WORD.findall(half.replace("^", " ")) if len(w) > 1 and not w.islower()] for half in (surname, given)
    ]
    halves = [
        [w for w in half if w.casefold() not in {"dr", "prof", "med", "herr", "frau", "mr", "mrs", "ms"}]
        for half in halves
    ]
    if separator:
        return halves[0], halves[1]
    words = halves[0] or WORD.findall(name)
    return words[-1:], words[:-1]
