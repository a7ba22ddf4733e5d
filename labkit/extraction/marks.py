"""Lesions, places and cues of one sentence, with what is known of its words.

Used by 01_extraction through `mentions`, which finds them.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

__all__ = ["ELSEWHERE", "SIGNS", "STRONG_SIGNS", "Cue", "Marks", "Mention"]

# The place of whatever lies in another region.
ELSEWHERE = "elsewhere"
# Signs that separate statements; a comma may also separate the items of a list.
STRONG_SIGNS = frozenset(";:()-–—")
SIGNS = STRONG_SIGNS | {","}


class Mention(NamedTuple):
    """A lesion or a place, words `start` to `end` (exclusive) of a sentence."""

    start: int
    end: int
    name: str


class Cue(NamedTuple):
    """A phrase that says how something is meant, and on which side of it (before, near, after, around, within)."""

    start: int
    end: int
    kind: str
    side: str


@dataclass(slots=True)
class Marks:
    """What stands in a sentence.

    `lists` and `leads` hold what the scopes have worked out about it: whether a list goes on behind a comma as far as a
    mention, and whether a phrase has a lesion of its own ahead.
    """

    words: list[str]
    lesions: list[Mention] = field(default_factory=list)
    places: list[Mention] = field(default_factory=list)
    cues: list[Cue] = field(default_factory=list)
    flags: dict[str, set[int]] = field(default_factory=dict)
    spans: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    signs: frozenset[int] = frozenset()
    # Worked out when first asked for.
    _segments: list[tuple[int, int]] = field(default_factory=list)
    _named: set[int] = field(default_factory=set)
    _leading: set[tuple[int, str]] = field(default_factory=set)
    _first_ends: dict[int, int] = field(default_factory=dict)
    lists: dict[tuple[int, int], bool] = field(default_factory=dict)
    leads: dict[tuple[int, int, str], bool] = field(default_factory=dict)

    def has(self, flag: str, position: int) -> bool:
        """Whether a word with this flag begins at the position."""
        return position in self.flags.get(flag, ())

    def segment(self, position: int) -> tuple[int, int]:
        """Words between the signs around a position; a sign belongs to what stands before it."""
        if not self._segments:
            start = 0
            for end in [*sorted(self.signs), len(self.words)]:
                self._segments += [(start, end)] * (end + 1 - start)
                start = end + 1
        return self._segments[position]

    @property
    def named(self) -> set[int]:
        """Positions of the words that name a lesion or a place."""
        if not self._named:
            self._named = {i for found in (self.lesions, self.places) for m in found for i in range(m.start, m.end)}
        return self._named

    def points_ahead(self, position: int, kind: str) -> bool:
        """Whether a cue of this kind that is about what follows begins at the position."""
        if not self._leading:
            self._leading = {(cue.start, cue.kind) for cue in self.cues if cue.side == "before"}
        return (position, kind) in self._leading

    def first_end(self, position: int) -> int:
        """Where the first lesion ends that begins at the position or behind it."""
        if position not in self._first_ends:
            ends = (lesion.end for lesion in self.lesions if lesion.start >= position)
            self._first_ends[position] = min(ends, default=len(self.words))
        return self._first_ends[position]

    def among(self, flag: str, start: int, end: int) -> bool:
        """Whether a word with this flag begins at one of the positions from start to end (exclusive)."""
        found = self.flags.get(flag)
        return bool(found) and not found.isdisjoint(range(start, end))

    def is_sign(self, position: int) -> bool:
        """Whether a comma or a stronger sign stands at the position."""
        return position in self.signs
