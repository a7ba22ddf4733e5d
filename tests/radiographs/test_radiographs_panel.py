"""The radiographs beside a report: the right study, its windows, zoom, and a reason where there is no picture."""

import io
import threading
import time

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from labkit.radiographs import IndexRules, Preparation, levels, tasks
from labkit.radiographs.ahead import Ahead
from labkit.radiographs.panel import PANE_PX, SMALL_PX, Panel, _Pane

RULES = IndexRules(timeout_s=60)


@pytest.fixture
def parts(tmp_path, dx):
    """IMAGES and folders: S-1 has two views and one that is not used, S-2 a broken file, S-3 an unknown site."""
    ramp = np.tile(np.linspace(0, 4095, 1000).astype(np.uint16), (600, 1))
    dx(tmp_path / "in" / "a", ramp, WindowCenter=2000, WindowWidth=1000)
    dx(tmp_path / "in" / "b", ramp[::-1, ::-1], PhotometricInterpretation="MONOCHROME1")
    (tmp_path / "in" / "c").write_bytes(b"\0" * 200)
    columns = ["image_id", "study_id", "site", "view", "laterality", "path", "frame", "usable", "reason"]
    rows = [
        ("S-1-LATERAL-1", "S-1", "north", "LATERAL", "R", "b", 0, "true", ""),
        ("S-1-AP-1", "S-1", "north", "AP", "R", "a", 0, "true", ""),
        ("S-1-AP-2", "S-1", "north", "AP", "", "a", 0, "false", "an older image of <this> view"),
        ("S-2-AP-1", "S-2", "north", "AP", "", "c", 0, "true", ""),
        ("S-3-AP-1", "S-3", "south", "AP", "", "a", 0, "true", ""),
    ]
    return pd.DataFrame(rows, columns=columns), {"north": tmp_path / "in"}


@pytest.fixture
def panel(parts):
    images, folders = parts
    made = Panel(images, folders, preparation=Preparation(), rules=RULES)
    yield made
    made.close()


def wait(panel, until=lambda panel: panel._row.children):
    """Wait until a condition holds, as a reader does who sees that pictures are being read."""
    ends = time.monotonic() + 60
    while not until(panel):
        assert time.monotonic() < ends
        time.sleep(0.01)
    return panel


def shown(panel, n=0):
    return np.asarray(Image.open(io.BytesIO(panel._panes[n].image.value))).astype(int)


def captions(panel):
    return [pane.caption.value for pane, _ in zip(panel._panes, panel._row.children)]


def test_every_view_of_a_study_is_shown_with_its_side_and_size(panel):
    panel.show("S-1")
    assert "being read" in panel._told.value or panel._row.children
    wait(panel)
    assert ["<b>AP, right</b> · 1,000 × 600 · fitted" in captions(panel)[0], len(captions(panel))] == [True, 2]
    assert "<b>LATERAL, right</b>" in captions(panel)[1]
    assert "AP is not used: an older image of &lt;this&gt; view." in panel._told.value
    assert shown(panel).shape == (round(600 * SMALL_PX / 1000), SMALL_PX)


def test_the_header_preset_is_what_every_other_step_sees(panel, parts):
    panel.show("S-1")
    wait(panel)
    for n, name in enumerate("ab"):
        asked = {"rules": RULES, "size_px": SMALL_PX}
        expected = tasks.shown(str(parts[1]["north"] / name), **asked).astype(int)
        assert np.abs(shown(panel, n) - expected).mean() < 1, "but for what JPEG does"


def test_presets_sliders_and_invert_change_the_grey_as_said(panel):
    panel.show("S-1")
    wait(panel)
    row = shown(panel)[100]
    assert (row[: SMALL_PX // 3] < 4).all() and (row[SMALL_PX * 2 // 3 :] > 251).all(), "1,500 to 2,500 of 4,095"
    panel.set(preset="full")
    ramp = np.linspace(0, 255, SMALL_PX)
    assert np.abs(shown(panel)[100] - ramp).max() < 3
    assert "C 2,048 W 4,095" in captions(panel)[0]
    panel.set(width=0.5)
    assert np.abs(shown(panel)[100] - np.clip(ramp * 2 - 127.5, 0, 255)).max() < 4
    panel.set(width=1, invert=True)
    assert np.abs(shown(panel)[100] - ramp[::-1]).max() < 3
    panel.set(invert=False, centre=1.5)
    assert shown(panel).max() < 3, "the whole picture lies below the window"
    panel.reset()
    assert (shown(panel)[100] == row).all()


def test_zoom_steps_go_from_the_fitted_picture_to_its_pixels_and_back(panel):
    panel.show("S-1")
    wait(panel)
    sizes = []
    for _ in range(7):
        panel.controls["closer"].click()
        sizes.append((panel.zoom, shown(panel).shape[1], panel._panes[0].image.layout.width))
    assert sizes[:5] == [(z, round(1000 * min(z, 1)), f"{round(1000 * z)}px") for z in (0.25, 0.5, 1, 2, 4)]
    assert sizes[5:] == [sizes[4]] * 2
    panel.controls["farther"].click()
    assert panel.zoom == 2
    panel.controls["fit"].click()
    assert (panel.zoom, shown(panel).shape[1], panel._panes[0].image.layout.max_height) == (0, SMALL_PX, "100%")
    panel.controls["one_to_one"].click()
    assert panel.zoom == 1 and "100%" in captions(panel)[0]
    panel.show("S-1")
    assert panel.zoom == 0, "a study starts as a whole"


@pytest.mark.parametrize(
    ("study", "told", "below"),
    [
        ("S-9", "No radiograph is linked to this report.", []),
        ("S-2", "", ["AP cannot be shown: "]),
        ("S-3", "", ["AP cannot be shown: the params name no folder of images of the south site."]),
    ],
)
def test_a_picture_that_is_not_there_has_a_reason(panel, study, told, below):
    panel.show(study)
    wait(panel, lambda p: "being read" not in p._told.value and len(captions(p)) == len(below))
    assert told in panel._told.value
    assert all(words in caption for words, caption in zip(below, captions(panel)))
    assert all(pane.field.layout.display == "none" for pane, _ in zip(panel._panes, below))


def test_a_file_that_is_gone_is_said_to_be(panel, parts):
    (parts[1]["north"] / "a").unlink()
    panel.show("S-1")
    wait(panel)
    assert "cannot be opened" in captions(panel)[0] and "fitted" in captions(panel)[1]


def test_a_study_without_radiographs_needs_no_table():
    panel = Panel(pd.DataFrame(), {}, preparation=Preparation(), rules=RULES)
    panel.prefetch("S-1")
    panel.show("S-1")
    assert "No radiograph" in panel._told.value and panel._row.children == ()
    panel.close()


def test_the_last_study_asked_for_is_the_one_that_is_seen(panel, monkeypatch):
    """Pictures of a study that arrive late must not stand beside another report."""
    gate = threading.Event()
    read = panel._read

    def slowly(study_id, child):
        if study_id == "S-1":
            gate.wait(30)
        return read(study_id, child)

    monkeypatch.setattr(panel._ahead, "_read", slowly)
    panel.prefetch("S-1")
    panel.show("S-1")
    panel.show("S-3")
    wait(panel)
    gate.set()
    panel._ahead.get("S-1").result(60)
    assert len(captions(panel)) == 1 and "south" in captions(panel)[0]


def test_asking_takes_no_time_while_decoding_does(panel, monkeypatch):
    monkeypatch.setattr(panel._ahead, "_read", lambda study_id, child: time.sleep(1) or [])
    panel.prefetch("S-2")
    began = time.perf_counter()
    panel.show("S-1")
    assert time.perf_counter() - began < 0.05


def test_a_window_on_a_large_image_takes_a_tenth_of_a_second_at_most():
    rng = np.random.default_rng(1)
    values = rng.integers(0, 65536, (2500, 2500), dtype=np.uint16)
    small = tasks.fitted(values, SMALL_PX)
    large = levels.Levels("", values, small, 0, 4095, ((2048, 4095),) * 3)
    panel = Panel(pd.DataFrame(), {}, preparation=Preparation(), rules=RULES)
    panel._read_images, panel._panes = [("AP", large)], [_Pane()]
    seconds = []
    for width in (0.5, 0.6, 0.7, 0.8):
        began = time.process_time()
        panel.set(width=width)
        seconds.append(time.process_time() - began)
    panel.close()
    assert min(seconds) < 0.1


def test_no_pixel_and_no_path_is_in_what_a_notebook_saves(panel):
    panel.show("S-1")
    wait(panel)
    assert repr(panel.widget) == "Radiographs"
    bundle = panel.widget._repr_mimebundle_()
    assert bundle["text/plain"] == "Radiographs"
    assert set(bundle) <= {"text/plain", "application/vnd.jupyter.widget-view+json"}


def test_studies_are_read_once_ahead_and_the_oldest_forgotten():
    asked = []
    ahead = Ahead(lambda study_id, child: asked.append(study_id) or study_id, print, keep=2)
    ahead.prefetch("a")
    assert ahead.get("a").result(10) == "a" and ahead.get("a").result(10) == "a"
    assert ahead.get("b").result(10) == "b" and ahead.get("c").result(10) == "c"
    assert ahead.get("a").result(10) == "a"
    ahead.close()
    assert asked == ["a", "b", "c", "a"]


def test_what_is_shown_does_not_queue_behind_what_is_read_ahead():
    gate = threading.Event()
    ahead = Ahead(lambda study_id, child: study_id != "slow" or gate.wait(30), print)
    for study_id in ("slow", "later", "last"):
        ahead.prefetch(study_id)
    assert ahead.get("last").result(10)
    gate.set()
    ahead.close()


def test_fields_are_as_high_as_said(panel):
    panel.show("S-1")
    assert wait(panel)._panes[0].field.layout.height == f"{PANE_PX}px"


def test_keys_invert_take_the_next_window_and_zoom(panel):
    panel.show("S-1")
    wait(panel)
    panel.press("i")
    assert panel.controls["invert"].value
    first = panel.controls["preset"].value
    panel.press("w")
    second = panel.controls["preset"].value
    panel.press("w")
    panel.press("w")
    assert second != first and panel.controls["preset"].value == first
    panel.press("+")
    assert "fitted" not in captions(panel)[0]
    panel.press("0")
    panel.press("x")
    assert "fitted" in captions(panel)[0]
