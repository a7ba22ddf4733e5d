"""Pages: self-contained, readable, without the machine's names; looked at in a real browser too."""

import os
import re
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from labkit.run import page_tables, render, scrub

CHROMIUM = "/usr/bin/chromium"
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
NOTICE = '<div class="labkit-notice"><strong>SIMULATED reader.</strong> No person has read these labels.</div>'


def shown(mime: str, content: str, **metadata) -> dict:
    return new_output("display_data", data={mime: content}, metadata=metadata)


def executed(*cells) -> nbformat.NotebookNode:
    """An executed notebook of pairs (source, outputs); text cells have None for outputs."""
    made = [
        new_markdown_cell(source) if outputs is None else new_code_cell(source, outputs=outputs, execution_count=n)
        for n, (source, outputs) in enumerate(cells, start=1)
    ]
    return new_notebook(cells=made, metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})


def page(**options) -> render.Page:
    facts = {"title": "Elbow · inclusive · evaluation", "kicker": "Elbow", "study": "demo"}
    links = (render.Link("Training", "03_training.html"), render.Link("Evaluation", "04.html", current=True))
    return render.Page(**facts, links=links, parameters=(("training.epochs", "3"),), **options)


@pytest.fixture
def rich() -> nbformat.NotebookNode:
    table = pd.DataFrame({"finding": ["Fat Pad Sign"] * 3, "auc": [0.7, 0.8, 0.9]}).to_html()
    return executed(
        ("# 04 · Evaluation\n\nWhat is asked.", None),
        ("show()", [shown("text/html", NOTICE), shown("text/markdown", "## Elbow, inclusive")]),
        ("table", [new_output("execute_result", data={"text/html": table, "text/plain": "auc"}, execution_count=3)]),
        ("## Curves", None),
        ("draw()", [shown("image/png", PIXEL), shown("image/png", PIXEL, **{"image/png": {"alt": "ROC of 3 labels"}})]),
        ("again()", [shown("text/html", NOTICE + '<script src="https://cdn.example.org/x.js"></script>')]),
        ("fit()", [new_output("stream", name="stdout", text=" 1%\r50%\r100%\nloss 0.4\n")]),
    )


def test_contents_come_from_rendered_headings_also_those_that_code_displays(rich):
    html, _ = render.to_html(rich, page=page())
    entries = re.findall(r'<li class="level-\d"><a href="#([^"]+)">([^<]+)</a>', html)
    assert [text for _, text in entries] == ["Elbow, inclusive", "Curves", "Parameters"]
    assert all(f'id="{address}"' in html for address, _ in entries)
    assert "<title>Elbow · inclusive · evaluation</title>" in html


def test_notices_stand_once_on_top_and_are_told_to_the_run(rich):
    html, notices = render.to_html(rich, page=page())
    assert notices == ["SIMULATED reader. No person has read these labels."]
    assert html.count("No person has read these labels.") == 1
    assert html.index("banner notice") < html.index("04 · Evaluation</h1>")


def test_nothing_of_the_page_asks_for_another_file(rich):
    html, _ = render.to_html(rich, page=page())
    assert "cdn.example.org" not in html and "require.js" not in html and "MathJax" not in html
    assert re.findall(r'<(?:script|img|link)[^>]+(?:src|href)="(?!data:)', html) == []
    assert "default-src 'none'" in html


def test_code_is_folded_and_a_progress_bar_leaves_its_last_state(rich):
    html, _ = render.to_html(rich, page=page())
    assert html.count('<details class="code">') == 5
    assert "100%\nloss 0.4" in html and "50%" not in html


def test_figures_have_the_alt_text_given_or_that_of_their_heading(rich):
    html, _ = render.to_html(rich, page=page())
    assert re.findall(r'<img [^>]*alt="([^"]*)"', html) == ["Figure: Curves", "ROC of 3 labels"]


def test_a_failed_page_says_why_and_leads_to_the_cell(rich):
    rich.cells[2].metadata["labkit_status"] = "failed"
    html, _ = render.to_html(rich, page=page(), failed="Cell 3 stopped with KeyError.")
    assert "This step failed." in html and "Cell 3 stopped with KeyError." in html
    assert 'id="failed-cell"' in html and 'href="#failed-cell"' in html
    assert "failed</title>" in html


def test_parameters_cells_are_shown_as_a_table_only(rich):
    rich.cells[1].metadata["tags"] = ["injected-parameters"]
    html, _ = render.to_html(rich, page=page())
    assert "show()" not in html
    assert '<th scope="row">training.epochs</th><td>3</td>' in html


def test_tables_lose_their_row_counter_and_align_words_left():
    frame = pd.DataFrame({"finding": ["Fat Pad Sign", "Ossicles"], "auc": [0.71, 0.82]})
    html = page_tables.dress(frame.to_html())
    assert re.findall(r"<th[^>]*>([^<]*)</th>", html) == ["finding", "auc"]
    assert '<td class="words short">Ossicles</td>' in html and "<td>0.82</td>" in html
    assert html.startswith('<div class="table-scroll"')


def test_a_named_index_stays_and_its_name_joins_the_first_header_row():
    frame = pd.DataFrame({"n": [3, 4]}, index=pd.Index(["internal", "external"], name="site"))
    html = page_tables.dress(frame.to_html())
    assert html.count("<tr") == 3
    assert re.findall(r"<th[^>]*>([^<]*)</th>", html) == ["site", "n", "internal", "external"]


def test_the_copy_that_is_shared_carries_no_path_and_no_name_of_the_machine(tmp_path, monkeypatch):
    monkeypatch.setattr("socket.gethostname", lambda: "radiology-ws17")
    monkeypatch.setattr("getpass.getuser", lambda: "mmustermann")
    outside = "/srv/pacs export/elbow.csv"
    text = f"{tmp_path}/build/x.csv {outside} {Path.home()}/private mmustermann@radiology-ws17 {pd.__file__}"
    made = executed((f"path = '{tmp_path}/build'", [new_output("stream", name="stdout", text=text)]))
    made.metadata["papermill"] = {"input_path": str(tmp_path), "environment_variables": {}}
    clean = scrub.notebook(made, scrub.patterns(tmp_path, {"sites": [{"reports": outside}]}))
    written = nbformat.writes(clean)
    for secret in (
        str(tmp_path),
        "pacs export",
        str(Path.home()) + "/",
        "mmustermann",
        "ws17",
        "site-packages/pandas/..",
    ):
        assert secret not in written
    assert "build/x.csv …/elbow.csv ~/private user@host" in clean.cells[0].outputs[0].text
    assert clean.cells[0].source == "path = 'build'"
    assert "papermill" not in clean.metadata


def test_the_address_of_a_private_endpoint_is_not_shared_and_a_public_one_is(tmp_path):
    private = {"extraction": {"openai": {"base_url": "https://gpu7.klinik.example:8443/v1", "local_hosts": ["gpu7"]}}}
    said = "base_url: https://gpu7.klinik.example:8443/v1; Endpoint gpu7.klinik.example: no answer; gpu7"
    assert scrub.text(said, scrub.patterns(tmp_path, private)) == (
        "base_url: (private address); Endpoint (private address): no answer; (private address)"
    )
    public = {"openai": {"base_url": "https://eu.api.openai.com/v1", "local_hosts": []}}
    assert (
        scrub.text("https://eu.api.openai.com/v1", scrub.patterns(tmp_path, public)) == "https://eu.api.openai.com/v1"
    )
    loopback = {"openai": {"base_url": "http://127.0.0.1:8000/v1"}}
    assert scrub.text("at http://127.0.0.1:8000/v1, 127.0.0.1", scrub.patterns(tmp_path, loopback)) == (
        "at (private address), 127.0.0.1"
    )


@pytest.mark.browser
def test_a_browser_without_network_shows_the_page_wide_and_narrow(rich, tmp_path):
    if not Path(CHROMIUM).exists() and os.environ.get("LABKIT_REQUIRE_BROWSER") != "1":
        pytest.skip(f"{CHROMIUM} is missing")
    from playwright.sync_api import sync_playwright

    long = pd.DataFrame({f"column {n}": ["a value that is wide"] for n in range(20)}).to_html()
    rich.cells.append(new_code_cell("wide", outputs=[shown("text/html", long)]))
    html, _ = render.to_html(rich, page=page())
    path = tmp_path / "page.html"
    path.write_text(html, encoding="utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        for width in (1400, 420):
            requests, errors = [], []
            view = browser.new_context(offline=True, viewport={"width": width, "height": 900}).new_page()
            view.on("request", lambda r, to=requests: to.append(r.url))
            view.on("pageerror", lambda e, to=errors: to.append(str(e)))
            view.on("console", lambda m, to=errors: to.append(m.text))
            view.goto(path.as_uri())
            assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
            assert errors == []
            assert view.evaluate("document.documentElement.scrollWidth") == width
            assert view.locator(".contents ol").is_visible() == (width == 1400)
            assert not view.locator("details.code pre").first.is_visible()
            assert view.locator(".banner.notice").is_visible()
        browser.close()
