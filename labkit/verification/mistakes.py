"""The labels that the extraction got wrong: what kind of error each is, and what speaks for its cause; used by 02.

Quotes and comments are words of reports and readers. `review_table` holds them for the hospital; `shareable` takes them
out, or masks them where the params say that text may be shown.
"""

from pathlib import Path

import pandas as pd

from labkit import tables
from labkit.deidentification import Gate, KnownIdentifiers
from labkit.layout import Layout
from labkit.tables import Table
from labkit.verification.accuracy import verified
from labkit.verification.queue import QUEUE
from labkit.verification.reviews import SIMULATED, latest
from labkit.verification.workbook import write_workbook

__all__ = ["MISTAKES", "error_types", "keep_lists", "review_table", "shareable"]

KEY = ["study_id", "finding"]
# Verified value, extracted value: what went wrong.
KINDS = {
    ("true", "false"): "finding missed",
    ("uncertain", "false"): "doubtful finding missed",
    ("false", "true"): "finding made up",
    ("false", "uncertain"): "doubtful finding made up",
    ("uncertain", "true"): "doubt missed",
    ("true", "uncertain"): "doubt made up",
}
MISTAKES = Table(
    "MISTAKES",
    ("study_id", "finding"),
    ("site", "split", "extracted", "verified", "error", "reason", "quote", "comment"),
    allowed={"error": tuple(KINDS.values())},
)


def error_types(labels: pd.DataFrame) -> pd.DataFrame:
    """Wrong labels by kind, with their share and in how many reports they stand; every kind has a row."""
    wrong = _wrong(labels)
    counted = wrong.groupby("error").agg(labels=("finding", "size"), reports=("study_id", "nunique"))
    counted = counted.reindex(list(KINDS.values()), fill_value=0)
    pairs = pd.DataFrame(list(KINDS), columns=["verified", "extracted"], index=counted.index)
    share = counted["labels"] / max(len(wrong), 1)
    made = pd.concat([pairs, counted, share.rename("share of errors")], axis=1)
    return (
        made.rename_axis("error").reset_index().sort_values("labels", ascending=False, kind="stable", ignore_index=True)
    )


def review_table(
    labels: pd.DataFrame, findings: pd.DataFrame, reviews: pd.DataFrame, raised: pd.DataFrame
) -> pd.DataFrame:
    """MISTAKES: every wrong label with its quote, what may have caused it, and the readers' comments.

    Parameters
    ----------
    labels : LABELS. findings : FINDINGS of the source whose labels are used. reviews : REVIEWS.
    raised : RAISED of that source; a label that the hierarchy raised is the fault of its part.
    """
    wrong = _wrong(labels)
    own = findings[[*KEY, "source", "evidence", "grounded", "confidence"]]
    made = wrong.merge(own, on=KEY, how="left", validate="one_to_one")
    by_rule = pd.MultiIndex.from_frame(raised[[*KEY, "source"]])
    made["raised"] = pd.MultiIndex.from_frame(made[[*KEY, "source"]].fillna("")).isin(by_rule)
    made["reason"] = [_reason(row) for row in made.itertuples()]
    said = latest(reviews[(reviews["reader"] != SIMULATED) & (reviews["comment"] != "")])
    comments = said.groupby(KEY)["comment"].agg(lambda texts: " | ".join(dict.fromkeys(texts))).rename("comment")
    made = made.merge(comments.reset_index(), on=KEY, how="left")
    made = made.rename(columns={"value": "verified", "evidence": "quote"})
    return tables.check(made[list(MISTAKES.all_columns)], MISTAKES)


def shareable(mistakes: pd.DataFrame, *, show_text: bool, known: KnownIdentifiers | None = None) -> pd.DataFrame:
    """MISTAKES without comments; quotes are masked where text may be shown, else taken out.

    known : names, dates and numbers of the cohort, which are masked besides what looks like one.
    """
    quotes = ""
    if show_text:
        gate = Gate(known)
        quotes = mistakes["quote"].map(lambda quote: gate.clean(quote).text)
    return tables.check(mistakes.assign(quote=quotes, comment=""), MISTAKES)


def _wrong(labels: pd.DataFrame) -> pd.DataFrame:
    own = verified(labels)
    wrong = own[own["extracted"] != own["value"]]
    return wrong.assign(error=[KINDS[pair] for pair in zip(wrong["value"], wrong["extracted"])])


def _reason(row) -> str:
    """What is known of a wrong label's making."""
    if row.raised:
        return "raised by the hierarchy: see its parts"
    if row.grounded == "false":
        return "the quote is not in the report"
    sure = f", confidence {row.confidence:.2f}" if pd.notna(row.confidence) else ""
    if row.evidence:
        return f"quoted from the report{sure}"
    return f"no quote: {'not mentioned' if row.extracted == 'false' else 'value without a source'}{sure}"


def keep_lists(layout: Layout, queued: pd.DataFrame, mistakes: pd.DataFrame) -> list[Path]:
    """Write QUEUE and MISTAKES, also for Excel, where they stay in the hospital."""
    return [
        tables.write(queued, layout.queue, QUEUE),
        tables.write(mistakes, layout.mistakes, MISTAKES),
        write_workbook(mistakes, layout.mistakes.with_suffix(".xlsx"), sheet="mistakes"),
    ]
