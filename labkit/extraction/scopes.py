"""How far a cue reaches: forward to the mentions behind it, or back to those before it.

Used by 01_extraction through `cues`. The idea is ConText's (Harkema 2009; German cues Cotik 2016): a cue reaches
until a word or a sign ends its scope; here a list carries a negation on, and a statement of its own ends it.
"""

from labkit.extraction.marks import STRONG_SIGNS, Cue, Marks, Mention

__all__ = ["applies"]

NEAR_WORDS = 3
# Words over which a cue can reach; a longer way is no writer's, and would be walked for each cue and lesion.
LONGEST_REACH = 40
# Kinds of which a phrase with a gap is about the lesion in it.
HOLDING_KINDS = frozenset({"hedge", "unlikely", "consistent"})
# Kinds of which a phrase before a comma is about the lesion before it: "Fraktur wahrsch., Erguss".
TRAILING_KINDS = frozenset({"hedge", "unlikely"})
# Words of a place between a colon and the answer that holds there.
ANSWER_WORDS = 6
# Kinds of phrases that, at the end of their clause, are about what stands before them whatever side they are made for.
ENDING_KINDS = frozenset({"negation", "hedge", "unlikely", "consistent"})


def applies(cue: Cue, mention: Mention, marks: Marks) -> bool:
    """Whether a cue is about a mention of the same sentence."""
    if max(mention.start - cue.end, cue.start - mention.end) > LONGEST_REACH:
        return False
    if cue.side == "within":
        return cue.start < mention.end and mention.start < cue.end
    if mention.start < cue.start and cue.end < mention.end:
        return cue.kind == "negation"
    if cue.start < mention.start and mention.end < cue.end and cue.kind in HOLDING_KINDS:
        return True  # "könnte eine Arthrose vorliegen": the phrase holds what it is about
    if cue.end <= mention.start:
        if cue.side == "near":
            return _is_near(cue, mention, marks)
        if cue.kind in TRAILING_KINDS and _trails(cue, marks):
            return False
        return cue.side in ("before", "around") and _reaches(cue, mention, marks)
    if mention.end <= cue.start:
        if cue.side in ("after", "around"):
            return _reaches_back(mention, cue, marks)
        # "Verkalkungen finden sich keine", "Fraktur am Hals, V. a.": at the end, about what stands before.
        ends = cue.side in ("before", "near") and cue.kind in ENDING_KINDS and _ends(cue, marks)
        return ends and _reaches_back(mention, cue, marks)
    return False


def _trails(cue: Cue, marks: Marks) -> bool:
    """Whether a phrase stands between the lesion that it is about and a comma."""
    if cue.end >= len(marks.words) or marks.words[cue.end] != ",":
        return False
    start = marks.segment(cue.start)[0]
    ahead = [lesion.end for lesion in marks.lesions if start <= lesion.start and lesion.end <= cue.start]
    named = marks.named
    return bool(ahead) and all(
        i in named or marks.has("light", i) or marks.has("connectors", i) for i in range(max(ahead), cue.start)
    )


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
    way = range(cue.end, mention.start)
    stops = marks.signs.intersection(way)
    for flag in ("breakers", "degrees"):
        if flag in marks.flags:
            stops |= marks.flags[flag].intersection(way)
    if stops:
        for i in sorted(stops):
            word, met = marks.words[i], i >= marks.first_end(cue.end)
            if word == ",":
                # A comma at once is one of a list of adjectives: "fragliche, dislozierte Fraktur".
                if i > cue.end and not _list_goes_on(i, mention, marks):
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
    if "genitives" not in marks.flags:
        return False
    earlier = [lesion for lesion in marks.lesions if cue.end <= lesion.start and lesion.end <= mention.start]
    if not earlier:
        return False
    last = max(earlier, key=lambda lesion: lesion.end)
    between = range(last.end, mention.start)
    listed = any(marks.has("continuations", i) or marks.is_sign(i) for i in between)
    return len(between) in (1, 2, 3) and marks.has("genitives", last.end) and not listed


def _list_goes_on(comma: int, mention: Mention, marks: Marks) -> bool:
    """Whether what follows a comma is one more item of a cue's list, and no statement of its own."""
    key = (comma, mention.start)
    if key not in marks.lists:
        marks.lists[key] = _is_item(comma, mention, marks)
    return marks.lists[key]


def _is_item(comma: int, mention: Mention, marks: Marks) -> bool:
    words, first = marks.words, comma + 1
    if first >= len(words) or any(marks.has(flag, first) for flag in ("breakers", "degrees", "neutral")):
        return False
    if any(other.start == first for other in marks.cues):
        return False
    end = first if marks.is_sign(first) else marks.segment(first)[1]
    if marks.among("verbs", first, min(mention.start, end)):
        return False
    if _is_bare(first, end, marks) and _stands_in_row(comma, end, marks):
        return True
    if end < len(words) and words[end] == "," and _is_bare(first, end, marks) and _list_goes_on(end, mention, marks):
        return True
    stop = next((i for i in range(first, len(words)) if words[i] in STRONG_SIGNS), len(words))
    last = min((c.start for c in marks.cues if c.start > first), default=stop)
    return marks.among("continuations", first, min(stop, max(last, mention.start)))


def _stands_in_row(comma: int, end: int, marks: Marks) -> bool:
    """Whether a bare item between a comma and a sign has another one beside it, or a further negation behind it.

    "Keine Fraktur, Luxation, Verkalkung" and "keine Fraktur, Luxation, kein Erguss" are lists without an "or".
    """
    start = marks.segment(comma)[0]
    if start and marks.words[start - 1] == "," and _is_bare(start, comma, marks):
        return True
    if end + 1 >= len(marks.words) or marks.words[end] != ",":
        return False
    return marks.points_ahead(end + 1, "negation") or _is_bare(end + 1, marks.segment(end + 1)[1], marks)


def _is_bare(first: int, end: int, marks: Marks) -> bool:
    """Whether nothing but mentions and small words stands from first to end."""
    named = marks.named
    return first < end and all(
        i in named or marks.has("connectors", i) or marks.has("continuations", i) for i in range(first, end)
    )


def _reaches_back(mention: Mention, cue: Cue, marks: Marks) -> bool:
    """Whether a cue behind the mention is about it."""
    if cue.kind == "advice" and not marks.among("purpose", marks.segment(mention.start)[0], mention.start):
        return False
    starts = [lesion.start for lesion in marks.lesions if mention.end <= lesion.start < cue.start]
    if starts and marks.points_ahead(cue.start, cue.kind) and _leads(cue, marks):
        return False
    way = range(mention.end, cue.start)
    signs = sorted(marks.signs.intersection(way)) if marks.signs else []
    commas = [i for i in signs if marks.words[i] == ","]
    stops = {*signs}
    for flag in ("verbs", "breakers") if starts else ():
        stops |= marks.flags.get(flag, set()).intersection(way)
    for i in sorted(stops):
        # Structured reports: "Erguss: nein", "Fracture of the neck - none", "Fraktur: Hals radial, V. a.".
        if marks.words[i] in ":-–—" and _is_answer(i, cue, marks):
            return not any(start > i for start in starts)
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
    named = marks.named
    return joined and all(
        i in named or marks.has("connectors", i) or marks.words[i] == "," for i in range(mention.end, commas[-1])
    )


def _is_answer(sign: int, cue: Cue, marks: Marks) -> bool:
    """Whether a cue ends what a colon or a dash leads to, be it the answer itself or the place where it holds."""
    between = range(sign + 1, cue.start)
    if not _ends(cue, marks):
        return False
    if all(marks.has("light", i) for i in between):
        return True
    placed = any(place.start in between for place in marks.places)
    other = any(c.start in between and c.end <= cue.start for c in marks.cues) or marks.among("normal", sign, cue.start)
    return marks.words[sign] == ":" and placed and not other and len(between) <= ANSWER_WORDS


def _ends(cue: Cue, marks: Marks) -> bool:
    """Whether nothing but small words stands behind a cue in its clause."""
    return all(marks.has("light", i) for i in range(cue.end, marks.segment(cue.start)[1]))


def _leads(cue: Cue, marks: Marks) -> bool:
    """Whether a phrase that may stand on either side has a lesion of its own ahead."""
    key = (cue.start, cue.end, cue.kind)
    if key not in marks.leads:
        forward = Cue(*key, "before")
        marks.leads[key] = any(c.side == "before" and (c.start, c.end) == key[:2] for c in marks.cues) and any(
            lesion.start >= cue.end and applies(forward, lesion, marks) for lesion in marks.lesions
        )
    return marks.leads[key]
