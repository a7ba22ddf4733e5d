"""Which reports name metal or a cast: such a thing can give a fracture away, so results are also given without them.

Used by 01_extraction (column `hardware` of STUDIES). The words stand in `params/hardware.yaml`.
"""

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

from pydantic import ConfigDict, RootModel

from labkit.layout import ROOT
from labkit.yaml_model import read_model

__all__ = ["WORDS_PATH", "names_hardware"]

WORDS_PATH = ROOT / "params" / "hardware.yaml"


class Words(RootModel[dict[str, str]]):
    """Words with commas between them, by language."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


@cache
def _finder(path: Path) -> Callable[[str], re.Match | None]:
    words = read_model(path, Words, root="words").root
    listed = ",".join(words.values()).split(",")
    parts = [re.escape(word.strip()).replace(r"\*", r"\w*") for word in listed if word.strip()]
    return re.compile(rf"(?<!\w)(?:{'|'.join(parts)})(?!\w)", re.IGNORECASE).search


def names_hardware(text: str) -> bool:
    """Whether a report uses one of the words, also in a negation: a study left out too many does no harm here."""
    return _finder(WORDS_PATH)(text) is not None
