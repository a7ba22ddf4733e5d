"""Counts over the labels of a run, beside numbers counted by hand."""

import numpy as np
import pandas as pd
import pytest

from labkit import tables, templates
from labkit.extraction import labelling, report, rules, summaries

TEMPLATE = templates.load("elbow")
TEXTS = [
    ("1", "Ellenbogen rechts: Verdacht auf Radiuskopffraktur. Keine Luxation."),
    ("2", "   "),
    ("3", "Olekranonfraktur links. Möglicherweise Fraktur? Verdacht auf nichts."),
]


@pytest.fixture(scope="module")
def labelled():
    return labelling.label(TEXTS, template=TEMPLATE, extractors=["rules"], switches=rules.Switches())


def answers(*rows):
    frame = pd.DataFrame(rows, columns=["study_id", "source", "status", "reason"])
    return tables.check(frame.assign(**labelling.NOTHING), tables.ANSWERS)


def sure(*rows):
    made = [(str(n), "Ossicles", source, value, "", -1, -1, "", c, "") for n, (source, value, c) in enumerate(rows)]
    return tables.check(pd.DataFrame(made, columns=list(tables.FINDINGS.all_columns)), tables.FINDINGS)


def test_the_overview_tells_silence_from_negation(labelled):
    counts = summaries.overview(labelled.findings).loc["rules"]
    assert counts.loc["Joint Dislocation (All Locations)", ["negated", "not mentioned"]].tolist() == [1, 1]
    assert (counts.sum(axis=1) == 2).all()


def test_quality_counts_labels_quotes_and_what_the_hierarchy_raised(labelled):
    facts = summaries.quality(labelled)["rules"]
    assert facts["reports"] == 3 and facts["reports labelled"] == 2 and facts["labels"] == 2 * len(TEMPLATE.findings)
    assert facts["labels true"] == (labelled.findings.value == "true").sum()
    assert facts["labels raised by the hierarchy"] == len(labelled.raised) > 0
    assert facts["quotes that are not in the report"] == facts["true or uncertain without a quote"] == 0


def test_a_quote_that_is_not_there_and_a_value_without_one_are_counted(labelled):
    wrong = labelled.findings.copy()
    stated = wrong.index[wrong.value != "false"]
    wrong.loc[stated[0], "grounded"] = "false"
    wrong.loc[stated[1], "evidence"] = ""
    facts = summaries.quality(labelling.Labelled(wrong, labelled.answers, {}, labelled.raised))["rules"]
    assert facts["quotes that are not in the report"] == facts["true or uncertain without a quote"] == 1


def test_failures_are_counted_by_status_and_reason_with_a_way_out():
    rows = [
        ("1", "openai", "refused", "no"),
        ("2", "openai", "error", "HTTP 500"),
        ("3", "openai", "error", "HTTP 500"),
    ]
    table = summaries.failures(answers(*rows, ("4", "openai", "ok", "")))
    assert table[["status", "reports"]].to_numpy().tolist() == [["error", 2], ["refused", 1]]
    assert table["what may help"].str.len().gt(0).all()


def test_every_status_of_the_contract_has_a_way_out():
    assert set(summaries.REMEDIES) | {"ok"} == set(tables.ANSWERS.allowed["status"])


def test_confidence_equals_numpy_and_leaves_out_labels_without_any():
    rng = np.random.default_rng(3)
    values = rng.uniform(0.3, 1, 50)
    frame = sure(*[("openai", "true", v) for v in values], ("openai", "true", np.nan), ("rules", "false", np.nan))
    row = summaries.confidence(frame).set_index("value").loc["true"]
    assert row["labels"] == 50 and row["lowest"] == values.min() and row["median"] == np.median(values)
    assert row["5 % quantile"] == pytest.approx(np.quantile(values, 0.05))
    assert row["share below 0.9"] == np.mean(values < 0.9)
    assert summaries.confidence(frame[frame.source == "rules"]).empty


def test_hedges_count_reports_and_those_in_which_nothing_is_uncertain():
    met = pd.DataFrame([("1", "dd"), ("1", "dd"), ("2", "dd"), ("3", "fraglich")], columns=["study_id", "phrase"])
    labels = pd.DataFrame({"study_id": ["1", "2", "3"], "value": ["uncertain", "true", "uncertain"]})
    table = summaries.hedges(met, labels)
    assert table.to_numpy().tolist() == [["dd", 2, 1], ["fraglich", 1, 0]]
    assert summaries.hedges(met[:0], labels).empty


def test_the_page_says_in_a_sentence_what_there_is_nothing_to_show_of(labelled):
    assert "nothing was replaced" in report.removed(pd.DataFrame()).data
    assert "every report was labelled" in report.failures(answers(("1", "rules", "ok", ""))).data
    assert "gives a confidence" in report.confidence(labelled.findings).data
    assert "nothing to compare" in report.agreement(labelled.findings, pd.DataFrame()).data


def test_the_page_says_how_failed_reports_are_asked_again():
    rows = [(str(n), "openai", "error", "HTTP 500") for n in range(report.LISTED + 1)]
    page = report.failures(answers(*rows)).data
    assert "extraction.retry_failed: true" in page and f"The first {report.LISTED} of {report.LISTED + 1}" in page
    assert "retry_failed" not in report.failures(answers(("1", "rules", "skipped", "empty"))).data
