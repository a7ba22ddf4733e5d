"""Labels of a cohort, and how they are shown."""

import pandas as pd
import pytest

from labkit import templates
from labkit.deidentification import Gate, KnownIdentifiers
from labkit.extraction import labelling, rules, viewing

TEMPLATE = templates.load("elbow")
TEXTS = [
    ("1", "Ellenbogen rechts: Verdacht auf Radiuskopffraktur. Keine Luxation."),
    ("2", "   "),
    ("3", "Olekranonfraktur links. Pat. Gundula Beispielfrau, geb. 01.02.1960."),
]


@pytest.fixture(scope="module")
def labelled():
    return labelling.label(TEXTS, template=TEMPLATE, extractors=["rules"], switches=rules.Switches())


def value(labelled, study_id, name):
    rows = labelled.findings[(labelled.findings.study_id == study_id) & (labelled.findings.finding == name)]
    return rows.iloc[0][["value", "evidence"]].tolist()


def test_every_report_has_an_answer_and_every_good_one_all_labels(labelled):
    assert labelled.answers[["study_id", "status"]].to_numpy().tolist() == [["1", "ok"], ["2", "skipped"], ["3", "ok"]]
    assert labelled.answers.loc[1, "reason"]
    assert len(labelled.findings) == 2 * len(TEMPLATE.findings)


def test_values_keep_doubt_and_negation(labelled):
    assert value(labelled, "1", "Radial Head Fracture")[0] == "uncertain"
    assert value(labelled, "1", "Radius Fracture")[0] == "uncertain"
    negated = value(labelled, "1", "Joint Dislocation (All Locations)")
    assert negated[0] == "false" and "Luxation" in negated[1]
    assert value(labelled, "3", "Olecranon Fracture")[0] == "true"


def test_offsets_give_the_quote(labelled):
    texts = dict(TEXTS)
    for row in labelled.findings[labelled.findings.evidence != ""].itertuples():
        assert texts[row.study_id][row.start : row.end] == row.evidence


def test_the_overview_tells_silence_from_negation(labelled):
    counts = labelling.overview(labelled.findings).loc["rules"]
    assert counts.loc["Joint Dislocation (All Locations)", ["negated", "not mentioned"]].tolist() == [1, 1]
    assert (counts.sum(axis=1) == 2).all()


def test_agreement_counts_equal_labels_of_two_sources(labelled):
    other = labelled.findings.assign(source="openai")
    other.loc[other.finding == "Ossicles", "value"] = "true"
    table = labelling.agreement(pd.concat([labelled.findings, other])).set_index("finding")
    assert table.loc["Ossicles", "share"] == 0 and table.drop("Ossicles")["share"].eq(1).all()
    assert labelling.agreement(labelled.findings).empty


def test_examples_mark_evidence_and_mask_people(labelled):
    gate = Gate(known=KnownIdentifiers(names=["Gundula Beispielfrau"]))
    page = viewing.examples(TEXTS, labelled.findings, gate=gate, show_text=True).data
    assert "Radiuskopffraktur" in page and "<mark" in page
    assert "Beispielfrau" not in page and "01.02.1960" not in page
    assert "[NAME]" in page


def test_without_leave_no_text_is_shown(labelled):
    page = viewing.examples(TEXTS, labelled.findings, gate=Gate(), show_text=False).data
    assert "fraktur" not in page.lower() and "show_text" in page


def test_markup_in_a_report_is_escaped(labelled):
    text = "<script>alert(1)</script> Keine Fraktur."
    page = viewing.marked(text, labelled.findings.iloc[:0], gate=Gate(), title="S-1")
    assert "<script>" not in page and "&lt;script&gt;" in page
