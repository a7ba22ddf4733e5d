"""How a review begins: a name and a mode, or, without a person, a table of how far the readers are."""

import os

import ipywidgets as widgets
import pandas as pd

from labkit import tables
from labkit.errors import LabkitError
from labkit.layout import HEADLESS_VARIABLE
from labkit.params import Verification
from labkit.radiographs.panel import Panel
from labkit.silent import Silent
from labkit.verification.form import words
from labkit.verification.form.cases import Cases
from labkit.verification.form.keyboard import keyboard
from labkit.verification.form.modes import MODES, asked
from labkit.verification.form.page import STYLE, Page
from labkit.verification.form.session import Session
from labkit.verification.reviews import counted, latest, read_readings

__all__ = ["Start", "progress_table", "review"]


def review(cases: Cases, *, reader: str = "", mode: str = "", p: Verification | None = None):
    """The review form; in a run without a person a table of the readers' progress.

    Parameters
    ----------
    reader : name of the reader; "": the form asks for it, and for the mode.
    mode : normal, blinded, follow-up or adjudication; "" is normal.
    p : the notebook's parameters, which say where the radiographs are; None: there are none to show.
    """
    if HEADLESS_VARIABLE in os.environ:
        return progress_table(cases)
    if reader:
        return Page(Session(cases, reader=reader, mode=mode), pictures=_pictures(p)).widget
    return Start(cases, pictures=_pictures(p), mode=mode).widget


def _pictures(p: Verification | None) -> Panel | None:
    """The panel of a study's radiographs; None where there are none."""
    if p is None or not p.layout.images.exists():
        return None
    folders = {name: p.resolve(site.images) for name, site in p.cohort.sites.items() if site.images is not None}
    if not folders:
        return None
    images = tables.read(p.layout.images, tables.IMAGES)
    return Panel(images, folders, preparation=p.cohort.radiographs, rules=p.cohort.limits)


def progress_table(cases: Cases) -> pd.DataFrame:
    """Cases that each reader has read whole, labels decided, those asked about; one row per reader."""
    rows = []
    size = {study_id: len(values) for study_id, values in cases.extracted.items()}
    for path in sorted(cases.folder.glob("*.csv")):
        readings = read_readings(path)
        own = latest(counted(readings))
        own = own[own["study_id"].map(cases.hashes) == own["text_sha256"]]
        of_report = (
            own[(own["resolution"] == "report") & (own["action"] != "blind")].groupby("study_id")["finding"].nunique()
        )
        rows.append(
            {
                "reader": path.stem,
                "cases reviewed": int((of_report >= of_report.index.map(size)).sum()) if len(of_report) else 0,
                "of": len(cases.listed),
                "labels": int(of_report.sum()),
                "follow-up": int((own["resolution"] == "follow_up").sum()),
                "settled": int(own["resolution"].isin(["adjudication", "follow_up_adjudication"]).sum()),
                "asks about": sum(len(labels) for labels in asked(readings).values()),
            }
        )
    columns = ["reader", "cases reviewed", "of", "labels", "follow-up", "settled", "asks about"]
    return pd.DataFrame(rows, columns=columns)


class Start:
    """A name, a mode and a button; then the form stands in their place."""

    def __init__(self, cases: Cases, *, pictures: Panel | None = None, mode: str = ""):
        self.cases, self.pictures, self.page = cases, pictures, None
        slim = {"width": "22em"}
        self.name = widgets.Text(placeholder="letters, digits, _ and -", description="Your name", layout=slim)
        self.mode = widgets.Dropdown(
            options=[(f"{name}: {kind.says}", name) for name, kind in MODES.items()],
            value=mode or "normal",
            description="Mode",
            layout={"width": "42em"},
        )
        self.button = widgets.Button(description="Start", button_style="primary", layout={"margin": "2px 2px 2px 92px"})
        for widget, name in ((self.name, "reader"), (self.mode, "mode"), (self.button, "begin")):
            widget.add_class(f"labkit-{name}")
        self.button.on_click(lambda _button: self.start())
        self._said = widgets.HTML().add_class("labkit-said")
        there = progress_table(cases)
        known = there.to_html(border=0, index=False) if len(there) else "<p>Nobody has reviewed yet.</p>"
        head = f"<b>Review</b> of {len(cases.listed):,} reports. Everything you decide is on disk at once."
        keys = keyboard(name=self._enter)
        parts = [widgets.HTML(head), self.name, self.mode, self.button, self._said, widgets.HTML(known)]
        box = widgets.VBox(parts + ([keys] if keys else []))
        self.widget = Silent([widgets.HTML(STYLE), box.add_class("labkit-start")], words="Review form")

    def _enter(self, name: str) -> None:
        self.name.value = name
        self.start()

    def start(self) -> None:
        """Open the form under the name and in the mode that are chosen."""
        try:
            session = Session(self.cases, reader=self.name.value.strip(), mode=self.mode.value)
        except (LabkitError, OSError) as error:
            self._said.value = words.said(words.not_written(error) if isinstance(error, OSError) else str(error))
            return
        self.page = Page(session, pictures=self.pictures)
        self.widget.children = [self.page.widget]
