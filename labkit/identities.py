"""Who the columns and headers of a cohort name, for the gate in front of endpoints and for the last look at pages.

Used by 01_extraction and 02_verification, `labkit check` and `labkit scan`.
"""

import pandas as pd

from labkit.corpus import Report
from labkit.deidentification import KnownIdentifiers, identifiers_by_text

__all__ = ["in_headers", "known_identifiers", "own_names"]


def known_identifiers(reports: dict[str, Report]) -> KnownIdentifiers:
    """Names, birth dates and numbers of the cohort's columns."""
    return KnownIdentifiers(
        names=[r.patient_name for r in reports.values()],
        dates=[r.birth_date for r in reports.values()],
        ids=[i for r in reports.values() for i in (r.report_id, r.accession_number, r.patient_id, r.study_uid)],
    )


def own_names(reports: dict[str, Report]) -> dict[str, KnownIdentifiers]:
    """The patient's name of each report, by its text."""
    return identifiers_by_text((r.text, [r.patient_name]) for r in reports.values())


def in_headers(indexed: pd.DataFrame | None) -> KnownIdentifiers:
    """Names, birth dates and numbers of the radiographs' headers; `indexed` as of `radiographs.index`, or None."""
    if indexed is None:
        return KnownIdentifiers()
    names, dates, patients, accessions = (
        list(indexed[column].unique()) for column in ("patient_name", "birth_date", "patient_id", "accession_number")
    )
    return KnownIdentifiers(names=names, dates=dates, ids=[*patients, *accessions])
