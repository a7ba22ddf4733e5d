"""The findings of an anatomy, their hierarchy, definitions and terms: one YAML file per anatomy.

Used by every notebook. A new anatomy is a new file in `params/templates/` and no code. Terms that all anatomies
share (what a fracture is called) stand once in a vocabulary file that a template takes in by name.
"""

from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Annotated, NamedTuple

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from labkit.errors import ParamsError

__all__ = ["TEMPLATES_DIR", "Finding", "LabelValue", "Rule", "Template", "TermList", "Terms", "files", "load"]

TEMPLATES_DIR = Path(__file__).parents[1] / "params" / "templates"


class LabelValue(StrEnum):
    """What a report says of a finding; false without a quote means not mentioned."""

    FALSE = "false"
    UNCERTAIN = "uncertain"
    TRUE = "true"


# The study's order: a parent is at least the maximum of its children.
RANK = {LabelValue.FALSE: 0, LabelValue.UNCERTAIN: 1, LabelValue.TRUE: 2}


def _split(terms: object) -> object:
    return [term for part in terms.split(",") if (term := " ".join(part.split()))] if isinstance(terms, str) else terms


# A list of terms, or one text with commas between them, which needs no quotes in YAML.
TermList = Annotated[tuple[str, ...], BeforeValidator(_split)]


class Rule(NamedTuple):
    """What makes a finding: a lesion, at a place if one is named, with a switch on if one is named."""

    lesion: str
    place: str | None = None
    switch: str | None = None

    @classmethod
    def parse(cls, text: str) -> "Rule":
        """Read `fracture`, `olecranon + fracture` or `effusion if effusion_is_fat_pad_sign`."""
        what, _, switch = text.partition(" if ")
        place, plus, lesion = what.rpartition("+")
        return cls(lesion.strip(), place.strip() if plus else None, switch.strip() or None)


class Terms(BaseModel):
    """Terms of one place or lesion by language (`de`, `en`, ...); `any` holds eponyms and Latin of every language.

    `of`: a property of another lesion, where that lesion is and no more certain; `reducible`: treatment can undo it.
    """

    model_config = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True)
    __pydantic_extra__: dict[str, TermList]

    of: str | None = None
    reducible: bool = False

    def of_language(self, language: str) -> tuple[str, ...]:
        """Terms of a language and those of any language."""
        by_language = self.__pydantic_extra__
        return (*by_language.get(language, ()), *by_language.get("any", ()))


class Finding(BaseModel):
    """One label of a template; `name` is shown to people, `id` is used in code and file names."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    name: str = Field(min_length=1)
    definition: str = Field(min_length=1)
    parents: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()

    @cached_property
    def parsed_rules(self) -> tuple[Rule, ...]:
        return tuple(Rule.parse(rule) for rule in self.rules)


class Template(BaseModel):
    """The findings of one anatomy, in the order in which tables and figures show them.

    `places` and `lesions` name groups of terms that the findings' rules combine; `elsewhere` are the regions that do
    not count, `ignored` are phrases that look like a finding and are none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    anatomy: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    views: tuple[str, ...]
    vocabulary: TermList = ()
    places: dict[str, Terms] = {}
    lesions: dict[str, Terms] = {}
    elsewhere: Terms = Terms()
    ignored: Terms = Terms()
    findings: tuple[Finding, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _hierarchy_holds(self):
        ids = [finding.id for finding in self.findings]
        for repeated in {i for i in ids if ids.count(i) > 1}:
            raise ValueError(f"finding id '{repeated}' stands twice")
        for finding in self.findings:
            for parent in finding.parents:
                if parent not in ids:
                    raise ValueError(f"finding '{finding.id}' names the unknown parent '{parent}'")
        return self

    @model_validator(mode="after")
    def _rules_name_groups(self):
        for finding in self.findings:
            for rule in finding.parsed_rules:
                if rule.lesion not in self.lesions:
                    raise ValueError(f"a rule of '{finding.id}' names the unknown lesion '{rule.lesion}'")
                if rule.place and rule.place not in self.places:
                    raise ValueError(f"a rule of '{finding.id}' names the unknown place '{rule.place}'")
        for name, lesion in self.lesions.items():
            if lesion.of and lesion.of not in self.lesions:
                raise ValueError(f"lesion '{name}' is a property of the unknown lesion '{lesion.of}'")
        return self

    @cached_property
    def ids(self) -> tuple[str, ...]:
        return tuple(finding.id for finding in self.findings)

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(finding.name for finding in self.findings)

    @cached_property
    def by_id(self) -> dict[str, Finding]:
        return {finding.id: finding for finding in self.findings}

    @cached_property
    def by_name(self) -> dict[str, Finding]:
        return {finding.name: finding for finding in self.findings}

    @cached_property
    def children_first(self) -> tuple[str, ...]:
        """Finding ids ordered so that every child stands before its parents."""
        waiting = {finding.id: set() for finding in self.findings}
        for finding in self.findings:
            for parent in finding.parents:
                waiting[parent].add(finding.id)
        ordered: list[str] = []
        while waiting:
            free = [i for i, children in waiting.items() if not children]
            if not free:
                raise ParamsError(f"template '{self.anatomy}': the parents of {sorted(waiting)[0]} form a circle")
            for i in free:
                del waiting[i]
                for children in waiting.values():
                    children.discard(i)
            ordered.extend(free)
        return tuple(ordered)

    def violations(self, values: dict[str, LabelValue]) -> list[tuple[str, str]]:
        """Pairs (parent id, child id) in which the parent ranks below its child; `values` by finding id."""
        return [
            (parent, finding.id)
            for finding in self.findings
            for parent in finding.parents
            if RANK[LabelValue(values[parent])] < RANK[LabelValue(values[finding.id])]
        ]

    def raise_parents(self, values: dict[str, LabelValue]) -> dict[str, LabelValue]:
        """Values by finding id with every parent at least the maximum of its children; the input is not changed."""
        raised = {i: LabelValue(v) for i, v in values.items()}
        for i in self.children_first:
            for parent in self.by_id[i].parents:
                raised[parent] = max(raised[parent], raised[i], key=RANK.__getitem__)
        return raised


def load(template: str | Path) -> Template:
    """Read a template by name (`elbow`, from `params/templates/`) or by path; ParamsError says what is wrong in it."""
    path, *vocabularies = files(template)
    content = _read(path)
    for vocabulary in vocabularies:
        content = _take_in(_read(vocabulary), content)
    try:
        return Template.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "template"
        raise ParamsError(f"{path.name}: {key}: {first['msg'].removeprefix('Value error, ')}.") from error


def files(template: str | Path) -> tuple[Path, ...]:
    """The template's file and the vocabulary files it takes in.

    Raises
    ------
    ParamsError : no such file, or a vocabulary that stands neither beside it nor in `params/templates/`.
    """
    path = Path(template)
    if path.suffix not in {".yaml", ".yml"} and not path.exists():
        path = TEMPLATES_DIR / f"{template}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in TEMPLATES_DIR.glob("*.yaml")))
        raise ParamsError(
            f"{template}: no such template; known names: {known}. Give one of them or the path of a YAML file."
        )
    found = [path]
    for name in _split(_read(path).get("vocabulary") or ()):
        places = [folder / "vocabulary" / f"{name}.yaml" for folder in (path.parent, TEMPLATES_DIR)]
        existing = next((place for place in places if place.is_file()), None)
        if existing is None:
            raise ParamsError(f"{path.name}: vocabulary: there is no vocabulary/{name}.yaml beside the templates.")
        found.append(existing)
    return tuple(found)


def _read(path: Path) -> dict:
    try:
        content = yaml.safe_load(path.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        place = getattr(error, "problem_mark", None)
        where = f", line {place.line + 1}" if place else ""
        raise ParamsError(f"{path.name}{where}: this is not valid YAML in UTF-8; mend the line.") from error
    if not isinstance(content, dict):
        raise ParamsError(f"{path.name}: the file holds no keys; a template begins with 'anatomy: NAME'.")
    return content


def _take_in(vocabulary: dict, content: dict) -> dict:
    """A template's content with a vocabulary's groups; terms of a group in both are joined, the template's first."""
    merged = dict(content)
    for part in ("places", "lesions"):
        own = content.get(part) or {}
        if not isinstance(own, dict) or not all(isinstance(terms, dict) for terms in own.values()):
            return content  # the model says what is wrong
        groups = {name: dict(terms) for name, terms in own.items()}
        for name, terms in (vocabulary.get(part) or {}).items():
            group = groups.setdefault(name, {})
            for key, value in terms.items():
                group[key] = value if key in ("of", "reducible") else [*_split(group.get(key, [])), *_split(value)]
        merged[part] = groups
    return merged
