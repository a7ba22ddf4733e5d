"""Is the pixel data all there and of the kind that the header says: lengths, fragments and the marks of
compressed streams.

Nothing is decoded; at most a few kilobytes are read. A stream whose own size differs from the header's is
refused, so that a small header cannot make a decoder allocate a large image. Sources: DICOM PS3.5 A.4 and
G.3; ITU-T T.81 B.1, T.87 C.2, T.800 A.5.
"""

from struct import error as StructError
from struct import unpack_from
from typing import BinaryIO

from labkit.radiographs.elements import DEFLATED, PIXEL_DATA, UNDEFINED, Header
from labkit.radiographs.syntaxes import SYNTAXES, Syntax, name_of

__all__ = ["reason"]

MAX_FRAGMENTS, MAX_LOOKED_AT = 20_000, 256


def reason(stream: BinaryIO, header: Header, numbers: dict[str, int]) -> str:
    """Why these pixels cannot be decoded, or "" when nothing speaks against it.

    `numbers` holds rows, columns, frames, samples, bits_allocated and bits_stored, as far as the header gives
    them.
    """
    if header.pixel_tag != PIXEL_DATA:
        return "pixels are floating-point numbers, which radiographs are not"
    syntax = SYNTAXES.get(header.transfer_syntax)
    if syntax is None:
        return f"transfer syntax '{name_of(header.transfer_syntax)}' cannot be decoded here"
    allocated, stored = numbers.get("bits_allocated", 0), numbers.get("bits_stored", 0)
    if numbers.get("samples", 1) not in (1, 3):
        return f"{numbers['samples']} samples per pixel are not decoded here; 1 (grey) or 3 (colour) are"
    if allocated not in (8, 16) or not 0 < stored <= allocated:
        return f"{stored} bits in {allocated} are not decoded here; 8 or 16 allocated bits are"
    encapsulated = header.pixel_length == UNDEFINED
    if syntax.is_encapsulated != encapsulated:
        return f"the pixel data are {'' if encapsulated else 'not '}encapsulated, though '{syntax.name}' is declared"
    if not encapsulated:
        return _reason_of_native(header, numbers)
    return _reason_of_fragments(stream, header, syntax, numbers)


def _reason_of_native(header: Header, numbers: dict[str, int]) -> str:
    # YBR_FULL_422 stores two brightnesses and one pair of colours for every two pixels.
    samples = 2 if numbers.get("subsampled") else numbers.get("samples", 1)
    expected = numbers["rows"] * numbers["columns"] * numbers["frames"] * samples
    expected *= numbers["bits_allocated"] // 8
    there = min(header.pixel_length, header.size - header.pixel_offset)
    if there < expected:
        which = "the deflated pixel data" if header.transfer_syntax == DEFLATED else "the pixel data"
        return f"{which} are cut short ({there:,} of {expected:,} bytes)"
    return ""


def _reason_of_fragments(stream: BinaryIO, header: Header, syntax: Syntax, numbers: dict[str, int]) -> str:
    position, fragments, ended = header.pixel_offset, [], False
    while position + 8 <= header.size:
        stream.seek(position)
        group, element, length = unpack_from("<HHL", stream.read(8))
        if (group, element) == (0xFFFE, 0xE0DD):
            ended = True
            break
        if (group, element) != (0xFFFE, 0xE000) or length == UNDEFINED:
            return "the encapsulated pixel data are damaged: an item tag is missing"
        if position + 8 + length > header.size:
            return f"the pixel data are cut short (a fragment lacks {position + 8 + length - header.size:,} bytes)"
        fragments.append((position + 8, length))
        position += 8 + length
        if len(fragments) > MAX_FRAGMENTS:
            return f"the pixel data have more than {MAX_FRAGMENTS:,} fragments"
    fragments = [f for f in fragments[1:] if f[1]]  # the first item is the offset table
    if len(fragments) < numbers["frames"]:
        return f"the pixel data are cut short ({len(fragments):,} fragments for {numbers['frames']:,} frames)"
    if not ended:  # PS3.5 A.4 demands the mark; without it nobody knows what else is lacking
        return "the pixel data are cut short: their sequence has no end mark"
    # One fragment per frame, as nearly always: each is looked at. Otherwise only the first and last bytes are
    # known to be ends.
    whole = [(f, f) for f in fragments] if len(fragments) == numbers["frames"] else [(fragments[0], fragments[-1])]
    found = (_reason_of_stream(*_ends(stream, first, last), syntax, numbers) for first, last in whole[:MAX_LOOKED_AT])
    return next((reason for reason in found if reason), "")


def _ends(stream: BinaryIO, first: tuple[int, int], last: tuple[int, int]) -> tuple[bytes, bytes]:
    """First 4,096 bytes of a fragment and the last 16 of another (both as position and length)."""
    stream.seek(first[0])
    head = stream.read(min(4096, first[1]))
    count = min(16, last[1])
    stream.seek(last[0] + last[1] - count)
    return head, stream.read(count)


def _reason_of_stream(head: bytes, tail: bytes, syntax: Syntax, numbers: dict[str, int]) -> str:
    if syntax.family == "rle":
        segments = numbers.get("samples", 1) * numbers["bits_allocated"] // 8
        if len(head) < 64 or unpack_from("<L", head)[0] != segments:
            return f"the RLE header does not give the {segments} segments that this image needs"
        return ""
    try:
        size = _codestream_size(head, syntax.family)
    except (StructError, IndexError):
        size = None
    if size is None:
        return f"the pixel data do not begin as '{syntax.name}' does"
    if size != (numbers["rows"], numbers["columns"]):
        return (
            f"the compressed image has {size[0]:,} x {size[1]:,} pixels, the header says "
            f"{numbers['rows']:,} x {numbers['columns']:,}"
        )
    if not tail.rstrip(b"\0").endswith(b"\xff\xd9"):
        return f"the '{syntax.name}' stream is cut short: it has no end mark"
    return ""


def _codestream_size(head: bytes, family: str) -> tuple[int, int] | None:
    """(rows, columns) that a JPEG, JPEG-LS or JPEG 2000 stream gives for itself."""
    if family == "j2k":
        start = head.find(b"\xff\x4f\xff\x51")
        if start < 0:
            return None
        width, height, left, top = unpack_from(">LLLL", head, start + 8)
        return height - top, width - left
    if head[:2] != b"\xff\xd8":
        return None
    position = 2
    while position + 9 <= len(head):
        if head[position] != 0xFF:
            return None
        marker = head[position + 1]
        if marker == 0xFF:
            position += 1
            continue
        # Every start-of-frame marker, and 0xF7 for JPEG-LS; C4, C8 and CC are tables.
        if marker == 0xF7 or (0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)):
            return unpack_from(">HH", head, position + 5)
        position += 2 + unpack_from(">H", head, position + 2)[0]
    return None
