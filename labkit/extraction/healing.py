"""What a sentence says of the age of a fracture: it has healed, or it can still be seen.

Used by 01_extraction through `rules`.
"""

from labkit.extraction.cues import State
from labkit.extraction.marks import Cue, Marks, Mention

__all__ = ["aged", "says_healed"]

# Cues that leave it open whether a fracture has healed.
DOUBTS = frozenset({"hedge", "unlikely", "advice", "negation"})


def aged(state: State, cue: Cue | None, lesion: Mention, marks: Marks, *, consolidated_is_false: bool) -> State:
    """State of a fracture of which its sentence says that it has healed, or that it can still be seen.

    Parameters
    ----------
    state, cue : how the fracture is meant apart from its age, and the cue that says so.
    lesion, marks : the fracture and its sentence.
    consolidated_is_false : the study's choice; otherwise a healed fracture is a fracture.
    """
    unhealed = marks.spans.get("unhealed")
    if unhealed:
        denied = state == State.NEGATED and cue is not None and any(s <= cue.start < e for s, e in unhealed)
        return State.STATED if denied or state == State.PAST else state
    healed = marks.spans.get("consolidated")
    if healed and state in (State.STATED, State.PAST, State.NEGATED):
        if state == State.NEGATED and not any(s < lesion.end and lesion.start < e for s, e in healed):
            return state
        return State.HEALED if consolidated_is_false else State.STATED
    return state


def says_healed(marks: Marks) -> bool:
    """Whether a sentence says of a fracture that it need not name, without a hedge, that it has healed."""
    spans = marks.spans.get("consolidated")
    if not spans:
        return False
    doubted = [cue for cue in marks.cues if cue.kind in DOUBTS]
    outside = [c for c in doubted if not any(s < c.end and c.start < e for s, e in spans)]
    return not outside
