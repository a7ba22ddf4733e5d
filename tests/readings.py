"""Small tables for the tests of verification: what an extractor found, the studies, a person's readings."""

import pandas as pd

from labkit import tables

__all__ = ["FINDINGS", "findings", "review", "studies"]

FINDINGS = ["Fracture", "Swelling"]


def findings(values):
    """FINDINGS from study id to the values of the two findings."""
    rows = [{"study_id": s, "finding": f, "value": v} for s, vs in values.items() for f, v in zip(FINDINGS, vs)]
    made = pd.DataFrame(rows, columns=list(tables.FINDINGS.all_columns))
    return tables.check(made.assign(source="rules", start=-1, end=-1), tables.FINDINGS)


def studies(*study_ids, site="internal"):
    rows = [(s, f"P-{s}", site, f"hash of {s}", "true", "", "", "", "", "false") for s in study_ids]
    return pd.DataFrame(rows, columns=list(tables.STUDIES.all_columns))


def review(study_id, finding, value, *, reader="anna", sequence=1, resolution="report", text=None):
    text = text or f"hash of {study_id}"
    row = (study_id, finding, reader, sequence, value, "false", "", 1.0, resolution, "", text, "read", "")
    return pd.DataFrame([row], columns=list(tables.REVIEWS.all_columns))
