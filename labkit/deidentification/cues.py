"""Where a text holds cues: one pass over its words, each looked up by the first word of a cue."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

__all__ = ["UPPER", "WORD", "CueIndex", "alternation", "pattern"]

WORD = re.compile(r"[^\W\d_][^\W_]*(?:[-'’][^\W_]+)*")

# capital letters of the Latin scripts, as the inside of a character class
UPPER = "".join(chr(c) for c in range(0x41, 0x250) if chr(c).isupper())


def pattern(cue: str) -> str:
    """Regular expression of a cue: any white space for a blank, a final dot is optional."""
    words = [re.escape(word) for word in cue.split()]
    if cue.endswith("."):
        words[-1] += "?"
    return r"\s+".join(words)


def alternation(cues: Iterable[str]) -> str:
    """Regular expression of any of the cues, longest first; nothing matches where there are none."""
    ordered = sorted(set(cues), key=len, reverse=True)
    return "(?:" + "|".join(map(pattern, ordered)) + ")" if ordered else r"(?!)"


class CueIndex:
    """Cues by their first word."""

    def __init__(self):
        self._cues = defaultdict(list)
        self._endings: list[tuple[str, str]] = []

    def add(self, kind: str, cues: Iterable[str], *, after: str = r"(?!\w)") -> None:
        """Register cues of a kind; `after` is what must follow one, as a regular expression."""
        for cue in cues:
            first = WORD.search(cue)
            if first is None or first.start() > 0:
                continue
            letters = sum(c.isalpha() for c in cue)
            # short cues are told from words by their capitals ("Mr" from "MR", "Re" from "re")
            flags = re.IGNORECASE if letters >= 5 else re.NOFLAG
            forms = pattern(cue) if letters < 3 else f"(?:{pattern(cue)}|{pattern(cue.upper())})"
            expression = re.compile(f"{forms}{after}", flags)
            self._cues[first.group().casefold()].append((len(cue), kind, expression))
        for entries in self._cues.values():
            entries.sort(key=lambda entry: -entry[0])

    def add_endings(self, kind: str, endings: Iterable[str]) -> None:
        """Register word endings that make a word a cue of a kind."""
        self._endings += [(ending.casefold(), kind) for ending in endings]

    def walk(self, text: str) -> Iterator[tuple[str, str, list, re.Match]]:
        """Per word: the word, its key, the cues (kind, start, end) that begin there, longest first, and the match."""
        endings = tuple(ending for ending, _ in self._endings)
        for match in WORD.finditer(text):
            word = match.group()
            key = word.casefold()
            found = []
            for _, kind, expression in self._cues.get(key, ()):
                cue = expression.match(text, match.start())
                if cue:
                    found.append((kind, cue.start(), cue.end()))
            if endings and key.endswith(endings) and len(key) > 4:
                found += [(kind, match.start(), match.end()) for end, kind in self._endings if key.endswith(end)]
            yield word, key, found, match
