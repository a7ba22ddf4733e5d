"""All readings that count for a study: people's files, and the simulated reader where the params ask for one."""

import pandas as pd

from labkit import tables
from labkit.layout import Layout
from labkit.params import VerificationSection
from labkit.verification.reader import simulate
from labkit.verification.reviews import read_reviews

__all__ = ["gather"]


def gather(
    section: VerificationSection,
    layout: Layout,
    *,
    findings: pd.DataFrame,
    studies: pd.DataFrame,
    split_table: pd.DataFrame,
) -> pd.DataFrame:
    """REVIEWS of all readers on the texts as they are now; readings of an earlier text stay in their files alone.

    The simulated reader reads the test studies of every site, as the study did.
    """
    human = read_reviews(layout.reviews)
    texts = pd.MultiIndex.from_frame(studies[["study_id", "text_sha256"]])
    human = human[pd.MultiIndex.from_frame(human[["study_id", "text_sha256"]]).isin(texts)].reset_index(drop=True)
    if section.simulated_reader is None:
        return human
    test = studies.merge(split_table, on="patient")
    test = test[test["split"].isin(["test", "external"])]
    simulated = simulate(
        findings[findings.study_id.isin(test.study_id)],
        tables.read(layout.keys, tables.KEYS),
        studies,
        truth_path=layout.cohort / "truth.csv",
        settings=section.simulated_reader,
    )
    tables.write(simulated, layout.simulated_reviews, tables.REVIEWS)
    return pd.concat([human, simulated], ignore_index=True) if len(human) else simulated
