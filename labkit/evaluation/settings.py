"""What 04_evaluation is asked to decide, declared before any test result is read."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from labkit.policies import Policy

__all__ = ["MACRO_AUC", "Dose", "Settings"]

MACRO_AUC = "macro_auc"


class Dose(BaseModel):
    """Trainings at several shares of uncertain labels, by `labkit dose`; frozen, unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    shares: tuple[Annotated[float, Field(ge=0, lt=1)], ...] = Field(
        default=(), description="of the training and validation labels, uncertain in all; none = no such trainings"
    )
    seeds: tuple[Annotated[int, Field(ge=0)], ...] = Field(
        default=(1,), min_length=1, description="each draws which labels become uncertain and trains a network"
    )
    policies: tuple[Policy, ...] = Field(default=(), description="none = those of the study")
    true_share: float | None = Field(
        default=None, ge=0, le=1, description="how many labels that become uncertain are true; none = as observed"
    )

    @field_validator("shares", "seeds", "policies")
    @classmethod
    def _each_once(cls, given):
        if len(set(given)) < len(given):
            raise ValueError("an entry stands twice")
        return given


class Settings(BaseModel):
    """Endpoint, label set, margin, intervals and operating points; frozen, unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    endpoint: str = Field(
        default=MACRO_AUC,
        min_length=1,
        description="macro_auc, or the name of the finding whose AUC is the primary endpoint",
    )
    findings: tuple[str, ...] = Field(
        default=(), description="label set, by the names of the template; none = all that have enough positives"
    )
    min_positives: int = Field(default=5, ge=2, description="reference-positive test studies a finding needs per site")
    min_tuning_positives: int = Field(
        default=1,
        ge=1,
        description="reference-positive studies a finding needs in train and in validation each",
    )
    level: float = Field(default=0.95, gt=0.5, lt=1, description="coverage of every interval")
    margin: float = Field(default=0.02, gt=0, lt=0.5, description="largest difference in AUC that would not matter")
    power: float = Field(default=0.8, gt=0.5, lt=1, description="power at which the detectable difference is given")
    auc_interval: Literal["robust", "delong"] = Field(
        default="robust", description="robust holds with few positives, delong is that of most publications"
    )
    rate_interval: Literal["wilson", "bootstrap"] = Field(
        default="wilson", description="wilson takes studies as independent, bootstrap draws patients"
    )
    n_resamples: int = Field(default=2000, ge=100, le=1_000_000, description="draws of every bootstrap")
    seed: int = Field(default=1, ge=0, description="of every bootstrap and permutation")
    operating_point: Literal["youden", "sensitivity", "specificity"] = Field(
        default="youden", description="how the threshold is chosen on validation"
    )
    fixed_sensitivity: float = Field(default=0.9, gt=0, lt=1, description="target of the point sensitivity")
    fixed_specificity: float = Field(default=0.9, gt=0, lt=1, description="target of the point specificity")
    n_bins: int = Field(default=10, ge=2, le=100, description="bins of equal width for calibration")
    min_cell: int = Field(default=10, ge=0, description="subgroups with fewer positive or negative studies are hidden")
    age_bands: tuple[int, ...] = Field(default=(18, 40, 65), description="first year of every age band but the first")

    show_cases: bool = Field(
        default=False, description="whether the explorer of a shared page lists studies: pseudonym, score, reference"
    )
    dose: Dose = Dose()

    @field_validator("findings")
    @classmethod
    def _named_once(cls, findings):
        if len(set(findings)) < len(findings):
            raise ValueError("a finding stands twice")
        return findings

    @field_validator("age_bands")
    @classmethod
    def _rising(cls, bands):
        if any(late <= early for early, late in zip((0, *bands), bands, strict=False)):
            raise ValueError("the years of the age bands rise and are above 0")
        return bands

    def target(self, point):
        """Sensitivity or specificity that an operating point is fixed at; NaN for youden."""
        return {"sensitivity": self.fixed_sensitivity, "specificity": self.fixed_specificity}.get(point, float("nan"))
