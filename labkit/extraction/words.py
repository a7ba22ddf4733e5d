"""Words of a report and the lexicon that finds terms in them, tolerant of spelling.

Used by 01_extraction through `rules`. Terms are written as a clinician would write them:

    Radiusköpfchenfraktur   one word, whatever its case; ä and ae, c, k and z, ß and ss are the same letter
    *fraktur*               any letters may stand before or behind
    frag*|stück*            either word
    intra-articular         one word, two words or hyphenated
    proximal? phalanx       the first word may be missing
    gelenkspalt ~ verengt   up to three words may stand between
    !sublux*                never where this word stands (takes back what another term of the group found)
"""

import re
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from itertools import product
from typing import NamedTuple

from labkit.extraction.spelling import WordPatterns, fold

__all__ = ["BEGINS", "CACHE_WORDS", "Lexicon", "Match", "Token", "tokenize"]

WORDS = r"\d+(?:[.,:]\d+)+|\w+|[^\w\s]"
# A word divided at a line end is one word; "Radius- und Ulnafraktur" is not divided.
DIVIDED = r"[^\W\d_]{2,}+-[ \t]*\r?\n[ \t]*(?!(?:und|oder|and|or|bzw)\b)[a-zäöüß]\w+"
LINE_END_HYPHEN = re.compile(r"-[ \t]*\r?\n")
TOKEN, TOKEN_OR_DIVIDED = re.compile(WORDS), re.compile(f"{DIVIDED}|{WORDS}")
TERM_WORD = re.compile(r"[\w*|]+\??|[~/#%+]|!")
GAP = "~"
LONGEST_GAP = 3
CACHE_WORDS = 200_000
# The label of words that merely begin a term.
BEGINS = "begins a term"
# No word of a language is longer; what is (a line of signs, a file pasted in) is not worth the search for its parts.
LONGEST_WORD = 64


class Token(NamedTuple):
    """A word or a sign and its place in the report, in characters."""

    text: str
    start: int
    end: int


class Match(NamedTuple):
    """A term found in a list of words: words `start` to `end` (exclusive) say `label`."""

    start: int
    end: int
    label: Hashable


def tokenize(text: str) -> list[Token]:
    """Words and signs of a text in order; white space is left out."""
    pattern = TOKEN_OR_DIVIDED if LINE_END_HYPHEN.search(text) else TOKEN
    return [Token(found[0], *found.span()) for found in pattern.finditer(text)]


@dataclass(slots=True)
class Node:
    """A word of longer terms: the words that may follow, what may follow after a gap, and the terms that end here."""

    words: dict[str, "Node"] = field(default_factory=dict)
    gap: "Node | None" = None
    labels: list[Hashable] = field(default_factory=list)

    def grow(self, words: tuple[str, ...], label: Hashable) -> None:
        """Add a term from its second word on."""
        node = self
        for word in words:
            if word == GAP:
                node.gap = node.gap or Node()
                node = node.gap
            else:
                node = node.words.setdefault(word, Node())
        if label not in node.labels:
            node.labels.append(label)


@dataclass(frozen=True, slots=True)
class Known:
    """What the lexicon knows of one spelling: its patterns, one-word labels (told: those that are reported as matches),
    and terms that begin with it."""

    patterns: frozenset[str]
    labels: tuple[Hashable, ...]
    told: tuple[Hashable, ...]
    starts: tuple[Node, ...]
    never: frozenset[Hashable]
    sign: bool


class Lexicon:
    """Finds labelled terms in lists of words.

    Parameters
    ----------
    terms : pairs of label and term; labels are any hashable values, terms as the module describes.
    silent : labels of words that are known but make no match.
    tolerant : whether a misspelt word is the word.

    Every spelling is analysed once and remembered, so that a report costs one look-up per word.
    """

    def __init__(
        self,
        terms: Iterable[tuple[Hashable, str]],
        *,
        silent: frozenset[Hashable] = frozenset(),
        tolerant: bool = True,
    ):
        self._silent = silent
        self._words = WordPatterns(tolerant=tolerant)
        self._single: dict[str, list[Hashable]] = {}
        self._starts: dict[str, Node] = {}
        self._never: dict[str, list[Hashable]] = {}
        self._known: dict[str, Known] = {}
        distinct: set[str] = set()
        for label, term in dict.fromkeys(terms):
            table = self._never if term.startswith("!") else self._single
            for words in _expand(term.removeprefix("!")):
                distinct.update(word for word in words if word != GAP)
                if len(words) == 1:
                    table.setdefault(words[0], []).append(label)
                elif table is self._single:
                    self._starts.setdefault(words[0], Node()).grow(words[1:], label)
        for pattern in sorted(distinct):
            self._words.add(pattern)

    def know(self, word: str) -> Known:
        """What the lexicon knows of one spelling."""
        known = self._known.get(word)
        if known is None:
            if len(self._known) >= CACHE_WORDS:
                self._known.clear()
            known = self._known[word] = self._analyse(word)
        return known

    def glance(self, word: str) -> frozenset[Hashable]:
        """Labels of the terms that begin with a word, and of those that it is, if it is spelt right; not remembered."""
        patterns = self._words.strictly(fold(word)) if len(word) <= LONGEST_WORD else ()
        single = (label for pattern in patterns for label in self._single.get(pattern, ()))
        return frozenset([*single, *(BEGINS for pattern in patterns if pattern in self._starts)])

    def _analyse(self, word: str) -> Known:
        patterns = self._words.of(fold(word)) if len(word) <= LONGEST_WORD else frozenset()
        ordered = sorted(patterns)
        never = frozenset(label for pattern in ordered for label in self._never.get(pattern, ()))
        labels = dict.fromkeys(label for p in ordered for label in self._single.get(p, ()) if label not in never)
        starts = tuple(self._starts[p] for p in ordered if p in self._starts)
        told = tuple(label for label in labels if label not in self._silent)
        return Known(patterns, tuple(labels), told, starts, never, not word[-1:].isalnum())

    def find(self, words: list[str]) -> list[Match]:
        """All matches in a list of words, in order of their first word; overlapping ones included."""
        know, known = self.know, self._known
        row = [known.get(word) or know(word) for word in words]
        last = len(row) - 1
        found = []
        for i, entry in enumerate(row):
            for label in entry.told:
                found.append(Match(i, i + 1, label))
            if entry.starts:
                following = row[i + 1].patterns if i < last else ()
                longer: set[tuple[int, Hashable]] = set()
                for node in entry.starts:
                    # Most words that a term begins with are not followed by its second word.
                    if node.labels or node.gap is not None or not node.words.keys().isdisjoint(following):
                        _follow(row, i + 1, node, longer)
                if longer:
                    ordered = sorted(longer, key=str) if len(longer) > 1 else longer
                    found.extend(Match(i, end, label) for end, label in ordered if label not in entry.never)
        return found


def _follow(row: list[Known], position: int, node: Node, found: set[tuple[int, Hashable]]) -> None:
    """Collect ends and labels of the terms that go on from a node; a gap does not reach over a sign."""
    for label in node.labels:
        found.add((position, label))
    if position >= len(row):
        return
    if node.words:
        for pattern in node.words.keys() & row[position].patterns:
            _follow(row, position + 1, node.words[pattern], found)
    gap = node.gap
    if gap is not None:
        ends = bool(gap.labels) or gap.gap is not None
        for start in range(position, min(position + LONGEST_GAP, len(row) - 1) + 1):
            if ends or not gap.words.keys().isdisjoint(row[start].patterns):
                _follow(row, start, gap, found)
            if row[start].sign:
                break


def _expand(term: str) -> list[tuple[str, ...]]:
    """Every sequence of folded word patterns that a term stands for."""
    choices: list[list[tuple[str, ...]]] = []
    for piece in term.split():
        if piece == "?":
            choices.append([(piece,)])
            continue
        readings = _readings(piece.removesuffix("?"))
        choices.append([*readings, ()] if piece.endswith("?") else readings)
    sequences = [tuple(word for part in parts for word in part) for parts in product(*choices)]
    return [sequence for sequence in dict.fromkeys(sequences) if sequence]


def _readings(piece: str) -> list[tuple[str, ...]]:
    """A piece of a term in its spellings: alternatives, and a hyphen closed or open."""
    readings = []
    for option in piece.split("|"):
        parts = [fold(part) for part in re.findall(r"[\w*]+|[~/#+?]", option)]
        readings.append(tuple(parts))
        if "-" in option.strip("-"):
            readings.append((fold(option.replace("-", "")),))
    return readings
