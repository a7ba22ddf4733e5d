"""How far a cue reaches: forward to the mentions behind it, or back to those before it.

Used by 01_extraction through `cues`. The idea is ConText's (Harkema 2009; German cues Cotik 2016): a cue reaches
until a word or a sign ends its scope; here a list carries a negation on, and a statement of its own ends it.
"""

from labkit.extraction.mentions import STRONG_SIGNS, Cue, Marks, Mention

__all__ = ["applies"]

NEAR_WORDS = 3


def applies(cue: Cue, mention: Mention, marks: Marks) -> bool:
    """Whether a cue is about a mention of the same sentence."""
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
        if word == "," and i == cue.end:
            continue  # a list of adjectives: "fragliche, dislozierte Fraktur"
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
        # "Z. n. Osteosynthese bei Fraktur": the reason of an operation is as past as the operation.
        return cue.kind != "advice" and not (cue.kind == "history" and marks.has("purpose", i))
    return cue.kind == "negation" and met and marks.has("degrees", i)


def _presupposed(cue: Cue, mention: Mention, marks: Marks) -> bool:
    """Whether the mention owns what is negated: "keine Dislokation der Fraktur" leaves the fracture."""
    earlier = [lesion for lesion in marks.lesions if cue.end <= lesion.start and lesion.end <= mention.start]
    if not earlier:
        return False
    last = max(earlier, key=lambda lesion: lesion.end)
    between = range(last.end, mention.start)
    listed = any(marks.has("continuations", i) or marks.is_sign(i) for i in between)
    return len(between) in (1, 2, 3) and marks.has("genitives", last.end) and not listed


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
    if any(marks.has("verbs", i) for i in range(first, min(mention.start, end))):
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
    return _ends(cue, marks)


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
    for i in range(mention.end, cue.start):
        # Structured reports: "Erguss: nein", "Fracture of the neck: none".
        if marks.words[i] == ":" and all(marks.has("light", k) for k in range(i + 1, cue.start)) and _ends(cue, marks):
            return True
        if marks.words[i] in ";:–—" or (marks.words[i] == "-"):
            return False
        parts = marks.has("verbs", i) or (marks.has("breakers", i) and not marks.has("attachments", i))
        if parts and any(start > i for start in starts):
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


def _ends(cue: Cue, marks: Marks) -> bool:
    """Whether nothing but small words stands behind a cue in its clause."""
    return all(marks.has("light", i) for i in range(cue.end, marks.segment(cue.start)[1]))


def _leads(cue: Cue, marks: Marks) -> bool:
    """Whether a phrase that may stand on either side has a lesion of its own ahead."""
    if not any(c.side == "before" and (c.start, c.end) == (cue.start, cue.end) for c in marks.cues):
        return False
    return any(
        lesion.start >= cue.end and _reaches(Cue(cue.start, cue.end, cue.kind, "before"), lesion, marks)
        for lesion in marks.lesions
    )
