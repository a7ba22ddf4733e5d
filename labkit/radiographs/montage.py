"""Strips of small pictures with a title and captions, drawn onto one sheet as a PNG."""

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

__all__ = ["TILE_PX", "Strip", "compose"]

TILE_PX = 150
GAP, TITLE, CAPTION, MARGIN = 8, 24, 16, 10
PAPER, INK, FAINT, MOUNT = 255, 20, 110, 16


@dataclass(frozen=True)
class Strip:
    """Pictures of (rows, columns) uint8, or None where there is none to show, each with a caption."""

    title: str
    pictures: list[np.ndarray | None]
    captions: list[str]


def compose(strips: list[Strip], *, per_row: int) -> bytes:
    """One PNG in grey, `per_row` pictures wide; a caption that is too long is cut."""
    cell = TILE_PX + GAP
    width = 2 * MARGIN + per_row * cell - GAP
    rows = [-(-len(strip.pictures) // per_row) for strip in strips]
    height = 2 * MARGIN + sum(TITLE + n * (cell + CAPTION) for n in rows)
    sheet = Image.new("L", (width, max(height, 40)), PAPER)
    draw = ImageDraw.Draw(sheet)
    large, small = (ImageFont.load_default(size) for size in (14, 10.5))
    top = MARGIN
    for strip, n in zip(strips, rows):
        draw.text((MARGIN, top + 4), _cut(strip.title, large, width - 2 * MARGIN), fill=INK, font=large)
        top += TITLE
        for place, (picture, caption) in enumerate(zip(strip.pictures, strip.captions)):
            left, upper = MARGIN + place % per_row * cell, top + place // per_row * (cell + CAPTION)
            _mount(sheet, picture, left, upper)
            draw.text((left, upper + TILE_PX + 2), _cut(caption, small, TILE_PX), fill=FAINT, font=small)
        top += n * (cell + CAPTION)
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _mount(sheet: Image.Image, picture: np.ndarray | None, left: int, top: int) -> None:
    """A picture in the middle of its dark mount; a crossed pale one where there is none."""
    draw, right, bottom = ImageDraw.Draw(sheet), left + TILE_PX - 1, top + TILE_PX - 1
    if picture is None:
        draw.rectangle((left, top, right, bottom), outline=200, fill=238)
        draw.line((left, top, right, bottom), fill=200)
        return
    draw.rectangle((left, top, right, bottom), fill=MOUNT)
    rows, columns = picture.shape
    sheet.paste(Image.fromarray(picture), (left + (TILE_PX - columns) // 2, top + (TILE_PX - rows) // 2))


def _cut(text: str, font: ImageFont.FreeTypeFont, width: int) -> str:
    """The text, shortened until it fits."""
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "…") > width:
        text = text[:-1]
    return text + "…"
