"""Open a DICOM file: find where its data set begins, how it is encoded, and read its header.

Source: DICOM PS3.10 section 7 (file meta information), PS3.5 A.5 (deflated).
"""

import zlib
from io import BytesIO
from typing import BinaryIO

from labkit.radiographs.elements import (
    DEFLATED,
    LONG_VRS,
    SHORT_VRS,
    TRANSFER_SYNTAX,
    WINDOW_BYTES,
    Header,
    HeaderError,
    Walker,
    Window,
)

__all__ = ["NotDicom", "inflate", "scan"]

EXPLICIT_LE, IMPLICIT_LE = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2"
BIG_ENDIAN = "1.2.840.10008.1.2.2"
MAX_INFLATED = 512 * 2**20


class NotDicom(Exception):
    """The bytes do not begin as a DICOM data set does."""


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
    window = Window(stream, size)
    stream.seek(0)
    window.data = stream.read(WINDOW_BYTES)
    start, has_meta = _start(window.data)
    header = Header(size=size)
    if has_meta:
        start = Walker(window, header, wanted, explicit=True, little=True).follow_meta(start)
        raw = header.values.get(TRANSFER_SYNTAX, b"")
        header.transfer_syntax = raw.decode("ascii", "replace").strip("\0 ")
    header.body = start
    if header.transfer_syntax == DEFLATED:
        stream.seek(start)
        kept, header.size = _inflated_head(stream)
        window, start = Window(BytesIO(kept), len(kept)), 0
        window.refill(0, min(8, len(kept)))
    header.little = header.transfer_syntax != BIG_ENDIAN
    header.explicit = _looks_explicit(window, start, header.transfer_syntax)
    if not header.transfer_syntax:
        header.transfer_syntax = EXPLICIT_LE if header.explicit else IMPLICIT_LE
    header.start = start
    Walker(window, header, wanted, explicit=header.explicit, little=header.little).follow(start)
    return header


def inflate(data: bytes, start: int) -> bytes:
    """The inflated data set of a deflated file, which begins at `start`; at most 512 MiB."""
    out = zlib.decompressobj(-zlib.MAX_WBITS).decompress(memoryview(data)[start:], MAX_INFLATED + 1)
    if len(out) > MAX_INFLATED:
        raise HeaderError(f"the deflated data set is larger than {MAX_INFLATED >> 20:,} MiB")
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


def _looks_explicit(window: Window, start: int, syntax: str) -> bool:
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
                raise HeaderError(f"the deflated data set is larger than {MAX_INFLATED >> 20:,} MiB")
    except zlib.error as error:
        raise HeaderError("the deflated data set is damaged") from error
    return bytes(kept), total
