"""The cases of a review: their labels and texts, why each is worth a look, and in which order they come."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from labkit.corpus import Report
from labkit.deidentification import Gate
from labkit.extraction.viewing import painted
from labkit.identities import known_identifiers, own_names
from labkit.templates import Template
from labkit.verification.form.following import outline

__all__ = ["ORDERS", "Cases"]

# Suggested: what another reader asks about, the sample, the queue, then the rest; by number: test cases, then the rest.
ORDERS = {
    "suggested": "suggested order",
    "sample": "the sample alone",
    "queue": "the queue alone",
    "listed": "by number",
}
SPLIT_RANK = {"test": 0, "external": 1, "validation": 2, "train": 3}


@dataclass(frozen=True, repr=False)
class Cases:
    """Everything the form shows; made once per notebook, shared by all readers and modes.

    Parameters
    ----------
    findings : FINDINGS of the one source whose labels are used.
    studies, split_table : STUDIES and SPLITS.
    sample, queued : SAMPLE and QUEUE, empty where there are none.
    texts : reports by study_id; a study without one is not shown.
    folder : where the readers' files are.
    """

    findings: pd.DataFrame
    studies: pd.DataFrame
    split_table: pd.DataFrame
    template: Template
    texts: Mapping[str, Report]
    sample: pd.DataFrame
    queued: pd.DataFrame
    folder: Path

    @cached_property
    def gate(self) -> Gate:
        """Masks identifiers in what is shown, those of the cohort's columns surely."""
        return Gate(known_identifiers(dict(self.texts)), own=own_names(dict(self.texts)))

    @cached_property
    def outline(self) -> list[tuple[str, int, str]]:
        """(name, depth, short name) of each finding in the order of the form."""
        there = set(self.findings["finding"])
        return [entry for entry in outline(self.template) if entry[0] in there]

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name, _, _ in self.outline)

    @cached_property
    def extracted(self) -> dict[str, dict[str, str]]:
        """Extracted values by study and finding."""
        made: dict[str, dict[str, str]] = {}
        for study_id, finding, value in zip(
            self.findings["study_id"], self.findings["finding"], self.findings["value"]
        ):
            made.setdefault(study_id, {})[finding] = value
        return made

    @cached_property
    def listed(self) -> list[str]:
        """All cases: test sets first, then by number."""
        placed = self.studies.merge(self.split_table, on="patient")
        placed = placed.assign(rank=placed["split"].map(SPLIT_RANK)).sort_values(["rank", "study_id"])
        return [s for s in placed["study_id"] if s in self.extracted and s in self.texts]

    @cached_property
    def site(self) -> dict[str, str]:
        return dict(zip(self.studies["study_id"], self.studies["site"]))

    @cached_property
    def hashes(self) -> dict[str, str]:
        """Hash of each text."""
        return {study_id: self.texts[study_id].text_sha256 for study_id in self.listed}

    @cached_property
    def reasons(self) -> dict[str, dict[str, str]]:
        """Why labels stand in the queue, by study and finding."""
        made: dict[str, dict[str, str]] = {}
        for row in self.queued.itertuples():
            made.setdefault(row.study_id, {})[row.finding] = row.reasons
        return made

    @cached_property
    def in_sample(self) -> list[str]:
        """Cases of the sample in its random order."""
        there = set(self.listed)
        return [s for s in self.sample.sort_values("position")["study_id"] if s in there]

    def ordered(self, order: str, *, first: list[str], among: set[str] | None = None) -> list[str]:
        """Cases in one of `ORDERS`; `first` are those that another reader asked for, `among` those that may come."""
        there = set(self.listed)
        parts = {
            "suggested": [*first, *self.in_sample, *self.reasons, *self.listed],
            "sample": self.in_sample,
            "queue": list(self.reasons),
            "listed": self.listed,
        }
        found = dict.fromkeys(s for s in parts[order] if s in there)
        return [s for s in found if among is None or s in among]

    def place(self, study_id: str) -> str:
        """Where a case comes from, in a word."""
        if study_id in self._sampled:
            return "sample"
        return "queue" if study_id in self.reasons else "rest"

    @cached_property
    def _sampled(self) -> frozenset[str]:
        return frozenset(self.in_sample)

    @cached_property
    def _rows(self) -> dict[str, list[int]]:
        return self.findings.groupby("study_id").indices

    def text(self, study_id: str, *, evidence: bool) -> str:
        """The masked text of a report as HTML, its evidence marked by value where wanted."""
        rows = self.findings.iloc[self._rows[study_id] if evidence else []]
        return painted(self.texts[study_id].text, rows, gate=self.gate)
