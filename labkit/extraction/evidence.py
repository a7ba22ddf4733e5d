"""The words of a report behind a statement.

Used by 01_extraction through `reading`.
"""

from labkit.extraction.marks import Cue, Mention
from labkit.extraction.quotes import Span
from labkit.extraction.sentences import Sentence

__all__ = ["hedge_phrase", "quote", "whole"]


def hedge_phrase(sentence: Sentence, cue: Cue | None, text: str) -> str:
    """The phrase that hedges, in lower case and on one line; a question hedges by its mark."""
    if cue is None:
        return "?"
    return " ".join(text[sentence.tokens[cue.start].start : sentence.tokens[cue.end - 1].end].lower().split())


def quote(lesion: Mention, places: list[Mention], cue: Cue | None, sentence: Sentence, text: str) -> Span:
    """The words from the first to the last of lesion, places and cue."""
    first, last = lesion.start, lesion.end
    for part in [*places, cue] if cue else places:
        first, last = min(first, part.start), max(last, part.end)
    start, end = sentence.tokens[first].start, sentence.tokens[last - 1].end
    return Span(text[start:end], start, end)


def whole(sentence: Sentence, text: str) -> Span:
    """The words of a sentence."""
    start, end = sentence.tokens[0].start, sentence.tokens[-1].end
    return Span(text[start:end], start, end)
