"""The radiographs beside a report, for the review form of 02_verification: every view of a study, window, zoom, invert.

Core ipywidgets only. Files are decoded in a thread and a process of its own while the reader already reads. Pictures
are in the live session alone, see `silent`; at any moment they are those of the study that was asked for last.
"""

import html
import io
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from functools import partial
from pathlib import Path

import ipywidgets as widgets
import numpy as np
import pandas as pd
from PIL import Image

from labkit.radiographs import grey, levels, tasks
from labkit.radiographs.ahead import Ahead
from labkit.radiographs.isolation import Child
from labkit.radiographs.levels import PRESETS, Levels, LevelsJob
from labkit.radiographs.rules import IndexRules, Preparation
from labkit.silent import Silent

__all__ = ["Panel"]

PANE_PX = 440  # height of the field in which a picture stands
SMALL_PX = 900  # longer side of a fitted picture: sharp also on a screen with two dots per pixel
FIT = 0.0
ZOOMS = (FIT, 0.25, 0.5, 1.0, 2.0, 4.0)  # dots of the screen per pixel of the image
TOLD = ("the window of the header", "all but the extreme half per cents of the pixels", "all values")
QUALITY = 93  # of JPEG; a PNG of a whole image takes ten times as long
STYLE = """<style>
.labkit-pane { background:#000; }
.labkit-pane > img { flex:none; margin:auto; }
</style>"""


class Panel:
    """The state of the panel; `widget` shows it.

    Parameters
    ----------
    images : IMAGES, or an empty table where a study has no radiographs.
    folders : of each site's images.
    preparation : `window` is the one that the preset "header" takes.
    rules : limits of what is decoded.
    """

    def __init__(
        self,
        images: pd.DataFrame,
        folders: Mapping[str, str | Path],
        *,
        preparation: Preparation,
        rules: IndexRules,
    ):
        self.folders, self.rules = folders, rules
        self._of_study = dict(iter(images.groupby("study_id"))) if len(images) else {}
        decode = partial(levels.decoded, rules=rules, window=preparation.window, size_px=SMALL_PX)
        self._ahead = Ahead(self._read, decode)
        self._lock = threading.RLock()
        self.study_id, self.zoom = "", FIT
        self._read_images: list[tuple[str, Levels]] = []
        self._panes: list[_Pane] = []
        self.controls = self._make_controls()
        self._told, self._row = widgets.HTML(), widgets.HBox(layout={"flex_flow": "row wrap", "width": "100%"})
        bar = widgets.HBox(list(self.controls.values()), layout={"flex_flow": "row wrap", "align_items": "center"})
        self.widget = Silent([widgets.HTML(STYLE), bar, self._told, self._row], words="Radiographs")
        self.widget.add_class("labkit-panel")

    # -- what the form asks for -----------------------------------------------------------------------------------
    def show(self, study_id: str) -> None:
        """Show a study as soon as it is decoded, fitted; the one before vanishes at once."""
        with self._lock:
            self.study_id, self._read_images = study_id, []
            self._row.children = ()
            reading = " The radiographs are being read." if study_id in self._of_study else ""
            self._told.value = f"<p>{html.escape(self._missing(study_id) + reading)}</p>"
            self.reset(preset=self.controls["preset"].value, invert=self.controls["invert"].value)
        if study_id in self._of_study:
            self._ahead.get(study_id).add_done_callback(partial(self._arrived, study_id))

    def prefetch(self, study_id: str) -> None:
        """Decode a study that will be asked for soon."""
        if study_id in self._of_study:
            self._ahead.prefetch(study_id)

    def close(self) -> None:
        """End the decoding processes; they also end by themselves when nobody asks them."""
        self._ahead.close()

    # -- what a person does ---------------------------------------------------------------------------------------
    def set(self, **values: str | float | bool) -> None:
        """Set controls by name (preset, centre, width, invert) and draw once."""
        with self._lock:
            read, self._read_images = self._read_images, []
            for name, value in values.items():
                self.controls[name].value = value
            self._read_images = read
            self._draw()

    def reset(self, *, preset: str = PRESETS[0], invert: bool = False) -> None:
        """The whole picture in the window of the preset."""
        self.zoom = FIT
        self.set(preset=preset, centre=0.5, width=1.0, invert=invert)

    def zoom_to(self, zoom: float) -> None:
        """Dots of the screen per pixel of the image; 0 fits the picture into its field."""
        self.zoom = zoom
        self._draw()

    def zoom_by(self, steps: int) -> None:
        """Closer or farther by steps of `ZOOMS`; before the first is the fitted picture."""
        at = ZOOMS.index(self.zoom) + steps
        self.zoom_to(ZOOMS[min(max(at, 0), len(ZOOMS) - 1)])

    def press(self, key: str) -> None:
        """i inverts, w takes the next window, + and - zoom, 0 fits; other keys do nothing."""
        if key == "i":
            self.set(invert=not self.controls["invert"].value)
        elif key == "w":
            self.set(preset=PRESETS[(PRESETS.index(self.controls["preset"].value) + 1) % len(PRESETS)])
        elif key in ("+", "-"):
            self.zoom_by(1 if key == "+" else -1)
        elif key == "0":
            self.zoom_to(FIT)

    def _make_controls(self) -> dict[str, widgets.Widget]:
        slim = {"width": "17em"}
        made = {
            "preset": widgets.ToggleButtons(options=PRESETS, tooltips=TOLD, style={"button_width": "5.5em"}),
            "centre": widgets.FloatSlider(value=0.5, min=-0.5, max=1.5, step=0.01, description="centre", layout=slim),
            "width": widgets.FloatSlider(value=1, min=0.05, max=3, step=0.01, description="width", layout=slim),
            "invert": widgets.ToggleButton(description="invert", layout={"width": "5em"}),
        }
        for name in ("centre", "width"):
            made[name].readout_format, made[name].style.description_width = ".0%", "3.5em"
        for control in made.values():
            control.observe(lambda _: self._draw(), "value")
        acts = {
            "farther": ("−", lambda: self.zoom_by(-1)),
            "closer": ("+", lambda: self.zoom_by(1)),
            "fit": ("fit", lambda: self.zoom_to(FIT)),
            "one_to_one": ("1:1", lambda: self.zoom_to(1.0)),
            "reset": ("reset", self.reset),
        }
        for name, (words, act) in acts.items():
            made[name] = widgets.Button(description=words, layout={"width": "auto"})
            made[name].on_click(lambda _, act=act: act())
        for name, control in made.items():
            control.add_class(f"labkit-panel-{name.replace('_', '-')}")
        return made

    # -- reading --------------------------------------------------------------------------------------------------
    def _missing(self, study_id: str) -> str:
        """Why images of a study are not shown, or "" where all are."""
        rows = self._of_study.get(study_id)
        if rows is None:
            return "No radiograph is linked to this report."
        left_out = rows[rows["usable"] != "true"]
        return " ".join(f"{_named(row)} is not used: {row.reason}." for row in left_out.itertuples())

    def _read(self, study_id: str, child: Child) -> list[tuple[str, Levels]]:
        """In a thread: what is said of each image of a study, and its pixels."""
        rows = self._of_study[study_id]
        used = rows[rows["usable"] == "true"].sort_values(["view", "image_id"])
        read = []
        for row in used.itertuples():
            if row.site not in self.folders:
                read.append((_named(row), Levels(f"the params name no folder of images of the {row.site} site")))
                continue
            job = LevelsJob(str(Path(self.folders[row.site]) / row.path), int(row.frame))
            read.append((_named(row), child.answers([job], self.rules.timeout_s, levels.unreadable)[0]))
        return read

    def _arrived(self, study_id: str, future: Future) -> None:
        """In any thread: draw what was read, unless another study is asked for by now."""
        if future.cancelled():
            return
        with self._lock:
            if study_id != self.study_id:
                return
            error = future.exception()
            said = f"The radiographs cannot be read ({type(error).__name__})." if error else self._missing(study_id)
            self._told.value = f"<p>{html.escape(said)}</p>" if said else ""
            self._read_images = [] if error else future.result()
            while len(self._panes) < len(self._read_images):
                self._panes.append(_Pane())
            self._draw()
            self._row.children = [pane.widget for pane, _ in zip(self._panes, self._read_images)]

    def _draw(self) -> None:
        asked = {name: self.controls[name].value for name in ("preset", "centre", "width", "invert")}
        with self._lock:
            for pane, (name, image) in zip(self._panes, self._read_images):
                pane.draw(name, image, zoom=self.zoom, **asked)


class _Pane:
    """One picture in its field, and what is said below it."""

    def __init__(self):
        self.image = widgets.Image(format="jpeg")
        self.caption = widgets.HTML()
        field = widgets.Box([self.image], layout={"overflow": "auto", "width": "100%", "height": f"{PANE_PX}px"})
        self.field = field.add_class("labkit-pane")
        self.widget = widgets.VBox([self.field, self.caption], layout={"flex": "1 1 240px", "padding": "0 4px 0 0"})

    def draw(self, name: str, image: Levels, *, zoom: float, preset: str, centre: float, width: float, invert: bool):
        """Show an image, or why there is none."""
        self.field.layout.display = "none" if image.values is None else "flex"
        if image.values is None:
            self.caption.value = f"<p>{html.escape(name)} cannot be shown: {html.escape(image.reason)}.</p>"
            return
        picture = _rendered(image, image.table(preset, centre=centre, width=width, invert=invert), zoom)
        fitted = zoom == FIT
        columns = "auto" if fitted else f"{round(image.values.shape[1] * zoom)}px"
        self.image.layout = {
            "width": columns,
            "max_width": "100%" if fitted else "none",
            "max_height": "100%" if fitted else "none",
            "object_fit": "contain",
        }
        self.image.value = picture
        rows, columns = image.values.shape
        scale = "fitted" if fitted else f"{zoom:.0%}"
        window = " ".join(f"{letter} {n:,.0f}" for letter, n in zip("CW", image.window(preset, centre, width)))
        said = f"<b>{html.escape(name)}</b> · {columns:,} × {rows:,} · {scale} · <span>{window}</span>"
        self.caption.value = f"<small>{said}</small>"


def _rendered(image: Levels, table: np.ndarray, zoom: float) -> bytes:
    """A JPEG: at the size of the screen where it is fitted, at most with every pixel of the image otherwise."""
    source = image.small if zoom == FIT else image.values
    shown = grey.apply(source, table)
    if FIT < zoom < 1:
        shown = tasks.fitted(shown, max(1, round(max(shown.shape) * zoom)))
    buffer = io.BytesIO()
    Image.fromarray(shown).save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()


def _named(row) -> str:
    """A view with its side, as a reader calls it; `row` is one of IMAGES."""
    side = {"L": "left", "R": "right"}.get(row.laterality, row.laterality)
    return ", ".join(part for part in (row.view or "unknown view", side) if part)
