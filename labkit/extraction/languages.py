"""The cues of a language, one YAML file each, and which language a report is written in.

Used by 01_extraction through `rules`. A new language is a new file in `params/language/` and no code.
"""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from labkit.errors import ParamsError
from labkit.templates import TermList
from labkit.yaml_model import read_model

__all__ = ["LANGUAGE_DIR", "Cues", "Language", "Sections", "load_all"]

LANGUAGE_DIR = Path(__file__).parents[2] / "params" / "language"


class Strict(BaseModel):
    """Frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Cues(Strict):
    """Phrases of one kind by where they stand: before a mention, right before, behind, around or within it."""

    before: TermList = ()
    near: TermList = ()
    after: TermList = ()
    within: TermList = ()
    around: TermList = ()


class Sections(Strict):
    """Headings by what stands under them; an aside (technique, comparison) is one sentence."""

    ignored: TermList = ()
    asides: TermList = ()
    findings: TermList = ()
    impression: TermList = ()


class Language(Strict):
    """What the rule engine must know of a language; every list holds terms as `words` describes them."""

    language: str
    words: TermList
    abbreviations: TermList = ()
    ordinal_dot: bool = False
    capital_nouns: bool = False
    starters: TermList = ()
    open_ends: TermList = ()
    dictation: dict[str, str] = {}
    sections: Sections = Sections()
    negation: Cues = Cues()
    hedge: Cues = Cues()
    unlikely: Cues = Cues()
    consistent: Cues = Cues()
    history: Cues = Cues()
    resolved: Cues = Cues()
    confirmed: Cues = Cues()
    advice: Cues = Cues()
    consolidated: TermList = ()
    unhealed: TermList = ()
    callus: TermList = ()
    neutral: TermList = ()
    normal: TermList = ()
    breakers: TermList = ()
    continuations: TermList = ()
    degrees: TermList = ()
    further: TermList = ()
    genitives: TermList = ()
    connectors: TermList = ()
    light: TermList = ()
    purpose: TermList = ()
    ordinary: TermList = ()
    verbs: TermList = ()
    attachments: TermList = ()


def load_all(folder: Path = LANGUAGE_DIR) -> tuple[Language, ...]:
    """Every language of a folder, in the order of the file names.

    Raises
    ------
    ParamsError : the folder holds no language, or a file is not valid.
    """
    paths = sorted(folder.glob("*.yaml"))
    if not paths:
        raise ParamsError(f"{folder.name}: the folder holds no language; at least one YAML file is needed.")
    return tuple(read_model(path, Language, root="language") for path in paths)
