"""From a noun and a frame to a sentence: German endings and articles, English articles and number.

A frame's slots: {np} nominative, {acc} accusative, {ein} {einen} with article, {kein} with negation, {gen} {dat};
English {np} and {a}. `{np+fraglich*}` puts an adjective first; a star takes the ending of case and gender.
`[ist|sind]` follows the number.
"""

import re
from dataclasses import dataclass

__all__ = ["NounPhrase", "fill", "fits", "sentence"]

SLOT = re.compile(r"\{(np|acc|einen|ein|keinen|kein|gen|dat|a)(?:\+([^}0-9]+))?([23]?)\}")
NUMBER = re.compile(r"\[([^|\]]*)\|([^\]]*)\]")
# case -> ending of an adjective by gender; after no article, an article, a negation
ENDINGS = {
    "np": {"f": "e", "m": "er", "n": "es", "p": "e"},
    "acc": {"f": "e", "m": "en", "n": "es", "p": "e"},
    "ein": {"f": "e", "m": "er", "n": "es", "p": "e"},
    "einen": {"f": "e", "m": "en", "n": "es", "p": "e"},
    "kein": {"f": "e", "m": "er", "n": "es", "p": "en"},
    "keinen": {"f": "e", "m": "en", "n": "es", "p": "en"},
    "gen": {"f": "en", "m": "en", "n": "en", "p": "en"},
    "dat": {"f": "en", "m": "en", "n": "en", "p": "en"},
}
ARTICLES = {
    "ein": {"f": "eine", "m": "ein", "n": "ein"},
    "einen": {"f": "eine", "m": "einen", "n": "ein"},
    "kein": {"f": "keine", "m": "kein", "n": "kein", "p": "keine"},
    "keinen": {"f": "keine", "m": "keinen", "n": "kein", "p": "keine"},
    "gen": {"f": "einer", "m": "eines", "n": "eines", "p": "von"},
    "dat": {"f": "einer", "m": "einem", "n": "einem"},
}


@dataclass(frozen=True)
class NounPhrase:
    """A finding as a noun: kind is f, m, n, p (German), s, u, p (English) or x (unknown, never inflected)."""

    noun: str
    kind: str
    language: str
    adjectives: tuple[str, ...] = ()
    tail: str = ""

    @property
    def plural(self) -> bool:
        return self.kind == "p"

    def case(self, name: str, extra: str | None = None) -> str:
        """The phrase in a case; `extra` is one more adjective in front."""
        adjectives = ((extra,) if extra else ()) + self.adjectives
        front = ", ".join(adjectives)
        words = f"{front} {self.noun}" if front else self.noun
        if self.language == "en":
            article = _english_article(words) if name == "a" and self.kind == "s" else ""
            return f"{article}{words}{' ' + self.tail if self.tail else ''}"
        if name in ("gen", "dat"):
            words = self._head_inflected(words, name)
        words = words.replace("*", ENDINGS[name][self.kind]) if self.kind != "x" else words
        article = ARTICLES.get(name, {}).get(self.kind, "")
        return f"{article} {words}".strip() + (f" {self.tail}" if self.tail else "")

    def _head_inflected(self, words: str, case: str) -> str:
        """The head noun's own ending: genitive -s of masculine and neuter, dative -n of the plural."""
        head = next(word for word in self.noun.split() if word[0].isupper())
        if case == "gen" and self.kind in "mn":
            ending = "es" if head.endswith(("s", "z", "ß", "x")) else "s"
        elif self.kind == "p" and not head.endswith(("n", "s")):
            ending = "n"
        else:
            return words
        return re.sub(rf"\b{re.escape(head)}\b", head + ending, words, count=1)


def fits(frame: str, phrase: NounPhrase) -> bool:
    """Whether the phrase can stand in the frame: an uninflected name needs a frame that asks for no ending."""
    if phrase.kind != "x":
        return True
    return "[" not in frame and "*" not in frame and all(m[1] in ("np", "acc") for m in SLOT.finditer(frame))


def fill(frame: str, *phrases: NounPhrase) -> str:
    """The frame with its slots filled; slots 2 and 3 take the further phrases."""
    text = NUMBER.sub(lambda m: m[2] if phrases[0].plural else m[1], frame)
    return SLOT.sub(lambda m: phrases[int(m[3] or 1) - 1].case(m[1], m[2]), text)


def sentence(text: str) -> str:
    """With a capital first letter and one mark at the end."""
    text = " ".join(text.split()).replace("..", ".")
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "?", ":")) else text + "."


def _english_article(words: str) -> str:
    """By sound: letters that are spelled out, as in an SC joint, begin with a vowel."""
    vowel = re.match(r"[aeio]|un(?!i)|AC |SC |IP |MCP ", words) and not re.match(r"one\b", words)
    return "an " if vowel else "a "
