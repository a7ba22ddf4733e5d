"""The review form of 02_verification: one case at a time, every decision on disk before the next case.

A view on the reader's REVIEWS file: reload the page or restart the kernel and it goes on where it stopped. Headless it
is a table of the progress.
"""

import html
import os
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import ipywidgets as widgets
import pandas as pd

from labkit import tables
from labkit.corpus import Report
from labkit.deidentification import Gate
from labkit.extraction.viewing import marked
from labkit.layout import HEADLESS_VARIABLE
from labkit.verification.reviews import append, latest, review_file

__all__ = ["Review", "review"]

VALUES = ("true", "uncertain", "false")
NAME_LAYOUT = {"width": "300px", "margin": "0"}


class Review:
    """The state of one reader's review: which case, which values; `widget` shows it, `accept` writes it."""

    def __init__(self, findings: pd.DataFrame, order: list[str], texts: dict[str, Report], *, path: Path):
        self.findings, self.order, self.texts, self.path = findings, order, texts, path
        self.gate = Gate()
        self.position, self.began = 0, time.monotonic()
        done = set(self._current().study_id)
        self.position = next((n for n, study_id in enumerate(order) if study_id not in done), len(order) - 1)
        self._text, self._progress = widgets.HTML(), widgets.HTML()
        self._form = widgets.VBox()
        buttons = {
            name: widgets.Button(description=text, button_style=look)
            for name, text, look in (
                ("back", "Back", ""),
                ("next", "Next", ""),
                ("accept", "Accept and next", "primary"),
            )
        }
        for name, button in buttons.items():
            button.add_class(f"labkit-{name}")
            button.on_click(partial(self._clicked, name))
        left = widgets.VBox([self._text], layout=widgets.Layout(width="42%", padding="0 1em 0 0"))
        self.widget = widgets.VBox(
            [self._progress, widgets.HBox([left, self._form]), widgets.HBox(list(buttons.values()))]
        ).add_class("labkit-review")
        self.show()

    def _clicked(self, name: str, _button) -> None:
        {"back": self.back, "next": self.next, "accept": self.accept}[name]()

    @property
    def study_id(self) -> str:
        return self.order[self.position]

    def decisions(self) -> pd.DataFrame:
        """This reader's decisions so far, a REVIEWS table."""
        if not self.path.exists():
            return pd.DataFrame(columns=list(tables.REVIEWS.all_columns))
        return tables.read(self.path, tables.REVIEWS)

    def _current(self) -> pd.DataFrame:
        """The decisions on the texts as they are now; a case whose report has changed since is to be read again."""
        decisions = self.decisions()
        now = decisions.study_id.map({study_id: report.text_sha256 for study_id, report in self.texts.items()})
        return decisions[decisions.text_sha256 == now]

    def values(self) -> dict[str, str]:
        """Values by finding of the case shown: this reader's own where there are any, else the extracted ones."""
        case = self.findings[self.findings.study_id == self.study_id]
        own = latest(self._current()[lambda d: d.study_id == self.study_id])
        return dict(zip(case.finding, case.value)) | dict(zip(own.finding, own.value))

    def show(self) -> None:
        """Draw the case at the current position."""
        self.began = time.monotonic()
        case = self.findings[self.findings.study_id == self.study_id]
        text = self.texts[self.study_id].text
        self._text.value = marked(text, case, gate=self.gate, title=self.study_id)
        self._choices = {}
        for finding, value in self.values().items():
            choice = widgets.ToggleButtons(
                options=VALUES,
                value=value,
                style={"button_width": "84px", "description_width": "0px"},
                layout=widgets.Layout(width="285px", margin="0"),
            )
            self._choices[finding] = choice
        rows = [
            widgets.HBox([widgets.HTML(f"<small>{html.escape(f)}</small>", layout=NAME_LAYOUT), choice])
            for f, choice in self._choices.items()
        ]
        self._form.children = rows
        done = self._current().study_id.nunique()
        self._progress.value = f"<b>{done} of {len(self.order)} cases reviewed</b> · case {self.position + 1}"

    def set(self, finding: str, value: str) -> None:
        """Choose a value for a finding of the case shown."""
        self._choices[finding].value = value

    def accept(self) -> None:
        """Write a decision for every finding of the case, then go on."""
        earlier = self.decisions()
        sequence = int(earlier.sequence.max()) + 1 if len(earlier) else 1
        before = self.values()
        seconds = round((time.monotonic() - self.began) / max(1, len(self._choices)), 2)
        rows = [
            {
                "study_id": self.study_id,
                "finding": finding,
                "reader": self.path.stem,
                "sequence": sequence + n,
                "value": choice.value,
                "previous": before[finding],
                "reviewed_at": datetime.now(UTC).isoformat(timespec="seconds"),
                "seconds": seconds,
                "resolution": "report",
                "comment": "",
                "text_sha256": self.texts[self.study_id].text_sha256,
            }
            for n, (finding, choice) in enumerate(self._choices.items())
        ]
        append(rows, self.path)
        self.next()

    def next(self) -> None:
        self.position = min(self.position + 1, len(self.order) - 1)
        self.show()

    def back(self) -> None:
        self.position = max(self.position - 1, 0)
        self.show()


def review(
    findings: pd.DataFrame,
    studies: pd.DataFrame,
    split_table: pd.DataFrame,
    *,
    texts: dict[str, Report],
    folder: str | Path,
    reader: str,
):
    """The form for `reader`, test cases first; without a name, or headless, a table of the readers' progress."""
    placed = studies.merge(split_table, on="patient")
    rank = {"test": 0, "external": 1, "validation": 2, "train": 3}
    placed = placed.assign(rank=placed["split"].map(rank)).sort_values(["rank", "study_id"])
    order = [s for s in placed.study_id if s in set(findings.study_id)]
    if reader and HEADLESS_VARIABLE not in os.environ:
        return Review(findings, order, texts, path=review_file(folder, reader)).widget
    rows = [
        {"reader": path.stem, "cases reviewed": tables.read(path, tables.REVIEWS).study_id.nunique(), "of": len(order)}
        for path in sorted(Path(folder).glob("*.csv"))
    ]
    return pd.DataFrame(rows, columns=["reader", "cases reviewed", "of"])
