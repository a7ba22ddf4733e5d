"""A whole params file as one frozen object, and which of its sections each step reads."""

import os
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, Field, PrivateAttr, field_validator

from labkit import templates
from labkit.evaluation.settings import Settings as EvaluationSection
from labkit.extraction.settings import Settings as ChatSettings
from labkit.layout import ALL_POLICIES, ROOT, Layout
from labkit.params.sections import (
    CohortSection,
    ExtractionSection,
    FiguresSection,
    Paths,
    Section,
    TrainingSection,
    VerificationSection,
)
from labkit.policies import Policy
from labkit.synthetic.settings import Settings as SyntheticSection

__all__ = [
    "BASE_DIR_VARIABLE",
    "SECTIONS_OF_STEP",
    "STEPS_PER_POLICY",
    "Located",
    "Study",
    "base_dir",
    "template_path",
]

# Set by the run for each notebook's kernel, so that relative paths mean the same there as in the params file.
BASE_DIR_VARIABLE = "LABKIT_BASE_DIR"

# What each notebook is given besides study, anatomy, policy and paths; a changed section reruns the steps that read it.
SECTIONS_OF_STEP = {
    "synthetic": ("synthetic",),
    "extraction": ("cohort", "extraction"),
    "verification": ("cohort", "verification"),
    "training": ("cohort", "training"),
    "evaluation": ("evaluation",),
    "figures": ("cohort", "verification", "evaluation", "figures"),
}
STEPS_PER_POLICY = ("training", "evaluation", "figures")


def base_dir() -> Path:
    """The folder that relative paths start from, for a notebook."""
    return Path(os.environ.get(BASE_DIR_VARIABLE) or ROOT)


class Located(Section):
    """What names an anatomy of a study and its folders: a whole params file, or the parameters of one notebook."""

    study: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")
    anatomy: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    paths: Paths

    @property
    def base_dir(self) -> Path:
        """The folder that relative paths start from."""
        return base_dir()

    @property
    def layout(self) -> Layout:
        return Layout(
            build_dir=self.base_dir / self.paths.build_dir,
            reports_dir=self.base_dir / self.paths.reports_dir,
            reviews_dir=self.base_dir / self.paths.reviews_dir,
            study=self.study,
            anatomy=self.anatomy,
        )

    @property
    def template(self) -> templates.Template:
        return templates.load(template_path(self.paths.template, self.base_dir))

    def resolve(self, path: str) -> Path:
        """A path of the params as an absolute one."""
        return (self.base_dir / path).absolute()


class Study(Located):
    """Everything a params file says. `sections` gives the raw text of its sections, as papermill injects them."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    policies: tuple[Policy, ...] = Field(min_length=1)
    synthetic: SyntheticSection | None = None
    cohort: CohortSection
    extraction: ExtractionSection
    verification: VerificationSection
    training: TrainingSection
    evaluation: EvaluationSection
    figures: FiguresSection

    @field_validator("policies")
    @classmethod
    def _usable(cls, policies):
        if len(set(policies)) != len(policies):
            raise ValueError("a policy stands twice; name each once")
        return policies

    _file: Path = PrivateAttr(default=Path())
    _base: Path = PrivateAttr(default=ROOT)
    _raw: dict[str, Any] = PrivateAttr(default_factory=dict)

    @property
    def file(self) -> Path:
        return self._file

    @property
    def base_dir(self) -> Path:
        return self._base

    @property
    def openai(self) -> ChatSettings | None:
        """How a model is asked, its files as absolute paths; None where no model is asked."""
        asks = "openai" in self.extraction.extractors
        return self.extraction.openai.located(self.base_dir) if asks else None

    @property
    def raw(self) -> dict[str, Any]:
        """The file's content as YAML gave it."""
        return self._raw

    def parameters(self, step: str, policy: str = "") -> dict[str, Any]:
        """What papermill injects into the notebook of a step, as written in the file."""
        given = {"study": self.study, "anatomy": self.anatomy, "paths": self._raw["paths"]}
        if step in STEPS_PER_POLICY:
            given["policy"] = policy
        if policy == ALL_POLICIES:
            given["policies"] = list(self.policies)
        return given | {section: self._raw[section] for section in SECTIONS_OF_STEP[step]}


def template_path(template: str, base: Path) -> str | Path:
    """A template's name as it is, a path of the params file as an absolute one."""
    return base / template if Path(template).suffix in {".yaml", ".yml"} else template
