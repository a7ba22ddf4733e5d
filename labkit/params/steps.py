"""What each notebook runs on: one frozen, checked object `p`, made from what papermill or a person gave."""

import html
from pathlib import Path
from typing import Self

from pydantic import Field

from labkit.errors import ParamsError
from labkit.evaluation.settings import Settings as EvaluationSection
from labkit.extraction.settings import Settings as ChatSettings
from labkit.layout import ALL_POLICIES, PolicyLayout
from labkit.params.reading import load, validated
from labkit.params.sections import (
    CohortSection,
    ExtractionSection,
    FiguresSection,
    TrainingSection,
    VerificationSection,
)
from labkit.params.study import STEPS_PER_POLICY, Located, base_dir
from labkit.policies import Policy

__all__ = ["Evaluation", "Extraction", "Figures", "Training", "Verification"]

# Paths of one machine are no result: they stay out of what a notebook shows.
UNSHOWN = {"paths", "reports", "images", "base_url"}


class Step(Located):
    """Base of the five objects: names, paths, and how they are checked and shown."""

    @classmethod
    def check(cls, *, params_file: str = "", **given) -> Self:
        """The checked object; with `params_file` from that file, for work in JupyterLab.

        Raises
        ------
        ParamsError : nothing was given, or one sentence per fault.
        """
        step = cls.__name__.lower()
        if params_file:
            study = load(base_dir() / params_file, check_inputs=False)
            policy = given.get("policy") or study.policies[0].value
            given = study.parameters(step, policy if step in STEPS_PER_POLICY else "")
        sections = [name for name in cls.model_fields if isinstance(given.get(name), dict)]
        empty = [name for name in sections if not given[name]]
        if empty:
            raise ParamsError(
                f"{step}: the section '{empty[0]}' is empty, so nothing was done. Give a params file with labkit run, "
                "with papermill -f, or as params_file in the cell above, such as params/demo/elbow.yaml."
            )
        if given.get("policies") == []:
            del given["policies"]
        return validated(given, cls, f"notebook {step}")

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{html.escape(key)}</td><td>{html.escape(value)}</td></tr>"
            for key, value in _flat(self.model_dump())
        )
        head = "<thead><tr><th>parameter</th><th>value</th></tr></thead>"
        return f'<table class="labkit-params">{head}<tbody>{rows}</tbody></table>'


def _flat(content: dict, prefix: str = "") -> list[tuple[str, str]]:
    rows = []
    for key, value in content.items():
        if key in UNSHOWN:
            continue
        if isinstance(value, dict) and value:
            rows += _flat(value, f"{prefix}{key}.")
        elif isinstance(value, tuple | list):
            rows.append((f"{prefix}{key}", ", ".join(str(item) for item in value) or "–"))
        else:
            shown = str(value).lower() if isinstance(value, bool) else str(value)
            rows.append((f"{prefix}{key}", "–" if value in (None, "", {}) else shown))
    return rows


class Extraction(Step):
    """01_extraction."""

    cohort: CohortSection
    extraction: ExtractionSection

    @property
    def openai(self) -> ChatSettings | None:
        """How a model is asked, its files as absolute paths; None where there is no such section."""
        return self.extraction.openai and self.extraction.openai.located(self.base_dir)


class Verification(Step):
    """02_verification."""

    cohort: CohortSection
    verification: VerificationSection

    @property
    def test_only(self) -> tuple[str, ...]:
        """Sites that are never trained on."""
        return tuple(name for name, site in self.cohort.sites.items() if site.test_only)


class PolicyStep(Step):
    """A step of one policy; `out` holds its paths."""

    policy: Policy

    @property
    def out(self) -> PolicyLayout:
        return self.layout.policy(self.policy)


class Training(PolicyStep):
    """03_training, for one policy."""

    cohort: CohortSection
    training: TrainingSection

    @property
    def settings(self) -> TrainingSection:
        """`training` to train with: a file of weights as an absolute path, wherever this runs. Not to be shown."""
        if self.training.weights in ("imagenet", "none"):
            return self.training
        return self.training.model_copy(update={"weights": str(self.resolve(self.training.weights))})

    @property
    def image_folders(self) -> dict[str, Path]:
        """The folder of each site's radiographs.

        Raises
        ------
        ParamsError : a site has no folder.
        """
        if not self.cohort.has_images:
            raise ParamsError("training: a site has images: null, so there is nothing to train on; give its folder.")
        return {name: self.resolve(site.images) for name, site in self.cohort.sites.items()}


class ComparingStep(Step):
    """A step of one policy, or of all of them side by side when `policy` is 'all'."""

    policy: str = Field(min_length=1)
    policies: tuple[Policy, ...] = ()

    @property
    def out(self) -> PolicyLayout:
        return self.layout.policy(self.policy)

    @property
    def compared(self) -> tuple[str, ...]:
        """The policies whose predictions are read."""
        return tuple(p.value for p in self.policies) if self.policy == ALL_POLICIES else (Policy(self.policy).value,)


class Evaluation(ComparingStep):
    """04_evaluation."""

    evaluation: EvaluationSection


class Figures(ComparingStep):
    """05_figures; its tables and text also say how cohort, labels and numbers came about."""

    cohort: CohortSection
    verification: VerificationSection
    evaluation: EvaluationSection
    figures: FiguresSection
