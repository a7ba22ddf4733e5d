"""Write a synthetic cohort to a folder: reports, radiographs, latent truth, identifiers, and the manifest last.

Every file is put in place whole; a folder without a manifest is unfinished, and the same call ends at the same bytes.
"""

import csv
import hashlib
import os
import shutil
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from labkit.errors import ParamsError
from labkit.synthetic import manifest
from labkit.synthetic.cohort import Cohort, Study
from labkit.synthetic.manifest import COLUMNS, Manifest, SiteFiles
from labkit.synthetic.settings import Settings
from labkit.synthetic.statements import UNCERTAIN
from labkit.templates import LabelValue, Template

__all__ = ["generate"]

MARK = ".labkit-synthetic"  # holds the fingerprint of what is being written into this folder
VALUES = (LabelValue.FALSE.value, LabelValue.UNCERTAIN.value, LabelValue.TRUE.value)
TRUTH_COLUMNS = ("accession_number", "site", "finding", "truth", "report_value")
IDENTIFIER_COLUMNS = ("accession_number", "site", "kind", "text")
FORMS = {"internal": (";", "utf-8-sig", "%d.%m.%Y"), "external": (",", "utf-8", "%Y-%m-%d")}
OURS = ("internal", "external", "truth.csv", "identifiers.csv", "manifest.json", MARK)


def generate(template: Template, settings: Settings, out_dir: str | Path) -> Manifest:
    """Write the cohort into `out_dir` and give its manifest; a finished one of the same settings is left as it is.

    Raises
    ------
    ParamsError : the folder holds files of something else, or the wanted shares of uncertain labels cannot be reached.
    """
    out_dir = Path(out_dir)
    wanted = manifest.fingerprint(template, settings)
    finished = manifest.read(out_dir)
    if finished is not None and finished.fingerprint == wanted and _whole(finished, out_dir):
        return finished
    cohorts = [Cohort(template, settings, name) for name, _, _ in settings.sites()]
    _ = [cohort.doubt for cohort in cohorts]  # shares out of reach stop here, before anything is written
    _claim(out_dir, wanted)
    tally, n_labels, files = np.zeros(3, dtype=np.int64), 0, {}
    with ExitStack() as stack:
        truth = stack.enter_context(_Table(out_dir / "truth.csv", TRUTH_COLUMNS))
        identifiers = stack.enter_context(_Table(out_dir / "identifiers.csv", IDENTIFIER_COLUMNS))
        for cohort in cohorts:
            files[cohort.name], counted = _write_site(cohort, out_dir, truth=truth, identifiers=identifiers)
            tally += counted
            n_labels += cohort.n_studies * len(template.findings)
    made = Manifest(
        format=manifest.FORMAT,
        fingerprint=wanted,
        anatomy=template.anatomy,
        views=template.views,
        settings=settings,
        sites=files,
        truth="truth.csv",
        truth_sha256=truth.sha256,
        identifiers="identifiers.csv",
        identifiers_sha256=identifiers.sha256,
        true_share=round(float(tally[0]) / n_labels, 6),
        uncertain_share=round(float(tally[1]) / n_labels, 6),
        hedge_true_share=round(float(tally[2] / tally[1]), 6) if tally[1] else None,
    )
    _put(out_dir / "manifest.json", (made.model_dump_json(indent=2) + "\n").encode())
    return made


def _write_site(cohort: Cohort, out_dir: Path, *, truth, identifiers) -> tuple[SiteFiles, np.ndarray]:
    """One site's files; the counts are of true, uncertain and uncertain but truly present labels."""
    delimiter, encoding, as_date = FORMS[cohort.name]
    columns, names = COLUMNS[cohort.name], cohort.template.names
    dicom_dir = out_dir / cohort.name / "dicom"
    counts, patients, n_images = np.zeros(3, dtype=np.int64), 0, 0
    last_patient = None
    path = out_dir / cohort.name / "reports.csv"
    with _Table(path, columns.values(), delimiter=delimiter, encoding=encoding) as reports:
        for study in cohort.studies():
            accession = study.stay.accession_number
            reports.row(_report_row(study, german=cohort.name == "internal", as_date=as_date))
            present, value = study.latent.truth[0], study.latent.value[0]
            for name, is_there, said in zip(names, present, value, strict=True):
                truth.row((accession, cohort.name, name, "true" if is_there else "false", VALUES[said]))
            for kind, text in study.report.identifiers:
                identifiers.row((accession, cohort.name, kind, text))
            for relative, content in cohort.files(study):
                _put(dicom_dir / relative, content)
                n_images += 1
            uncertain = value == UNCERTAIN
            counts += (int((value > UNCERTAIN).sum()), int(uncertain.sum()), int((uncertain & present).sum()))
            patients += study.stay.person.patient_id != last_patient
            last_patient = study.stay.person.patient_id
    files = SiteFiles(
        reports=f"{cohort.name}/reports.csv",
        delimiter=delimiter,
        encoding=encoding,
        columns=columns,
        dicom_dir=f"{cohort.name}/dicom",
        n_studies=cohort.n_studies,
        n_patients=patients,
        n_images=n_images,
        sha256=reports.sha256,
    )
    return files, counts


def _report_row(study: Study, *, german: bool, as_date: str) -> tuple[str, ...]:
    stay, person = study.stay, study.stay.person
    return (
        stay.report_id,
        stay.accession_number,
        person.patient_id,
        stay.day.strftime(as_date),
        {"F": "W", "M": "M"}[person.sex] if german else person.sex,
        person.born.strftime(as_date),
        str(stay.age),
        study.report.text,
    )


class _Table:
    """A CSV file that is put in place when its block ends without an error; `sha256` is then its hash."""

    def __init__(self, path: Path, columns, *, delimiter: str = ",", encoding: str = "utf-8"):
        self.path, self.part = path, path.with_name(path.name + ".part")
        self.columns, self.delimiter, self.encoding = tuple(columns), delimiter, encoding
        self.sha256 = ""

    def __enter__(self):
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self.part.open("w", encoding=self.encoding, newline="")
        self._writer = csv.writer(self._file, delimiter=self.delimiter, lineterminator="\r\n")
        self.row(self.columns)
        return self

    def row(self, values) -> None:
        self._writer.writerow(values)

    def __exit__(self, kind, *_):
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        if kind is None:
            self.sha256 = _sha256(self.part)
            os.replace(self.part, self.path)


def _put(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_bytes(content)
    os.replace(part, path)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _whole(made: Manifest, out_dir: Path) -> bool:
    """Whether every table has its hash and no radiograph is missing."""
    tables = {made.truth: made.truth_sha256, made.identifiers: made.identifiers_sha256}
    tables |= {site.reports: site.sha256 for site in made.sites.values()}
    if any(not (out_dir / p).is_file() or _sha256(out_dir / p) != digest for p, digest in tables.items()):
        return False
    return all(
        sum(1 for _ in (out_dir / site.dicom_dir).rglob("*.dcm")) == site.n_images for site in made.sites.values()
    )


def _claim(out_dir: Path, wanted: str) -> None:
    """Make the folder ours: empty, or cleared of an earlier synthetic cohort, never of anything else."""
    mark = out_dir / MARK
    if out_dir.is_dir() and any(out_dir.iterdir()):
        if not mark.is_file():
            raise ParamsError(
                f"synthetic: the folder '{out_dir.name}' holds files that labkit did not write; "
                "give an empty or a new folder."
            )
        (out_dir / "manifest.json").unlink(missing_ok=True)
        if mark.read_text(encoding="utf-8") != wanted:
            for name in OURS[:-1]:
                path = out_dir / name
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        for part in out_dir.rglob("*.part"):
            part.unlink()
    out_dir.mkdir(parents=True, exist_ok=True)
    _put(mark, wanted.encode())
