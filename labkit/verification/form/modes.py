"""Four ways to review: as usual, blinded, with follow-up, and as the one who settles on what readers differ.

A mode says which labels of a case may be set, what they show before the reader has set them, what stands beside them,
and what "accept all" makes of those that are left.
"""

from collections.abc import Mapping

import pandas as pd

from labkit.verification.adjudication import SETTLES, open_questions
from labkit.verification.form.cases import Cases
from labkit.verification.merging import merge
from labkit.verification.reviews import SIMULATED, counted, latest

__all__ = ["MODES", "SOURCES", "Adjudication", "Blinded", "FollowUp", "Mode", "asked", "mode_of"]

# What a follow-up rests on.
SOURCES = ("follow-up imaging", "CT", "MRI", "surgery", "consensus", "other")
TEST = ("test", "external")
LABEL = ["study_id", "finding"]


class Mode:
    """As usual: extracted values are shown, the reader changes what is wrong and accepts the rest."""

    name = "normal"
    says = "Change what is wrong, then accept the rest."
    first_action = "read"  # of a value that is given for the first time
    needs_source = False
    accepts = "Accept all, next"

    def __init__(self, cases: Cases, readings: pd.DataFrame, *, reader: str):
        self.cases, self.reader = cases, reader
        self.asked = asked(readings[readings["reader"] != reader])

    def studies(self) -> list[str] | None:
        """The cases there are; None for all."""
        return None

    def first(self) -> list[str]:
        """Cases that are suggested before all others: those that another reader asks about."""
        return list(self.asked)

    def items(self, study_id: str) -> dict[str, str]:
        """Resolution by finding of the labels that may be set."""
        return dict.fromkeys((name for name in self.cases.names if name in self.cases.extracted[study_id]), "report")

    def initial(self, study_id: str) -> Mapping[str, str | None]:
        """Values that are shown where the reader has given none."""
        return self.cases.extracted[study_id]

    def filled(self, study_id: str, finding: str) -> str | None:
        """The value that "accept all" gives to a label without one of the reader; None leaves it open."""
        return self.initial(study_id).get(finding)

    def notes(self, study_id: str, *, names: bool) -> dict[str, str]:
        """What stands beside labels, by finding; names : whether readers are named."""
        asking = self.asked.get(study_id, {})
        return {finding: f"{', '.join(who) if names else 'a reader'} asks" for finding, who in asking.items()}


class Blinded(Mode):
    """From the report alone first; then the extracted values are shown, and the reader may think again."""

    name = "blinded"
    says = "Set labels from the report alone; the extracted ones are shown afterwards."
    first_action = "blind"
    accepts = "The rest is false, compare"

    def initial(self, study_id: str) -> Mapping[str, str | None]:
        return {}

    def filled(self, study_id: str, finding: str) -> str | None:
        return "false"


class FollowUp(Mode):
    """Test labels that a report leaves uncertain: what was there, and how one knows."""

    name = "follow-up"
    says = "Choose a source, then what it showed; uncertain: no follow-up is known."
    needs_source = True
    accepts = "No follow-up for the rest, next"

    def __init__(self, cases: Cases, readings: pd.DataFrame, *, reader: str):
        super().__init__(cases, readings, reader=reader)
        labels = merge(cases.findings, counted(readings), cases.studies, cases.split_table)
        test = labels[labels["split"].isin(TEST) & labels["study_id"].isin(cases.listed)]
        uncertain = test[test["value"] == "uncertain"]
        self._items = {s: list(own["finding"]) for s, own in uncertain.groupby("study_id", sort=False)}
        chosen = test[test["study_id"].isin(self._items)]
        self._values = {s: dict(zip(own["finding"], own["value"])) for s, own in chosen.groupby("study_id")}

    def studies(self) -> list[str]:
        return list(self._items)

    def items(self, study_id: str) -> dict[str, str]:
        return dict.fromkeys(self._items.get(study_id, ()), "follow_up")

    def initial(self, study_id: str) -> Mapping[str, str | None]:
        values = self._values.get(study_id) or self.cases.extracted[study_id]
        return {finding: value for finding, value in values.items() if finding not in self.items(study_id)}

    def filled(self, study_id: str, finding: str) -> str | None:
        return "uncertain"


class Adjudication(Mode):
    """Labels on which readers differ, or of which one is unsure: who said what, and a decision."""

    name = "adjudication"
    says = "Decide; your decision stands, and no reading is changed."
    accepts = "Next"

    def __init__(self, cases: Cases, readings: pd.DataFrame, *, reader: str):
        super().__init__(cases, readings, reader=reader)
        now = pd.MultiIndex.from_arrays([list(cases.hashes), list(cases.hashes.values())])
        own = readings[pd.MultiIndex.from_frame(readings[["study_id", "text_sha256"]]).isin(now)]
        own = own[own["reader"] != SIMULATED]
        values = counted(own)
        settles = {resolution: decision for decision, resolution in SETTLES.items()}
        self._items: dict[str, dict[str, str]] = {}
        mine = values[(values["reader"] == reader) & values["resolution"].isin(SETTLES)]
        done = [(row.study_id, row.finding, row.resolution) for row in mine.itertuples()]
        differ = [(r.study_id, r.finding, settles[r.resolution]) for r in open_questions(values).itertuples()]
        unsure = [(s, f, "adjudication") for s, labels in asked(own).items() for f in labels]
        decided = set(values.loc[values["resolution"] == "adjudication", LABEL].itertuples(index=False, name=None))
        unsure = [label for label in unsure if label[0] in cases.hashes and label[:2] not in decided]
        for study_id, finding, resolution in [*differ, *unsure, *done]:
            self._items.setdefault(study_id, {}).setdefault(finding, resolution)
        self._said: dict[tuple[str, str], list[tuple[str, str]]] = {}
        for row in latest(values).itertuples():
            if SETTLES.get(self._items.get(row.study_id, {}).get(row.finding, "")) == row.resolution:
                self._said.setdefault((row.study_id, row.finding), []).append((row.reader, row.value))
        self.asked = asked(own)

    def studies(self) -> list[str]:
        return list(self._items)

    def first(self) -> list[str]:
        return list(self._items)

    def items(self, study_id: str) -> dict[str, str]:
        return self._items.get(study_id, {})

    def initial(self, study_id: str) -> Mapping[str, str | None]:
        items = self.items(study_id)
        return {finding: v for finding, v in self.cases.extracted[study_id].items() if finding not in items}

    def filled(self, study_id: str, finding: str) -> str | None:
        return None

    def notes(self, study_id: str, *, names: bool) -> dict[str, str]:
        asking = super().notes(study_id, names=names)
        made = {}
        for finding in self.items(study_id):
            said = sorted(self._said.get((study_id, finding), ()), key=lambda pair: pair if names else pair[::-1])
            parts = [f"{reader}: {value}" if names else value for reader, value in said]
            made[finding] = "; ".join([*parts, *([asking[finding]] if finding in asking else [])])
        return made


MODES = {mode.name: mode for mode in (Mode, Blinded, FollowUp, Adjudication)}


def mode_of(name: str, cases: Cases, readings: pd.DataFrame, *, reader: str) -> Mode:
    """The mode of a name; the empty one is as usual."""
    return MODES[name or "normal"](cases, readings, reader=reader)


def asked(readings: pd.DataFrame) -> dict[str, dict[str, list[str]]]:
    """Readers who ask for a second one, by study and finding."""
    rows = readings[readings["action"].isin(["ask", "unask"])].sort_values("sequence", kind="stable")
    last = rows.drop_duplicates([*LABEL, "reader"], keep="last")
    made: dict[str, dict[str, list[str]]] = {}
    for row in last[last["action"] == "ask"].itertuples():
        made.setdefault(row.study_id, {}).setdefault(row.finding, []).append(row.reader)
    return made
