"""The image browser: filters, pages, zoom; and nothing of it where nobody sits in front of it."""

import io

import numpy as np
import pandas as pd
import pytest
from IPython.display import HTML
from PIL import Image

from labkit import radiographs
from labkit.layout import HEADLESS_VARIABLE
from labkit.radiographs import IndexRules, Preparation
from labkit.radiographs.browser import LARGE_PX, PER_PAGE, Browser

STUDIES = 9


@pytest.fixture(autouse=True)
def live(monkeypatch):
    monkeypatch.delenv(HEADLESS_VARIABLE, raising=False)


@pytest.fixture
def parts(tmp_path, dx):
    """IMAGES, cache, LABELS and folders of nine studies with two views."""
    rows, labels = [], []
    for n in range(STUDIES):
        study = f"S-{n:04d}"
        for view in ("AP", "LATERAL"):
            picture = np.tile(np.linspace(0, 400 * n, 60).astype(np.uint16), (80, 1))
            dx(tmp_path / "in" / f"{view}{n}", picture, WindowCenter=2048, WindowWidth=4096)
            rows.append({"image_id": f"{study}-{view}-1", "study_id": study, "view": view, "path": f"{view}{n}"})
        split = ("train", "validation", "test")[n % 3]
        labels.append((study, "Fracture", split, "true" if n < 4 else "false"))
        labels.append((study, "Ossicles & <more>", split, "uncertain" if n == 4 else "false"))
    images = pd.DataFrame(rows).assign(site="north", usable="true", reason="", frame=0, laterality="")
    images.loc[len(images) - 1, ["usable", "reason"]] = "false", "held back"
    labels = pd.DataFrame(labels, columns=["study_id", "finding", "split", "value"])
    folders = {"north": tmp_path / "in"}
    cache = radiographs.build_cache(images, size_px=32, out_dir=tmp_path / "out", folders=folders)
    return images, cache, labels, folders


@pytest.fixture
def browser(parts):
    images, cache, labels, folders = parts
    return Browser(images, cache, labels, folders=folders, preparation=Preparation(), rules=IndexRules())


def shown(browser):
    return [box.children[1].description for box in browser._grid.children]


def test_all_usable_images_are_leafed_through_by_pages(browser):
    assert len(browser.matching) == 2 * STUDIES - 1
    assert shown(browser) == browser.matching.image_id.tolist()[:PER_PAGE]
    assert browser._count.value == "17 images of 9 studies, 1–12 shown"
    browser.turn(1)
    assert shown(browser) == browser.matching.image_id.tolist()[PER_PAGE:]
    browser.turn(5)
    assert browser.page == 1, "there is no page after the last"


@pytest.mark.parametrize(
    ("choices", "studies"),
    [
        ({"finding": "Fracture", "value": "true"}, [0, 1, 2, 3]),
        ({"value": "uncertain"}, [4]),
        ({"finding": "Fracture", "value": "true", "split": "train"}, [0, 3]),
        ({"finding": "Fracture", "value": "uncertain"}, []),
        ({"id": "s-0007"}, [7]),
    ],
)
def test_filters_narrow_the_images_to_studies(browser, choices, studies):
    browser.turn(1)
    for name, value in choices.items():
        browser.controls[name].value = value
    assert sorted(set(browser.matching.study_id)) == [f"S-{n:04d}" for n in studies]
    assert browser.page == 0 and len(shown(browser)) == len(browser.matching)


def test_a_view_is_a_filter_too(browser):
    browser.controls["view"].value = "LATERAL"
    assert set(browser.matching["view"]) == {"LATERAL"} and len(browser.matching) == STUDIES - 1


def test_the_chosen_image_is_decoded_with_its_findings_and_can_be_zoomed(browser):
    assert browser._detail.layout.display == "none"
    browser._grid.children[2].children[1].click()
    assert browser.chosen == "S-0001-AP-1"
    assert "Fracture: <b>true</b>" in browser._told.value
    whole = Image.open(io.BytesIO(browser._large.value))
    assert whole.size == (round(LARGE_PX * 60 / 80), LARGE_PX)
    browser.choose("S-0008-AP-1")
    full = np.asarray(Image.open(io.BytesIO(browser._large.value)))
    browser.zoom["zoom"].value, browser.zoom["across"].value = 4, 1.0
    part = np.asarray(Image.open(io.BytesIO(browser._large.value)))
    assert part.min() > np.percentile(full, 70), "the right quarter of a picture that gets brighter to the right"


def test_names_of_findings_cannot_become_markup(browser):
    browser.choose("S-0004-AP-1")
    assert "Ossicles &amp; &lt;more&gt;: <b>uncertain</b>" in browser._told.value


def test_a_file_that_is_gone_is_said_to_be(browser, parts):
    (parts[3]["north"] / "AP3").unlink()
    browser.choose("S-0003-AP-1")
    assert "does not decode" in browser._told.value


def test_a_run_without_a_person_shows_a_sentence_and_no_picture(parts, monkeypatch):
    images, cache, labels, folders = parts
    assert repr(radiographs.browse(images, cache, labels, folders=folders)) == "Image browser"
    monkeypatch.setenv(HEADLESS_VARIABLE, "draft.json")
    headless = radiographs.browse(images, cache, labels, folders=folders)
    assert isinstance(headless, HTML) and "img" not in headless.data
