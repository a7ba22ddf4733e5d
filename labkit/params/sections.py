"""The sections of a params file as frozen models; unknown keys are refused, values never shown in errors."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from labkit.corpus import Columns
from labkit.extraction import rules
from labkit.extraction.settings import Settings as ChatSettings
from labkit.radiographs.rules import IndexRules, Preparation, ViewRule
from labkit.training.settings import Settings as TrainingSettings

__all__ = [
    "CohortSection",
    "ExtractionSection",
    "FiguresSection",
    "Paths",
    "ReadingQueue",
    "ReadingSample",
    "Resampling",
    "Section",
    "SimulatedReader",
    "Site",
    "SplitSection",
    "TrainingSection",
    "VerificationSection",
]


class Section(BaseModel):
    """Base of all sections."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Paths(Section):
    """Where the template is and where a study writes."""

    template: str = Field(min_length=1)  # a name in params/templates or the path of a YAML file
    build_dir: str = Field(min_length=1)  # keys, caches, stores, models: never leaves the hospital
    reports_dir: str = Field(min_length=1)  # rendered pages and shareable tables
    reviews_dir: str = Field(min_length=1)  # human readings, one file per reader


class Site(Section):
    """One hospital: its reports, its radiographs, and whether it is kept for testing only."""

    test_only: bool
    reports: str = Field(min_length=1)
    images: str | None  # None: there are no radiographs, only extraction and verification run
    columns: Columns
    image_rules: IndexRules = IndexRules()


class CohortSection(Section):
    """Which reports and radiographs make up the cohort and how they belong together."""

    link_by: Literal["accession_number", "study_uid", "patient_id"]
    missing_view: Literal["drop", "duplicate", "mask"]
    view_rules: tuple[ViewRule, ...]
    radiographs: Preparation = Preparation()
    sites: dict[str, Site] = Field(min_length=1)

    @model_validator(mode="after")
    def _one_site_trains(self):
        training_sites = [name for name, site in self.sites.items() if not site.test_only]
        if len(training_sites) != 1:
            raise ValueError(
                f"exactly one site has test_only: false (it is split into train, validation and test), "
                f"here {len(training_sites)}"
            )
        for name in self.sites:
            if not name.replace("_", "").isalnum() or name != name.lower():
                raise ValueError(f"the site name '{name}' is not made of small letters, digits and _")
            if name == "all":
                raise ValueError("the site name 'all' stands for all sites together; choose another")
        return self

    @property
    def has_images(self) -> bool:
        return all(site.images is not None for site in self.sites.values())

    @property
    def limits(self) -> IndexRules:
        """The widest limits of all sites, for images that their own site's rules have let through."""
        names = ("max_pixels", "max_file_mb", "timeout_s")
        rules = [site.image_rules for site in self.sites.values()]
        return IndexRules(**{name: max(getattr(own, name) for own in rules) for name in names})


class ExtractionSection(Section):
    """Who reads the reports; the first extractor's labels are used, further ones are compared with it."""

    extractors: tuple[Literal["rules", "openai"], ...] = Field(min_length=1, max_length=2)
    rules: rules.Switches
    openai: ChatSettings | None
    retry_failed: bool  # ask a model again for the reports whose last answer failed, and for no other
    show_text: bool  # whether rendered pages may show report text

    @model_validator(mode="after")
    def _openai_is_configured(self):
        if len(set(self.extractors)) != len(self.extractors):
            raise ValueError("an extractor stands twice in extractors")
        if "openai" in self.extractors and self.openai is None:
            raise ValueError("extractors names openai, but the section openai is empty; give model and base_url there")
        return self


class SplitSection(Section):
    """Shares of the training site's patients, or folds, or a split from a file; drawn once per cohort, never redrawn
    silently.

    file : a published split (CSV with an identifier and a column split); the shares are then not used.
    folds, fold : k folds in place of the shares, and the one that is the test set now, from 0.
    """

    train: float = Field(gt=0, lt=1)
    validation: float = Field(gt=0, lt=1)
    test: float = Field(gt=0, lt=1)
    seed: int = Field(ge=0)
    file: str | None = None
    folds: int | None = Field(default=None, ge=3)
    fold: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _sum_is_one(self):
        if abs(self.train + self.validation + self.test - 1) > 1e-9:
            raise ValueError("train, validation and test must add up to 1")
        if self.file and self.folds:
            raise ValueError("file and folds exclude each other; leave one of them out")
        if self.folds and self.fold >= self.folds:
            raise ValueError(f"fold {self.fold} does not exist; folds {self.folds} are counted from 0")
        return self


class SimulatedReader(Section):
    """A stand-in for a radiologist on a synthetic cohort; everything that rests on it is marked SIMULATED."""

    seed: int = Field(ge=0)
    error_share: float = Field(ge=0, le=1)  # labels that the reader gets wrong
    follow_up_share: float = Field(ge=0, le=1)  # uncertain test labels that a follow-up resolves


class Resampling(Section):
    """How intervals of label accuracy are drawn: whole reports, again and again."""

    n_resamples: int = Field(ge=200, le=20_000)
    level: float = Field(gt=0.5, lt=1)
    seed: int = Field(ge=0)


class ReadingSample(Section):
    """Which test cases people read when they do not read all; drawn once per cohort, its probabilities kept."""

    design: Literal["random", "stratified"]
    cases: int = Field(ge=2)
    seed: int = Field(ge=0)


class ReadingQueue(Section):
    """What makes a label worth a look before others."""

    low_confidence: float = Field(ge=0, le=1)  # below it a model was not sure
    rare: int = Field(ge=0)  # a finding stated in no more cases than this is rare


class VerificationSection(Section):
    """How patients are split, whose readings count, which cases come first and how sure the numbers are."""

    split: SplitSection
    simulated_reader: SimulatedReader | None
    sample: ReadingSample | None
    queue: ReadingQueue
    bootstrap: Resampling
    wanted_width: float = Field(gt=0, lt=1)
    show_text: bool


class TrainingSection(TrainingSettings):
    """The network's settings and the seeds to repeat it with."""

    seeds: tuple[int, ...] = Field(min_length=1)

    @field_validator("seeds")
    @classmethod
    def _usable(cls, seeds):
        if min(seeds, default=0) < 0:
            raise ValueError("a seed is a whole number of 0 or more")
        if len(set(seeds)) != len(seeds):
            raise ValueError("a seed stands twice; each gives the same network again")
        return seeds


class FiguresSection(Section):
    """What the figures look like."""

    max_findings: int = Field(ge=1, le=40)  # findings shown per panel, those with most positives first
    dpi: int = Field(ge=72, le=1200)
