"""The findings of an anatomy, their hierarchy, definitions and terms: one YAML file per anatomy.

Used by every notebook. A new anatomy is a new file in `params/templates/` and no code.
"""

from enum import StrEnum
from functools import cached_property
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from labkit.errors import ParamsError

__all__ = ["TEMPLATES_DIR", "Finding", "LabelValue", "Template", "load"]

TEMPLATES_DIR = Path(__file__).parents[1] / "params" / "templates"


class LabelValue(StrEnum):
    """What a report says of a finding; false without a quote means not mentioned."""

    FALSE = "false"
    UNCERTAIN = "uncertain"
    TRUE = "true"


# The study's order: a parent is at least the maximum of its children.
RANK = {LabelValue.FALSE: 0, LabelValue.UNCERTAIN: 1, LabelValue.TRUE: 2}


class Finding(BaseModel):
    """One label of a template; `name` is shown to people, `id` is used in code and file names."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    name: str = Field(min_length=1)
    definition: str = Field(min_length=1)
    parents: tuple[str, ...] = ()


class Template(BaseModel):
    """The findings of one anatomy, in the order in which tables and figures show them."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    anatomy: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    views: tuple[str, ...]
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
    """Read a template by name (`elbow`, from `params/templates/`) or by path.

    Raises
    ------
    ParamsError : no such file, no YAML, or a key or value that a template does not allow.
    """
    path = Path(template)
    if path.suffix not in {".yaml", ".yml"} and not path.exists():
        path = TEMPLATES_DIR / f"{template}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in TEMPLATES_DIR.glob("*.yaml")))
        raise ParamsError(
            f"{template}: no such template; known names: {known}. Give one of them or the path of a YAML file."
        )
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        return Template.model_validate(content)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        place = getattr(error, "problem_mark", None)
        where = f", line {place.line + 1}" if place else ""
        raise ParamsError(f"{path.name}{where}: this is not valid YAML in UTF-8; mend the line.") from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "template"
        raise ParamsError(f"{path.name}: {key}: {first['msg'].removeprefix('Value error, ')}.") from error
