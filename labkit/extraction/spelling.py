"""Spellings of a word: which patterns it matches, misspelt or not.

Used by 01_extraction through `words`.
"""

import re
from dataclasses import dataclass, field

__all__ = ["WordPatterns", "fold"]

# Latin and German spellings of one word differ in c, k and z; typists without umlauts write ae or leave the dots out.
LETTERS = str.maketrans({"ä": "a", "ö": "o", "ü": "u", "ß": "ss", "c": "k", "z": "k", "é": "e", "è": "e"})
DIVIDED = re.compile(r"-\s*\n\s*")
# Below this many letters a misspelt word is too likely another word.
FUZZY_LETTERS = 7


def fold(word: str) -> str:
    """Spelling-independent form of a word: lower case, no umlauts, c and z as k, line-end hyphens closed."""
    word = DIVIDED.sub("", word.lower()).translate(LETTERS)
    return word.replace("ae", "a").replace("oe", "o").replace("ue", "u")


@dataclass(slots=True)
class WordPatterns:
    """The distinct word patterns of a lexicon, sorted by how they are looked up."""

    exact: set[str] = field(default_factory=set)
    prefixes: dict[str, str] = field(default_factory=dict)
    suffixes: dict[str, str] = field(default_factory=dict)
    inside: list[tuple[str, str]] = field(default_factory=list)
    loose: list[tuple[str, re.Pattern]] = field(default_factory=list)
    # By the first letter, which is taken to be right, then by what is left when a letter is missing.
    misspelt: dict[str, dict[str, set[tuple[str, str]]]] = field(default_factory=dict)

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
        else:
            self.inside.append((letters, pattern))
        if "*" not in letters and len(letters) >= FUZZY_LETTERS:
            known = self.misspelt.setdefault(letters[0], {})
            for variant in _deletions(letters):
                known.setdefault(variant, set()).add((letters, pattern))

    def of(self, word: str) -> frozenset[str]:
        """Patterns that a folded word matches; those it nearly matches where it matches none."""
        found = {word} & self.exact
        for n in range(1, len(word) + 1):
            if word[:n] in self.prefixes:
                found.add(self.prefixes[word[:n]])
            if word[-n:] in self.suffixes:
                found.add(self.suffixes[word[-n:]])
        found.update(pattern for letters, pattern in self.inside if letters in word)
        found.update(pattern for pattern, matcher in self.loose if matcher.fullmatch(word))
        if not found and len(word) >= FUZZY_LETTERS - 1:
            found = self._nearly(word)
        elif found:
            found |= self._parts(word, found)
        return frozenset(found)

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
        """Patterns one slip of the keyboard away: a letter missing, doubled, wrong, or two exchanged."""
        found = set()
        for n in range(FUZZY_LETTERS - 1, len(word) + 1):
            for piece in {word[:n], word[-n:]}:
                known = self.misspelt.get(piece[0])
                if known is None:
                    continue
                for variant in _deletions(piece):
                    for letters, pattern in known.get(variant, ()):
                        whole = piece == word
                        fits = whole or (pattern.endswith("*") and word.startswith(piece))
                        fits = fits or (pattern.startswith("*") and word.endswith(piece))
                        if fits and _is_slip(letters, piece):
                            found.add(pattern)
        return found


def _is_slip(letters: str, piece: str) -> bool:
    """Whether two spellings that differ by a letter are one word: another second letter makes another word."""
    if letters[1] == piece[1] or len(letters) != len(piece):
        return abs(len(letters) - len(piece)) <= 1
    return letters[1:3] == piece[2:0:-1]


def _deletions(word: str) -> set[str]:
    """The word and every form of it that lacks one letter behind the first."""
    return {word} | {word[:i] + word[i + 1 :] for i in range(1, len(word))}
