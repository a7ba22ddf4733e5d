"""What the sentences of a report read so far leave for the next one.

Used by 01_extraction through `reading`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from labkit.extraction.cues import State
from labkit.extraction.quotes import Span
from labkit.extraction.statements import Statement

__all__ = ["Memory"]

# Sentences over which a place that is not named again still holds.
MEMORY_SENTENCES = 3
# Places of so many earlier sentences are remembered, the last one first.
MEMORY_PLACES = 3


@dataclass(slots=True)
class Memory:
    """Statements and hedges of a report in order, and what a later sentence may still be about.

    `last` holds the indices of the last statements by lesion, `named` the places that were named with a lesion,
    `joints` the indices of joints that are stated to be out of place; `title` are the places of the report's title;
    `declared` says that the description has begun, `elsewhere` that a heading of another region holds,
    `pointed` that the last places were named without a lesion.
    """

    statements: list[Statement] = field(default_factory=list)
    hedges: list[str] = field(default_factory=list)
    places: list[frozenset[str]] = field(default_factory=list)
    age: int = 0
    title: frozenset[str] | None = None
    last: dict[str, list[int]] = field(default_factory=dict)
    named: dict[str, set[str]] = field(default_factory=dict)
    joints: list[int] = field(default_factory=list)
    declared: bool = False
    elsewhere: bool = False
    pointed: bool = False

    def keep(self, statement: Statement, *, joint: bool) -> int:
        """Add a statement and return its index; `joint`: a later sentence may say that it is back in place."""
        index = len(self.statements)
        self.statements.append(statement)
        if statement.places:
            self.named.setdefault(statement.lesion, set()).update(statement.places)
        if joint and statement.state == State.STATED:
            self.joints.append(index)
        return index

    def recent(self, fits: Callable[[str], bool]) -> frozenset[str]:
        """The last places that a lesion of which no place is named can be at, at worst those of the title."""
        for places in [*reversed(self.places), self.title or ()]:
            fitting = frozenset(place for place in places if fits(place))
            if fitting:
                return fitting
        return frozenset()

    def enter(self, places: set[str]) -> None:
        """Let a sentence pass, with the places that it leaves for the next ones."""
        if self.title is None:
            self.title = frozenset() if self.declared else frozenset(places)
        if places:
            self.places.append(frozenset(places))
            del self.places[:-MEMORY_PLACES]
            self.age = 0
        else:
            self.age += 1
        if self.age >= MEMORY_SENTENCES:
            self.places.clear()

    def reduce(self, evidence: Span) -> None:
        """Let the joints that were stated to be out of place be back in place."""
        for i in self.joints:
            self.statements[i] = self.statements[i].become(State.NEGATED, evidence)
        self.joints.clear()
