"""The report viewer: what a person chooses is what is shown, and no text is there before somebody asks for it."""

import re

import ipywidgets as widgets
import pandas as pd
import pytest

from labkit import tables, templates
from labkit.deidentification import Gate, KnownIdentifiers
from labkit.extraction import browser, labelling, rules
from labkit.layout import HEADLESS_VARIABLE

TEMPLATE = templates.load("elbow")
TEXTS = [
    ("S-0001", "Ellenbogen rechts in 2 Ebenen: Verdacht auf Radiuskopffraktur. Keine Luxation."),
    ("S-0002", "Olekranonfraktur links. Pat. Gundula Beispielfrau, geb. 01.02.1960."),
    ("S-0003", "Altersentsprechender Befund & regelrechte <Stellung>."),
    ("S-0004", "Fraglicher Erguss. Kein Fremdkörper."),
]
SITES = {"S-0001": "home", "S-0002": "home", "S-0003": "away", "S-0004": "away"}
SECRETS = ["Radiuskopffraktur", "Gundula", "Beispielfrau", "Stellung", "Fremdkörper"]


@pytest.fixture(scope="module")
def labelled():
    """Rules beside a model that failed on one report, invented a quote, differs once and was raised once."""
    read = labelling.label(TEXTS, template=TEMPLATE, extractors=["rules"], switches=rules.Switches())
    own = read.findings[read.findings.study_id != "S-0004"].assign(source="openai", confidence=0.95)
    invented = (own.study_id == "S-0003") & (own.finding == "Ossicles")
    own.loc[invented, ["value", "evidence", "grounded"]] = ["true", "Not in the report.", "false"]
    own.loc[invented, "confidence"] = 0.5
    answers = read.answers.assign(source="openai")
    answers.loc[answers.study_id == "S-0004", ["status", "reason"]] = ["refused", "the model refused to answer"]
    raised = pd.DataFrame(
        [("S-0002", "Ulna Fracture", "openai", "false", "true")], columns=list(tables.RAISED.all_columns)
    )
    return labelling.Labelled(
        pd.concat([own, read.findings], ignore_index=True),
        pd.concat([answers, read.answers], ignore_index=True),
        {},
        raised,
        read.hedges,
    )


@pytest.fixture
def viewer(labelled):
    gate = Gate(known=KnownIdentifiers(names=["Gundula Beispielfrau"]))
    return browser.Browser(labelled, dict(TEXTS), SITES, template=TEMPLATE, gate=gate)


def content(widget):
    """Everything that a widget and its children would send to a page."""
    own = str(widget.get_state())
    return own + "".join(content(child) for child in getattr(widget, "children", ()))


def page(viewer):
    return " ".join(w.value for w in walk(viewer.widget) if isinstance(w, widgets.HTML))


def walk(widget):
    yield widget
    for child in getattr(widget, "children", ()):
        yield from walk(child)


def test_no_text_is_sent_before_a_person_chooses_a_report(viewer):
    assert [secret for secret in SECRETS if secret in content(viewer.widget)] == []
    viewer.filter(kind="uncertain")
    viewer.filter(kind="any", status="failed")
    assert [secret for secret in SECRETS if secret in content(viewer.widget)] == []
    viewer.filter(status="any")
    viewer.next()
    assert "Radiuskopffraktur" in page(viewer)


def test_the_saved_output_of_the_cell_says_only_that_there_is_a_viewer(viewer):
    viewer.next()
    assert viewer.widget._repr_mimebundle_()["text/plain"] == "Report viewer"


def test_next_and_previous_stay_in_the_list(viewer):
    seen = []
    for step in (viewer.next, viewer.next, viewer.next, viewer.next, viewer.next, viewer.back):
        step()
        seen.append(viewer.chosen.value)
    assert seen == ["S-0001", "S-0002", "S-0003", "S-0004", "S-0004", "S-0003"]


@pytest.mark.parametrize(
    ("choices", "expected"),
    [
        ({"site": "away"}, ["S-0003", "S-0004"]),
        ({"search": "0002"}, ["S-0002"]),
        ({"search": " s-0002 "}, ["S-0002"]),
        ({"search": "nobody"}, []),
        ({"kind": "uncertain"}, ["S-0001", "S-0004"]),
        ({"kind": "uncertain", "source": "openai"}, ["S-0001"]),
        ({"finding": "Olecranon Fracture", "kind": "true"}, ["S-0002"]),
        ({"finding": "Ossicles", "kind": "negated"}, []),
        ({"status": "failed"}, ["S-0004"]),
        ({"status": "failed", "source": "rules"}, []),
        ({"status": "ungrounded"}, ["S-0003"]),
        ({"status": "differs"}, ["S-0003"]),
        ({"status": "differs", "finding": "Fat Pad Sign"}, []),
        ({"status": "raised"}, ["S-0002"]),
        ({"status": "unsure"}, ["S-0003"]),
        ({}, list(SITES)),
    ],
    ids=str,
)
def test_a_choice_finds_the_reports_that_fit_all_of_it(viewer, choices, expected):
    viewer.filter(**choices)
    assert list(viewer.chosen.options) == expected
    assert f"<b>{len(expected)}</b> of 4" in page(viewer)


def test_a_report_that_no_longer_fits_is_put_away_and_one_that_does_stays(viewer):
    viewer.next()
    viewer.filter(kind="uncertain")
    assert viewer.chosen.value == "S-0001" and "Radiuskopffraktur" in page(viewer)
    viewer.filter(site="away")
    assert viewer.chosen.value is None and "Radiuskopffraktur" not in page(viewer)


def test_evidence_is_that_of_the_finding_chosen(viewer):
    viewer.next()
    assert len(re.findall("<mark[^>]* title=", page(viewer))) == 2
    viewer.filter(finding="Radial Head Fracture")
    assert len(re.findall("<mark[^>]* title=", page(viewer))) == 1


def test_identifiers_are_masked_until_a_person_wants_to_see_them(viewer):
    viewer.filter(search="0002")
    viewer.next()
    assert "Beispielfrau" not in page(viewer) and "[NAME]" in page(viewer)
    viewer.filter(masked=False)
    assert "Gundula Beispielfrau" in page(viewer)


def test_findings_name_what_is_doubtful_about_a_label(viewer):
    viewer.filter(search="0003")
    viewer.next()
    assert "differs, quote not in the report" in page(viewer)
    assert "&lt;Stellung&gt;" in page(viewer) and "<Stellung>" not in page(viewer)
    viewer.filter(search="0002")
    viewer.next()
    assert "raised" in page(viewer)


def test_a_report_without_labels_says_why(viewer):
    viewer.filter(search="0004")
    viewer.next()
    assert "openai: refused</b> the model refused to answer" in page(viewer)


def test_counts_and_hedges_are_those_of_the_list(viewer):
    assert "fraglicher" in page(viewer) and "verdacht auf" in page(viewer)
    viewer.filter(site="home")
    assert "verdacht auf" in page(viewer) and "fraglicher" not in page(viewer)
    assert "2 reports" in page(viewer)


def test_failures_are_listed_for_the_list(viewer):
    assert "the model refused to answer" in page(viewer)
    viewer.filter(site="home")
    assert "Every report here was labelled" in page(viewer)


def test_a_run_without_a_person_gets_examples_only_with_leave(labelled, monkeypatch):
    monkeypatch.setenv(HEADLESS_VARIABLE, "draft.json")
    shown = [
        browser.browse(TEXTS, labelled, SITES, template=TEMPLATE, gate=Gate(), show_text=leave).data
        for leave in (False, True)
    ]
    assert [secret for secret in SECRETS if secret in shown[0]] == []
    assert "Radiuskopffraktur" in shown[1] and "Beispielfrau" not in shown[1]


def test_in_jupyterlab_the_viewer_comes(labelled):
    panel = browser.browse(TEXTS, labelled, SITES | {"S-0009": "home"}, template=TEMPLATE, gate=Gate(), show_text=False)
    assert repr(panel) == "Report viewer" and "of 4 reports" in content(panel)


def test_a_run_that_labelled_nothing_can_be_looked_at():
    texts = [("S-0001", "  ")]
    nothing = labelling.label(texts, template=TEMPLATE, extractors=["rules"], switches=rules.Switches())
    viewer = browser.Browser(nothing, dict(texts), {"S-0001": "home"}, template=TEMPLATE, gate=Gate())
    viewer.next()
    assert "No extractor could label this report" in page(viewer)
