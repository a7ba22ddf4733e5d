"""Finds the lesions, places and cues of a sentence.

Used by 01_extraction through `rules`.
"""

from labkit.extraction.languages import Cues, Language
from labkit.extraction.marks import ELSEWHERE, SIGNS, Cue, Marks, Mention
from labkit.extraction.words import BEGINS, CACHE_WORDS, Lexicon, Match
from labkit.templates import Template

__all__ = ["Reader"]

CUE_KINDS = ("negation", "hedge", "unlikely", "consistent", "history", "resolved", "confirmed", "advice")
WORD_FLAGS = (
    "neutral", "normal", "breakers", "continuations", "degrees", "further", "genitives", "connectors", "light",
    "purpose", "verbs", "attachments", "consolidated", "unhealed", "callus",
)  # fmt: skip
# Flags whose phrases matter as a whole, not just where they begin.
SPANNED = frozenset({"neutral", "consolidated", "unhealed", "callus"})
STRETCHED_WORDS = 3
# How much a word says of the language that knows it: a small one, a term, and one that merely begins a longer term.
SMALL_WORD = 6
KNOWN_WORD = 2
SMALL = ("small word",)
ORDINARY = ("ordinary",)


class Reader:
    """Finds a template's lesions and places and a language's cues; built once per template and language."""

    def __init__(self, template: Template, language: Language):
        code = language.language
        labelled: list[tuple[tuple[str, ...], str]] = []
        for name, terms in template.lesions.items():
            labelled += [(("lesion", name), term) for term in terms.of_language(code)]
        for name, terms in template.places.items():
            labelled += [(("place", name), term) for term in terms.of_language(code)]
        labelled += [(("place", ELSEWHERE), term) for term in template.elsewhere.of_language(code)]
        labelled += [(("ignored",), term) for term in template.ignored.of_language(code)]
        for kind in CUE_KINDS:
            cues: Cues = getattr(language, kind)
            labelled += [(("cue", kind, side), term) for side, terms in cues for term in terms]
        for flag in WORD_FLAGS:
            labelled += [(("flag", flag), term) for term in getattr(language, flag)]
        labelled += [(SMALL, term) for term in language.words]
        # Known only so that they are not taken for a misspelt term.
        labelled += [(ORDINARY, term) for term in language.ordinary]
        self.lexicon = Lexicon(labelled, silent=frozenset({SMALL, ORDINARY}))
        self._weights: dict[str, int] = {}
        properties = [(name, lesion.of) for name, lesion in template.lesions.items() if lesion.of]
        self._joined = frozenset((("lesion", name), ("lesion", owner)) for name, owner in properties)

    def familiarity(self, words: list[str]) -> int:
        """How much of a report this language knows: small words count most, terms and cues a little."""
        weights = self._weights
        try:
            return sum(map(weights.__getitem__, words))
        except KeyError:
            if len(weights) >= CACHE_WORDS:
                weights.clear()
            for word in set(words) - weights.keys():
                labels = self.lexicon.glance(word)
                known = KNOWN_WORD if labels - {BEGINS} else int(bool(labels))
                weights[word] = SMALL_WORD if SMALL in labels else known
            return sum(map(weights.__getitem__, words))

    def __call__(self, words: list[str]) -> Marks:
        """Mark a sentence, longer phrases before shorter ones that they contain."""
        signs = frozenset([i for i, word in enumerate(words) if word in SIGNS])
        marks = Marks(words, signs=signs)
        lesions: list[Match] = []
        places: list[Match] = []
        cues: list[Match] = []
        ignored: list[Match] = []
        matches = {"lesion": lesions, "place": places, "cue": cues, "ignored": ignored}
        flags, spans = marks.flags, marks.spans
        for match in self.lexicon.find(words):
            label = match.label
            if label[0] != "flag":
                matches[label[0]].append(match)
                continue
            flag = label[1]
            flags.setdefault(flag, set()).add(match.start)
            if flag in SPANNED:
                spans.setdefault(flag, []).append((match.start, match.end))
        if spans:
            _settle_healing(spans, [m.start for m in cues if m.label[1] == "negation"])
        if lesions:
            kept = _outer(_tight(lesions), ignored, self._joined)
            marks.lesions = [Mention(m.start, m.end, m.label[1]) for m in kept]
        if places:
            named = [Mention(m.start, m.end, m.label[1]) for m in _outer(_tight(places), ignored)]
            other = [place for place in named if place.name == ELSEWHERE]
            marks.places = [p for p in named if p.name == ELSEWHERE or not any(_within(p, o) for o in other)]
        if cues:
            neutral = [Match(start, end, None) for start, end in spans.get("neutral", ())]
            begins = {lesion.start for lesion in marks.lesions}
            kept = _outer([m for m in _late(cues) if not _is_torn(m, begins)], neutral)
            marks.cues = _one_kind([Cue(m.start, m.end, m.label[1], m.label[2]) for m in kept])
        return marks


def _settle_healing(spans: dict[str, list[tuple[int, int]]], negations: list[int]) -> None:
    """Leave the spans that say whether a fracture has healed.

    A longer phrase outdoes a shorter one that begins with it ("fracture line no longer visible") or that it denies ("no
    visible fracture line"), words outdo callus.
    """
    healed = spans.get("consolidated", [])
    visible = [
        (s, e)
        for s, e in spans.get("unhealed", ())
        if not any(a <= s and e <= b and (a == s or any(a <= n < s for n in negations)) for a, b in healed)
    ]
    visible += spans.get("callus", []) if not healed else []
    if visible:
        spans["unhealed"] = visible
    else:
        spans.pop("unhealed", None)


def _outer(matches: list[Match], masks: list[Match], joined: frozenset = frozenset()) -> list[Match]:
    """Matches that no longer phrase contains and no mask covers.

    `joined` are pairs of labels of which the first, a property, contains the second without hiding it ("mehrfach
    frakturiert").
    """
    longer = [o for o in matches if o.end - o.start > 1]
    if not (longer or masks):
        return matches
    return [
        m
        for m in matches
        if not any(
            _within(m, o) and o.end - o.start > m.end - m.start and (o.label, m.label) not in joined for o in longer
        )
        and not any(_within(m, o) for o in masks)
    ]


def _tight(matches: list[Match]) -> list[Match]:
    """Matches without those that a gap has stretched over the begin of another statement.

    Where a much shorter match of the same label lies in a long one, the shorter one is meant.
    """
    return [
        m
        for m in matches
        if m.end - m.start < STRETCHED_WORDS
        or not any(_within(o, m) and o.label == m.label and m.end - m.start >= o.end - o.start + 2 for o in matches)
    ]


def _late(matches: list[Match]) -> list[Match]:
    """Matches without those that a gap has stretched to the end of a later match of the same label."""
    return [
        m
        for m in matches
        if m.end - m.start < STRETCHED_WORDS
        or not any(o.label == m.label and o.end == m.end and o.start - m.start >= 2 for o in matches)
    ]


def _is_torn(match: Match, begins: set[int]) -> bool:
    """Whether a negation with a gap begins at one that denies a property: "Nicht dislozierte Fraktur vorhanden"."""
    return match.label == ("cue", "negation", "after") and match.end - match.start > 2 and match.start + 1 in begins


def _within(inner: Match | Mention, outer: Match | Mention) -> bool:
    return outer.start <= inner.start and inner.end <= outer.end


def _one_kind(cues: list[Cue]) -> list[Cue]:
    """Cues without those whose words say something less certain as well: "nicht sicher abgrenzbar" is no negation."""
    softer = {"hedge", "unlikely"}
    soft = [cue for cue in cues if cue.kind in softer]
    return [cue for cue in cues if cue.kind != "negation" or not any(o.start < cue.end <= o.end for o in soft)]
