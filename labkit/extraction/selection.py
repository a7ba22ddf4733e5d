"""Which reports of a run a person wants to see: by site, pseudonym, finding, value, extractor and what went wrong.

Used by the viewer of 01_extraction; holds labels and flags, no text.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from labkit.extraction import summaries
from labkit.extraction.labelling import Labelled

__all__ = ["ANY", "STATUSES", "Choice", "Selection"]

ANY = "any"
STATUSES = {
    "failed": "could not be labelled",
    "ungrounded": "quote not in the report",
    "differs": "extractors differ",
    "raised": "raised by the hierarchy",
    "unsure": f"confidence below {summaries.CONFIDENT:g}",
}


@dataclass(frozen=True)
class Choice:
    """What to look for; every part is `ANY` or one of its values, `search` is part of a pseudonym."""

    site: str = ANY
    search: str = ""
    finding: str = ANY
    kind: str = ANY  # one of summaries.KINDS
    source: str = ANY
    status: str = ANY  # one of STATUSES


class Selection:
    """The labels of a run with a flag for each status, so that a choice is one look at a table.

    Parameters
    ----------
    sites : site by study_id, in the order in which reports are shown.
    disagreements : DISAGREEMENTS of the run.
    """

    def __init__(self, labelled: Labelled, sites: dict[str, str], disagreements: pd.DataFrame):
        self.sites, self.answers = sites, labelled.answers
        labels = labelled.findings.assign(kind=summaries.kinds(labelled.findings))
        labels["ungrounded"] = labels["grounded"] == "false"
        labels["unsure"] = labels["confidence"] < summaries.CONFIDENT
        labels["differs"] = _among(labels, disagreements, ["study_id", "finding"])
        labels["raised"] = _among(labels, labelled.raised, ["study_id", "finding", "source"])
        self.labels = labels
        self._by_study = labels.groupby("study_id", sort=False).indices

    @property
    def sources(self) -> list[str]:
        """Extractors in the order of the run."""
        return list(dict.fromkeys(self.answers["source"]))

    def of(self, study_id: str) -> pd.DataFrame:
        """The labels of one report with their flags; no rows where no extractor could label it."""
        return self.labels.iloc[self._by_study.get(study_id, [])]

    def answers_of(self, study_id: str) -> pd.DataFrame:
        """What each extractor answered for one report."""
        return self.answers[self.answers["study_id"] == study_id]

    def find(self, choice: Choice) -> list[str]:
        """Reports of a choice, in their order; finding, value, extractor and status hold for one and the same label."""
        found = self.sites.items()
        if choice.site != ANY:
            found = ((study_id, site) for study_id, site in found if site == choice.site)
        wanted = choice.search.strip().casefold()
        candidates = [study_id for study_id, _ in found if wanted in study_id.casefold()]
        matching = self._matching(choice)
        return candidates if matching is None else [study_id for study_id in candidates if study_id in matching]

    def _matching(self, choice: Choice) -> set[str] | None:
        """Studies that fit what a choice says of labels; None where it says nothing."""
        if choice.status == "failed":
            failed = self.answers[self.answers["status"] != "ok"]
            return set(
                failed["study_id"] if choice.source == ANY else failed[failed.source == choice.source]["study_id"]
            )
        parts = {"finding": choice.finding, "kind": choice.kind, "source": choice.source}
        wanted = {column: value for column, value in parts.items() if value != ANY}
        if not wanted and choice.status == ANY:
            return None
        fits = pd.Series(True, index=self.labels.index)
        for column, value in wanted.items():
            fits &= self.labels[column] == value
        if choice.status != ANY:
            fits &= self.labels[choice.status]
        return set(self.labels.loc[fits, "study_id"])

    def counts(self, studies: Iterable[str], source: str) -> pd.DataFrame:
        """Kinds of labels per finding in some reports: findings down, `summaries.KINDS` across."""
        rows = self.labels[(self.labels["source"] == source) & self.labels["study_id"].isin(list(studies))]
        order = list(dict.fromkeys(self.labels["finding"]))
        counted = pd.crosstab(rows["finding"], rows["kind"])
        return counted.reindex(index=order, columns=list(summaries.KINDS), fill_value=0)


def _among(labels: pd.DataFrame, chosen: pd.DataFrame, key: list[str]) -> pd.Series:
    return pd.Series(pd.MultiIndex.from_frame(labels[key]).isin(pd.MultiIndex.from_frame(chosen[key])), labels.index)
