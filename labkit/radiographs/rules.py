"""What counts as a usable radiograph and how its view is found: the choices that a study's params make about
images."""

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

__all__ = ["DEFAULT_VIEW_RULES", "RADIOGRAPH_MODALITIES", "IndexRules", "ViewRule"]

# CR and DX are today's plain radiographs, DR and RG older or local codes for the same.
RADIOGRAPH_MODALITIES = ("CR", "DX", "DR", "RG")

Identifier = Literal["accession_number", "study_uid", "patient_id"]
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
    """One fall-back for an image whose ViewPosition says nothing: where `pattern` is found in `field`, the
    view is `view`.

    Patterns are case-insensitive regular expressions; an empty pattern always matches and so makes a last
    resort.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    field: Literal["series_description", "protocol_name", "study_description", "body_part", "path"]
    pattern: str
    view: str = Field(min_length=1)

    @field_validator("pattern")
    @classmethod
    def _pattern_compiles(cls, pattern):
        _compiled(pattern)
        return pattern

    @property
    def name(self) -> str:
        """The rule as it is recorded beside the view that it gave."""
        return f"{self.field} ~ /{self.pattern}/"

    def matches(self, text: str) -> bool:
        return re.search(self.pattern, text, re.IGNORECASE) is not None


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
