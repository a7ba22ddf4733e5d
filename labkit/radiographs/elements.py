"""Walk the elements of a DICOM data set up to its pixels, touching only what is asked for.

Own code in place of `pydicom.dcmread` because an index reads tens of thousands of untrusted headers: memory
stays at one window of the file, nesting and sizes are bounded, and it is several times faster. Pixels are
decoded by pydicom (see `pixels`). Source: DICOM PS3.5 sections 7.1 (data element structure), 7.5 (nesting),
A.4 (encapsulation) and PS3.10 section 7.
"""

from dataclasses import dataclass, field
from struct import Struct
from typing import BinaryIO

__all__ = [
    "CODED",
    "DEFLATED",
    "LONG_VRS",
    "PIXEL_DATA",
    "SHORT_VRS",
    "TRANSFER_SYNTAX",
    "UNDEFINED",
    "WINDOW_BYTES",
    "Header",
    "HeaderError",
    "Walker",
    "Window",
]

DEFLATED = "1.2.840.10008.1.2.1.99"
UNDEFINED = 0xFFFFFFFF
PIXEL_DATA, TRANSFER_SYNTAX, META_LENGTH = 0x7FE00010, 0x00020010, 0x00020000
# Sequences whose first code meaning is kept: view, anatomic region.
CODED = (0x00540220, 0x00082218)
CODE_MEANING = 0x00080104
LONG_VRS = frozenset((b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"))
SHORT_VRS = frozenset(b"AE AS AT CS DA DS DT FL FD IS LO LT PN SH SL SS ST TM UI UL US".split())
CUT = "the file ends inside its header"
MAX_DEPTH, MAX_VALUE, MAX_ELEMENTS, WINDOW_BYTES = 32, 1024, 200_000, 16384
# A defined-length sequence shorter than this cannot nest deeper than MAX_DEPTH, so it is skipped in one step.
SHALLOW = MAX_DEPTH * 16


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


class Window:
    """A stretch of a stream that moves forward on demand."""

    def __init__(self, stream: BinaryIO, size: int):
        self.stream, self.size, self.base, self.data = stream, size, 0, b""

    def refill(self, position: int, count: int) -> None:
        if position + count > self.size:
            raise HeaderError(CUT)
        self.stream.seek(position)
        self.data, self.base = self.stream.read(max(count, WINDOW_BYTES)), position
        if len(self.data) < count:
            raise HeaderError(CUT)


class Walker:
    """Follows elements and keeps the wanted values of the outermost level."""

    def __init__(self, window: Window, header: Header, wanted: frozenset[int], *, explicit: bool, little: bool):
        self.window, self.header, self.wanted, self.explicit = window, header, wanted, explicit
        order = "<" if little else ">"
        self.explicit_head, self.implicit_head = Struct(order + "HH2sH").unpack_from, Struct(order + "HHL").unpack_from
        self.length_of = Struct(order + "L").unpack_from
        self.open_ends: list[tuple[int | None, bool]] = []  # where a sequence or item ends, and `explicit` before it
        self.outer = 0  # the outermost open sequence

    def follow(self, position: int) -> None:
        """Walk until the pixels or the end."""
        size, open_ends, wanted = self.window.size, self.open_ends, self.wanted
        for _ in range(MAX_ELEMENTS):
            while open_ends and open_ends[-1][0] is not None and position >= open_ends[-1][0]:
                self.explicit = open_ends.pop()[1]
            if position + 8 > size:
                if open_ends:
                    raise HeaderError(CUT)
                return
            tag, vr, length, position = self.element(position)
            if tag >= 0xFFFE0000 and tag >> 16 == 0xFFFE:
                self._bracket(tag, length, position)
            elif not open_ends and tag >= 0x7FE00000 and self._ends_at(tag, vr, length, position):
                return
            elif length == UNDEFINED or (vr == b"SQ" and (length > SHALLOW or tag in CODED)):
                self._enter(tag, vr, length, position)
            elif position + length > size:
                raise HeaderError(CUT)
            else:
                if open_ends:
                    if tag == CODE_MEANING and self.outer in CODED:
                        self.header.values.setdefault(self.outer, self.value(position, length))
                elif tag in wanted:
                    self.header.values[tag] = self.value(position, length)
                position += length
        raise HeaderError(f"the header has more than {MAX_ELEMENTS:,} elements")

    def follow_meta(self, position: int) -> int:
        """Walk the file meta group; returns where it ends."""
        values, end, declared_end = self.header.values, self.window.size, self.window.size
        while position + 8 <= self.window.size and position < end:
            tag, _, length, start = self.element(position)
            if tag >> 16 != 2:
                break
            if length > self.window.size - start:
                raise HeaderError(CUT)
            if tag in self.wanted:
                values[tag] = self.value(start, length)
            if tag == META_LENGTH and length == 4:
                declared_end = start + 4 + self.length_of(self.value(start, 4))[0]
            # Only what is deflated may look like group 2 by chance, so only there the declared length decides.
            if tag == TRANSFER_SYNTAX and values[tag].startswith(DEFLATED.encode()):
                end = declared_end
            position = start + length
        return position

    def element(self, position: int) -> tuple[int, bytes, int, int]:
        """Tag, value representation (empty where implicit), length and position of the value."""
        window = self.window
        offset = position - window.base
        if offset < 0 or offset + 12 > len(window.data):
            window.refill(position, min(12, window.size - position))
            offset = 0
        group, element, vr, length = self.explicit_head(window.data, offset)
        if group == 0xFFFE:
            return 0xFFFE0000 | element, b"", self.length_of(window.data, offset + 4)[0], position + 8
        if self.explicit:
            if vr in SHORT_VRS:
                return group << 16 | element, vr, length, position + 8
            if vr in LONG_VRS:
                if position + 12 > window.size:
                    raise HeaderError(CUT)
                return group << 16 | element, vr, self.length_of(window.data, offset + 8)[0], position + 12
            if b"AA" <= vr <= b"ZZ":
                return group << 16 | element, vr, length, position + 8
        # Not explicit, or one element without a value representation in a file that has them: as pydicom reads it.
        return group << 16 | element, b"", self.implicit_head(window.data, offset)[2], position + 8

    def value(self, position: int, length: int) -> bytes:
        """The first bytes of a value, MAX_VALUE at most."""
        window, count = self.window, min(length, MAX_VALUE)
        offset = position - window.base
        if offset < 0 or offset + count > len(window.data):
            window.refill(position, count)
            offset = 0
        return window.data[offset : offset + count]

    def _bracket(self, tag: int, length: int, position: int) -> None:
        """An item begins, or an item or sequence of undefined length ends."""
        if tag == 0xFFFEE000:
            self._push(length, position)
        elif self.open_ends:
            self.explicit = self.open_ends.pop()[1]

    def _enter(self, tag: int, vr: bytes, length: int, position: int) -> None:
        self.outer = self.outer if self.open_ends else tag
        self._push(length, position)
        self.explicit = self.explicit and vr != b"UN"  # PS3.5 6.2.2: UN of undefined length is implicit

    def _push(self, length: int, position: int) -> None:
        self.open_ends.append((None if length == UNDEFINED else position + length, self.explicit))
        if len(self.open_ends) > 2 * MAX_DEPTH:
            raise HeaderError(f"sequences are nested deeper than {MAX_DEPTH} levels")

    def _ends_at(self, tag: int, vr: bytes, length: int, position: int) -> bool:
        """Note pixel data; whether this element ends the header (the tables of group 7FE0 before the pixels do not)."""
        if tag in (PIXEL_DATA, 0x7FE00008, 0x7FE00009):
            self.header.pixel_offset, self.header.pixel_length = position, length
            self.header.pixel_tag, self.header.pixel_vr = tag, vr
        return tag not in (0x7FE00001, 0x7FE00002)
