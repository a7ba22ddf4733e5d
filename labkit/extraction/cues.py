"""What a sentence says of a mention: stated, negated, hedged, past, or merely asked for.

Used by 01_extraction through `rules`.
"""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from labkit.extraction.marks import Cue, Marks, Mention
from labkit.extraction.scopes import applies

__all__ = ["State", "Switches", "judge"]


class State(StrEnum):
    """How a mention is meant."""

    STATED = "stated"
    HEDGED = "hedged"
    NEGATED = "negated"
    PAST = "past"
    HEALED = "healed"
    ASKED = "asked"


class Switches(BaseModel):
    """The study's choices that a sensitivity analysis can turn."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    unlikely_is_uncertain: bool = True
    consistent_with_is_uncertain: bool = True
    effusion_is_fat_pad_sign: bool = True
    consolidated_is_false: bool = True


def judge(mention: Mention, marks: Marks, *, switches: Switches, reducible: bool = False) -> tuple[State, Cue | None]:
    """State of a lesion in its sentence and the cue that decided it; a property that is reducible may be undone.

    Parameters
    ----------
    mention : one of the sentence's lesions.
    marks : everything found in the sentence.
    switches : how "unlikely" and "consistent with" are read.
    reducible : whether "reponiert" or "reduced" undoes this lesion.
    """
    if not marks.cues:
        return State.STATED, None
    applying = [cue for cue in marks.cues if (reducible or cue.kind != "resolved") and applies(cue, mention, marks)]
    if not applying:
        return State.STATED, None
    asked = next((cue for cue in applying if cue.kind == "advice"), None)
    if asked:
        return State.ASKED, asked
    if applying[-1].kind == "confirmed":
        return State.STATED, applying[-1]
    ahead = [cue for cue in applying if cue.side != "within" and cue.end <= mention.start]
    behind = [cue for cue in applying if cue.side != "within" and cue.end > mention.start]
    inside = [cue for cue in applying if cue.side == "within"]
    before = max(ahead, key=lambda cue: (cue.end, cue.end - cue.start), default=None)
    if before and before.kind == "hedge":
        before = _denied(before, ahead, marks) or before
    after = min(behind, key=lambda cue: cue.start, default=None)
    if before and after and before.kind == "negation" and _is_attached(before, marks):
        after = None
    return _combine(before, after, inside[0] if inside else None, switches)


def _combine(before: Cue | None, after: Cue | None, inside: Cue | None, switches: Switches) -> tuple[State, Cue | None]:
    """One state from the nearest cue on each side: what stands behind outweighs what stands before."""
    states = [(_state(cue, switches), cue) for cue in (after, before, inside) if cue]
    kinds = {state for state, _ in states}
    if inside and _state(inside, switches) == State.HEDGED and before and _state(before, switches) == State.NEGATED:
        return State.NEGATED, before
    if inside and after and _state(inside, switches) == State.HEDGED and _state(after, switches) == State.NEGATED:
        return State.NEGATED, after
    if after and before and _state(before, switches) == State.HEDGED and _state(after, switches) == State.NEGATED:
        return State.NEGATED, after
    if before and before.side == "near" and _state(before, switches) == State.NEGATED:
        return State.NEGATED, before  # "eine nicht dislozierte Fraktur ist möglich": the hedge is about the fracture
    for state in (State.HEDGED, State.NEGATED, State.PAST):
        if state in kinds:
            return next((s, cue) for s, cue in states if s == state)
    return states[0] if states else (State.STATED, None)


def _is_attached(negation: Cue, marks: Marks) -> bool:
    """Whether a negation denies a property: "eine Fraktur ohne Dislokation ist möglich" doubts the fracture only."""
    start, _ = marks.segment(negation.start)
    return any(start <= m.start and m.end <= negation.start for m in marks.lesions)


def _denied(hedge: Cue, ahead: list[Cue], marks: Marks) -> Cue | None:
    """The negation that a hedge stands in, as in "no fracture or suspicious lesion"."""
    for cue in ahead:
        if cue.kind == "negation" and cue.side == "before" and cue.end <= hedge.start:
            between = [m for m in marks.lesions if cue.end <= m.start and m.end <= hedge.start]
            if not between or marks.has("continuations", hedge.start - 1):
                return cue
    return None


def _state(cue: Cue, switches: Switches) -> State:
    if cue.kind == "hedge":
        return State.HEDGED
    if cue.kind == "confirmed":
        return State.STATED
    if cue.kind == "unlikely":
        return State.HEDGED if switches.unlikely_is_uncertain else State.NEGATED
    if cue.kind == "consistent":
        return State.HEDGED if switches.consistent_with_is_uncertain else State.STATED
    return State.PAST if cue.kind == "history" else State.NEGATED
