"""What a sentence says of a mention: stated, negated, hedged, past, or merely asked for.

Used by 01_extraction through `rules`. The idea is ConText's (Harkema 2009; German cues Cotik 2016): a cue reaches forward or back until
a word or a sign ends its scope; here a list carries a negation on and a statement of its own ends it.
"""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from labkit.extraction.mentions import STRONG_SIGNS, Cue, Marks, Mention

__all__ = ["State", "Switches", "judge"]

NEAR_WORDS = 3


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
    applying = [cue for cue in marks.cues if (reducible or cue.kind != "resolved") and _applies(cue, mention, marks)]
    if not applying:
        return State.STATED, None
    asked = next((cue for cue in applying if cue.kind == "advice"), None)
    if asked:
        return State.ASKED, asked
    ahead = [cue for cue in applying if cue.side != "within" and cue.end <= mention.start]
    behind = [cue for cue in applying if cue.side != "within" and cue.end > mention.start]
    inside = [cue for cue in applying if cue.side == "within"]
    before = max(ahead, key=lambda cue: (cue.end, cue.end - cue.start), default=None)
    if before and before.kind == "hedge":
        before = _denied(before, ahead, marks) or before
    after = min(behind, key=lambda cue: cue.start, default=None)
    return _combine(before, after, inside[0] if inside else None, switches)


def _combine(before: Cue | None, after: Cue | None, inside: Cue | None, switches: Switches) -> tuple[State, Cue | None]:
    """One state from the nearest cue on each side: what stands behind outweighs what stands before, a hedge a negation."""
    states = [(_state(cue, switches), cue) for cue in (after, before, inside) if cue]
    kinds = {state for state, _ in states}
    if inside and _state(inside, switches) == State.HEDGED and before and _state(before, switches) == State.NEGATED:
        return State.NEGATED, before
    if inside and after and _state(inside, switches) == State.HEDGED and _state(after, switches) == State.NEGATED:
        return State.NEGATED, after
    if after and before and _state(before, switches) == State.HEDGED and _state(after, switches) == State.NEGATED:
        return State.NEGATED, after
    for state in (State.HEDGED, State.NEGATED, State.PAST):
        if state in kinds:
            return next((s, cue) for s, cue in states if s == state)
    return states[0] if states else (State.STATED, None)


def _denied(hedge: Cue, ahead: list[Cue], marks: Marks) -> Cue | None:
    """The negation that a hedge stands in, as in "no fracture or suspicious lesion" or "kein Hinweis auf mögliche Fraktur"."""
    for cue in ahead:
        if cue.kind == "negation" and cue.side == "before" and cue.end <= hedge.start:
            between = [m for m in marks.lesions if cue.end <= m.start and m.end <= hedge.start]
            if not between or marks.has("continuations", hedge.start - 1):
                return cue
    return None


def _state(cue: Cue, switches: Switches) -> State:
    if cue.kind == "hedge":
        return State.HEDGED
    if cue.kind == "unlikely":
        return State.HEDGED if switches.unlikely_is_uncertain else State.NEGATED
    if cue.kind == "consistent":
        return State.HEDGED if switches.consistent_with_is_uncertain else State.STATED
    return State.PAST if cue.kind == "history" else State.NEGATED


def _applies(cue: Cue, mention: Mention, marks: Marks) -> bool:
    if cue.side == "within":
        return cue.start < mention.end and mention.start < cue.end
    if mention.start < cue.start and cue.end < mention.end:
        return cue.kind == "negation"
    if cue.end <= mention.start:
        if cue.side == "near":
            return _is_near(cue, mention, marks)
        return cue.side in ("before", "around") and _reaches(cue, mention, marks)
    if mention.end <= cue.start:
        if cue.side in ("after", "around"):
            return _reaches_back(mention, cue, marks)
        return (
            cue.side == "before"
            and cue.kind == "negation"
            and _is_final(cue, marks)
            and _reaches_back(mention, cue, marks)
        )
    return False


def _is_near(cue: Cue, mention: Mention, marks: Marks) -> bool:
    """Whether the mention is the first lesion within a few words behind the cue, or joined to it."""
    end = cue.end
    for lesion in sorted(marks.lesions):
        if lesion.start < end:
            continue
        if lesion.start - end > NEAR_WORDS or any(marks.is_sign(i) for i in range(end, lesion.start)):
            return False
        if lesion.start >= mention.start:
            return lesion.start == mention.start
        following = lesion.end
        if cue.kind != "negation" or not (following < len(marks.words) and marks.has("continuations", following)):
            return False
        end = following + 1
    return False


def _reaches(cue: Cue, mention: Mention, marks: Marks) -> bool:
    """Whether a cue's forward scope reaches the mention."""
    met = False
    ends = {lesion.end for lesion in marks.lesions if cue.end <= lesion.start < mention.start}
    for i in range(cue.end, mention.start):
        met = met or i in ends
        word = marks.words[i]
        if word == ",":
            if not _list_goes_on(i, cue, mention, marks):
                return False
        elif word in STRONG_SIGNS:
            if met or word not in ":(":
                return False
        elif _breaks(i, cue, marks, met=met):
            return False
    return not (cue.kind == "negation" and _presupposed(cue, mention, marks))


def _breaks(i: int, cue: Cue, marks: Marks, *, met: bool) -> bool:
    if marks.has("breakers", i):
        return True
    return cue.kind == "negation" and met and marks.has("degrees", i)


def _presupposed(cue: Cue, mention: Mention, marks: Marks) -> bool:
    """Whether the mention is what a negated property belongs to: "keine Dislokation der Fraktur" leaves the fracture."""
    earlier = [lesion for lesion in marks.lesions if cue.end <= lesion.start and lesion.end <= mention.start]
    if not earlier:
        return False
    last = max(earlier, key=lambda lesion: lesion.end)
    between = range(last.end, mention.start)
    return len(between) in (1, 2, 3) and marks.has("genitives", last.end)


def _list_goes_on(comma: int, cue: Cue, mention: Mention, marks: Marks) -> bool:
    """Whether what follows a comma is one more item of the cue's list, and no statement of its own."""
    words = marks.words
    end = comma + 1
    while end < len(words) and not marks.is_sign(end):
        end += 1
    first = comma + 1
    if (
        first >= len(words)
        or marks.has("breakers", first)
        or marks.has("degrees", first)
        or marks.has("neutral", first)
    ):
        return False
    if any(other.start == first and other is not cue for other in marks.cues):
        return False
    if any(marks.has("light", i) for i in range(first, min(mention.start, end))):
        return False
    named = {i for found in (marks.lesions, marks.places) for m in found for i in range(m.start, m.end)}
    bare = all(i in named or marks.has("connectors", i) or marks.has("continuations", i) for i in range(first, end))
    if bare and end < len(words) and words[end] == "," and _list_goes_on(end, cue, mention, marks):
        return True
    stop = next((i for i in range(first, len(words)) if words[i] in STRONG_SIGNS), len(words))
    last = next((c.start for c in sorted(marks.cues) if c.start > first), stop)
    return any(marks.has("continuations", i) for i in range(first, min(stop, max(last, mention.start))))


def _is_final(cue: Cue, marks: Marks) -> bool:
    """Whether a negation word ends its statement, as in "Verkalkungen finden sich keine"."""
    _, end = marks.segment(cue.start)
    return all(marks.has("light", i) for i in range(cue.end, end))


def _reaches_back(mention: Mention, cue: Cue, marks: Marks) -> bool:
    """Whether a cue behind the mention is about it."""
    if cue.kind == "advice" and not any(
        marks.has("purpose", i) for i in range(marks.segment(mention.start)[0], mention.start)
    ):
        return False
    starts = [lesion.start for lesion in marks.lesions if mention.end <= lesion.start < cue.start]
    if (
        starts
        and any(c.side == "before" and c.start == cue.start and c.kind == cue.kind for c in marks.cues)
        and _leads(cue, marks)
    ):
        return False
    commas = [i for i in range(mention.end, cue.start) if marks.words[i] == ","]
    if mention.end < cue.start and marks.words[mention.end] == ":":
        # Structured reports: "Erguss: nein", "Fracture: none".
        return all(marks.has("light", i) for i in range(mention.end + 1, cue.start))
    for i in range(mention.end, cue.start):
        if marks.words[i] in ";:–—" or (marks.words[i] == "-"):
            return False
        if (marks.has("breakers", i) or marks.has("verbs", i)) and any(start > i for start in starts):
            return False
    if not commas:
        return not _leads(cue, marks)
    if all(marks.has("light", i) for i in range(commas[-1] + 1, cue.start)):
        # "Fraktur, möglich" is about the fracture, "Fraktur, möglicherweise älter" about its age.
        alone = cue.end - cue.start > 1 or all(
            marks.has("light", i) for i in range(cue.end, marks.segment(cue.start)[1])
        )
        return alone and not starts and not _leads(cue, marks)
    joined = any(marks.has("continuations", i) for i in range(commas[-1], cue.start))
    named = {i for found in (marks.lesions, marks.places) for m in found for i in range(m.start, m.end)}
    return joined and all(
        i in named or marks.has("connectors", i) or marks.words[i] == "," for i in range(mention.end, commas[-1])
    )


def _leads(cue: Cue, marks: Marks) -> bool:
    """Whether a phrase that may stand on either side has a lesion of its own ahead."""
    if not any(c.side == "before" and (c.start, c.end) == (cue.start, cue.end) for c in marks.cues):
        return False
    return any(
        lesion.start >= cue.end and _reaches(Cue(cue.start, cue.end, cue.kind, "before"), lesion, marks)
        for lesion in marks.lesions
    )
