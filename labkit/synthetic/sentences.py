"""Sentences on one finding: stated, hedged or denied; each entails exactly the value it was made for."""

from dataclasses import dataclass

import numpy as np

from labkit.synthetic.phrases import Entry
from labkit.synthetic.settings import Site
from labkit.synthetic.statements import FALSE, TRUE, UNCERTAIN
from labkit.synthetic.wording import NounPhrase, fill, fits, sentence

__all__ = ["HEDGE_LEVELS", "Writer", "choose"]

# How sure a hedge sounds; what is there is hedged in surer words than what is not.
HEDGE_LEVELS = {
    "most_likely": 2,
    "consistent": 2,
    "suspicion": 1,
    "possible": 1,
    "differential": 1,
    "not_excluded": 0,
    "not_delineated": 0,
    "unlikely": 0,
}
LEVEL_WEIGHTS = {True: (0.4, 0.8, 1.0), False: (1.0, 0.8, 0.35)}
# Words that make a denial partial ("no large effusion") or a noun too special for one
PARTIAL = (
    "*",
    "large",
    "moderate",
    "small",
    "well-",
    "significant",
    "retained",
    "Meißel",
    "Mason",
    "Rockwood",
    "Tossy",
)


# Words that say too much for a hedge: degrees, and signs that are seen or not seen
PLAIN_WHEN_DOUBTED = ("deutlich*", "mäßig", "fortgeschritten", "large", "moderate", "zeichen", " sign", "Zeichen")


def choose(rng: np.random.Generator, options):
    """One of the options, with a single draw whatever they are."""
    return options[int(rng.random() * len(options))]


@dataclass
class Writer:
    """Writes of findings in one language and style; `healing` and `fixed` are the state of this study's fractures."""

    frames: dict
    language: str
    short: bool
    site: Site
    rng: np.random.Generator
    healing: bool = False
    fixed: bool = False

    @property
    def style(self) -> str:
        return "short" if self.short else "full"

    def family(self, truth: bool) -> str:
        """A family of hedges by the site's mix and by whether the finding is there."""
        weights = [
            self.site.hedge_mix.get(name, 0.0) * LEVEL_WEIGHTS[truth][level] for name, level in HEDGE_LEVELS.items()
        ]
        cumulated = np.cumsum(weights)
        return list(HEDGE_LEVELS)[int(np.searchsorted(cumulated, self.rng.random() * cumulated[-1], side="right"))]

    def phrase(self, entry: Entry, modifiers: dict[str, int], *, plain=False, avoid=()) -> tuple[NounPhrase, list[str]]:
        """A noun with its colouring and the sentences that doubt a colouring; `modifiers` maps kind to value."""
        words = getattr(entry, self.language)
        whole = [pair for pair in words.nouns if not any(word in pair[1] for word in avoid)]
        kind, noun = choose(self.rng, whole or words.nouns)
        adjectives, tails, doubts = [], [], []
        for colour, value in modifiers.items():
            bank = self.frames["modifiers"][colour]
            if colour == "comminuted" and value == TRUE and words.comminuted and self.rng.random() < 0.5:
                kind, noun = words.nouns[0][0], choose(self.rng, words.comminuted)
            elif value == TRUE:
                self._colour(bank["adj"], bank["tail"], adjectives, tails)
            elif value == UNCERTAIN:
                doubts.append(sentence(choose(self.rng, bank["doubt"]).replace("*", "e")))
            elif not plain and self.rng.random() < {"displaced": 0.4, "articular": 0.2, "avulsion": 0.3}.get(
                colour, 0.04
            ):
                self._colour(bank["not_adj"], bank["not_tail"], adjectives, tails)
        tail = self.frames["joins"]["tails"].join(tails)
        return NounPhrase(noun, kind, self.language, tuple(adjectives), self._numbers(tail)), doubts

    def _colour(self, adjective_bank, tail_bank, adjectives: list, tails: list) -> None:
        if adjective_bank and (tails or self.rng.random() < 0.6):
            adjectives.append(choose(self.rng, adjective_bank))
        else:
            tails.append(choose(self.rng, tail_bank))

    def _numbers(self, text: str) -> str:
        return text.replace("{mm}", str(int(self.rng.integers(2, 12))))

    def stated(self, entry: Entry, modifiers: dict[str, int], *, fracture: bool = False) -> list[str]:
        """Sentences that state the finding without a hedge."""
        words = getattr(entry, self.language)
        phrase, doubts = self.phrase(entry, modifiers)
        coloured = bool(phrase.adjectives or phrase.tail)
        frame = self._frame(self.frames["stated"][self.style], phrase)
        if fracture and (self.healing or self.fixed):
            return [sentence(fill("{np}", self._healing(phrase))), *doubts]
        if words.stated and not coloured and self.rng.random() < 0.35:
            return [self._numbers(choose(self.rng, words.stated)), *doubts]
        if words.observed and not coloured and phrase.kind != "x" and self.rng.random() < 0.3:
            frame = choose(self.rng, self.frames["stated"]["observed"])
            frame = frame.replace("{observed}", choose(self.rng, words.observed))
        elif entry.causes and self.rng.random() < 0.3:
            frame = "{np}, " + choose(self.rng, self.frames["causes"][entry.causes]) + "."
        return [sentence(fill(frame, phrase)), *doubts]

    def _healing(self, phrase: NounPhrase) -> NounPhrase:
        """The same fracture on the way to union, still visible and so still true."""
        bank = self.frames["healing"]
        adjectives = phrase.adjectives
        if self.healing and phrase.kind != "x":
            adjectives = (choose(self.rng, bank["adj"]), *adjectives)
        tail = choose(self.rng, bank["fixed"] if self.fixed else bank["tail"])
        tail = f"{phrase.tail}, {tail}" if phrase.tail else tail
        return NounPhrase(phrase.noun, phrase.kind, self.language, adjectives, tail)

    def _frame(self, options, phrase: NounPhrase) -> str:
        return choose(self.rng, [frame for frame in options if fits(frame, phrase)] or ["{np}."])

    def hedged(self, entry: Entry, modifiers: dict[str, int], *, family: str, plain: bool = False) -> list[str]:
        """A sentence that leaves the finding, and what colours it, open."""
        words = getattr(entry, self.language)
        # A colouring that is stated belongs to another fracture of the same study
        colours = {k: TRUE if v == UNCERTAIN else FALSE for k, v in modifiers.items() if v != TRUE}
        phrase, _ = self.phrase(entry, colours, avoid=PLAIN_WHEN_DOUBTED)
        if not plain and words.doubt_observed and phrase.kind != "x" and self.rng.random() < 0.4:
            clause = choose(self.rng, self.frames["hedged"][family]["after"])
            return [sentence(f"{choose(self.rng, words.doubt_observed)}, {fill(clause, phrase)}")]
        options = [f for f in self.frames["hedged"][family][self.style] if fits(f, phrase)]
        if not options:  # an uninflected name: the plain hedge of its level
            options = [
                {2: "Am ehesten {np}.", 1: "V. a. {acc}.", 0: "{np} nicht ausgeschlossen."}[HEDGE_LEVELS[family]]
            ]
        return [sentence(fill(choose(self.rng, options), phrase))]

    def denied(self, *entries: Entry) -> str:
        """One sentence that denies one, two or three findings."""
        bank = self.frames["absent"]
        words = [getattr(entry, self.language) for entry in entries]
        if len(entries) == 1 and words[0].absent and self.rng.random() < 0.5:
            return choose(self.rng, words[0].absent)
        phrases = []
        for vocabulary in words:
            whole = [pair for pair in vocabulary.nouns if not any(word in pair[1] for word in PARTIAL)]
            kind, noun = choose(self.rng, whole or vocabulary.nouns)
            phrases.append(NounPhrase(noun, kind, self.language))
        options = {1: bank[self.style], 2: bank["joined_two"], 3: bank["joined_three"]}[len(phrases)]
        options = [frame for frame in options if all(fits(frame, phrase) for phrase in phrases)]
        return sentence(fill(choose(self.rng, options), *phrases))
