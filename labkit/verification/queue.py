"""Which labels are worth a look before others: where extractors differ, quotes are missing, doubt stands nearby.

Used by 02_verification. The queue finds errors; it tells nothing of how many there are (a sample does, see `sampling`).
"""

import re
from collections.abc import Mapping
from functools import cache

import pandas as pd

from labkit import tables
from labkit.corpus import Report
from labkit.extraction.languages import Cues, load_all
from labkit.extraction.words import Lexicon, tokenize
from labkit.params import ReadingQueue
from labkit.tables import Table
from labkit.templates import Template
from labkit.verification.hierarchy import contradictions

__all__ = ["QUEUE", "REASONS", "queue", "reasons_table"]

KEY = ["study_id", "finding"]
# Strongest first; `position` follows the number of reasons, then this order.
REASONS = (
    "extractors differ",
    "contradicts the hierarchy",
    "raised by the hierarchy",
    "quote not in the report",
    "value without a quote",
    "low confidence",
    "hedge nearby",
    "rare finding",
)
QUEUE = Table("QUEUE", ("study_id", "finding"), ("value", "reasons", "position"), integers=("position",))
SENTENCE_END = re.compile(r"[.!?;](?=\s|$)|\n")
HEDGES = ("hedge", "unlikely", "consistent")


def queue(
    findings: pd.DataFrame,
    *,
    template: Template,
    disagreements: pd.DataFrame,
    raised: pd.DataFrame,
    texts: Mapping[str, Report],
    settings: ReadingQueue,
) -> pd.DataFrame:
    """QUEUE: labels with a reason to look, the cases with most such labels first, then those with most reasons.

    Parameters
    ----------
    findings : FINDINGS of the source whose labels are used, of the cases that may be read.
    disagreements, raised : DISAGREEMENTS and RAISED of the run; may be empty.
    texts : reports by study_id, for hedges near a label that is not uncertain; without a text that reason is not given.
    settings : what low confidence and rare mean.
    """
    given = findings.reset_index(drop=True)
    label = pd.MultiIndex.from_frame(given[KEY])
    told = given["value"] != "false"
    against = contradictions(given, template, column="value")
    both = pd.concat([against[["study_id", name]].set_axis(KEY, axis=1) for name in ("whole", "part")])
    own_raised = raised[raised["source"].isin(given["source"])]
    stated = given["finding"].map(given[told].groupby("finding")["study_id"].nunique()).fillna(0)
    flags = {
        "extractors differ": label.isin(pd.MultiIndex.from_frame(disagreements[KEY])),
        "contradicts the hierarchy": label.isin(pd.MultiIndex.from_frame(both)),
        "raised by the hierarchy": label.isin(pd.MultiIndex.from_frame(own_raised[KEY])),
        "quote not in the report": given["grounded"] == "false",
        "value without a quote": told & (given["evidence"] == ""),
        "low confidence": given["confidence"] < settings.low_confidence,
        "hedge nearby": _hedged(given, texts),
        "rare finding": told & (stated <= settings.rare),
    }
    table = pd.DataFrame({name: pd.Series(flags[name], index=given.index) for name in REASONS}, dtype=bool)
    table["value without a quote"] &= ~table["raised by the hierarchy"]  # a whole is quoted in its part
    flagged = table.any(axis=1)
    made = given.loc[flagged, [*KEY, "value"]]
    marks = table[flagged].to_numpy()
    made["reasons"] = ["; ".join(name for name, is_so in zip(REASONS, row) if is_so) for row in marks]
    made["n"], made["first"] = marks.sum(axis=1), marks.argmax(axis=1)
    made["of_case"] = made.groupby("study_id")["n"].transform("sum")
    made = made.sort_values(["of_case", "study_id", "n", "first"], ascending=[False, True, False, True], kind="stable")
    return tables.check(made.assign(position=range(1, len(made) + 1))[list(QUEUE.all_columns)], QUEUE)


def reasons_table(queued: pd.DataFrame) -> pd.DataFrame:
    """How many labels and cases stand in the queue, by reason; a label may have several."""
    parts = queued.assign(reason=queued["reasons"].str.split("; ")).explode("reason")
    counted = parts.groupby("reason").agg(labels=("finding", "size"), cases=("study_id", "nunique"))
    return counted.reindex(list(REASONS), fill_value=0).reset_index()


def _hedged(given: pd.DataFrame, texts: Mapping[str, Report]) -> pd.Series:
    """Whether a hedge stands in the sentence of a quote whose label is not uncertain."""
    candidates = given[(given["value"] != "uncertain") & (given["start"] >= 0)]
    found = pd.Series(False, index=given.index)
    for study_id, own in candidates.groupby("study_id"):
        if study_id in texts:
            text = texts[study_id].text
            found[own.index] = [_has_hedge(_sentence(text, row.start, row.end)) for row in own.itertuples()]
    return found


def _sentence(text: str, start: int, end: int) -> str:
    """The text between the ends of sentences or lines around a quote."""
    before = [match.end() for match in SENTENCE_END.finditer(text, 0, start)]
    after = SENTENCE_END.search(text, end)
    return text[before[-1] if before else 0 : after.start() if after else len(text)]


def _has_hedge(sentence: str) -> bool:
    return bool(_lexicon().find([token.text for token in tokenize(sentence)]))


@cache
def _lexicon() -> Lexicon:
    cues = [getattr(language, name) for language in load_all() for name in HEDGES]
    return Lexicon(("hedge", term) for own in cues for place in Cues.model_fields for term in getattr(own, place))
