"""Spellings of a word: which patterns it matches, misspelt or not.

Used by 01_extraction through `words`.
"""

import re
from dataclasses import dataclass, field

__all__ = ["WordPatterns", "fold"]

# Latin and German spellings of one word differ in c, k and z; typists without umlauts write ae or leave the dots out.
LETTERS = str.maketrans(
    {"ä": "a", "ö": "o", "ü": "u", "ß": "ss", "c": "k", "z": "k", "é": "e", "è": "e", "∅": "ø", "⌀": "ø"}
)
DIVIDED = re.compile(r"-\s*\n\s*")
# Below this many letters a misspelt word is too likely another word.
FUZZY_LETTERS = 7
# First letters by which patterns with letters before and behind them are looked up.
INDEX_LETTERS = 4


def fold(word: str) -> str:
    """Spelling-independent form of a word: lower case, no umlauts, c and z as k, line-end hyphens closed."""
    word = DIVIDED.sub("", word.lower()).translate(LETTERS)
    return word.replace("ae", "a").replace("oe", "o").replace("ue", "u")


@dataclass(slots=True)
class WordPatterns:
    """The distinct word patterns of a lexicon, sorted by how they are looked up."""

    tolerant: bool = True
    exact: set[str] = field(default_factory=set)
    prefixes: dict[str, str] = field(default_factory=dict)
    suffixes: dict[str, str] = field(default_factory=dict)
    # By their first letters.
    inside: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    loose: list[tuple[str, re.Pattern]] = field(default_factory=list)
    # Words that may be misspelt, by what is left when a letter is missing: whole words, first and last parts of words.
    whole: dict[str, set[str]] = field(default_factory=dict)
    first: dict[str, set[str]] = field(default_factory=dict)
    last: dict[str, set[str]] = field(default_factory=dict)

    def add(self, pattern: str) -> None:
        """Take a folded pattern in, with the misspellings of its letters."""
        letters = pattern.strip("*")
        if "*" not in pattern:
            self.exact.add(pattern)
        elif "*" in letters:
            parts = ".*".join(re.escape(part) for part in pattern.split("*"))
            self.loose.append((pattern, re.compile(parts)))
        elif pattern == letters + "*":
            self.prefixes[letters] = pattern
        elif pattern == "*" + letters:
            self.suffixes[letters] = pattern
        elif len(letters) >= INDEX_LETTERS:
            self.inside.setdefault(letters[:INDEX_LETTERS], []).append((letters, pattern))
        else:
            self.loose.append((pattern, re.compile(".*" + re.escape(letters) + ".*")))
        if self.tolerant and "*" not in letters and len(letters) >= FUZZY_LETTERS:
            tables = [self.whole]
            tables += [self.first] if pattern[-1] == "*" else []
            tables += [self.last] if pattern[0] == "*" else []
            for variant in _deletions(letters):
                for table in tables:
                    table.setdefault(variant, set()).add(letters)

    def of(self, word: str) -> frozenset[str]:
        """Patterns that a folded word matches; where it matches none, those of the word that it may be meant for."""
        found = self.strictly(word)
        if self.whole and len(word) >= FUZZY_LETTERS - 1 and word.isalpha():
            found |= self._parts(word, found) if found else self._nearly(word)
        return frozenset(found)

    def strictly(self, word: str) -> set[str]:
        """Patterns that a folded word matches as it is spelt."""
        found = {word} & self.exact
        for n in range(1, len(word) + 1):
            if word[:n] in self.prefixes:
                found.add(self.prefixes[word[:n]])
            if word[-n:] in self.suffixes:
                found.add(self.suffixes[word[-n:]])
            candidates = self.inside.get(word[n - 1 : n - 1 + INDEX_LETTERS])
            if candidates:
                found.update(pattern for letters, pattern in candidates if word.startswith(letters, n - 1))
        found.update(pattern for pattern, matcher in self.loose if matcher.fullmatch(word))
        return found

    def _parts(self, word: str, found: set[str]) -> set[str]:
        """Patterns that the misspelt first or last part of a compound nearly matches ("Weichteilschwelung")."""
        first, last = len(word), 0
        for pattern in found:
            letters = pattern.strip("*")
            if "*" in letters:
                return set()
            first = min(first, word.find(letters) if pattern[0] == "*" else 0)
            last = max(last, word.rfind(letters) + len(letters) if pattern[-1] == "*" else len(word))
        nearly = set()
        if len(word) - last >= FUZZY_LETTERS - 1:
            nearly |= {pattern for pattern in self._nearly(word[last:]) if pattern[0] == "*"}
        if first >= FUZZY_LETTERS - 1:
            nearly |= {pattern for pattern in self._nearly(word[:first]) if pattern[-1] == "*"}
        return nearly

    def _nearly(self, word: str) -> set[str]:
        """Patterns of the word that this one may be, after a slip: a letter missing, doubled, wrong, or two exchanged.

        Of several words the one with the most letters known is meant: "athroskopisch" is not "Arthrose".
        """
        looked_up = [(word, self.whole, "", "")]
        for n in range(FUZZY_LETTERS - 1, len(word)):
            looked_up += [(word[:n], self.first, "", word[n:]), (word[-n:], self.last, word[:-n], "")]
        meant: dict[str, int] = {}
        for piece, table, before, behind in looked_up:
            if table:
                for variant in _deletions(piece):
                    for letters in table.get(variant, ()):
                        if letters[0] == piece[0] and _is_slip(letters, piece):
                            meant[before + letters + behind] = len(letters)
        longest = max(meant.values(), default=0)
        return {pattern for other, known in meant.items() if known == longest for pattern in self.strictly(other)}


def _is_slip(letters: str, piece: str) -> bool:
    """Whether two spellings that differ by a letter are one word: another second letter makes another word."""
    if letters[1] == piece[1] or len(letters) != len(piece):
        return abs(len(letters) - len(piece)) <= 1
    return letters[1:3] == piece[2:0:-1]


def _deletions(word: str) -> set[str]:
    """The word and every form of it that lacks one letter behind the first."""
    return {word} | {word[:i] + word[i + 1 :] for i in range(1, len(word))}
