"""PNG and JPEG files: size, depth, colour and completeness from their own headers, nothing decoded.

Sources: PNG (ISO/IEC 15948) 11.2.2; ITU-T T.81 B.2.2.
"""

from struct import error as StructError
from struct import unpack_from
from typing import BinaryIO

from labkit.radiographs.rules import IndexRules

__all__ = ["describe", "kind_of"]

PNG_COLOURS = {0: "MONOCHROME2", 2: "RGB", 3: "PALETTE COLOR", 4: "MONOCHROME2", 6: "RGB"}


def kind_of(head: bytes) -> str:
    """PNG, JPEG or "" by the first bytes."""
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    return "JPEG" if head.startswith(b"\xff\xd8\xff") else ""


def describe(stream: BinaryIO, size: int, kind: str, row: dict[str, str], rules: IndexRules) -> tuple[str, str]:
    """Fill size, depth and colour into the row; returns why the file cannot be decoded and why it is not
    wanted, or ""."""
    stream.seek(0)
    head = stream.read(65536)
    stream.seek(max(0, size - 4096))
    tail = stream.read(4096)
    try:
        columns, rows, bits, photometric = _png(head) if kind == "PNG" else _jpeg(head)
    except (StructError, IndexError, KeyError):
        return f"the {kind} header is damaged", ""
    row |= {"rows": str(rows), "columns": str(columns), "bits_stored": str(bits), "photometric": photometric}
    row |= {"frames": "1", "transfer_syntax": kind}
    if rows * columns == 0:
        return "the header gives no image size", ""
    if rows * columns > rules.max_pixels:
        return f"the header claims {rows:,} x {columns:,} pixels, more than the {rules.max_pixels:,} allowed", ""
    if (b"IEND" if kind == "PNG" else b"\xff\xd9") not in tail:
        return f"the {kind} file is cut short: it has no end mark", ""
    if photometric != "MONOCHROME2" and not rules.allow_rgb:
        return "", f"a colour image ({photometric}), not a radiograph in grey; the params may allow colour"
    return "", ""


def _png(head: bytes) -> tuple[int, int, int, str]:
    columns, rows, bits, colour = unpack_from(">LLBB", head, 16)
    return columns, rows, bits, PNG_COLOURS[colour]


def _jpeg(head: bytes) -> tuple[int, int, int, str]:
    position = 2
    while True:
        marker = head[position + 1]
        if head[position] != 0xFF:
            raise IndexError
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            bits, rows, columns, samples = unpack_from(">BHHB", head, position + 4)
            return columns, rows, bits, "MONOCHROME2" if samples == 1 else "RGB"
        position += 1 if marker == 0xFF else 2 + unpack_from(">H", head, position + 2)[0]
