"""The manifest of a synthetic cohort: settings, what was written, the hash of every table; it is written last."""

import hashlib
import json
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from labkit.synthetic.settings import Settings
from labkit.templates import Template

__all__ = ["COLUMNS", "FORMAT", "Manifest", "SiteFiles", "fingerprint", "read"]

FORMAT = 1  # raise when the same settings would give other bytes

# role -> column name, in the order of the file
COLUMNS = {
    "internal": {
        "report_id": "Befund-ID",
        "accession_number": "Anforderungsnummer",
        "patient_id": "Patienten-ID",
        "study_date": "Untersuchungsdatum",
        "sex": "Geschlecht",
        "birth_date": "Geburtsdatum",
        "age": "Alter",
        "report": "Befundtext",
    },
    "external": {
        "report_id": "report_id",
        "accession_number": "accession_number",
        "patient_id": "patient_id",
        "study_date": "study_date",
        "sex": "sex",
        "birth_date": "birth_date",
        "age": "age",
        "report": "report",
    },
}


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SiteFiles(_Record):
    """Files of one site, paths relative to the manifest."""

    reports: str
    delimiter: str
    encoding: str
    columns: dict[str, str]
    dicom_dir: str
    n_studies: int
    n_patients: int
    n_images: int
    sha256: str


class Manifest(_Record):
    """What a finished cohort holds; shares are those reached over all labels."""

    format: int
    fingerprint: str
    anatomy: str
    views: tuple[str, ...]
    settings: Settings
    sites: dict[str, SiteFiles]
    truth: str
    truth_sha256: str
    identifiers: str
    identifiers_sha256: str
    true_share: float
    uncertain_share: float
    hedge_true_share: float | None


def fingerprint(template: Template, settings: Settings) -> str:
    """Hash of all that decides the bytes: format, settings and the template's findings, names, hierarchy and views."""
    findings = [(f.id, f.name, f.parents) for f in template.findings]
    content = [FORMAT, template.anatomy, template.views, findings, settings.model_dump(mode="json")]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def read(path: Path) -> Manifest | None:
    """The manifest in a folder, None where there is none or an older or broken one."""
    try:
        return Manifest.model_validate_json((path / "manifest.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, ValidationError):
        return None
