"""The explorer in a rendered page, opened from a file by a real browser that has no network."""

import math
import os
from pathlib import Path

import nbformat.v4
import numpy as np
import pytest

from labkit import evaluation
from labkit.evaluation import explored, explorer
from labkit.run import render

pytestmark = pytest.mark.browser

CHROMIUM = "/usr/bin/chromium"
SETTINGS = evaluation.Settings(min_positives=3, min_cell=5, show_cases=True)
# Sets the slider as a hand does and waits until the matrix is laid out; milliseconds.
MOVE = """(slider, position) => {
  const begun = performance.now();
  slider.value = position;
  slider.dispatchEvent(new Event('input', {bubbles: true}));
  slider.closest('.lk-panel').querySelector('.lk-matrix').getBoundingClientRect();
  return performance.now() - begun;
}"""
READ = """panel => {
  const found = {threshold: Number(panel.dataset.threshold)};
  for (const name of ['tp', 'fp', 'fn', 'tn']) found[name] = Number(panel.querySelector('.lk-' + name).textContent);
  for (const name of ['sensitivity', 'specificity', 'ppv', 'npv', 'f1']) {
    const cell = panel.querySelector('.lk-' + name);
    found[name] = ['value', 'low', 'high'].map(part => Number(cell.dataset[part]));
  }
  return found;
}"""


@pytest.fixture(scope="module")
def chromium():
    if not Path(CHROMIUM).exists() and os.environ.get("LABKIT_REQUIRE_BROWSER") != "1":
        pytest.skip(f"{CHROMIUM} is missing")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def opened(chromium, predictions, labels, tmp_path):
    """A page with the explorer, and what it asked for and complained of."""
    html = explorer.explore(predictions, labels, settings=SETTINGS).html
    output = nbformat.v4.new_output("display_data", data={"text/html": html, "text/plain": "Explorer"})
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("explore()", outputs=[output])])
    path = tmp_path / "04_evaluation.html"
    page = render.Page(title="Evaluation", kicker="Elbow", study="demo")
    path.write_text(render.to_html(made, page=page)[0], encoding="utf-8")
    heard = []

    def open_page(**options):
        view = chromium.new_context(offline=True, viewport={"width": 1200, "height": 1000}, **options).new_page()
        view.on("request", lambda r: heard.append(r.url) if not r.url.startswith(("file:", "data:")) else None)
        view.on("pageerror", lambda e: heard.append(str(e)))
        view.on("console", lambda m: heard.append(m.text))
        view.goto(path.as_uri())
        return view

    return open_page, heard


def column(predictions, labels, *, site, policy, finding, split="test"):
    """Reference and score of the studies that count, and the declared threshold."""
    for group in explored.groups(predictions, labels, settings=SETTINGS):
        if (group.site, group.split, group.policy) == (site, split, policy):
            found = next(c for c in group.columns if c.finding == finding)
            used = ~np.isnan(found.reference)
            return found.reference[used], found.score[used], found.threshold
    raise AssertionError("no such group")


def assert_equal(found, y, score, threshold):
    counts = evaluation.confusion(y, score, threshold=threshold)
    names = {"tp": "true_positive", "fp": "false_positive", "fn": "false_negative", "tn": "true_negative"}
    assert {short: found[short] for short in names} == {short: getattr(counts, long) for short, long in names.items()}
    for name, rate in evaluation.rates(counts, level=SETTINGS.level).items():
        if name in found:
            got = [math.nan if value is None else value for value in found[name]]
            assert got == pytest.approx([rate.value, rate.low, rate.high], abs=1e-12, nan_ok=True)


def test_the_numbers_are_labkits_at_every_threshold_tried(opened, predictions, labels):
    open_page, heard = opened
    view = open_page()
    assert view.locator(".lk-explorer").get_attribute("data-state") == "live"
    panel, slider = view.locator(".lk-panel"), view.locator(".lk-range")
    for policy, place, finding in (
        ("inclusive", "north|test", "Olecranon Fracture"),
        ("exclusive", "south|external", "Ossicles"),
    ):
        view.locator(".lk-policy").select_option(policy)
        view.locator(".lk-group").select_option(place)
        view.locator(".lk-finding").select_option(finding)
        site, split = place.split("|")
        y, score, declared = column(predictions, labels, site=site, policy=policy, finding=finding, split=split)
        found = panel.evaluate(READ)
        assert found["threshold"] == declared
        assert_equal(found, y, score, declared)
        cuts = np.unique(score)
        for position in (0, 3, len(cuts) // 2, len(cuts) - 1):
            slider.evaluate(MOVE, position)
            found = panel.evaluate(READ)
            assert found["threshold"] == pytest.approx(cuts[position], abs=1e-4)
            assert_equal(found, y, score, cuts[position])
        slider.evaluate(MOVE, len(cuts))
        assert_equal(panel.evaluate(READ), y, score, np.inf)
    assert heard == []


def test_the_slider_moves_the_matrix_within_200_ms(opened):
    view = opened[0]()
    slider = view.locator(".lk-range")
    last = int(slider.get_attribute("max"))
    times = [slider.evaluate(MOVE, position) for position in np.linspace(0, last, 15).astype(int).tolist()]
    assert np.median(times) < 200


def test_keys_move_it_and_the_studies_that_change_side_are_listed(opened, predictions, labels):
    view = opened[0]()
    before = view.locator(".lk-panel").evaluate(READ)
    assert view.locator(".lk-none").count() == 1
    view.locator(".lk-range").focus()
    for _ in range(3):
        view.keyboard.press("ArrowRight")
    after = view.locator(".lk-panel").evaluate(READ)
    assert after["tp"] + after["fp"] == before["tp"] + before["fp"] - 3
    listed = view.locator(".lk-lists table").nth(1).locator("tbody tr")
    named = set(listed.locator("td:first-child").all_inner_texts())
    own = predictions[(predictions.policy == "inclusive") & (predictions.finding == "Olecranon Fracture")]
    own = own[(own.split == "test") & (own.score >= before["threshold"]) & (own.score < after["threshold"] - 1e-4)]
    assert named == set(own.study_id)
    assert "sensitivity" in view.locator(".lk-range").get_attribute("aria-valuetext")
    view.locator(".lk-back").click()
    assert view.locator(".lk-panel").evaluate(READ) == before


def test_a_threshold_is_typed(opened, predictions, labels):
    view = opened[0]()
    view.locator(".lk-number").fill("0.4")
    view.locator(".lk-number").press("Enter")
    y, score, _ = column(predictions, labels, site="north", policy="inclusive", finding="Olecranon Fracture")
    assert_equal(view.locator(".lk-panel").evaluate(READ), y, score, 0.4)


def test_the_curve_tells_of_the_point_under_the_pointer_and_takes_a_click(opened):
    view = opened[0]()
    box = view.locator(".lk-roc svg").bounding_box()
    x, y = box["x"] + box["width"] * 0.3, box["y"] + box["height"] * 0.3
    view.mouse.move(x, y)
    text = view.locator(".lk-tip").inner_text().split()
    assert text[::2] == ["threshold", "sensitivity", "specificity"]
    view.mouse.click(x, y)
    found = view.locator(".lk-panel").evaluate(READ)
    told = dict(zip(text[::2], map(float, text[1::2])))
    assert found["sensitivity"][0] == pytest.approx(told["sensitivity"], abs=6e-4)
    assert found["specificity"][0] == pytest.approx(told["specificity"], abs=6e-4)
    assert found["threshold"] == pytest.approx(told["threshold"], abs=6e-5)


def test_two_policies_stand_side_by_side_with_a_slider_each(opened, predictions, labels):
    view = opened[0]()
    view.locator(".lk-beside").select_option("exclusive")
    assert view.locator(".lk-panel").count() == 2
    assert view.locator(".lk-curve").count() == 2
    view.locator(".lk-range").nth(1).evaluate(MOVE, 4)
    y, score, _ = column(predictions, labels, site="north", policy="exclusive", finding="Olecranon Fracture")
    assert_equal(view.locator(".lk-panel").nth(1).evaluate(READ), y, score, np.unique(score)[4])
    y, score, declared = column(predictions, labels, site="north", policy="inclusive", finding="Olecranon Fracture")
    assert_equal(view.locator(".lk-panel").nth(0).evaluate(READ), y, score, declared)


def test_counts_alone_move_too_and_name_nobody(chromium, predictions, labels, tmp_path, monkeypatch):
    monkeypatch.setenv("LABKIT_RECEIPT_DRAFT", "draft.json")
    html = explorer.explore(predictions, labels, settings=SETTINGS.model_copy(update={"show_cases": False})).html
    path = tmp_path / "counts.html"
    path.write_text(f"<!doctype html><meta charset='utf-8'>{html}", encoding="utf-8")
    view = chromium.new_page()
    view.goto(path.as_uri())
    y, score, declared = column(predictions, labels, site="north", policy="inclusive", finding="Olecranon Fracture")
    assert_equal(view.locator(".lk-panel").evaluate(READ), y, score, declared)
    view.locator(".lk-range").evaluate(MOVE, 1)
    found = view.locator(".lk-panel").evaluate(READ)
    called = np.sort(score)[::-1][: found["tp"] + found["fp"]]
    assert_equal(found, y, score, called[-1])
    assert view.locator(".lk-lists table").count() == 0
    assert "S-0" not in path.read_text(encoding="utf-8")


def test_without_javascript_and_on_paper_the_figure_stands(opened, predictions, labels):
    view = opened[0](java_script_enabled=False)
    y, score, declared = column(predictions, labels, site="north", policy="inclusive", finding="Olecranon Fracture")
    counts = evaluation.confusion(y, score, threshold=declared)
    assert str(counts.true_positive) in view.locator(".lk-matrix").inner_text().split()
    assert view.locator(".lk-curve").is_visible() and not view.locator(".lk-controls").is_visible()
    printed = opened[0]()
    printed.emulate_media(media="print")
    assert printed.locator(".lk-matrix").is_visible() and printed.locator(".lk-curve").is_visible()
    assert not printed.locator(".lk-controls").is_visible() and not printed.locator(".lk-range").is_visible()
