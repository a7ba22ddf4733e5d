"""Which reports name metal or a cast: such a thing can give a fracture away, so results are also given without them.

Used by 01_extraction (column `hardware` of STUDIES). The words stand in `params/hardware.yaml`.
"""

import re
from collections.abc import Callable
from functools import cache

import yaml

from labkit.errors import ParamsError
from labkit.layout import ROOT

__all__ = ["WORDS_PATH", "names_hardware"]

WORDS_PATH = ROOT / "params" / "hardware.yaml"


@cache
def _finder(path: str) -> Callable[[str], re.Match | None]:
    with open(path, encoding="utf-8") as file:
        words = yaml.safe_load(file)
    if not isinstance(words, dict) or not all(isinstance(listed, str) for listed in words.values()):
        raise ParamsError(
            "hardware.yaml: words with commas between them are expected per language, such as de: gips, tep."
        )
    listed = ",".join(words.values()).split(",")
    parts = [re.escape(word.strip()).replace(r"\*", r"\w*") for word in listed if word.strip()]
    return re.compile(rf"(?<!\w)(?:{'|'.join(parts)})(?!\w)", re.IGNORECASE).search


def names_hardware(text: str) -> bool:
    """Whether a report uses one of the words, also in a negation: a study left out too many does no harm here."""
    return _finder(str(WORDS_PATH))(text) is not None
