"""The last look: known identifiers in anything that is about to be shared."""

import gzip
import html
import io
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from labkit.deidentification.cohort import KnownNames
from labkit.deidentification.dates import Dates
from labkit.deidentification.eponyms import Eponyms
from labkit.deidentification.known import KnownIdentifiers, KnownNumbers
from labkit.deidentification.languages import Lexicon, load
from labkit.deidentification.names import NameReader
from labkit.errors import RunError

__all__ = ["scan_folder"]

# images and fonts inside pages and notebooks: nothing to read there, and long runs of letters cost time
BASE64 = re.compile(r"[A-Za-z0-9+/]{120,}={0,2}")
UNICODE_ESCAPE = re.compile(r"\\+u([0-9a-fA-F]{4})|\\+x([0-9a-fA-F]{2})")
LINE_ESCAPE = re.compile(r"\\+[nrt]")
PERCENT = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
WORDS = re.compile(r"[^\W\d_]+")
SHORT_DATE = re.compile(r"(?<![\d.,/-])\d{1,2}([./-])\d{1,2}\1\d{2}(?![\d.,/-]\d|\d)")
DECIMAL = re.compile(r"\d[.,]$")
PDF_STREAM = re.compile(rb"stream\r?\n(.*?)endstream", re.DOTALL)
PRINTABLE = re.compile(rb"(?:[\x20-\x7e]|\xc3[\x80-\xbf]){6,}")


def scan_folder(
    folder: str | Path,
    known: KnownIdentifiers | Iterable[str],
    *,
    languages: Iterable[str | Path] = ("de", "en"),
    eponyms: str | Path | None = None,
) -> list[tuple[str, str, int]]:
    """Known identifiers in all files below a folder, and in their names.

    Finds them plain, HTML-, JSON- and URL-escaped, with umlauts written out, with or without separators; whole words.
    Looks into zip and gzip files and the packed streams of PDF; text that is drawn as glyphs or pixels is not read.

    Parameters
    ----------
    known : what must not be there. A name counts where given name and surname stand together, or as a surname alone
        that is no ordinary word and no eponym; an id counts from 4 characters. A name without a comma or ^ does not say
        which word is the surname, so each of its words counts alone.
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
    known = known if isinstance(known, KnownIdentifiers) else KnownIdentifiers.of(known)
    scanner = _Scanner(known, languages=languages, eponyms=eponyms)
    found = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        relative = path.relative_to(folder)
        counts = scanner.count(relative.as_posix())
        shown = "/".join(map(scanner.mask, relative.parts)) if counts else relative.as_posix()
        for text in _texts(path.name, path.read_bytes()):
            counts += scanner.count(text)
        found += [(shown, kind, n) for kind, n in sorted(counts.items())]
    return found


class _Scanner:
    """Counts identifiers: first the distinct words of a text, then only the places of those that are known."""

    def __init__(self, known: KnownIdentifiers, *, languages: Iterable[str | Path], eponyms: str | Path | None):
        loaded = tuple(load(language) for language in languages)
        lexicon = Lexicon(loaded)
        terms = Eponyms(eponyms, languages=loaded, lexicon=lexicon)
        reader = NameReader(loaded, lexicon=lexicon, eponyms=terms)
        self._names = KnownNames(known.names, lexicon=lexicon, eponyms=terms, reader=reader)
        self._numbers = KnownNumbers(known, short_dates=False)
        self._dates = Dates(loaded)
        years = "|".join(str(year) for year in sorted(self._numbers.years))
        self._year = re.compile(rf"(?<=[-./ ,’'])(?:{years})(?!\d)|(?<!\d)(?:{years})(?=[-/.]\d)") if years else None

    def count(self, text: str) -> Counter:
        """Number of identifiers by kind; kinds that do not occur are left out."""
        text = _unescape(text)
        counts = Counter(NAME=self._count_names(text), DATE=self._count_dates(text))
        for span in self._numbers.find(text):
            found = text[span.start : span.end]
            # a date with separators is counted with the other spelled dates; digits after a decimal point are no id
            spelled = span.type == "DATE" and not found.isdigit()
            decimal = DECIMAL.search(text, max(0, span.start - 2), span.start) is not None
            counts[span.type] += not (spelled or decimal)
        return +counts

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
            }
        short = (match for match in SHORT_DATE.finditer(text) if self._dates.read(match.group()) & self._numbers.dates)
        return len(ends | {match.end() for match in short})

    def mask(self, part: str) -> str:
        """A part of a path, replaced by the kind of identifier that it holds."""
        counts = self.count(part)
        return f"[{min(counts)}]{Path(part).suffix}" if counts else part


def _unescape(text: str) -> str:
    """The text with HTML, JSON and URL escapes resolved and embedded files left out."""
    text = BASE64.sub(" ", text)
    if "\\" in text:
        text = UNICODE_ESCAPE.sub(lambda m: chr(int(m.group(1) or m.group(2), 16)), text)
        text = LINE_ESCAPE.sub("\n", text)
    if "&" in text:
        text = html.unescape(html.unescape(text))
    if "%" in text:
        text = PERCENT.sub(lambda m: bytes.fromhex(m.group().replace("%", "")).decode("utf-8", "replace"), text)
    return text


def _texts(name: str, content: bytes) -> Iterator[str]:
    """The texts in a file: its own, those of its members, those of its PDF streams."""
    if content[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for member in archive.namelist():
                yield member
                yield from _texts(member, archive.read(member))
    elif content[:2] == b"\x1f\x8b":
        yield from _texts(name, gzip.decompress(content))
    elif content[:5] == b"%PDF-":
        yield _printable(content)
        for stream in PDF_STREAM.finditer(content):
            try:
                yield _printable(zlib.decompress(stream.group(1)))
            except zlib.error:
                continue
    elif content[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        yield content.decode("utf-16", "replace")
    elif b"\0" in content[:8192]:
        yield _printable(content)
    else:
        try:
            yield content.decode("utf-8")
        except UnicodeDecodeError:
            yield content.decode("cp1252", "replace")


def _printable(content: bytes) -> str:
    """The readable runs of a binary file, one a line."""
    return b"\n".join(PRINTABLE.findall(content)).decode("utf-8", "replace")
