"""What the gate found and what it gives back: places and types, never the removed strings."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

__all__ = ["TYPES", "Cleaned", "Span", "merge", "replace"]

TYPES = ("NAME", "PHYSICIAN", "DATE", "ID", "PHONE", "EMAIL", "URL", "ADDRESS", "HOSPITAL", "AGE")


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """An identifier's place in the original text, `start` inclusive, `end` exclusive, and its type (one of TYPES)."""

    start: int
    end: int
    type: str


@dataclass(frozen=True)
class Cleaned:
    """A text with placeholders in place of identifiers.

    `spans` are places in the original text, in order and disjoint. The removed strings are not kept, and the text does
    not show in `repr`.
    """

    text: str = field(repr=False)
    spans: tuple[Span, ...]

    @cached_property
    def counts(self) -> dict[str, int]:
        """Number of placeholders by type, in the order of TYPES, without those that do not occur."""
        found = Counter(span.type for span in self.spans)
        return {kind: found[kind] for kind in TYPES if found[kind]}

    @cached_property
    def _edges(self) -> tuple[list[int], list[int]]:
        """Starts and ends of the placeholders in the cleaned text."""
        starts, ends, shift = [], [], 0
        for span in self.spans:
            starts.append(span.start + shift)
            ends.append(span.start + shift + len(span.type) + 2)
            shift += len(span.type) + 2 - (span.end - span.start)
        return starts, ends

    def to_original(self, start: int, end: int) -> tuple[int, int]:
        """Place in the original text of the cleaned text's [start, end); a cut placeholder counts whole.

        Raises
        ------
        ValueError : start and end are not a place in the cleaned text.
        """
        if not 0 <= start <= end <= len(self.text):
            raise ValueError(f"[{start}, {end}) is not a place in the cleaned text of {len(self.text)} characters.")
        first = self._original(start, at_end=False)
        return (first, first) if start == end else (first, self._original(end, at_end=True))

    def _original(self, position: int, *, at_end: bool) -> int:
        starts, ends = self._edges
        i = bisect_right(starts, position) - 1
        if i < 0:
            return position
        inside = starts[i] < position < ends[i] or (position == starts[i] and not at_end)
        if inside:
            return self.spans[i].end if at_end else self.spans[i].start
        if position == starts[i]:
            return self.spans[i].start
        return position - ends[i] + self.spans[i].end


def merge(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Disjoint spans in order: overlapping ones become one, of the type of the longest (the earlier on a tie)."""
    merged: list[Span] = []
    longest = 0
    for span in sorted(spans):
        length = span.end - span.start
        if merged and span.start < merged[-1].end:
            last = merged[-1]
            # a cue tells more than the looks of a number
            kind = span.type if length > longest or (length == longest and last.type == "ID") else last.type
            longest = max(longest, length)
            merged[-1] = Span(last.start, max(last.end, span.end), kind)
        else:
            merged.append(span)
            longest = length
    return tuple(merged)


def replace(text: str, spans: tuple[Span, ...]) -> Cleaned:
    """The text with `[TYPE]` in place of each of the disjoint, ordered spans."""
    pieces, position = [], 0
    for span in spans:
        pieces += [text[position : span.start], f"[{span.type}]"]
        position = span.end
    return Cleaned("".join([*pieces, text[position:]]), spans)
