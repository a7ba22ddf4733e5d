"""The viewer in JupyterLab, driven by a real browser: the clicks of a reader, and a saved notebook without a word."""

import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import nbformat
import pytest

pytestmark = pytest.mark.browser

CHROMIUM = "/usr/bin/chromium"
ROOT = Path(__file__).parents[2]
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
    """Address of a JupyterLab with the notebook `view.ipynb`, whose settings are its own."""
    if not Path(CHROMIUM).exists() and os.environ.get("LABKIT_REQUIRE_BROWSER") != "1":
        pytest.skip(f"{CHROMIUM} is missing")
    made = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})
    made.cells = [nbformat.v4.new_code_cell(SOURCE.strip())]
    nbformat.write(made, tmp_path / "view.ipynb")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex(8)
    places = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTERLAB_SETTINGS_DIR")
    own = {name: str(tmp_path / name) for name in (*places, "JUPYTERLAB_WORKSPACES_DIR")}
    environment = os.environ | own | {"JUPYTER_CONFIG_PATH": str(ROOT / "labkit" / "jupyter"), "OMP_NUM_THREADS": "1"}
    options = ["--no-browser", "--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0", "--allow-root"]
    options += [f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={tmp_path}"]
    options += ["--LabApp.extension_manager=readonly"]
    options += ["--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    with open(tmp_path / "lab.log", "w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options], env=environment, stdout=log, stderr=log
        )
    try:
        yield f"http://127.0.0.1:{port}", token, tmp_path / "view.ipynb"
    finally:
        server.terminate()
        server.wait(30)


def wait_for(address, seconds=90):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except OSError:
            time.sleep(0.3)
    raise AssertionError("JupyterLab did not start")


def test_a_reader_opens_filters_and_saves(lab):
    from playwright.sync_api import expect, sync_playwright

    url, token, path = lab
    wait_for(f"{url}/api/status?token={token}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{url}/lab/tree/view.ipynb?token={token}&reset", timeout=90_000)
        # Before the kernel is idle, "Run All Cells" is dropped without a word.
        page.get_by_text("| Idle").first.wait_for(timeout=90_000)
        page.get_by_text("Run", exact=True).first.click()
        page.get_by_text("Run All Cells", exact=True).click()
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
        page.keyboard.press("Control+s")
        until = time.monotonic() + 30
        while not nbformat.read(path, 4).cells[0].outputs and time.monotonic() < until:
            time.sleep(0.3)
        browser.close()
    saved = nbformat.read(path, 4)
    outputs = str(saved.cells[0].outputs) + str(saved.metadata)
    assert "Report viewer" in outputs
    assert [secret for secret in SECRETS if secret in outputs] == []
    assert [address for address in asked if not address.startswith((url, "data:", "blob:", "ws"))] == []
