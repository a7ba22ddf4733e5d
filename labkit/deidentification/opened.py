"""The readable text in a file that is to be shared: its own, its members', its metadata; not its pixels or glyphs."""

import base64
import gzip
import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator

__all__ = ["texts"]

# Images and fonts inside pages and notebooks: long runs of letters, opened as files of their own.
BASE64 = re.compile(r"[A-Za-z0-9+/]{120,}={0,2}")
OFFICE = re.compile(r"(?:word|ppt|xl)/(?:.*/)?[^/]*\.xml$")
BREAK = re.compile(r"</(?:[a-z]:)?(?:p|tc|tr|si|c|row)>|<w:(?:tab|br|cr)\b[^>]*>")
TAG = re.compile(r"<[^>]*>")
TEXT = re.compile(r">[^<]+<")
PDF_STREAM = re.compile(rb"stream\r?\n(.*?)endstream", re.DOTALL)
PRINTABLE = re.compile(rb"(?:[\x20-\x7e]|\xc3[\x80-\xbf]){6,}")
PNG = b"\x89PNG\r\n\x1a\n"
NUMPY = b"\x93NUMPY"
NUMPY_TEXT = re.compile(rb"'descr': '[<>|=]?U\d")
JPEG = b"\xff\xd8\xff"
START_OF_SCAN = 0xDA
OPENED = (PNG, JPEG, b"PK\x03\x04", b"\x1f\x8b", b"%PDF-", b"<", b"\xef\xbb\xbf")  # what base64 may hold
DEEPEST = 4  # archives within archives


def texts(content: bytes, *, depth: int = 0) -> Iterator[str]:
    """The texts in a file, files in files included.

    A damaged or locked archive is read like any other binary file: its names are there, what it packs is not.
    """
    if depth > DEEPEST:
        return
    if content[:4] == b"PK\x03\x04":
        yield from _members(content, depth)
    elif content[:2] == b"\x1f\x8b":
        try:
            yield from texts(gzip.decompress(content), depth=depth + 1)
        except (OSError, EOFError, zlib.error):
            yield _printable(content)
    elif content[:5] == b"%PDF-":
        yield from _pdf(content)
    elif content[:8] == PNG:
        yield from _png(content)
    elif content[:3] == JPEG:
        yield _jpeg(content)
    elif content[:6] == NUMPY:
        yield _numpy(content)
    elif content[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        yield content.decode("utf-16", "replace")
    elif b"\0" in content[:8192]:
        yield _printable(content)
    else:
        yield from _plain(content, depth)


def _plain(content: bytes, depth: int) -> Iterator[str]:
    """A text, and the files that it holds in base64."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = content.decode("cp1252", "replace")
    yield BASE64.sub(" ", text)
    for match in BASE64.finditer(text):
        letters = match.group().rstrip("=")
        packed = base64.b64decode(letters[: len(letters) // 4 * 4])  # at most two bytes of the end are lost
        if packed.startswith(OPENED) or packed.isascii():
            yield from texts(packed, depth=depth + 1)


def _members(content: bytes, depth: int) -> Iterator[str]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            yield from archive.namelist()
            for member in archive.namelist():
                inner = archive.read(member)
                if OFFICE.match(member):
                    yield _joined(inner.decode("utf-8", "replace"))
                else:
                    yield from texts(inner, depth=depth + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError):
        yield _printable(content)


def _joined(xml: str) -> str:
    """Text of an office document, whose words are often cut into runs, and below it the attributes of its tags."""
    return TAG.sub("", BREAK.sub("\n", xml)) + "\n" + TEXT.sub("><", xml)


def _pdf(content: bytes) -> Iterator[str]:
    yield _printable(PDF_STREAM.sub(b"", content))
    for stream in PDF_STREAM.finditer(content):
        try:
            yield _printable(zlib.decompress(stream.group(1)))
        except zlib.error:
            continue


def _png(content: bytes) -> Iterator[str]:
    """The text chunks; pixels are left out, since random bytes look like short numbers now and then."""
    place = len(PNG)
    while place + 8 <= len(content):
        size, kind = struct.unpack(">I4s", content[place : place + 8])
        body = content[place + 8 : place + 8 + size]
        place += size + 12
        if kind in {b"tEXt", b"iTXt", b"eXIf"}:
            yield body.replace(b"\0", b"\n").decode("utf-8", "replace")
        if kind in {b"zTXt", b"iTXt"}:
            for packed in (body[at:] for at in range(len(body) - 1) if body[at : at + 1] == b"\x78"):
                try:
                    yield zlib.decompress(packed).decode("utf-8", "replace")
                    break
                except zlib.error:
                    continue


def _jpeg(content: bytes) -> str:
    """The segments before the pixels: comments, EXIF, XMP."""
    place, kept = 2, []
    while place + 4 <= len(content) and content[place] == 0xFF and content[place + 1] != START_OF_SCAN:
        size = int.from_bytes(content[place + 2 : place + 4], "big")
        kept.append(content[place + 4 : place + 2 + size])
        place += 2 + max(size, 2)
    return _printable(b"\n".join(kept).replace(b"\0", b""))


def _numpy(content: bytes) -> str:
    """Strings of an array; its other numbers say nothing."""
    version = content[6]
    start = (
        10 + int.from_bytes(content[8:10], "little") if version == 1 else 12 + int.from_bytes(content[8:12], "little")
    )
    if NUMPY_TEXT.search(content[:start]):
        return content[start:].decode("utf-32-le", "replace").replace("\0", " ")
    return _printable(content)


def _printable(content: bytes) -> str:
    """The readable runs of a binary file, one a line."""
    return b"\n".join(PRINTABLE.findall(content)).decode("utf-8", "replace")
