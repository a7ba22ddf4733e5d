"""Labels of a cohort: every report has an answer, every value its quote."""

import pandas as pd
import pytest

from labkit import tables, templates
from labkit.errors import ExtractionError
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


def test_the_record_says_what_raised_labels_and_which_hedges_were_met(labelled):
    facts = labelling.record_table(labelled.record)["value"]
    assert facts.loc[("rules", "raised by the hierarchy")] == "1", "the ulna, which no report names"
    assert facts.loc[("rules", "hedges: verdacht auf")] == "1"
    assert not any("Beispielfrau" in fact for fact in facts)


def test_both_tables_keep_their_contracts_and_the_order_of_reports_and_template(labelled):
    tables.check(labelled.findings, tables.FINDINGS)
    tables.check(labelled.answers, tables.ANSWERS)
    assert list(labelled.findings["finding"]) == 2 * list(TEMPLATE.names)
    assert list(dict.fromkeys(labelled.findings["study_id"])) == ["1", "3"]


def test_a_label_without_a_quote_has_no_place_and_every_quote_has_one(labelled):
    silent = labelled.findings[labelled.findings.evidence == ""]
    assert set(silent["start"]) == set(silent["end"]) == {-1} and set(silent["grounded"]) == {""}
    assert set(labelled.findings.drop(silent.index)["grounded"]) == {"true"}


def test_a_model_run_that_stopped_early_is_an_error_with_its_reason(monkeypatch):
    stopped = labelling.Labelled(pd.DataFrame(), pd.DataFrame(), {"stopped": "The budget of 1 is spent."})
    monkeypatch.setattr(labelling, "by_model", lambda *_, **__: stopped)
    with pytest.raises(ExtractionError, match="The budget of 1 is spent"):
        labelling.label(TEXTS, template=TEMPLATE, extractors=["rules", "openai"], switches=rules.Switches())
