"""Writing burnt into a picture: names, dates and numbers that no header tells of, found by the shape of letters.

Strokes that are narrow and stand out clearly (top-hat), of like height and tone, side by side on one level: that is a
line of writing, and so are two letters of one size and tone (what is left of a word on bright bone). A letter alone (a
side marker) is none. Used before any pixel enters a rendered page. scipy is this
module's library. Source of the top-hat: Serra J (1982), Image Analysis and Mathematical Morphology.
"""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

__all__ = ["Box", "find", "mask"]

# Widths of strokes in pixels, each with the heights of letters that go with it.
SCALES = ((6, 6, 36), (16, 28, 120))
CONTRAST = 64  # of 255, of a stroke against its ground
LARGEST = 0.12  # height of a letter as a share of the picture's longer side: what is larger is anatomy
FEWEST = 3  # letters of a line; two do where they are of one tone and size
# Two letters are a line where they differ by at most so much in tone and in height (as a ratio) and are at most so high
# (as LARGEST): what is masked without a doubt, and what makes one doubt.
SURE, DOUBTFUL = (12, 1.3, 0.05), (20, 1.5, LARGEST)
MAX_LETTERS = 3000
ALONG, ACROSS = 4.0, 0.3  # of a line's height, masked beyond its ends and sides: first letters may be missed


@dataclass(frozen=True)
class Box:
    """A line of writing in pixels, ends exclusive."""

    top: int
    bottom: int
    left: int
    right: int


@dataclass(frozen=True)
class _Letter:
    top: int
    bottom: int
    left: int
    right: int
    tone: float
    letters: float  # how many letters joined it may be

    @property
    def height(self) -> int:
        return self.bottom - self.top


def find(image: np.ndarray, *, doubtful: bool = False) -> list[Box]:
    """Lines of writing, level or upright, in a (rows, columns) uint8 image of up to about 1,000 pixels a side.

    doubtful : also pairs of shapes that may be letters and often are none.
    """
    twins = DOUBTFUL if doubtful else SURE
    found, side = set(), max(image.shape)
    for turned in (False, True):
        picture = np.ascontiguousarray(image.T) if turned else image
        for ink in (picture, 255 - picture):
            for stroke, low, high in SCALES:
                for box in _lines(_letters(ink, stroke, low, min(high, round(LARGEST * side))), twins, side):
                    top, bottom, left, right = _widened(box, picture.shape)
                    found.add((left, right, top, bottom) if turned else (top, bottom, left, right))
    return [Box(*box) for box in sorted(found)]


def mask(image: np.ndarray, boxes: list[Box]) -> np.ndarray:
    """A copy with the boxes in even grey, the median of the picture."""
    covered = image.copy()
    for box in boxes:
        covered[box.top : box.bottom, box.left : box.right] = np.median(image).astype(image.dtype)
    return covered


def _letters(ink: np.ndarray, stroke: int, low: int, high: int) -> list[_Letter]:
    """What may be letters, brighter than their ground."""
    ground = ndimage.maximum_filter(ndimage.minimum_filter(ink, stroke + 1), stroke + 1)
    standing_out = ink.astype(np.int16) - ground > CONTRAST
    labels, n = ndimage.label(standing_out, np.ones((3, 3)))
    if not 0 < n <= 20 * MAX_LETTERS:
        return []
    found = []
    for number, place in enumerate(ndimage.find_objects(labels), start=1):
        rows, columns = place
        height, width = rows.stop - rows.start, columns.stop - columns.start
        if not (low <= height <= high and height <= 7 * width and width <= 14 * height):
            continue
        own = labels[place] == number
        letters = _letters_joined(own)
        if letters:
            tone = float(np.percentile(ink[place][own], 75))
            found.append(_Letter(rows.start, rows.stop, columns.start, columns.stop, tone, letters))
        if len(found) == MAX_LETTERS:
            break
    return found


def _letters_joined(own: np.ndarray) -> float:
    """How many letters a (height, width) blob may be; 0 where it cannot be one: too solid, too thin, or a curve."""
    height, width = own.shape
    fill, ratio = own.mean(), width / height
    if fill < 0.15 or (fill > 0.9 and ratio > 0.6):
        return 0.0
    if ratio <= 1.5:
        return 1.0
    # Joined letters cross every level of a line again and again; the rim of a bone does so once or twice.
    levels = own[[height // 4, height // 2, 3 * height // 4]].astype(np.int8)
    crossings = (np.diff(levels, axis=1) > 0).sum(axis=1).mean()
    return ratio / 0.8 if crossings >= ratio else 0.0


def _lines(letters: list[_Letter], twins: tuple[float, float, float], side: int) -> list[tuple[int, int, int, int]]:
    """Boxes of letters side by side."""
    lines: list[list[_Letter]] = []
    for letter in sorted(letters, key=lambda letter: letter.left):
        for line in lines:
            if any(_go_together(other, letter) for other in line[-4:]):
                line.append(letter)
                break
        else:
            lines.append([letter])
    return [
        (min(x.top for x in line), max(x.bottom for x in line), line[0].left, max(x.right for x in line))
        for line in lines
        if _is_enough(line, twins, side) and _is_level(line)
    ]


def _go_together(one: _Letter, other: _Letter) -> bool:
    """Whether two letters may stand in one word or beside it: like height and tone, one level, near."""
    low, high = sorted((one.height, other.height))
    overlap = min(one.bottom, other.bottom) - max(one.top, other.top)
    near = -0.3 * high <= other.left - one.right < 1.3 * high
    return near and overlap > 0.6 * low and high < 1.9 * low and abs(one.tone - other.tone) < 40


def _is_enough(line: list[_Letter], twins: tuple[float, float, float], side: int) -> bool:
    """Whether these are letters enough: three, or two that are much alike and not too high."""
    n = sum(x.letters for x in line)
    tones, heights = [x.tone for x in line], [x.height for x in line]
    tone, ratio, largest = twins
    alike = max(tones) - min(tones) < tone and max(heights) < ratio * min(heights)
    return n >= FEWEST or (n >= 2 and alike and max(heights) <= largest * side)


def _is_level(line: list[_Letter]) -> bool:
    """Whether most letters stand on one base line or hang from one top line."""
    height = float(np.median([x.height for x in line]))
    ends = np.array([[x.top for x in line], [x.bottom for x in line]], dtype=float)
    off = np.abs(ends - np.median(ends, axis=1, keepdims=True))
    return bool((off < max(1.5, 0.14 * height)).mean(axis=1).max() >= 0.6)


def _widened(box: tuple[int, int, int, int], shape: tuple[int, int]) -> tuple[int, int, int, int]:
    """The box with room for accents and commas, and for letters before or after that the ground hid."""
    top, bottom, left, right = box
    height = bottom - top
    along, across = max(3, round(ALONG * height)), max(2, round(ACROSS * height))
    return max(0, top - across), min(shape[0], bottom + across), max(0, left - along), min(shape[1], right + along)
