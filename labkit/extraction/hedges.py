"""Hedge phrases as they may be shown: the words of the language files, never a word of a report.

Used by 01_extraction. A cue such as "nicht ~ ausgeschlossen" reaches over other words of the report, and those may
name somebody; they become an ellipsis.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from labkit.extraction.languages import LANGUAGE_DIR, Language, load_all
from labkit.extraction.words import Lexicon, tokenize

__all__ = ["Vocabulary"]

CUES = ("negation", "hedge", "unlikely", "consistent")
SMALL_WORDS = ("light", "connectors")
LEFT_OUT = "…"
RUN = re.compile(rf"\s*{LEFT_OUT}[\s\W]*")  # what is left out, with the signs around and between


class Vocabulary:
    """The words that hedges are made of, in every language that has a file."""

    def __init__(self, languages: Path = LANGUAGE_DIR):
        self._lexicon = Lexicon((None, term) for language in load_all(languages) for term in _terms(language))

    def plain(self, phrase: str) -> str:
        """The phrase in lower case and on one line, with an ellipsis for whatever is no word of a cue."""
        shown, at = "", 0
        for token in tokenize(phrase):
            gap = " " if token.start > at else ""
            sign = not any(letter.isalnum() for letter in token.text)
            known = sign or self._lexicon.know(token.text).patterns
            shown += gap + (token.text.lower() if known else LEFT_OUT)
            at = token.end
        return RUN.sub(f" {LEFT_OUT} ", shown).strip()


def _terms(language: Language) -> Iterator[str]:
    for name in CUES:
        cues = getattr(language, name)
        for place in type(cues).model_fields:
            yield from getattr(cues, place)
    for name in SMALL_WORDS:
        yield from getattr(language, name)
