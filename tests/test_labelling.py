"""Labels of a cohort: every report has an answer, every value its quote."""

import pandas as pd
import pytest

from labkit import tables, templates
from labkit.errors import ExtractionError
from labkit.extraction import labelling, rules
from labkit.extraction.settings import Settings

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


def test_the_record_says_which_rules_read_and_holds_nobody(labelled):
    facts = labelled.record["rules"]
    assert facts["raised"] == len(labelled.raised) == 1, "the ulna, which no report names"
    assert facts["template_sha256"] and facts["languages"] == ["de", "en"] and len(facts["languages_sha256"]) == 64
    assert facts["switches"] == rules.Switches().model_dump()
    assert "Beispielfrau" not in str(labelled.record)


def test_raised_labels_are_a_table(labelled):
    tables.check(labelled.raised, tables.RAISED)
    assert labelled.raised.iloc[0].tolist() == ["3", "Ulna Fracture", "rules", "", "true"]


def test_hedges_are_those_of_each_report(labelled):
    assert labelled.hedges.to_numpy().tolist() == [["1", "verdacht auf"]]


def test_hedges_are_known_also_where_no_rules_read(labelled, monkeypatch):
    read = labelling.Labelled(labelled.findings, labelled.answers, {"stopped": ""}, labelled.raised)
    monkeypatch.setattr(labelling, "by_model", lambda *_, **__: read)
    found = labelling.label(TEXTS, template=TEMPLATE, extractors=["openai"], switches=rules.Switches())
    assert list(found.record) == ["openai"] and len(found.answers) == 3
    assert found.hedges.to_numpy().tolist() == [["1", "verdacht auf"]]


@pytest.mark.parametrize(("texts", "cleaned"), [("may name people", True), ("already anonymised", False)])
def test_texts_pass_the_gate_unless_they_are_stated_to_name_nobody(monkeypatch, labelled, texts, cleaned):
    given = {}

    def by_model(*_, **options):
        given.update(options)
        return labelling.Labelled(labelled.findings, labelled.answers, {"stopped": ""}, labelled.raised)

    monkeypatch.setattr(labelling, "by_model", by_model)
    settings = Settings(model="m", base_url="http://localhost:1/v1", texts=texts)
    labelling.label(
        TEXTS, template=TEMPLATE, extractors=["openai"], switches=rules.Switches(), settings=settings,
        deidentify=str.upper, retry_failed=True,
    )  # fmt: skip
    assert given["deidentify"] is (str.upper if cleaned else None)
    assert given["retry_failed"] is True


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
