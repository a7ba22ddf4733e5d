"""How sure the model was of a value, from the log-probabilities of the token that begins it.

Used by `answers`. The probability is renormalised over the three values and holds only under the quote that stands
before it; it is no calibrated chance of being right.
"""

import math
import re

from labkit.templates import LabelValue

__all__ = ["value_confidence"]

TEXT = r'"(?:[^"\\]|\\.)*"'
# A finding id, perhaps its quote, then the value; the value's own place is what counts.
VALUE = re.compile(
    rf'"([a-z][a-z0-9_]*)"\s*:\s*\{{\s*(?:"evidence"\s*:\s*(?:null|{TEXT})\s*,\s*)?"value"\s*:\s*"(true|false|uncertain)"'
)
WORDS = tuple(value.value.encode() for value in LabelValue)


def value_confidence(content: str, tokens: list[dict]) -> dict[str, float]:
    """Probability in [0, 1] of the answered value by finding id; findings without a readable token are left out.

    Parameters
    ----------
    content : the answer as text.
    tokens : `choices[0].logprobs.content` of the response, with `top_logprobs`.
    """
    places = _places(tokens)
    if places is None:
        return {}
    starts, pieces = places
    found, at, offset, counted = {}, 0, 0, 0
    for match in VALUE.finditer(content):
        # Bytes up to the value, counted on from the last match.
        offset += len(content[counted : match.start(2)].encode())
        counted = match.start(2)
        while at + 1 < len(starts) and starts[at + 1] <= offset:
            at += 1
        share = _share(tokens[at], pieces[at], offset - starts[at], match.group(2).encode())
        if share is not None:
            found[match.group(1)] = round(share, 4)
    return found


def _places(tokens: list[dict]) -> tuple[list[int], list[bytes]] | None:
    """Byte offset and bytes of each token; None when the list is not what the API describes."""
    try:
        pieces = [_bytes(token) for token in tokens]
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    starts, total = [], 0
    for piece in pieces:
        starts.append(total)
        total += len(piece)
    return (starts, pieces) if pieces else None


def _bytes(token: dict) -> bytes:
    return bytes(token["bytes"]) if token.get("bytes") is not None else token["token"].encode()


def _share(token: dict, piece: bytes, into: int, answered: bytes) -> float | None:
    """Share of the answered value among the alternatives that begin one of the three values after the same "
    "structure."""
    if not 0 <= into < len(piece) or not _agrees(piece[into:], answered):
        return None
    masses = dict.fromkeys(WORDS, 0.0)
    alternatives = token.get("top_logprobs") or [token]
    for alternative in alternatives:
        try:
            text, logprob = _bytes(alternative), float(alternative["logprob"])
        except (KeyError, TypeError, ValueError, AttributeError):
            continue
        begun = text[into:]
        if text[:into] != piece[:into] or not begun:
            continue
        for word in WORDS:
            if _agrees(begun, word):
                masses[word] += math.exp(min(0.0, logprob))
                break
    total = sum(masses.values())
    return masses[answered] / total if total > 0 else None


def _agrees(begun: bytes, word: bytes) -> bool:
    """Whether a token's rest begins the word, or holds it whole with structure behind it."""
    return word.startswith(begun) or begun.startswith(word)
