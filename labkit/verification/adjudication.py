"""Labels on which readers differ: the queue for whoever settles them, and the rule by which a decision counts.

A decision is a reading like any other, in the adjudicator's own file, with the resolution "adjudication" (of what the
report says) or "follow_up_adjudication" (of what a follow-up showed). It stands, whatever the readings say and whoever
reads later; where adjudicators differ the label stays open. No reading is ever changed or taken away.
"""

import pandas as pd

from labkit.verification.reviews import latest

__all__ = ["SETTLES", "open_questions", "settled"]

LABEL = ["study_id", "finding", "resolution"]
# The resolution of a decision: that of the readings which it settles.
SETTLES = {"adjudication": "report", "follow_up_adjudication": "follow_up"}


def settled(reviews: pd.DataFrame) -> pd.DataFrame:
    """One REVIEWS row per study, finding and resolution (report, follow_up): adjudicated, or all readers agree."""
    decisions, readings = _apart(reviews)
    decided = _unanimous(decisions)
    waiting = readings[~_keys(readings).isin(_keys(decisions))]
    return pd.concat([decided, _unanimous(waiting)], ignore_index=True)


def open_questions(reviews: pd.DataFrame, *, blinded: bool = False) -> pd.DataFrame:
    """Labels on which readers (or adjudicators) differ and that nobody has settled, reports with most of them first.

    blinded : without the readers' names, for a third person who does not want to know who said what.

    Returns
    -------
    DataFrame study_id, finding, resolution, readings (such as "anna: true; ben: false"), readers.
    """
    decisions, readings = _apart(reviews)
    waiting = readings[~_keys(readings).isin(_keys(decisions))]
    given = pd.concat([decisions, waiting], ignore_index=True).sort_values([*LABEL, "value", "reader"], kind="stable")
    given["said"] = given["value"] if blinded else given["reader"] + ": " + given["value"]
    grouped = given.groupby(LABEL, sort=True)
    made = grouped.agg(readings=("said", "; ".join), readers=("reader", "nunique"), values=("value", "nunique"))
    made = made[made["values"] > 1].drop(columns="values").reset_index()
    per_report = made.groupby("study_id")["finding"].transform("size")
    order = per_report.sort_values(ascending=False, kind="stable").index
    return made.loc[order].reset_index(drop=True)


def _apart(reviews: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Everybody's last word: decisions, with the resolution that they settle, and readings."""
    last = latest(reviews).reset_index(drop=True)
    deciding = last["resolution"].isin(SETTLES)
    return last[deciding].assign(resolution=last["resolution"].map(SETTLES)), last[~deciding]


def _keys(rows: pd.DataFrame) -> pd.MultiIndex:
    return pd.MultiIndex.from_frame(rows[LABEL])


def _unanimous(rows: pd.DataFrame) -> pd.DataFrame:
    """The first row of each label on which all rows have one value."""
    values = rows.groupby(LABEL)["value"].transform("nunique")
    return rows[values == 1].drop_duplicates(LABEL)
