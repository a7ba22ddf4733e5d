"""Labels of a cohort: every report has an answer, every value its quote."""

import pandas as pd
import pytest

from labkit import templates
from labkit.extraction import labelling, rules

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
