"""The queue: which labels have a reason to look, in which order."""

import pandas as pd
import pytest

from labkit import tables, templates
from labkit.corpus import Report
from labkit.params import ReadingQueue
from labkit.verification.queue import QUEUE, REASONS, queue, reasons_table

TEMPLATE = templates.load("clavicle")
SETTINGS = ReadingQueue(low_confidence=0.8, rare=0)
WHOLE, PART = "Fracture (All Locations)", "Middle Third Fracture"


def found(*rows):
    """FINDINGS of (study, finding, value) with further columns as a dict."""
    made = [dict(zip(("study_id", "finding", "value"), row[:3])) | (row[3] if len(row) > 3 else {}) for row in rows]
    table = pd.DataFrame(made).reindex(columns=list(tables.FINDINGS.all_columns)).assign(source="rules")
    for column in ("start", "end"):
        table[column] = table[column].fillna(-1)
    return tables.check(table, tables.FINDINGS)


def empty(table):
    return pd.DataFrame(columns=list(table.all_columns))


def queued(findings, *, texts=None, disagreements=None, raised=None, **settings):
    return queue(
        findings,
        template=TEMPLATE,
        disagreements=empty(tables.DISAGREEMENTS) if disagreements is None else disagreements,
        raised=empty(tables.RAISED) if raised is None else raised,
        texts=texts or {},
        settings=SETTINGS.model_copy(update=settings),
    )


def told(table):
    return dict(zip(zip(table.study_id, table.finding), table.reasons))


QUOTED = {"evidence": "Fraktur", "grounded": "true"}


def test_nothing_to_look_at_gives_an_empty_queue():
    assert queued(found(("S-1", WHOLE, "true", QUOTED), ("S-1", PART, "false"))).empty
    assert queued(empty(tables.FINDINGS)).empty
    assert reasons_table(empty(QUEUE))["labels"].sum() == 0


def test_extractors_that_differ_quotes_that_are_not_there_and_low_confidence():
    differs = pd.DataFrame([{"study_id": "S-1", "finding": PART}]).reindex(columns=empty(tables.DISAGREEMENTS).columns)
    table = queued(
        found(
            ("S-1", PART, "false"),
            ("S-2", WHOLE, "true", {"evidence": "Bruch", "grounded": "false"}),
            ("S-3", WHOLE, "true"),
            ("S-4", WHOLE, "true", QUOTED | {"confidence": 0.79}),
            ("S-5", WHOLE, "true", QUOTED | {"confidence": 0.80}),
        ),
        disagreements=differs,
    )
    assert told(table) == {
        ("S-1", PART): "extractors differ",
        ("S-2", WHOLE): "quote not in the report",
        ("S-3", WHOLE): "value without a quote",
        ("S-4", WHOLE): "low confidence",
    }


def test_a_contradiction_names_the_whole_and_the_part_and_a_raised_whole_needs_no_quote():
    table = queued(found(("S-1", WHOLE, "uncertain", QUOTED), ("S-1", PART, "true", QUOTED)))
    assert told(table) == dict.fromkeys([("S-1", WHOLE), ("S-1", PART)], "contradicts the hierarchy")
    raised = pd.DataFrame([("S-1", WHOLE, "rules", "false", "true")], columns=empty(tables.RAISED).columns)
    assert told(queued(found(("S-1", WHOLE, "true")), raised=raised)) == {("S-1", WHOLE): "raised by the hierarchy"}
    other = raised.assign(source="openai")
    assert told(queued(found(("S-1", WHOLE, "false")), raised=other)) == {}


@pytest.mark.parametrize(
    ("text", "hedged"),
    [
        ("Verdacht auf Fraktur.", True),
        ("Fraktur, DD Überlagerung.", True),
        ("Fraktur. Verdacht auf Erguss.", False),
        ("Verdacht auf Erguss\nFraktur im Schaft.", False),
        ("Fracture cannot be excluded.", True),
        ("Fraktur.", False),
    ],
)
def test_a_hedge_counts_in_the_sentence_of_the_quote_alone(text, hedged):
    place = next(text.index(word) for word in ("Fraktur", "Fracture") if word in text)
    at = QUOTED | {"start": place, "end": place + 7}
    texts = {"S-1": Report(row=1, report_id="r", text=text)}
    table = queued(found(("S-1", WHOLE, "true", at)), texts=texts)
    assert told(table) == ({("S-1", WHOLE): "hedge nearby"} if hedged else {})
    assert queued(found(("S-1", WHOLE, "uncertain", at)), texts=texts).empty


def test_a_finding_that_few_cases_have_is_rare():
    rows = [(f"S-{n}", WHOLE, "true" if n < 3 else "false", QUOTED) for n in range(9)]
    assert len(queued(found(*rows), rare=3)) == 3
    assert queued(found(*rows), rare=2).empty


def test_cases_with_most_reasons_come_first_and_stay_together():
    table = queued(
        found(
            ("S-1", WHOLE, "true"),
            ("S-2", PART, "true", {"evidence": "x", "grounded": "false", "confidence": 0.1}),
            ("S-2", "Ossicles", "true"),
        )
    )
    assert table[["study_id", "finding"]].to_numpy().tolist() == [["S-2", PART], ["S-2", "Ossicles"], ["S-1", WHOLE]]
    assert table.reasons[0] == "quote not in the report; low confidence" and table.position.tolist() == [1, 2, 3]
    counted = reasons_table(table).set_index("reason")
    assert list(counted.index) == list(REASONS)
    assert counted.loc["value without a quote"].tolist() == [2, 2]


def test_words_of_reports_are_not_in_the_queue():
    text = "Verdacht auf Beispielfraktur."
    at = {"evidence": "Beispielfraktur", "grounded": "true", "start": 13, "end": 28}
    table = queued(found(("S-1", WHOLE, "true", at)), texts={"S-1": Report(row=1, report_id="r", text=text)})
    assert len(table) == 1 and "Beispielfraktur" not in table.to_csv()
