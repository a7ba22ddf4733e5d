"""02 in JupyterLab, driven by a real browser: what readers click and type is what their files hold."""

import os
import sys
import time
from pathlib import Path

import nbformat
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

import review_study
from lab_server import CHROMIUM, running

from labkit import tables, verification
from labkit.verification import reviews

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[2]
PATIENCE_MS = 150_000
SIGN = {"true": 1, "uncertain": 2, "false": 3}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Folder of a small study with a copy of 02 for each of two readers' windows."""
    if not Path(CHROMIUM).exists() and os.environ.get("LABKIT_REQUIRE_BROWSER") != "1":
        pytest.skip(f"{CHROMIUM} is missing")
    folder = tmp_path_factory.mktemp("review")
    review_study.make(folder, n_internal=12, n_external=4)
    notebook = nbformat.read(ROOT / "notebooks" / "02_verification.ipynb", 4)
    for cell in notebook.cells:
        if "parameters" in cell.metadata.get("tags", []):
            cell.source = cell.source.replace('params_file: str = ""', 'params_file: str = "elbow.yaml"')
    (folder / "work").mkdir()
    for name in ("left", "right"):
        nbformat.write(notebook, folder / "work" / f"{name}.ipynb")
    return folder


@pytest.fixture(scope="module")
def lab(study):
    """A JupyterLab in whose notebooks paths start from the study."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("LABKIT_BASE_DIR", str(study))
        with running(study / "work", "0") as made:
            yield made


def wait(condition, words, seconds=90):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, words
        time.sleep(0.1)


class Window:
    """One browser window with one copy of the notebook."""

    def __init__(self, browser, lab, name):
        self.page = browser.new_context(viewport={"width": 1366, "height": 768}).new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        self.asked = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.address = f"{lab.url}/lab/workspaces/{name}/tree/{name}.ipynb?token={lab.token}"
        self.load()

    def load(self):
        self.page.goto(f"{self.address}&reset", timeout=PATIENCE_MS)
        # Before the kernel is idle, a command to run is dropped without a word.
        self.page.get_by_text("| Idle").first.wait_for()

    def run(self):
        self.page.get_by_text("Run", exact=True).first.click()
        self.page.get_by_text("Run All Cells", exact=True).click()
        self.page.locator("button.labkit-begin").wait_for()

    def restart(self):
        self.page.get_by_text("Kernel", exact=True).first.click()
        self.page.get_by_text("Restart Kernel and Run All Cells…", exact=True).click()
        self.page.locator(".jp-Dialog button.jp-mod-accept").click()
        self.page.locator(".labkit-sheet").wait_for(state="detached")
        self.page.locator("button.labkit-begin").wait_for()

    def run_review_again(self):
        self.page.locator(".jp-CodeCell", has_text="labkit.verification.form.review(").locator(".cm-content").click()
        self.press("Control+Enter")
        self.page.locator("button.labkit-begin").wait_for()

    def begin(self, reader, mode="normal"):
        self.page.locator(".labkit-reader input").fill(reader)
        choice = self.page.locator(".labkit-mode select")
        choice.select_option(label=next(t for t in choice.locator("option").all_inner_texts() if t.startswith(mode)))
        self.page.locator("button.labkit-begin").click()
        self.page.locator(".labkit-sheet").wait_for()

    def click(self, finding, value):
        line = self.page.locator(".labkit-line", has=self.page.locator(f'[data-finding="{finding}"]'))
        line.locator(f".widget-toggle-button:nth-child({SIGN[value]})").click()

    def point(self, finding):
        self.page.locator(f'[data-finding="{finding}"]').click()
        self.page.locator(f'.labkit-current [data-finding="{finding}"]').wait_for()

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)

    def case(self):
        return self.page.locator(".labkit-where b").inner_text()

    def shows(self, study_id):
        wait(lambda: self.case() == study_id, f"case {study_id} is not shown")


class File:
    """A reader's file; `grew` waits until rows were added and gives them."""

    def __init__(self, study, reader):
        self.path, self.seen = study / "reviews" / "demo" / "elbow" / f"{reader}.csv", 0

    def rows(self):
        if not self.path.exists():
            return []
        columns = ["study_id", "finding", "value", "action", "comment"]
        return list(reviews.read_readings(self.path)[columns].itertuples(index=False, name=None))

    def grew(self, by):
        wait(lambda: len(self.rows()) >= self.seen + by, f"{by} more rows are not in {self.path.name}")
        new = self.rows()[self.seen :]
        self.seen = len(self.rows())
        return new


@pytest.fixture(scope="module")
def chromium(lab):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


def order_of(study):
    """Cases in the suggested order, and their extracted values."""
    build = study / "build" / "demo" / "elbow"
    sample = tables.read(build / "sample.csv", verification.SAMPLE).sort_values("position")
    found = tables.read(build / "findings.csv", tables.FINDINGS)
    values = {s: dict(zip(own["finding"], own["value"])) for s, own in found.groupby("study_id")}
    return list(sample["study_id"]), values


def test_two_readers_review_by_mouse_and_keys_and_a_third_settles(study, lab, chromium):
    left, anna = Window(chromium, lab, "left"), File(study, "anna")
    left.run()
    left.begin("anna")
    (first, second, third, *_), values = order_of(study)
    n = len(values[first])

    # by mouse: a value, a comment, accept
    left.shows(first)
    other = {"Ossicles": "true" if values[first]["Ossicles"] != "true" else "uncertain"}
    left.click("Ossicles", other["Ossicles"])
    assert anna.grew(1) == [(first, "Ossicles", other["Ossicles"], "read", "")]
    left.page.locator(".labkit-comment input").fill("klein, rund")
    left.page.locator(".labkit-case-comment input").click()
    assert anna.grew(1) == [(first, "Ossicles", other["Ossicles"], "comment", "klein, rund")]
    left.page.locator("button.labkit-accept").click()
    left.shows(second)
    rest = {finding: value for finding, value in values[first].items() if finding != "Ossicles"}
    assert {row[1]: row[2] for row in anna.grew(n - 1)} == rest

    # by keys: value, undo, question, comment, accept; back and forth write nothing
    left.point("Exostosis")
    left.press("t" if values[second]["Exostosis"] != "true" else "u")
    (row,) = anna.grew(1)
    assert row[:2] == (second, "Exostosis") and row[2] != values[second]["Exostosis"]
    left.press("z")
    assert anna.grew(1)[0][3] == "withdraw"
    left.press("ArrowUp", "q")
    assert anna.grew(1)[0][:2] == (second, "Ossicles") and anna.rows()[-1][3] == "ask"
    left.press("c")
    left.page.keyboard.type("schwer zu sagen")
    left.press("Enter", "p")
    left.shows(first)
    left.press("n")
    left.shows(second)
    assert anna.grew(1)[0][3:] == ("comment", "schwer zu sagen")
    left.press("Space")
    left.shows(third)
    assert {row[1]: row[2] for row in anna.grew(n)} == values[second]

    # load the page again, then restart the kernel: it goes on where it stopped
    before = anna.path.read_bytes()
    left.load()
    left.run()
    left.begin("anna")
    left.shows(third)
    left.click("Ossicles", other := "uncertain" if values[third]["Ossicles"] != "uncertain" else "true")
    assert anna.grew(1) == [(third, "Ossicles", other, "read", "")]
    left.restart()
    left.begin("anna")
    left.shows(third)
    assert anna.path.read_bytes().startswith(before)

    # a second reader in a second window sees first what the first one asks about, and differs
    right, ben = Window(chromium, lab, "right"), File(study, "ben")
    right.run()
    right.begin("ben")
    right.shows(second)
    assert right.page.locator(".labkit-current, .labkit-line").get_by_text("anna asks").count() == 1
    differs = "true" if values[second]["Ossicles"] != "true" else "false"
    right.point("Ossicles")
    right.press(differs[0])
    assert ben.grew(1) == [(second, "Ossicles", differs, "read", "")]
    left.press("Space")  # meanwhile the first one goes on in the own file
    assert len(anna.grew(n - 1)) == n - 1 and len(ben.rows()) == 1
    right.press("Space")
    assert len(ben.grew(n - 1)) == n - 1

    # a third person settles it, in a window of the second reader
    right.run_review_again()
    right.begin("carla", "adjudication")
    carla = File(study, "carla")
    right.shows(second)
    right.page.get_by_text(f"anna: {values[second]['Ossicles']}; ben: {differs}").wait_for()
    right.point("Ossicles")
    right.press("u")
    assert carla.grew(1) == [(second, "Ossicles", "uncertain", "read", "")]
    every = verification.read_reviews(carla.path.parent)
    assert set(every["reader"]) == {"anna", "ben", "carla"}
    assert every.loc[every["reader"] == "carla", "resolution"].tolist() == ["adjudication"]
    assert verification.open_questions(every).empty

    # nothing of a report is in the saved notebook, and nothing was asked of another machine
    right.press("Control+s")
    path = study / "work" / "right.ipynb"
    wait(lambda: "Review form" in path.read_text(encoding="utf-8"), "the notebook was not saved")
    saved = [output for cell in nbformat.read(path, 4).cells for output in cell.get("outputs", ())]
    assert "labkit-text" not in str(saved) and "schwer zu sagen" not in str(saved)
    assert lab.foreign(left.asked + right.asked) == []
