"""The last look: known identifiers in anything that is about to be shared.

It must find every identifier and yet let an honest page pass, since whoever meets false alarms stops to look. So:

- An id counts from 5 letters or digits, as written or with other separators, but not within a decimal number, a
  pseudonym or the geometry of a drawing.
- A name counts where given name and surname stand together; a surname alone only where it is no ordinary word, no
  eponym, and no word that labkit's own notebooks, templates or messages hold, as Wilson, Page or Cohen: such words
  stand in every page, whoever the patients are.
- A birth date counts in every spelling, but not as part of a time stamp (with a time of day) or of a model's name
  (`model-2024-08-06`).
"""

import html
import re
from collections import Counter
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from labkit.deidentification.cohort import KnownNames
from labkit.deidentification.dates import Dates
from labkit.deidentification.eponyms import Eponyms
from labkit.deidentification.known import KnownIdentifiers, KnownNumbers
from labkit.deidentification.languages import load
from labkit.deidentification.lexicon import Lexicon
from labkit.deidentification.names import NameReader
from labkit.deidentification.opened import texts
from labkit.deidentification.spans import Span
from labkit.errors import RunError

__all__ = ["Scanner", "scan_folder"]

ROOT = Path(__file__).parents[2]
SHORTEST_ID = 5
UNICODE_ESCAPE = re.compile(r"\\+u([0-9a-fA-F]{4})|\\+x([0-9a-fA-F]{2})")
LINE_ESCAPE = re.compile(r"\\+[nrt]")
PERCENT = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
WORDS = re.compile(r"[^\W\d_]+")
SHORT_DATE = re.compile(r"(?<![\d.,/-])\d{2}([./-])\d{2}\1\d{2}(?![\d.,/-]\d|\d)")
MODEL_BEFORE = re.compile(r"[A-Za-z][\w.]*-$")
TIME_AFTER = re.compile(r"[T ](?!00:00(?::00)?(?![\d.]))\d{2}:\d{2}")
DECIMAL_BEFORE = re.compile(r"\d\.$")  # a comma parts the fields of a CSV
DECIMAL_AFTER = re.compile(r"\.\d")
DECIMAL = re.compile(r"\d+\.\d+")
PSEUDONYM = re.compile(r"[SP]-\d{4,}")
PSEUDONYM_BEFORE = re.compile(r"\b[SP]-$")
# What draws and colours, and holds more numbers than all else: attributes of SVG, style sheets.
DRAWING = re.compile(
    r"""<style\b.*?</style>|\b(?:d|points|transform|style|viewBox)=(\\?["'])[^"'<>]*\1""", re.DOTALL | re.IGNORECASE
)
# labkit's own words; names of people stand in those of its parts that find or invent them.
OWN = (
    "notebooks/*.ipynb",
    "labkit/**/*.py",
    "labkit/run/report/*",
    "labkit/evaluation/interactive/*",
    "params/*/*.md",
    "params/*.yaml",
    "params/*/*.yaml",
)
STRING = re.compile(r"""\"([^"\n]*)\"|'([^'\n]*)'""")
PUBLIC = re.compile(r"^__all__ = \[[^\]]*\]", re.MULTILINE)
OF_PEOPLE = {"deidentification", "synthetic"}


def scan_folder(
    folder: str | Path,
    known: KnownIdentifiers | Iterable[str],
    *,
    languages: Iterable[str | Path] = ("de", "en"),
    eponyms: str | Path | None = None,
) -> list[tuple[str, str, int]]:
    """Known identifiers in all files below a folder, and in their names.

    Finds them plain, HTML-, JSON- and URL-escaped, with umlauts written out, with or without separators; whole words.
    Looks into archives (so also docx, xlsx, npz), gzip files, the packed streams of PDF, the metadata of images, and
    files embedded in pages and notebooks; text that is drawn as glyphs or pixels is not read.

    Parameters
    ----------
    known : what must not be there; the rules are at the top of this module. A name without a comma or ^ does not say
        which word is the surname, so each of its words counts alone unless it is a listed given name.
    languages, eponyms : as for `Gate`; they tell names from words.

    Returns
    -------
    List of (path relative to the folder, kind, count), kind one of NAME, DATE, ID, PHONE, EMAIL, ADDRESS.
    The identifiers are not given, and are masked where a path holds them.

    Raises
    ------
    RunError : no such folder.
    """
    if not (folder := Path(folder)).is_dir():
        raise RunError(f"{folder.name}: no such folder to scan for identifiers; give the folder that is to be shared.")
    scanner = Scanner(known, languages=languages, eponyms=eponyms)
    found = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        shown, counts = scanner.look(path.relative_to(folder), path.read_bytes())
        found += [(shown, kind, n) for kind, n in sorted(counts.items())]
    return found


class Scanner:
    """Counts identifiers: first the distinct words of a text, then only the places of those that are known."""

    def __init__(
        self,
        known: KnownIdentifiers | Iterable[str],
        *,
        languages: Iterable[str | Path] = ("de", "en"),
        eponyms: str | Path | None = None,
    ):
        known = known if isinstance(known, KnownIdentifiers) else KnownIdentifiers.of(known)
        long = [i for i in known.ids if sum(map(str.isalnum, i)) >= SHORTEST_ID]
        known = known.model_copy(update={"ids": tuple(long)})
        loaded = tuple(load(language) for language in languages)
        lexicon = Lexicon(loaded)
        terms = Eponyms(eponyms, languages=loaded, lexicon=lexicon)
        reader = NameReader(loaded, lexicon=lexicon, eponyms=terms)
        self._names = NamesInPages(known.names, lexicon=lexicon, eponyms=terms, reader=reader)
        self._numbers = KnownNumbers(known, short_dates=False)
        self._dotted = {bare(i) for i in known.ids if "." in i}
        self._dates = Dates(loaded)
        years = "|".join(str(year) for year in sorted(self._numbers.years))
        self._year = re.compile(rf"(?<=[-./ ,’'])(?:{years})(?!\d)|(?<!\d)(?:{years})(?=[-/.]\d)") if years else None

    def look(self, relative: Path, content: bytes) -> tuple[str, Counter]:
        """The path as it may be shown, and the number of identifiers by kind in it and in the file."""
        counts = self.count(relative.as_posix())
        shown = "/".join(map(self._masked, relative.parts)) if counts else relative.as_posix()
        for text in texts(content):
            counts += self.count(text)
        return shown, counts

    def count(self, text: str) -> Counter:
        """Number of identifiers by kind; kinds that do not occur are left out."""
        text = _unescape(text)
        counts = Counter(NAME=self._count_names(text), DATE=self._count_dates(text))
        for span in self._numbers.find(text):
            counts[span.type] += self._counts(text, span)
        return +counts

    def _counts(self, text: str, span: Span) -> bool:
        found = text[span.start : span.end]
        if span.type == "DATE":
            return found.isdigit()  # one with separators is counted with the other spelled dates
        if PSEUDONYM.fullmatch(found):  # a hospital may number in the same way; in a page it is ours
            return False
        if not found[0].isdigit() or not found[-1].isdigit() or bare(found) in self._dotted:
            return True
        before = text[max(0, span.start - 3) : span.start]
        decimal = DECIMAL_BEFORE.search(before) or DECIMAL_AFTER.match(text, span.end) or DECIMAL.fullmatch(found)
        return not (decimal or PSEUDONYM_BEFORE.search(before))

    def _count_names(self, text: str) -> int:
        suspects = sorted(word for word in set(WORDS.findall(text)) if self._names.lookup(word)) if self._names else []
        if not suspects:
            return 0
        places = re.compile(rf"(?<![^\W\d_])(?:{'|'.join(suspects)})(?![^\W\d_])")
        return sum(1 for _ in self._names.certain(text, places.finditer(text)))

    def _count_dates(self, text: str) -> int:
        if self._year is None:
            return 0
        ends = set()
        for match in self._year.finditer(text):
            begin = max(0, match.start() - 24)
            window = text[begin : match.end() + 8]
            ends |= {
                begin + end
                for found, end in self._dates.strings(window)
                if self._dates.read(found) & self._numbers.dates
                and not MODEL_BEFORE.search(window[: end - len(found)])
                and not TIME_AFTER.match(text, begin + end)
            }
        short = (match for match in SHORT_DATE.finditer(text) if self._dates.read(match.group()) & self._numbers.dates)
        return len(ends | {match.end() for match in short})

    def _masked(self, part: str) -> str:
        """A part of a path, replaced by the kind of identifier that it holds."""
        counts = self.count(part)
        return f"[{min(counts)}]{Path(part).suffix}" if counts else part


class NamesInPages(KnownNames):
    """Known names; a word that labkit itself writes, or a listed given name, is nobody's surname alone."""

    def _common(self, hit) -> bool:
        low = hit.word.casefold()
        return super()._common(hit) or low in own_words() or self._reader.given(hit.word)


@cache
def own_words() -> frozenset[str]:
    """Words of labkit's notebooks, templates and params, and of the strings in its code; in small letters."""
    found: set[str] = set()
    for path in {path for pattern in OWN for path in ROOT.glob(pattern)}:
        if path.is_file() and not OF_PEOPLE & set(path.parts):
            text = LINE_ESCAPE.sub("\n", path.read_text(encoding="utf-8"))
            if path.suffix == ".py":
                text = "\n".join(map("".join, STRING.findall(PUBLIC.sub("", text))))
            found |= {word.casefold() for word in WORDS.findall(text)}
    return frozenset(found)


def bare(value: str) -> str:
    """Letters and digits alone, in small letters."""
    return "".join(filter(str.isalnum, value)).casefold()


def _unescape(text: str) -> str:
    """The text with HTML, JSON and URL escapes resolved, without what draws."""
    if "\\" in text:
        text = UNICODE_ESCAPE.sub(lambda m: chr(int(m.group(1) or m.group(2), 16)), text)
        text = LINE_ESCAPE.sub("\n", text)
    if "=" in text or "<style" in text:
        text = DRAWING.sub(" ", text)
    if "&" in text:
        text = html.unescape(html.unescape(text))
    if "%" in text:
        text = PERCENT.sub(lambda m: bytes.fromhex(m.group().replace("%", "")).decode("utf-8", "replace"), text)
    return text
