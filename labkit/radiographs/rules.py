"""What counts as a usable radiograph, how its view is found and how it is prepared: the choices that a study's
params make about images."""

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

__all__ = ["DEFAULT_VIEW_RULES", "MEASURES", "RADIOGRAPH_MODALITIES", "IndexRules", "Preparation", "ViewRule"]

# CR and DX are today's plain radiographs, DR and RG older or local codes for the same.
RADIOGRAPH_MODALITIES = ("CR", "DX", "DR", "RG")

Identifier = Literal["accession_number", "study_uid", "patient_id"]
# What image analysis can measure, see `measuring`.
MEASURES = ("aspect", "coverage", "elongation")
PATH_GROUPS = ("accession_number", "patient_id", "study_uid", "study_date", "body_part", "view", "laterality")


class IndexRules(BaseModel):
    """Which files of a folder may be used; every refusal becomes a row with a reason.

    `modalities` and `body_parts` close the list when they are not empty (body parts match as case-insensitive
    parts of BodyPartExamined; an empty BodyPartExamined passes). A DICOM file needs at least one of
    `identifiers` (none: not asked). `path_pattern` is a regular expression on the path below the folder whose
    named groups (accession_number, patient_id, study_uid, study_date, body_part, view, laterality) fill what
    the header leaves empty: the way to give PNG and JPEG files an identity.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    modalities: tuple[str, ...] = ()
    body_parts: tuple[str, ...] = ()
    identifiers: tuple[Identifier, ...] = ("accession_number", "study_uid", "patient_id")
    allow_rgb: bool = False
    path_pattern: str = ""
    max_pixels: int = Field(default=200_000_000, gt=0)
    max_file_mb: int = Field(default=1024, gt=0)
    timeout_s: float = Field(default=60.0, gt=0)

    @field_validator("path_pattern")
    @classmethod
    def _pattern_is_known(cls, pattern):
        unknown = sorted(set(_compiled(pattern).groupindex) - set(PATH_GROUPS))
        if unknown:
            raise ValueError(f"the group '{unknown[0]}' is not known; known: {', '.join(PATH_GROUPS)}")
        return pattern


class ViewRule(BaseModel):
    """One fall-back for an image whose ViewPosition says nothing: where it holds, the view is `view`.

    A text field needs a `pattern`, a case-insensitive regular expression (an empty one always matches and so makes a
    last resort). A measure of the pixels (aspect, coverage, elongation) needs `above`, `below` or both, exclusive.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    field: Literal[
        "series_description",
        "protocol_name",
        "study_description",
        "body_part",
        "path",
        "aspect",
        "coverage",
        "elongation",
    ]
    pattern: str | None = None
    above: float | None = None
    below: float | None = None
    view: str = Field(min_length=1)

    @field_validator("pattern")
    @classmethod
    def _pattern_compiles(cls, pattern):
        if pattern is not None:
            _compiled(pattern)
        return pattern

    @model_validator(mode="after")
    def _fits_its_field(self):
        limits = self.above is not None or self.below is not None
        if self.is_measure and (self.pattern is not None or not limits):
            raise ValueError(f"the field {self.field} is a measure: give above, below or both, and no pattern")
        if not self.is_measure and (self.pattern is None or limits):
            raise ValueError(f"the field {self.field} is a text: give a pattern, and neither above nor below")
        return self

    @property
    def is_measure(self) -> bool:
        """Whether pixels must be looked at."""
        return self.field in MEASURES

    @property
    def name(self) -> str:
        """The rule as it is recorded beside the view that it gave."""
        if not self.is_measure:
            return f"{self.field} ~ /{self.pattern}/"
        limits = [f"{sign} {limit:g}" for sign, limit in ((">", self.above), ("<", self.below)) if limit is not None]
        return f"{self.field} {' and '.join(limits)}"

    def matches(self, text: str) -> bool:
        """Whether a field's text keeps the rule; a measure that is not known keeps none."""
        if not self.is_measure:
            return bool(text or not self.pattern) and re.search(self.pattern, text, re.IGNORECASE) is not None
        if not text:
            return False
        low, high = (limit if limit is not None else default for limit, default in self._limits)
        return low < float(text) < high

    @property
    def _limits(self) -> tuple:
        return (self.above, float("-inf")), (self.below, float("inf"))


class Preparation(BaseModel):
    """Which image of a view is taken and what becomes of its pixels.

    several_images : of several images of one view the newest, the best (for presentation, lossless, sharpest and
        best exposed by `merit`, most pixels and bits, then newest) or all, the newest with the first id.
    window : which of several windows of a header: its number from 0, or a part of its explanation, such as "HARD"; the
        first one where none fits.
    crop : cut to the collimated field. mirror_to : images whose laterality is the other side are mirrored; images of
        unknown side stay.
    bits : 8 or 16 per cached pixel. burnt_in_text : what looks like writing is masked in rendered pages, or such an
        image is held back from them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    several_images: Literal["newest", "best", "all"] = "newest"
    window: int | str = 0
    crop: bool = False
    mirror_to: Literal["none", "left", "right"] = "none"
    bits: Literal[8, 16] = 8
    burnt_in_text: Literal["mask", "hold_back"] = "mask"

    @field_validator("window", mode="before")
    @classmethod
    def _is_a_choice(cls, window):
        if isinstance(window, bool) or (isinstance(window, int) and window < 0) or window == "":
            raise ValueError("must be a window's number from 0, or a part of its explanation in quotes")
        return window


def _compiled(pattern: str) -> re.Pattern:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise ValueError(f"'{pattern}' is not a regular expression ({error.msg})") from error


DEFAULT_VIEW_RULES = tuple(
    ViewRule(field=field, pattern=pattern, view=view)
    for field in ("series_description", "protocol_name")
    for pattern, view in (
        (r"\b(lat|lateral|seitl(ich|\.)?|ll|rl)\b", "LATERAL"),
        (r"\b(a\.?\s?p|p\.?\s?a|d\.?\s?[pv]|frontal)\b\.?", "AP"),
    )
)
