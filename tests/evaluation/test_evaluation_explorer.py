"""What the explorer's HTML holds, and what it does not."""

import re

import nbformat.v4
import pytest

from labkit import evaluation
from labkit.evaluation import explorer
from labkit.layout import HEADLESS_VARIABLE
from labkit.run import render

SETTINGS = evaluation.Settings(min_positives=3, min_cell=5)


@pytest.fixture
def headless(monkeypatch):
    monkeypatch.setenv(HEADLESS_VARIABLE, "draft.json")


def rendered(html):
    """The page of a notebook whose one cell showed the explorer."""
    output = nbformat.v4.new_output("display_data", data={"text/html": html, "text/plain": "Explorer"})
    cells = [nbformat.v4.new_code_cell("explore()", outputs=[output], execution_count=1)]
    made = nbformat.v4.new_notebook(cells=cells)
    return render.to_html(made, page=render.Page(title="Evaluation", kicker="Elbow", study="demo"))[0]


def test_a_shared_page_lists_no_study_unless_the_params_allow_it(predictions, labels, headless):
    shared = explorer.explore(predictions, labels, settings=SETTINGS)
    assert not shared.data["cases"] and "S-0" not in shared.html and "P-test" not in shared.html
    allowed = explorer.explore(predictions, labels, settings=SETTINGS.model_copy(update={"show_cases": True}))
    assert allowed.data["cases"] and "S-0" in allowed.html and "P-test" not in allowed.html


def test_a_person_at_the_notebook_sees_studies_and_is_told_to_clear_them(predictions, labels):
    shown = explorer.explore(predictions, labels, settings=SETTINGS)
    assert shown.data["cases"] and "clear its outputs" in shown.html


def test_the_still_figure_is_the_finding_with_most_positives_at_its_declared_threshold(predictions, labels, headless):
    shown = explorer.explore(predictions, labels, settings=SETTINGS)
    metrics, _ = evaluation.evaluate(predictions, labels, settings=SETTINGS)
    own = metrics[
        (metrics.finding == "Olecranon Fracture") & (metrics.site == "north") & (metrics.policy == "inclusive")
    ]
    own = own[own.reading == "primary"].set_index("metric")
    text = re.sub(r"<(script|style).*?</\1>", "", shown.html, flags=re.S)
    rate = own.loc["sensitivity"]
    assert f"{rate.value:.3f} ({rate.low:.3f}–{rate.high:.3f})" in text
    positives, n = int(own.loc["auc", "n_positive"]), int(own.loc["auc", "n"])
    assert f"Olecranon Fracture: {positives} of {n} studies" in text
    hits = round(rate.value * positives)
    assert f"<td>{hits}</td>" in text and f"<td>{positives - hits}</td>" in text


def test_the_page_keeps_the_explorers_own_script_and_no_other(predictions, labels, headless):
    html = explorer.explore(predictions, labels, settings=SETTINGS).html
    page = rendered(html + "<script>alert(1)</script>")
    assert page.count("<script") == rendered("<p>nothing</p>").count("<script") + 2
    assert "alert(1)" not in page and "Wilson's interval, as operating.wilson" in page
    changed = rendered(html.replace('"use strict";', '"use strict"; alert(2);'))
    assert "alert(2)" not in changed


def test_a_finding_named_like_markup_stays_text(predictions, labels, headless):
    name = "</script><script>alert(3)</script>"
    renamed = [table.replace({"finding": {"Olecranon Fracture": name}}) for table in (predictions, labels)]
    html = explorer.explore(*renamed, settings=SETTINGS).html
    assert "alert(3)</script>" not in html
    page = rendered(html)
    assert page.count("<script") == rendered("<p>nothing</p>").count("<script") + 2
    assert "<script>alert" not in page


def test_nothing_to_evaluate_is_said(predictions, labels, headless):
    strict = SETTINGS.model_copy(update={"min_positives": 10_000})
    assert "no threshold to move" in explorer.explore(predictions, labels, settings=strict).html
