"""How likely a finding is behind a hedge: "am ehesten" is more than "nicht ausgeschlossen"; used by the policy graded.

The phrases and their probabilities stand in `params/hedges.yaml`, which a hospital may change.
"""

import re
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from labkit.layout import ROOT
from labkit.yaml_model import read_model

__all__ = ["PHRASES_PATH", "probability"]

PHRASES_PATH = ROOT / "params" / "hedges.yaml"


class Level(BaseModel):
    """Phrases of one probability, with commas between them, by language."""

    model_config = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True)
    __pydantic_extra__: dict[str, str]

    probability: float = Field(ge=0, le=1)


class Hedges(BaseModel):
    """The whole file; `otherwise` is the probability of what no phrase fits."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    otherwise: float = Field(ge=0, le=1)
    phrases: tuple[Level, ...] = Field(min_length=1)


def probability(text: str) -> float:
    """Probability in [0, 1] of a finding that is hedged with this phrase, or in this sentence.

    The longest phrase that fits at a place counts there; several hedges of a sentence give their mean; without any
    it is `otherwise`.

    Raises
    ------
    ParamsError : `params/hedges.yaml` is missing or damaged.
    """
    hedges, finder = _read(PHRASES_PATH)
    found, end = [], 0
    for begin in (match.start() for match in re.finditer(r"\S+", text)):
        if begin < end:
            continue
        fitting = [(match.end(), level) for pattern, level in finder if (match := pattern.match(text, begin))]
        if fitting:
            end, level = max(fitting, key=lambda pair: pair[0])
            found.append(level)
    return sum(found) / len(found) if found else hedges.otherwise


@cache
def _read(path: Path) -> tuple[Hedges, list[tuple[re.Pattern, float]]]:
    hedges = read_model(path, Hedges, root="phrases")
    finder = []
    for level in hedges.phrases:
        listed = ",".join(level.__pydantic_extra__.values()).split(",")
        # the longest first, since a pattern takes the first branch that fits
        phrases = sorted((phrase.strip() for phrase in listed if phrase.strip()), key=len, reverse=True)
        branches = "|".join(_branch(phrase) for phrase in phrases)
        finder.append((re.compile(rf"\W*(?:{branches})(?!\w)", re.IGNORECASE), level.probability))
    return hedges, finder


def _branch(phrase: str) -> str:
    """Words of a phrase as a pattern: `*` any letters, `~` up to three words between."""
    parts, gap = [], ""
    for word in phrase.split():
        if word == "~":
            gap = r"\W+(?:\w+\W+){0,3}?"
            continue
        parts.append((gap or r"\W+") * bool(parts) + re.escape(word).replace(r"\*", r"\w*"))
        gap = ""
    return "".join(parts)
