"""What 04_evaluation is asked to decide, declared before any test result is read."""

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Settings"]


class Settings(BaseModel):
    """Label set, interval, margin and power; frozen, unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    min_positives: int = Field(default=5, ge=2, description="reference-positive test studies a finding needs per site")
    min_tuning_positives: int = Field(
        default=1,
        ge=1,
        description="reference-positive studies a finding needs in train and in validation each",
    )
    level: float = Field(default=0.95, gt=0.5, lt=1, description="coverage of every interval")
    margin: float = Field(
        default=0.02, gt=0, lt=0.5, description="largest difference in macro AUC that would not matter"
    )
    power: float = Field(default=0.8, gt=0.5, lt=1, description="power at which the detectable difference is given")
