"""The cues of a language, one YAML file per language in `params/deidentification/`.

A cue is a plain word or phrase; only `patterns` holds regular expressions. A further language is a further file.
"""

import re
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from labkit.errors import ParamsError

__all__ = ["LANGUAGES_DIR", "Language", "Places", "load"]

LANGUAGES_DIR = Path(__file__).parents[2] / "params" / "deidentification"

# the same safe loader in C where PyYAML was built with it: ten times faster
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Words = tuple[str, ...]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Dates(_Part):
    """Words before dates: `cues` before day and month, `month_cues` before a bare month, `birth` before birth dates."""

    cues: Words = ()
    month_cues: Words = ()
    joins: Words = ()
    birth: Words = ()
    weekdays: Words = ()


class People(_Part):
    """Words around names; honorifics, titles, labels and signatures are strong cues, the others are weak."""

    honorifics: Words = ()
    titles: Words = ()
    title_tails: Words = ()
    weak_titles: Words = ()
    patients: Words = ()
    labels: Words = ()
    signatures: Words = ()
    contacts: Words = ()
    skipped: Words = ()
    roles: Words = ()
    credentials: Words = ()
    particles: Words = ()
    closings: Words = ()
    actions: Words = ()
    by: Words = ()
    joins: Words = ()

    @property
    def words(self) -> set[str]:
        """The words that address people or name their roles, none of them a name."""
        cues = (
            *self.honorifics,
            *self.titles,
            *self.title_tails,
            *self.weak_titles,
            *self.skipped,
            *self.roles,
            *self.patients,
            *self.labels,
        )
        return {word.strip(".,") for cue in cues for word in cue.split()}


class Contacts(_Part):
    """Words before phone numbers and ids, and the endings that make a word such a label."""

    phone: Words = ()
    id: Words = ()
    id_endings: Words = ()


class Places(_Part):
    """Words in addresses and names of institutions; `street_last` says whether the house number follows the street."""

    street_endings: Words = ()
    street_words: Words = ()
    street_starts: Words = ()
    street_last: bool = True
    residence: Words = ()
    postcode: str = ""
    hospitals: Words = ()
    hospital_endings: Words = ()
    hospital_compounds: Words = ()
    hospital_heads: Words = ()
    hospital_prefixes: Words = ()
    hospital_links: Words = ()
    hospital_spots: Words = ()
    hospital_generic: Words = ()
    hospital_names: Words = ()
    hospital_last: bool = False
    wards: Words = ()
    rooms: Words = ()
    town_fronts: Words = ()
    town_backs: Words = ()
    town_joins: Words = ()
    town_words: Words = ()
    town_tails: Words = ()


class Pattern(_Part):
    """A regular expression of its own; its first group, or else the whole match, becomes a placeholder of `type`.

    It is tried where the text holds one of the strings in `needs`, or on every text, which takes time, without any.
    """

    type: Literal["NAME", "DATE", "PHONE", "EMAIL", "URL", "ADDRESS", "ID", "PHYSICIAN", "HOSPITAL", "AGE"]
    regex: str
    needs: Words = ()

    @field_validator("regex")
    @classmethod
    def _compiles(cls, regex: str) -> str:
        try:
            re.compile(regex)
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from error
        return regex


class Language(_Part):
    """Everything that the gate knows of one language; one with `prefixes` writes compounds as one word."""

    language: str = Field(pattern=r"^[a-z]{2,3}$")
    months: dict[int, Words] = {}
    dates: Dates = Dates()
    people: People = People()
    contacts: Contacts = Contacts()
    places: Places = Places()
    patterns: tuple[Pattern, ...] = ()
    eponym_nouns: Words = ()
    given_names: Words = ()
    surname_words: Words = ()
    words: Words = ()
    stems: Words = ()
    endings: Words = ()
    vocabulary: Words = ()
    prefixes: Words = ()
    name_endings: Words = ()

    @field_validator(
        "eponym_nouns", "given_names", "surname_words", "words", "vocabulary", "prefixes", "name_endings", mode="before"
    )
    @classmethod
    def _split(cls, value):
        return tuple(value.split()) if isinstance(value, str) else value


def load(language: str | Path) -> Language:
    """Read a language by code (`de`, from `params/deidentification/`) or by the path of a YAML file.

    Raises
    ------
    ParamsError : no such file, no YAML, or a key or value that a language does not allow.
    """
    path = Path(language)
    if path.suffix not in {".yaml", ".yml"}:
        path = LANGUAGES_DIR / f"{language}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in LANGUAGES_DIR.glob("*.yaml")))
        raise ParamsError(
            f"{language}: no such language for de-identification; known: {known}. "
            "Give one of them or the path of a YAML file."
        )
    try:
        return Language.model_validate(yaml.load(path.read_text(encoding="utf-8"), Loader=LOADER))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise ParamsError(f"{path.name}{where}: this is not valid YAML in UTF-8; mend the line.") from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "language"
        raise ParamsError(f"{path.name}: {key}: {first['msg'].removeprefix('Value error, ')}.") from error
