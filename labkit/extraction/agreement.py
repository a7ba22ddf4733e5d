"""Where two extractors read the same report: how often they agree, and every label on which they differ.

Used by 01_extraction; 02_verification may take the disagreements for its queue.
"""

import numpy as np
import pandas as pd

from labkit import tables
from labkit.templates import LabelValue

__all__ = ["EVERY_FINDING", "crossed", "disagreements", "per_finding"]

EVERY_FINDING = "All findings"
ORDER = (LabelValue.FALSE.value, LabelValue.UNCERTAIN.value, LabelValue.TRUE.value)
COLUMNS = ("finding", "n", "equal", "share", "kappa")


def per_finding(findings: pd.DataFrame) -> pd.DataFrame:
    """Labels compared, equal ones, their share, and Cohen's kappa over the three values; all findings together on top.

    Parameters
    ----------
    findings : FINDINGS of two sources; studies that only one of them could label are left out.

    Returns
    -------
    One row per finding, the least equal first; empty where there is one source. Kappa is NaN where both sources gave
    one and the same value throughout, so that agreement by chance is certain (Cohen 1960).
    """
    pairs = _pairs(findings)
    if pairs is None:
        return pd.DataFrame(columns=list(COLUMNS))
    rows = [(finding, *_agreement(part)) for finding, part in pairs.groupby("finding", sort=False)]
    rows.sort(key=lambda row: row[3])
    return pd.DataFrame([(EVERY_FINDING, *_agreement(pairs)), *rows], columns=list(COLUMNS))


def crossed(findings: pd.DataFrame) -> pd.DataFrame:
    """Counts of labels, values of the first source down and of the second across; empty where there is one source."""
    pairs = _pairs(findings)
    if pairs is None:
        return pd.DataFrame()
    first, second = _sources(findings)
    counts = pd.crosstab(pairs["value_x"], pairs["value_y"]).reindex(index=ORDER, columns=ORDER, fill_value=0)
    return counts.rename_axis(index=f"{first} says", columns=None).rename(columns=lambda v: f"{second}: {v}")


def disagreements(findings: pd.DataFrame) -> pd.DataFrame:
    """DISAGREEMENTS: labels on which the two sources differ, true against false first; with quotes, for `build/`.

    Empty where there is one source.
    """
    pairs = _pairs(findings)
    if pairs is None:
        return tables.check(pd.DataFrame(columns=list(tables.DISAGREEMENTS.all_columns)), tables.DISAGREEMENTS)
    rank = {value: n for n, value in enumerate(ORDER)}
    apart = (pairs["value_x"].map(rank) - pairs["value_y"].map(rank)).abs()
    apart = apart[apart > 0].sort_values(ascending=False, kind="stable")
    differing = pairs.loc[apart.index]
    first, second = _sources(findings)
    made = differing[["study_id", "finding"]].assign(first=first, second=second)
    for name, suffix in (("first", "_x"), ("second", "_y")):
        for column in ("value", "grounded", "evidence"):
            made[f"{name}_{column}"] = differing[column + suffix]
    return tables.check(made, tables.DISAGREEMENTS)


def _sources(findings: pd.DataFrame) -> list[str]:
    return list(dict.fromkeys(findings["source"]))


def _pairs(findings: pd.DataFrame) -> pd.DataFrame | None:
    """One row per study and finding that both sources labelled; suffix _x is the first source, _y the second."""
    sources = _sources(findings)
    if len(sources) < 2:
        return None
    first, second = (findings[findings["source"] == source] for source in sources[:2])
    return first.merge(second, on=["study_id", "finding"], validate="one_to_one")


def _agreement(pairs: pd.DataFrame) -> tuple[int, int, float, float]:
    first, second = (pd.Categorical(pairs[column], categories=ORDER).codes for column in ("value_x", "value_y"))
    counts = np.zeros((3, 3))  # (first, second)
    np.add.at(counts, (first, second), 1)
    n, equal = len(pairs), int(np.trace(counts))
    if n == 0:
        return 0, 0, float("nan"), float("nan")
    chance = float(counts.sum(axis=1) @ counts.sum(axis=0)) / n**2
    kappa = float("nan") if chance == 1 else (equal / n - chance) / (1 - chance)
    return n, equal, equal / n, kappa
