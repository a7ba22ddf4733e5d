"""Signs that stand for words, and words that stand for signs.

Used by 01_extraction through `sentences`. Dictation leaves "Komma" and "period" in a report; forms and shorthand
answer by a minus or by none: "Sklerose: -", "Erguss (-)", "Fx -, eff +", "Ossikel: 0".
"""

from collections.abc import Collection, Mapping

from labkit.extraction.words import Token

__all__ = ["write_signs"]

# A single spoken sign may be a word, as in "Punkt" or "period".
SPOKEN_SIGNS = 2
MINUS = frozenset("-–—0")
# What may stand behind a minus that is an answer, and what leads to one.
CLOSING = frozenset(".,;)")
LEADING = frozenset(":(")
# The answer in words; every language file knows it as a negation.
ANSWER = "neg"


def write_signs(tokens: list[Token], spoken: Mapping[str, str], breaks: Collection[int]) -> list[Token]:
    """Tokens with spoken signs written as signs, and with a minus that is an answer written as a word.

    Parameters
    ----------
    tokens : words and signs of a report.
    spoken : signs by the words that stand for them.
    breaks : tokens before which a line begins.
    """
    said = [token.text for token in tokens]
    distinct = set(said)
    if not distinct.isdisjoint(spoken) and sum(text in spoken for text in said) >= SPOKEN_SIGNS:
        tokens = [token._replace(text=spoken.get(token.text, token.text)) for token in tokens]
    if distinct.isdisjoint(MINUS):
        return tokens
    return [
        token._replace(text=ANSWER) if token.text in MINUS and _is_answer(tokens, i, breaks) else token
        for i, token in enumerate(tokens)
    ]


def _is_answer(tokens: list[Token], i: int, breaks: Collection[int]) -> bool:
    """Whether the dash at i is a minus that answers, and no hyphen and no dash between clauses."""
    if i == 0 or i in breaks:
        return False
    led = tokens[i - 1].text in LEADING
    ends = i + 1 == len(tokens) or i + 1 in breaks
    if ends:
        return led
    apart = led or tokens[i - 1].end < tokens[i].start
    apart = led if tokens[i].text == "0" else apart
    return apart and tokens[i + 1].text in CLOSING
