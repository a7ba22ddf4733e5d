"""The image browser in JupyterLab, driven by a real browser: filter, leaf, choose, zoom; nothing of it is saved."""

import base64
import io
import time

import numpy as np
import pytest
from lab_server import CHROMIUM, running
from PIL import Image

pytestmark = pytest.mark.browser

SOURCE = """
import pandas as pd
from labkit import radiographs
images = pd.read_csv("images.csv", dtype="str").fillna("")
labels = pd.read_csv("labels.csv", dtype="str")
cache = radiographs.build_cache(images, size_px=32, out_dir="cache", folders={"north": "in"})
radiographs.browse(images, cache, labels, folders={"north": "in"})
"""
STUDIES = 14  # more than fit on one page


@pytest.fixture
def lab(tmp_path, dx):
    images, labels = (
        ["image_id,study_id,view,path,site,usable,reason,frame,laterality"],
        ["study_id,finding,split,value"],
    )
    for n in range(STUDIES):
        picture = np.full((60, 80), 100 * n + 200, np.uint16)
        picture[:30, :40] = 4000
        dx(tmp_path / "in" / f"secret-{n}", picture, WindowCenter=2048, WindowWidth=4096)
        images.append(f"S-{n:04d}-AP-1,S-{n:04d},AP,secret-{n},north,true,,0,")
        labels.append(f"S-{n:04d},Fracture,{'test' if n % 2 else 'train'},{'true' if n < 3 else 'false'}")
    (tmp_path / "images.csv").write_text("\n".join(images) + "\n")
    (tmp_path / "labels.csv").write_text("\n".join(labels) + "\n")
    with running(tmp_path, SOURCE) as server:
        yield server


def picture_of(image):
    """The pixels behind an <img> of the page, whatever address ipywidgets gave it."""
    read = """async i => { const b = await (await fetch(i.src)).blob(); return await new Promise(r => {
        const f = new FileReader(); f.onload = () => r(f.result); f.readAsDataURL(b); }); }"""
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(image.evaluate(read).split(",", 1)[1]))).convert("L"))


def wait(condition, words, seconds=30):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, words
        time.sleep(0.1)


def test_a_person_filters_leafs_chooses_and_zooms(lab):
    from playwright.sync_api import expect, sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        lab.open_and_run(page)
        viewer = page.locator(".labkit-images")
        viewer.wait_for(timeout=90_000)
        small = viewer.locator("button.labkit-image")
        expect(small).to_have_count(12)
        viewer.locator("button.labkit-next").click()
        expect(small).to_have_count(2, timeout=30_000)
        chosen = {name: viewer.locator(f".labkit-filter-{name} select") for name in ("finding", "value", "split")}
        for name, value in (("finding", "Fracture"), ("value", "true"), ("split", "train")):
            chosen[name].select_option(value)
        expect(small).to_have_text(["S-0000-AP-1", "S-0002-AP-1"], timeout=30_000)
        small.first.click()
        told = viewer.get_by_text("S-0000-AP-1, north site, train")
        expect(told).to_be_visible(timeout=60_000)
        large = viewer.locator("img").first
        assert 0.2 < (picture_of(large) > 200).mean() < 0.3  # the bright quarter of the whole picture
        slider = viewer.locator(".noUi-handle").first
        slider.focus()
        slider.press("End")
        wait(lambda: (picture_of(large) > 200).mean() > 0.9 or (picture_of(large) > 200).mean() < 0.26, "no zoom")
        shown = viewer.inner_text()
        saved = lab.saved(page)
        browser.close()
    outputs = str(saved.cells[0].outputs) + str(saved.metadata)
    assert "Image browser" in outputs and "S-0000" not in outputs
    assert "secret" not in shown and "secret" not in outputs
    assert lab.foreign(asked) == []
