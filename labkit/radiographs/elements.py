"""Walk the elements of a DICOM file up to its pixels, touching only what is asked for.

Own code in place of `pydicom.dcmread` because an index reads tens of thousands of untrusted headers: memory
stays at one window of the file, nesting and sizes are bounded, and it is several times faster. Pixels are
decoded by pydicom (see `pixels`). Source: DICOM PS3.5 sections 7.1 (data element structure), 7.5 (nesting),
A.4 (encapsulation) and PS3.10 section 7.
"""

import zlib
from dataclasses import dataclass, field
from io import BytesIO
from struct import Struct
from typing import BinaryIO

__all__ = ["DEFLATED", "Header", "HeaderError", "NotDicom", "inflate", "scan"]

EXPLICIT_LE, IMPLICIT_LE = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2"
DEFLATED, BIG_ENDIAN = "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2"
UNDEFINED = 0xFFFFFFFF
PIXEL_DATA, TRANSFER_SYNTAX, META_LENGTH = 0x7FE00010, 0x00020010, 0x00020000
# Sequences whose first code meaning is kept: view, anatomic region.
CODED = (0x00540220, 0x00082218)
CODE_MEANING = 0x00080104
LONG_VRS = frozenset((b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"))
SHORT_VRS = frozenset(b"AE AS AT CS DA DS DT FL FD IS LO LT PN SH SL SS ST TM UI UL US".split())
MAX_DEPTH, MAX_VALUE, WINDOW = 32, 1024, 16384
MAX_INFLATED, MAX_ELEMENTS = 512 * 2**20, 200_000
# A defined-length sequence shorter than this cannot nest deeper than MAX_DEPTH, so it is skipped in one step.
SHALLOW = MAX_DEPTH * 16


class NotDicom(Exception):
    """The bytes do not begin as a DICOM data set does."""


class HeaderError(Exception):
    """A DICOM header that cannot be followed; the message is a sentence without the file's name."""


@dataclass
class Header:
    """Raw values by tag (at most 1,024 bytes each) and where the pixels lie.

    `body` is where the data set begins in the file, `start` the same in what is walked (0 once inflated);
    `pixel_offset` is the position of the first pixel byte in the file (in the inflated data set for the
    deflated syntax), -1 without Pixel Data; `pixel_length` is as declared (0xFFFFFFFF: encapsulated); `size`
    is the number of bytes there are.
    """

    values: dict[int, bytes] = field(default_factory=dict)
    transfer_syntax: str = ""
    little: bool = True
    explicit: bool = True
    pixel_offset: int = -1
    pixel_length: int = 0
    pixel_tag: int = 0
    pixel_vr: bytes = b""
    body: int = 0
    start: int = 0
    size: int = 0


class _Window:
    """A stretch of a stream that moves forward on demand."""

    def __init__(self, stream: BinaryIO, size: int):
        self.stream, self.size, self.base, self.data = stream, size, 0, b""

    def refill(self, position: int, count: int) -> None:
        if position + count > self.size:
            raise HeaderError("the file ends inside its header")
        self.stream.seek(position)
        self.data, self.base = self.stream.read(max(count, WINDOW)), position
        if len(self.data) < count:
            raise HeaderError("the file ends inside its header")


def scan(stream: BinaryIO, size: int, wanted: frozenset[int]) -> Header:
    """Read a file's header up to Pixel Data.

    Parameters
    ----------
    stream : binary, seekable, at any position; size is its number of bytes.
    wanted : tags, as group << 16 | element, whose values are kept.

    Raises
    ------
    NotDicom : neither a preamble nor a plausible first element.
    HeaderError : cut, damaged, nested too deep, or inflating beyond bounds.
    """
    window = _Window(stream, size)
    stream.seek(0)
    window.data = stream.read(WINDOW)
    start, has_meta = _start(window.data)
    header = Header(size=size)
    if has_meta:
        start = _walk(window, start, header, wanted, meta=True)
        raw = header.values.get(TRANSFER_SYNTAX, b"")
        header.transfer_syntax = raw.decode("ascii", "replace").strip("\0 ")
    header.body = start
    if header.transfer_syntax == DEFLATED:
        stream.seek(start)
        kept, header.size = _inflated_head(stream)
        window, start = _Window(BytesIO(kept), len(kept)), 0
        window.refill(0, min(8, len(kept)))
    header.little = header.transfer_syntax != BIG_ENDIAN
    header.explicit = _looks_explicit(window, start, header.transfer_syntax)
    if not header.transfer_syntax:
        header.transfer_syntax = EXPLICIT_LE if header.explicit else IMPLICIT_LE
    header.start = start
    _walk(window, start, header, wanted)
    return header


def inflate(data: bytes, start: int) -> bytes:
    """The inflated data set of a deflated file, which begins at `start`; at most 512 MiB."""
    out = zlib.decompressobj(-zlib.MAX_WBITS).decompress(memoryview(data)[start:], MAX_INFLATED + 1)
    if len(out) > MAX_INFLATED:
        raise HeaderError("the deflated data set is larger than 512 MiB")
    return out


def _start(data: bytes) -> tuple[int, bool]:
    """Offset of the first element and whether it belongs to the file meta group."""
    offset = 132 if data[128:132] == b"DICM" else 0
    first = data[offset : offset + 6]
    group, vr = first[:2], first[4:6]
    if group == b"\2\0" and (vr in SHORT_VRS or vr in LONG_VRS):
        return offset, True
    plausible = group == b"\x08\0" and (first[2:4] < b"\x20\0" or vr in SHORT_VRS)
    if offset or plausible:
        return offset, False
    raise NotDicom


def _looks_explicit(window: _Window, start: int, syntax: str) -> bool:
    """What the first element shows; some archives declare the other one."""
    if start - window.base + 6 > len(window.data) or start < window.base:
        window.refill(start, 8)
    vr = window.data[start - window.base + 4 : start - window.base + 6]
    return vr in SHORT_VRS or vr in LONG_VRS


def _inflated_head(stream: BinaryIO) -> tuple[bytes, int]:
    """First 4 MiB of the inflated data set and its whole size, without holding more than that."""
    engine, kept, total = zlib.decompressobj(-zlib.MAX_WBITS), bytearray(), 0
    try:
        while not engine.eof:
            chunk = engine.unconsumed_tail or stream.read(1 << 18)
            if not chunk:
                break
            out = engine.decompress(chunk, 1 << 20)
            total += len(out)
            if len(kept) < 4 << 20:
                kept += out
            if total > MAX_INFLATED:
                raise HeaderError("the deflated data set is larger than 512 MiB")
    except zlib.error as error:
        raise HeaderError("the deflated data set is damaged") from error
    return bytes(kept), total


def _walk(window: _Window, position: int, header: Header, wanted: frozenset[int], meta: bool = False) -> int:
    """Follow the elements from `position`; returns where it stopped: at the pixels, or after the file meta
    group."""
    explicit, little = (True, True) if meta else (header.explicit, header.little)
    explicit_head, implicit_head = (Struct("<HH2sH"), Struct("<HHL")) if little else (Struct(">HH2sH"), Struct(">HHL"))
    length_of = Struct("<L" if little else ">L").unpack_from
    values, size, open_ends, outer = header.values, window.size, [], 0  # open_ends: (end or None, explicit before)
    meta_end = deflated_end = size
    for _ in range(MAX_ELEMENTS):
        while open_ends and open_ends[-1][0] is not None and position >= open_ends[-1][0]:
            explicit = open_ends.pop()[1]
        if position + 8 > size:
            if open_ends or (meta and position != size):
                raise HeaderError("the file ends inside its header")
            return position
        offset = position - window.base
        if offset < 0 or offset + 12 > len(window.data):
            window.refill(position, min(12, size - position))
            offset = 0
        data, skip = window.data, 8
        group, element, vr, length = explicit_head.unpack_from(data, offset)
        if meta and (group != 2 or position >= meta_end):  # deflated bytes may look like group 2
            return position
        if group == 0xFFFE:
            length = length_of(data, offset + 4)[0]
        elif not explicit:
            length, vr = implicit_head.unpack_from(data, offset)[2], b""
        elif vr in LONG_VRS:
            if position + 12 > size:
                raise HeaderError("the file ends inside its header")
            length, skip = length_of(data, offset + 8)[0], 12
        elif not b"AA" <= vr <= b"ZZ":  # as pydicom does: this one element is written implicitly
            length, vr = implicit_head.unpack_from(data, offset)[2], b""
        tag, depth = group << 16 | element, len(open_ends)
        if depth == 0 and tag >= 0x7FE00000:
            if tag in (PIXEL_DATA, 0x7FE00008, 0x7FE00009):
                header.pixel_offset, header.pixel_length = position + skip, length
                header.pixel_tag, header.pixel_vr = tag, vr
            if tag != 0x7FE00001 and tag != 0x7FE00002:
                return position
        position += skip
        if group == 0xFFFE:
            if element == 0xE000:
                open_ends.append((None if length == UNDEFINED else position + length, explicit))
            elif open_ends:
                explicit = open_ends.pop()[1]
            _check_depth(open_ends)
            continue
        if length == UNDEFINED or (vr == b"SQ" and (length > SHALLOW or tag in CODED)):
            outer = outer if depth else tag
            open_ends.append((None if length == UNDEFINED else position + length, explicit))
            explicit = explicit and vr != b"UN"  # PS3.5 6.2.2: UN of undefined length is implicit
            _check_depth(open_ends)
            continue
        if position + length > size:
            raise HeaderError("the file ends inside its header")
        if depth == 0:
            if tag in wanted:
                values[tag] = _value(window, position, length)
            if tag == META_LENGTH and length == 4:
                deflated_end = position + 4 + length_of(_value(window, position, 4))[0]
            if tag == TRANSFER_SYNTAX and values.get(tag, b"").startswith(DEFLATED.encode()):
                meta_end = deflated_end
        elif tag == CODE_MEANING and outer in CODED and outer not in values:
            values[outer] = _value(window, position, length)
        position += length
    raise HeaderError("the header has more than 200,000 elements")


def _value(window: _Window, position: int, length: int) -> bytes:
    count = min(length, MAX_VALUE)
    offset = position - window.base
    if offset < 0 or offset + count > len(window.data):
        window.refill(position, count)
        offset = 0
    return window.data[offset : offset + count]


def _check_depth(open_ends: list) -> None:
    if len(open_ends) > 2 * MAX_DEPTH:
        raise HeaderError(f"sequences are nested deeper than {MAX_DEPTH} levels")
