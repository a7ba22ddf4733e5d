"""The image browser of 03_training in JupyterLab: filter by finding, value and split, leaf through, zoom into one.

Core ipywidgets only. Pictures are in the live session alone: they stand inside widgets and in no output, so neither a
saved notebook nor a run without a person holds any; for pages there is `sheet`, which masks writing.
"""

import html
import io
import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import ipywidgets as widgets
import numpy as np
import pandas as pd
from IPython.display import HTML
from PIL import Image

from labkit.layout import HEADLESS_VARIABLE
from labkit.radiographs import isolation, tasks
from labkit.radiographs.cache import Cache
from labkit.radiographs.rules import IndexRules, Preparation
from labkit.silent import Silent

__all__ = ["Browser", "browse"]

ANY = "any"
PER_PAGE, SMALL_PX, LARGE_PX = 12, 150, 560
FULL_PX = 2400  # longer side at which the chosen image is decoded, for zooming
FILTERS = ("site", "split", "view", "finding", "value")
NOTE = "<p>Only in JupyterLab: a page holds no radiographs but those of the contact sheet.</p>"


class Browser:
    """The state of the browser; `widget` shows it.

    Parameters
    ----------
    images : IMAGES. cache : its tiles. labels : LABELS; `value` is what a filter by value looks at.
    folders : of each site's images, to decode the chosen one at full size.
    """

    def __init__(
        self,
        images: pd.DataFrame,
        cache: Cache,
        labels: pd.DataFrame,
        *,
        folders: Mapping[str, str | Path],
        preparation: Preparation,
        rules: IndexRules,
    ):
        tiles = cache.images.set_index("image_id")["position"]
        used = images[(images["usable"] == "true") & (images["image_id"].map(tiles).fillna(-1) >= 0)]
        of_study = labels[["study_id", "split"]].drop_duplicates("study_id")
        self.images = used.merge(of_study, on="study_id").sort_values("image_id", ignore_index=True)
        self.cache, self.labels, self.folders = cache, labels, folders
        self._decode = partial(tasks.shown, rules=rules, size_px=FULL_PX, window=preparation.window)
        self.page, self.chosen, self._picture = 0, "", np.zeros((1, 1), np.uint8)
        self.controls = self._make_controls()
        self._count, self._told = widgets.HTML(), widgets.HTML()
        self._grid = widgets.GridBox(layout={"grid_template_columns": f"repeat(auto-fill, {SMALL_PX + 12}px)"})
        self._large = widgets.Image(format="png", layout={"max_width": f"{LARGE_PX}px", "object_fit": "contain"})
        self.zoom = self._make_zoom()
        turning = [widgets.Button(description=text).add_class(f"labkit-{text.lower()}") for text in ("Back", "Next")]
        for button, step in zip(turning, (-1, 1)):
            button.on_click(lambda _, step=step: self.turn(step))
        beside = widgets.VBox([self._told, *self.zoom.values()])
        self._detail = widgets.HBox([self._large, beside], layout={"display": "none", "flex_flow": "row wrap"})
        bar = widgets.HBox([*turning, self._count])
        filters = widgets.HBox(list(self.controls.values()), layout={"flex_flow": "row wrap"})
        self.widget = Silent([filters, bar, self._detail, self._grid], words="Image browser").add_class("labkit-images")
        self.show()

    def _make_controls(self) -> dict[str, widgets.Widget]:
        choices = {name: list(dict.fromkeys(self.images[name])) for name in ("site", "split", "view")}
        choices |= {"finding": list(dict.fromkeys(self.labels["finding"])), "value": ["true", "uncertain", "false"]}
        controls = {
            name: widgets.Dropdown(options=[ANY, *choices[name]], description=name, layout={"width": "auto"})
            for name in FILTERS
        }
        controls["id"] = widgets.Text(description="id", placeholder="S-0001", layout={"width": "180px"})
        for name, control in controls.items():
            control.add_class(f"labkit-filter-{name}").observe(lambda _: self._filter(), "value")
        return controls

    def _make_zoom(self) -> dict[str, widgets.Widget]:
        sliders = {
            "zoom": widgets.FloatSlider(value=1, min=1, max=8, step=0.25, description="zoom"),
            "across": widgets.FloatSlider(value=0.5, min=0, max=1, step=0.02, description="across"),
            "down": widgets.FloatSlider(value=0.5, min=0, max=1, step=0.02, description="down"),
            "contrast": widgets.FloatSlider(value=1, min=0.5, max=4, step=0.1, description="contrast"),
        }
        for slider in sliders.values():
            slider.observe(lambda _: self._draw(), "value")
        return sliders

    @property
    def matching(self) -> pd.DataFrame:
        """The images that the filters let through; a value without a finding asks for any finding of that value."""
        asked = {name: control.value for name, control in self.controls.items()}
        found = self.images
        for name in ("site", "split", "view"):
            if asked[name] != ANY:
                found = found[found[name] == asked[name]]
        labels = self.labels
        for name in ("finding", "value"):
            if asked[name] != ANY:
                labels = labels[labels[name] == asked[name]]
        if len(labels) < len(self.labels):
            found = found[found["study_id"].isin(labels["study_id"])]
        return found[found["image_id"].str.contains(asked["id"].strip(), case=False, regex=False)]

    def turn(self, step: int) -> None:
        """Go on or back by pages."""
        last = max(0, (len(self.matching) - 1) // PER_PAGE)
        self.page = min(max(0, self.page + step), last)
        self.show()

    def show(self) -> None:
        """Draw the page of small pictures."""
        found = self.matching
        shown = found.iloc[self.page * PER_PAGE : (self.page + 1) * PER_PAGE]
        studies = found["study_id"].nunique()
        first = self.page * PER_PAGE + 1
        place = f", {first}–{first + len(shown) - 1} shown" if len(shown) else ""
        self._count.value = f"{len(found):,} images of {studies:,} studies{place}"
        tiles = self.cache.array[self.cache.rows(shown["image_id"])] if len(shown) else []
        self._grid.children = [self._small(image_id, tile) for image_id, tile in zip(shown["image_id"], tiles)]

    def _small(self, image_id: str, tile: np.ndarray) -> widgets.VBox:
        tile = tile if tile.dtype == np.uint8 else (tile >> 8).astype(np.uint8)
        picture = widgets.Image(value=_png(Image.fromarray(tile).resize((SMALL_PX, SMALL_PX))), format="png")
        button = widgets.Button(description=image_id, layout={"width": f"{SMALL_PX}px"}).add_class("labkit-image")
        button.on_click(lambda _: self.choose(image_id))
        return widgets.VBox([picture, button])

    def choose(self, image_id: str) -> None:
        """Decode an image at full size and show it with what is said of its study."""
        row = self.images.set_index("image_id").loc[image_id]
        path = str(Path(self.folders[row["site"]]) / row["path"])
        decode = partial(self._decode, frame=int(row["frame"]))
        made = isolation.each(decode, [path], failed=lambda job, reason: None, workers=1, timeout_s=60)
        picture = next(iter(made))
        made.close()
        self.chosen = image_id
        self._picture = picture if picture is not None else np.zeros((1, 1), np.uint8)
        said = self.labels[(self.labels["study_id"] == row["study_id"]) & (self.labels["value"] != "false")]
        findings = "".join(f"<li>{html.escape(f)}: <b>{v}</b></li>" for f, v in zip(said["finding"], said["value"]))
        what = f"{image_id}, {row['site']} site, {row['split']}" + ("" if picture is not None else ", does not decode")
        self._told.value = f"<b>{html.escape(what)}</b><ul>{findings or '<li>every finding is false</li>'}</ul>"
        self._detail.layout.display = "flex"
        self._draw()

    def _filter(self) -> None:
        self.page = 0
        self.show()

    def _draw(self) -> None:
        """The part of the chosen image that zoom and place ask for."""
        rows, columns = self._picture.shape
        high, wide = (max(1, round(n / self.zoom["zoom"].value)) for n in (rows, columns))
        top, left = round((rows - high) * self.zoom["down"].value), round((columns - wide) * self.zoom["across"].value)
        part = self._picture[top : top + high, left : left + wide].astype(np.float32)
        part = np.clip((part - 127.5) * self.zoom["contrast"].value + 127.5, 0, 255).astype(np.uint8)
        scale = LARGE_PX / max(part.shape)
        size = tuple(max(1, round(n * scale)) for n in part.shape[::-1])
        self._large.value = _png(Image.fromarray(part).resize(size, Image.Resampling.BILINEAR))


def browse(
    images: pd.DataFrame,
    cache: Cache,
    labels: pd.DataFrame,
    *,
    folders: Mapping[str, str | Path],
    preparation: Preparation | None = None,
    rules: IndexRules | None = None,
) -> Silent | HTML:
    """The browser, or in a run without a person a sentence; see `Browser`."""
    if HEADLESS_VARIABLE in os.environ:
        return HTML(NOTE)
    preparation, rules = preparation or Preparation(), rules or IndexRules()
    return Browser(images, cache, labels, folders=folders, preparation=preparation, rules=rules).widget


def _png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()
