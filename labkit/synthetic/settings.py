"""Settings of a synthetic cohort: one frozen, checked object; a site's look and language have defaults of their own."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

__all__ = ["External", "Internal", "Settings", "Site"]

HEDGES = (
    "consistent",
    "differential",
    "most_likely",
    "not_delineated",
    "not_excluded",
    "possible",
    "suspicion",
    "unlikely",
)
SYNTAXES = ("explicit", "implicit", "jpeg_2000", "jpeg_ls", "rle")


class Site(BaseModel):
    """One hospital: how it writes, whom it sees and how its radiographs look."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    english_share: float = Field(ge=0, le=1, description="share of reports in English, the rest in German")
    short_share: float = Field(ge=0, le=1, description="share of reports in telegraphic style without sections")
    impression_share: float = Field(ge=0, le=1, description="share of full reports with an impression")
    negation_share: float = Field(ge=0, le=1, description="how many of the possible normal statements are made")
    prevalence_odds_factor: float = Field(gt=0, description="odds of every finding, times this")
    hedge_mix: dict[str, float] = Field(description="weight of each family of hedges")
    distractor_share: float = Field(ge=0, le=1, description="chance of each history, other region, advice")
    transfer_syntaxes: dict[str, float] = Field(description="weight of each transfer syntax")
    monochrome1_share: float = Field(ge=0, le=1, description="share of studies stored inverted")
    aspect: float = Field(ge=0.5, le=1, description="short side of the image over its long side")
    noise_share: float = Field(ge=0, le=0.5, description="standard deviation of the noise over the full range")
    gray_gamma: float = Field(gt=0, description="exponent of the gray curve, above 1 is darker")
    contrast_share: float = Field(gt=0, le=1, description="part of the 12-bit range that the picture uses")
    blur_px_at_512: float = Field(ge=0, description="radius of the unsharpness for an image of 512 px")
    marker: Literal["letter", "plate"] = Field(description="side marker: a bare letter or a letter on a plate")

    @field_validator("hedge_mix", "transfer_syntaxes")
    @classmethod
    def _weights(cls, weights, info):
        known = HEDGES if info.field_name == "hedge_mix" else SYNTAXES
        for key, weight in weights.items():
            if key not in known:
                raise ValueError(f"'{key}' is not known; known: {', '.join(known)}")
            if not 0 <= weight < float("inf"):
                raise ValueError(f"the weight of '{key}' must be 0 or more")
        if sum(weights.values()) <= 0:
            raise ValueError("at least one weight must be above 0")
        return weights


class Internal(Site):
    """The internal hospital: German, sectioned reports; crisp, square detectors."""

    english_share: float = Field(0.0, ge=0, le=1)
    short_share: float = Field(0.2, ge=0, le=1)
    impression_share: float = Field(0.85, ge=0, le=1)
    negation_share: float = Field(0.6, ge=0, le=1)
    prevalence_odds_factor: float = Field(1.0, gt=0)
    hedge_mix: dict[str, float] = {
        "suspicion": 3,
        "not_excluded": 3,
        "most_likely": 2,
        "possible": 1,
        "differential": 1.5,
        "not_delineated": 1,
        "unlikely": 0.5,
        "consistent": 0.7,
    }
    distractor_share: float = Field(0.25, ge=0, le=1)
    transfer_syntaxes: dict[str, float] = {"explicit": 5, "implicit": 2, "rle": 1, "jpeg_ls": 2}
    monochrome1_share: float = Field(0.25, ge=0, le=1)
    aspect: float = Field(1.0, ge=0.5, le=1)
    noise_share: float = Field(0.02, ge=0, le=0.5)
    gray_gamma: float = Field(1.0, gt=0)
    contrast_share: float = Field(0.85, gt=0, le=1)
    blur_px_at_512: float = Field(1.0, ge=0)
    marker: Literal["letter", "plate"] = "letter"


class External(Site):
    """The external hospital: English, often telegraphic reports; softer, noisier, narrower pictures."""

    english_share: float = Field(1.0, ge=0, le=1)
    short_share: float = Field(0.5, ge=0, le=1)
    impression_share: float = Field(0.7, ge=0, le=1)
    negation_share: float = Field(0.4, ge=0, le=1)
    prevalence_odds_factor: float = Field(0.8, gt=0)
    hedge_mix: dict[str, float] = {
        "suspicion": 1,
        "not_excluded": 2,
        "most_likely": 1.5,
        "possible": 3,
        "differential": 0.7,
        "not_delineated": 0.7,
        "unlikely": 1.5,
        "consistent": 2.5,
    }
    distractor_share: float = Field(0.35, ge=0, le=1)
    transfer_syntaxes: dict[str, float] = {"explicit": 4, "implicit": 2, "jpeg_2000": 2, "jpeg_ls": 1}
    monochrome1_share: float = Field(0.5, ge=0, le=1)
    aspect: float = Field(0.88, ge=0.5, le=1)
    noise_share: float = Field(0.028, ge=0, le=0.5)
    gray_gamma: float = Field(1.1, gt=0)
    contrast_share: float = Field(0.75, gt=0, le=1)
    blur_px_at_512: float = Field(1.4, ge=0)
    marker: Literal["letter", "plate"] = "plate"


class Settings(BaseModel):
    """All that decides the bytes of a synthetic cohort; the same settings give the same files."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    seed: int = Field(1, ge=0, description="start of every random number")
    n_internal: int = Field(250, ge=1, description="studies of the internal hospital")
    n_external: int = Field(100, ge=0, description="studies of the external hospital")
    image_size_px: int = Field(512, ge=32, le=4096, description="long side of every image")
    uncertain_share: float = Field(
        0.03, ge=0, le=0.5, description="share of all labels that the reports leave uncertain"
    )
    hedge_true_share: float = Field(0.55, ge=0, le=1, description="share of uncertain labels that are true")
    missed_share: float = Field(0.02, ge=0, le=0.5, description="share of true findings no report mentions")
    repeat_patient_share: float = Field(0.1, ge=0, le=0.9, description="share of patients with two or three studies")
    sign_strength: float = Field(1.0, ge=0, le=1.5, description="conspicuity of the drawn signs, 0 for none")
    internal: Internal = Internal()
    external: External = External()

    def sites(self) -> tuple[tuple[str, Site, int], ...]:
        """Name, description and number of studies of each hospital."""
        return ("internal", self.internal, self.n_internal), ("external", self.external, self.n_external)
