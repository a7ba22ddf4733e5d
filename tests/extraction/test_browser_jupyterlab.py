"""The viewer in JupyterLab, driven by a real browser: the clicks of a reader, and a saved notebook without a word."""

import pytest
from lab_server import CHROMIUM, running

pytestmark = pytest.mark.browser

SECRETS = ["Radiuskopffraktur", "Fremdkörper", "Luxation"]
SOURCE = """
from labkit import templates
from labkit.deidentification import Gate
from labkit.extraction import browser, labelling, rules
reports = [("S-0001", "Verdacht auf Radiuskopffraktur. Keine Luxation."), ("S-0002", "Kein Fremdkörper.")]
template = templates.load("elbow")
labelled = labelling.label(reports, template=template, extractors=["rules"], switches=rules.Switches())
browser.browse(reports, labelled, dict.fromkeys(["S-0001", "S-0002"], "home"), template=template, gate=Gate(),
               show_text=False)
"""


@pytest.fixture
def lab(tmp_path):
    with running(tmp_path, SOURCE) as server:
        yield server


def test_a_reader_opens_filters_and_saves(lab):
    from playwright.sync_api import expect, sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        lab.open_and_run(page)
        viewer = page.locator(".labkit-browser")
        viewer.wait_for(timeout=90_000)
        # The source cell holds the texts of this test; the viewer holds none until a report is chosen.
        assert [secret for secret in SECRETS if secret in viewer.inner_text()] == []
        viewer.locator("button.labkit-next").click()
        expect(viewer.locator("mark", has_text="Verdacht auf Radiuskopffraktur")).to_have_count(1, timeout=30_000)
        viewer.locator(".labkit-kind select").select_option("negated")
        viewer.locator(".labkit-search input").fill("0002")
        expect(viewer.get_by_text("1 of 2 reports")).to_be_visible(timeout=30_000)
        viewer.locator("button.labkit-next").click()
        expect(viewer.locator("mark", has_text="Fremdkörper")).to_have_count(1, timeout=30_000)
        saved = lab.saved(page)
        browser.close()
    outputs = str(saved.cells[0].outputs) + str(saved.metadata)
    assert "Report viewer" in outputs
    assert [secret for secret in SECRETS if secret in outputs] == []
    assert lab.foreign(asked) == []
