"""Names in texts that are written in small letters throughout, as fast dictations are."""

import re
from collections.abc import Iterator

from labkit.deidentification.cues import alternation
from labkit.deidentification.languages import Language
from labkit.deidentification.lexicon import Lexicon
from labkit.deidentification.spans import Span

__all__ = ["Lowercase"]

# capitals among the letters, at most: a few headings and grades do not make a text one of the usual kind
SHARE = 0.03
WORD = re.compile(r"[^\W\d_]+(?:[-'’][^\W\d_]+)*")
GAP = re.compile(r"[ ,.]{1,2}")


class Lowercase:
    """Finds listed names, and unknown words after forms of address, titles and signatures."""

    def __init__(self, languages: tuple[Language, ...], *, lexicon: Lexicon):
        self._lexicon = lexicon
        people = [language.people for language in languages]
        self._particles = {w.casefold() for p in people for w in p.particles}
        cues = {
            cue.casefold()
            for p in people
            for cue in (*p.honorifics, *p.titles, *p.title_tails, *p.patients, *p.labels, *p.signatures, *p.contacts)
        }
        address = alternation(c.casefold() for p in people for c in (*p.honorifics, *p.titles))
        self._address = re.compile(rf"{address}\.?", re.IGNORECASE)
        # "req by dr okwu": a form of address in small letters has its name in small letters, too
        self._small = re.compile(rf"(?<!\w){address}(?![\w-])\.?\s+(?=[^\W\d_A-ZÄÖÜ])")
        self._cue = re.compile(rf"(?<!\w){alternation(cues)}(?![\w-])(?:\s?[:,]|\.)?\s+", re.IGNORECASE)

    def find(self, text: str) -> Iterator[Span]:
        """Places of names; in a text with capitals as usual only after a form of address in small letters."""
        capitals, letters = sum(map(str.isupper, text)), sum(map(str.isalpha, text))
        usual = letters == 0 or capitals > SHARE * letters
        for cue in (self._small if usual else self._cue).finditer(text):
            end = self._run(text, cue.end(), listed=False)
            if end:
                address = self._address.fullmatch(cue.group().strip())
                yield Span(cue.start() if address else cue.end(), end, "NAME")
        done = len(text) if usual else 0
        for match in WORD.finditer(text):
            if match.start() >= done and len(match.group()) > 2 and self._lexicon.named(match.group()):
                done = self._run(text, match.start(), listed=True) or match.end()
                yield Span(match.start(), done, "NAME")

    def _run(self, text: str, start: int, *, listed: bool) -> int | None:
        """Where the name ends that begins at `start`: initials, particles, given names and unknown words."""
        end, position = None, start
        for _ in range(4):
            word = WORD.match(text, position)
            if not word:
                break
            found = word.group()
            if len(found) == 1 or found in self._particles:
                end = end if len(found) > 1 else word.end()
            elif self._lexicon.known(found) and not self._lexicon.named(found):
                break
            elif len(found) > 2 and (not listed or end is None or len(found) > 3):
                end = word.end()
            else:
                break
            gap = GAP.match(text, word.end())
            if not gap:
                break
            position = gap.end()
        return end
