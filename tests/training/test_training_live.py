"""The chart that grows in a notebook: what it draws, and how it looks in JupyterLab's dark theme."""

import json
import os
import re
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from xml.etree import ElementTree

import nbformat
import pytest

from labkit.training import live, reporting

CHROMIUM = "/usr/bin/chromium"
SOURCE = """
from labkit.training import reporting
show = reporting.progress()
areas = [{"Ossicles": 0.6 + n / 10, "Exostosis": 0.9 - n / 10} for n in range(3)]
for n in range(3):
    show({"epoch": n + 1, "train_loss": 0.7 - n / 10, "validation_loss": 0.6 - n / 20, "validation_auc": 0.6 + n / 20,
          "best": n < 2, "areas": areas[n], "notes": ("halved",) * (n == 2), "of": 5})
"""
STARTS = [sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1", "--ServerApp.port_retries=0"]
STARTS += ["--allow-root", "--LabApp.extension_manager=readonly"]
STARTS += ["--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]


def rows(n, **more):
    own = {"areas": {"Ossicles <l>": 0.6, "Exostosis": 0.5}, "notes": ()} | more
    losses = {"train_loss": 1.0, "validation_loss": 1.0, "learning_rate": 1e-4}
    return [own | losses | {"epoch": e + 1, "validation_auc": 0.5 + e / 10, "best": e == 1} for e in range(n)]


@pytest.mark.parametrize("drawn", [rows(1), rows(4), rows(3, validation_auc=float("nan")), rows(2, of=9)])
def test_it_is_drawn_for_one_epoch_many_or_none_that_counts(drawn):
    chart = live.chart([row | {k: v for k, v in drawn[0].items() if k == "of"} for row in drawn])
    assert ElementTree.fromstring(chart).tag.endswith("svg") and not re.search("nan|inf", chart)
    assert f"Loss and macro AUC of {len(drawn)} of {drawn[0].get('of', len(drawn))} epochs" in chart


def test_the_best_epoch_is_ringed_in_both_panels():
    assert live.chart(rows(4)).count('r="5"') == 2
    assert 'r="5"' not in live.chart(rows(1))


def test_each_finding_has_its_line_over_the_epochs_the_lowest_first():
    table = live.findings_table(rows(3))
    assert table.index("Exostosis") < table.index("Ossicles &lt;l&gt;")
    points = re.findall(r'points="([^"]*)"', table)
    assert [len(line.split()) for line in points] == [3, 3]
    folded = live.findings_table(rows(2, areas={f"F{n}": n / 40 for n in range(29)}))
    assert folded.count("<tr><td") == 29 and "<summary>17 more findings</summary>" in folded


def test_a_finding_that_cannot_be_reckoned_in_an_epoch_leaves_a_gap():
    some = rows(3)
    some[1] = some[1] | {"areas": {"Exostosis": 0.5}}
    assert "nan" not in live.findings_table(some)
    assert live.findings_table(rows(1, areas={})).startswith("<p>No finding has both")


def test_the_chart_is_shown_once_and_then_renewed(monkeypatch):
    import IPython.display

    calls = []

    class Handle:
        def update(self, content):
            calls.append("update")

    monkeypatch.setattr(IPython.display, "display", lambda content, display_id: calls.append("display") or Handle())
    show = reporting.live_chart()
    for one in rows(3):
        show(one)
    assert calls == ["display", "update", "update"]


def test_a_terminal_gets_lines_and_each_note_once(capsys):
    show = reporting.progress()
    for one in rows(2, notes=("halved",)):
        show(one)
    said = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in said] == ["epoch", "halved", "epoch"]


@pytest.fixture
def lab(tmp_path):
    """Address of a JupyterLab with the dark theme and a notebook `live.ipynb`, whose settings are its own."""
    if not Path(CHROMIUM).exists() and os.environ.get("LABKIT_REQUIRE_BROWSER") != "1":
        pytest.skip(f"{CHROMIUM} is missing")
    made = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})
    made.cells = [nbformat.v4.new_code_cell(SOURCE.strip())]
    nbformat.write(made, tmp_path / "live.ipynb")
    places = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTERLAB_SETTINGS_DIR")
    own = {name: str(tmp_path / name) for name in (*places, "JUPYTERLAB_WORKSPACES_DIR")}
    themes = tmp_path / "JUPYTERLAB_SETTINGS_DIR" / "@jupyterlab" / "apputils-extension"
    themes.mkdir(parents=True)
    (themes / "themes.jupyterlab-settings").write_text(json.dumps({"theme": "JupyterLab Dark"}))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex(8)
    options = [f"--port={port}", f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={tmp_path}"]
    environment = {k: v for k, v in os.environ.items() if k != "LABKIT_BASE_DIR"} | own | {"OMP_NUM_THREADS": "1"}
    with open(tmp_path / "lab.log", "w") as log:
        server = subprocess.Popen([*STARTS, *options], env=environment, stdout=log, stderr=log)
    try:
        yield f"http://127.0.0.1:{port}", token
    finally:
        server.terminate()
        server.wait(60)


@pytest.mark.browser
def test_jupyterlab_shows_one_chart_that_is_readable_in_the_dark(lab):
    from playwright.sync_api import expect, sync_playwright

    url, token = lab
    until = time.monotonic() + 120
    while time.monotonic() < until:
        try:
            urllib.request.urlopen(f"{url}/api/status?token={token}", timeout=5).close()
            break
        except OSError:
            time.sleep(0.3)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1300, "height": 900})
        page.goto(f"{url}/lab/tree/live.ipynb?token={token}&reset", timeout=120_000)
        page.get_by_text("| Idle").first.wait_for(timeout=120_000)
        page.get_by_text("Run", exact=True).first.click()
        page.get_by_text("Run All Cells", exact=True).click()
        chart = page.locator(".jp-OutputArea svg.labkit-live")
        expect(chart).to_have_attribute("aria-label", "Loss and macro AUC of 3 of 5 epochs", timeout=120_000)
        expect(chart).to_have_count(1)
        expect(page.locator(".labkit-live-findings tbody tr")).to_have_count(2)
        expect(page.get_by_text("halved", exact=True)).to_be_visible()
        fill = "node => getComputedStyle(node).fill"
        colours = [chart.locator("text").first.evaluate(fill)]
        colours.append(page.locator(".labkit-live-findings td").first.evaluate("node => getComputedStyle(node).color"))
        browser.close()
    for colour in colours:
        assert min(int(part) for part in re.findall(r"\d+", colour)[:3]) > 150, colours  # light, on the near-black page
