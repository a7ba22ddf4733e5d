"""Reads CSV and JSON-lines files as hospitals export them, as text; a broken row becomes a row with a reason.

Used by `corpus` (reports) and `tables` (everything that crosses a step). Nothing is converted: `0012` stays `0012`.
"""

import csv
import io
import json
import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from labkit.errors import TableError

__all__ = ["Delimited", "decode", "is_header", "read_csv", "read_jsonl"]

DELIMITERS = (",", ";", "\t", "|")
# Longest field accepted, in characters: a report of 1,000 pages; beyond it a quote was left open.
MAX_FIELD = 4_000_000
# Restarts after a broken quote before the file as a whole is refused: each may scan to the end of the file.
MAX_RESTARTS = 200
# Excel's own first line, which says what the others are cut at.
EXCEL_LINE = re.compile(r'"?sep=(.)"?[\s,;|]*', re.IGNORECASE)
# What surrogateescape makes of a byte that is not valid UTF-8, and half characters of a JSON escape; neither can be
# written again.
DAMAGE = re.compile("[\\ud800-\\udfff]")


@dataclass(frozen=True)
class Delimited:
    """The rows of a text file: `table` has text columns only, `rejected` has row (1 = first data row) and reason."""

    table: pd.DataFrame
    rejected: pd.DataFrame
    encoding: str
    delimiter: str = ""


def decode(data: bytes, name: str) -> tuple[str, str]:
    """Text and encoding: UTF-8 with or without byte order mark, UTF-16 with mark, else cp1252.

    A file that is UTF-8 but for some lines stays UTF-8, so that one damaged line does not turn every umlaut of the
    others into two letters; its damaged bytes become lone surrogates (`DAMAGE`), and the rows that hold them are
    rejected.
    """
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if data.startswith(mark):
            try:
                return data.decode(encoding), encoding
            except UnicodeDecodeError:
                if encoding == "utf-16":
                    raise TableError(
                        f"{name}: starts like UTF-16 but is cut or damaged; export the file again."
                    ) from None
                return data.removeprefix(mark).decode("utf-8", errors="surrogateescape"), encoding
    try:
        return data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        pass
    bad = wide = 0
    for line in data.split(b"\n"):
        try:
            wide += any(ord(c) > 127 for c in line.decode("utf-8"))
        except UnicodeDecodeError:
            bad += 1
    if wide >= bad:
        return data.decode("utf-8", errors="surrogateescape"), "utf-8"
    try:
        return data.decode("cp1252"), "cp1252"
    except UnicodeDecodeError as error:
        raise TableError(
            f"{name}: byte {error.start} (value {data[error.start]}) is neither UTF-8 nor cp1252; "
            "save the file as UTF-8."
        ) from None


def sniff_delimiter(header: str) -> str:
    """The delimiter that cuts the header line into most fields."""
    counts = {d: len(next(csv.reader([header], delimiter=d), [])) for d in DELIMITERS}
    return max(DELIMITERS, key=lambda d: counts[d])


def read_csv(path: str | Path, *, delimiter: str | None = None) -> Delimited:
    """Read a CSV with a header line; delimiter (comma, semicolon, tab, bar) and encoding are found out.

    A first line `sep=;`, as Excel writes and reads it, names the delimiter and is no header.

    Raises
    ------
    TableError : no header, a header name twice, an unknown encoding, or too many broken quotes.
    """
    path = Path(path)
    text, encoding = decode(path.read_bytes(), path.name)
    damaged = DAMAGE.search(text) is not None
    lines = io.StringIO(text, newline="").readlines()
    said = EXCEL_LINE.fullmatch(lines[0].rstrip("\r\n")) if lines else None
    top = 1 if said else 0
    if not lines[top:] or not lines[top].strip():
        which = "line after sep=" if said else "first line"
        raise TableError(f"{path.name}: the {which} is empty; a CSV starts with the names of its columns.")
    delimiter = delimiter or (said[1] if said else sniff_delimiter(lines[0]))
    header, rows, rejected = None, [], []
    for first, last, fields, problem in _records(lines, delimiter, path.name, top=top):
        if header is None:
            header = [DAMAGE.sub("\ufffd", name.strip()) for name in fields or []]
            _check_header(header, path.name)
            continue
        if not problem and not fields:
            continue  # an empty line is no row
        number = len(rows) + len(rejected) + 1
        if not problem and damaged and any(DAMAGE.search(line) for line in lines[first:last]):
            problem = "holds bytes that are not valid UTF-8"
        if not problem and len(fields) != len(header):
            problem = f"has {len(fields)} fields where the header has {len(header)}"
        if problem:
            rejected.append({"row": number, "reason": f"line {first + 1} {problem}"})
        else:
            rows.append((number, *fields))
    table = pd.DataFrame(rows, columns=["row", *header], dtype=object)
    table = table.astype(dict.fromkeys(header, "str")).astype({"row": "int64"}).set_index("row")
    return Delimited(table, pd.DataFrame(rejected, columns=["row", "reason"]), encoding, delimiter)


def _records(lines: list[str], delimiter: str, name: str, *, top: int):
    """Yield (first line, line after the last, fields, problem) per record; after a broken quote go on a line later."""
    start, restarts = top, 0
    limit = csv.field_size_limit(MAX_FIELD)
    try:
        while start < len(lines):
            reader = csv.reader(lines[start:], delimiter=delimiter, strict=True)
            first = start
            try:
                for fields in reader:
                    yield first, start + reader.line_num, fields, ""
                    first = start + reader.line_num
                return
            except csv.Error as error:
                if "field limit" in str(error):
                    problem = f"holds a text of more than {MAX_FIELD:,} characters, or a quote that is not closed"
                else:
                    problem = "has a quote that is not closed or not doubled"
                restarts += 1
                if restarts > MAX_RESTARTS:
                    raise TableError(
                        f"{name}: quotes are broken in more than {MAX_RESTARTS} rows, first seen after line {first}; "
                        'a quote inside a quoted field is written "".'
                    ) from None
                yield first, first + 1, None, problem
                start = first + 1
    finally:
        csv.field_size_limit(limit)


def is_header(names: list[str]) -> bool:
    """Whether a first line reads like names of columns, so that a message may show it.

    A file without a header has a patient and a report there: a number, a sentence or a long text gives it away.
    """
    return not any(len(name) > 40 or len(name.split()) > 4 or re.search(r"^\d|\d{3}|\.$", name) for name in names)


def _check_header(header: list[str], name: str) -> None:
    for column in header:
        if header.count(column) > 1:
            which = f"the column '{column}' stands" if is_header(header) else "a value of the first line stands"
            raise TableError(f"{name}: {which} twice in the header; names must differ.")


def read_jsonl(path: str | Path) -> Delimited:
    """Read a file with one JSON object a line; values become text, a missing key an empty text.

    Raises
    ------
    TableError : no line holds a JSON object, or an unknown encoding.
    """
    path = Path(path)
    text, encoding = decode(path.read_bytes(), path.name)
    rows, rejected, number = [], [], 0
    for at, line in enumerate(text.split("\n")):
        if not line.strip():
            continue
        number += 1
        try:
            if DAMAGE.search(line):
                raise ValueError("holds bytes that are not valid UTF-8")
            content = json.loads(line)
            if not isinstance(content, dict):
                raise ValueError("is not a JSON object")
            fields = {key: _as_text(value) for key, value in content.items()}
            if any(DAMAGE.search(text) for pair in fields.items() for text in pair):
                raise ValueError("holds half a character, such as \\ud83d alone")
            rows.append((number, fields))
        except ValueError as error:
            problem = "is not valid JSON" if isinstance(error, json.JSONDecodeError) else str(error)
            rejected.append({"row": number, "reason": f"line {at + 1} {problem}"})
    if not rows:
        raise TableError(f"{path.name}: no line holds a JSON object; one object a line is expected.")
    table = pd.DataFrame([row for _, row in rows], index=pd.Index([n for n, _ in rows], name="row"))
    table = table.astype("str").where(table.notna(), "")
    return Delimited(table, pd.DataFrame(rejected, columns=["row", "reason"]), encoding)


def _as_text(value) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False)
