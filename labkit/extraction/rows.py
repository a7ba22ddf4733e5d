"""Rows of a structured report that answer one question for several places.

Used by 01_extraction through `rules`. "Arthrose: IP mäßig; CMC I fraglich; MCP nein" says three things; each is read
as if it were written out ("Arthrose: MCP nein").
"""

from labkit.extraction.marks import Marks
from labkit.extraction.sentences import Sentence
from labkit.extraction.words import Token

__all__ = ["answers", "topic"]

# Words before the colon of a row, and words of one of its answers.
LONGEST_TOPIC = 4
LONGEST_ANSWER = 8
SEPARATORS = frozenset(",;")


def topic(sentence: Sentence, marks: Marks) -> list[Token]:
    """The words that head a row, colon included: nothing but a lesion that the row goes on about; else none."""
    colon = next((i for i in marks.signs if i <= LONGEST_TOPIC and marks.words[i] == ":"), 0)
    if not colon or not any(lesion.end <= colon for lesion in marks.lesions):
        return []
    if any(place.start < colon for place in marks.places):
        return []
    small = marks.named.union(marks.flags.get("connectors", ()), marks.flags.get("continuations", ()))
    return sentence.tokens[: colon + 1] if small.issuperset(range(colon)) else []


def answers(sentence: Sentence, marks: Marks, head: list[Token]) -> list[Sentence]:
    """The sentence written out as one row per place, where it is such a row or goes on with one; else none.

    Parameters
    ----------
    sentence, marks : what is read, and what is found in it.
    head : the topic of its line, from this sentence or an earlier one.
    """
    begins = bool(head) and sentence.tokens[0].start == head[0].start
    first = len(head) if begins else 0
    if not head or any(lesion.start >= first for lesion in marks.lesions):
        return []
    parts: list[list[int]] = [[]]
    for i in range(first, len(sentence.tokens)):
        if sentence.tokens[i].text not in SEPARATORS:
            parts[-1].append(i)
        elif i + 1 < len(sentence.tokens) and _answers(marks, i + 1):
            parts.append([])
    placed = [part for part in parts if part and any(part[0] <= place.start <= part[-1] for place in marks.places)]
    if len(placed) < len(parts) or (begins and len(parts) < 2) or max(map(len, parts)) > LONGEST_ANSWER:
        return []
    if any(marks.has("normal", i) for part in parts for i in part):
        return []
    return [sentence._replace(tokens=[*head, *(sentence.tokens[i] for i in part)]) for part in parts]


def _answers(marks: Marks, start: int) -> bool:
    """Whether the words from start to the next sign name a place and say how it is there."""
    end = marks.segment(start)[1]
    placed = any(start <= place.start < end for place in marks.places)
    said = any(start <= cue.start < end for cue in marks.cues) or marks.among("degrees", start, end)
    return placed and said
