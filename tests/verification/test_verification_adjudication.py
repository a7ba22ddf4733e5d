"""Readers who differ: the queue, the decision that settles a label, and that no reading is lost."""

import pandas as pd
import pytest
from readings import findings, review, studies

from labkit import verification
from labkit.verification import reviews
from labkit.verification.adjudication import open_questions, settled

DIFFER = [review("S-1", "Fracture", "true"), review("S-1", "Fracture", "false", reader="ben")]


def decision(value, *, reader="cem", sequence=1, resolution="adjudication", study_id="S-1"):
    return review(study_id, "Fracture", value, reader=reader, sequence=sequence, resolution=resolution)


def merged(*given):
    split = pd.DataFrame({"patient": ["P-S-1"], "split": "test"})
    labels = verification.merge(findings({"S-1": ("false", "uncertain")}), pd.concat(given), studies("S-1"), split)
    return labels.set_index("finding").loc["Fracture", ["value", "verification"]].tolist()


def test_a_decision_settles_what_readers_differ_on():
    assert merged(*DIFFER) == ["false", "none"]
    assert merged(*DIFFER, decision("uncertain")) == ["uncertain", "human"]


def test_a_decision_stands_against_later_readings():
    later = review("S-1", "Fracture", "false", sequence=2)
    assert merged(*DIFFER, decision("true"), later) == ["true", "human"]


def test_the_last_word_of_the_adjudicator_counts_and_two_who_differ_leave_it_open():
    assert merged(*DIFFER, decision("true"), decision("false", sequence=2)) == ["false", "human"]
    assert merged(*DIFFER, decision("true"), decision("false", reader="dora")) == ["false", "none"]


def test_a_decision_on_another_text_does_not_count():
    assert merged(*DIFFER, decision("true").assign(text_sha256="old")) == ["false", "none"]


def test_follow_ups_are_settled_apart_from_the_report():
    given = [
        review("S-1", "Fracture", "uncertain"),
        review("S-1", "Fracture", "true", resolution="follow_up", sequence=2),
        review("S-1", "Fracture", "false", resolution="follow_up", reader="ben"),
    ]
    rows = settled(pd.concat([*given, decision("true", resolution="follow_up_adjudication")]))
    assert rows.set_index("resolution")["value"].to_dict() == {"report": "uncertain", "follow_up": "true"}
    assert settled(pd.concat(given))["resolution"].tolist() == ["report"]


def test_the_queue_lists_what_is_open_with_who_said_what():
    queue = open_questions(pd.concat([*DIFFER, review("S-1", "Swelling", "true")]))
    assert queue.to_numpy().tolist() == [["S-1", "Fracture", "report", "ben: false; anna: true", 2]]
    blinded = open_questions(pd.concat(DIFFER), blinded=True)
    assert blinded["readings"].tolist() == ["false; true"]
    assert open_questions(pd.concat([*DIFFER, decision("true")])).empty
    two = open_questions(pd.concat([*DIFFER, decision("true"), decision("false", reader="dora")]))
    assert two["readings"].tolist() == ["dora: false; cem: true"]


def test_reports_with_most_open_labels_come_first():
    more = [review("S-2", f, v, reader=r) for f in ("Fracture", "Swelling") for r, v in (("a", "true"), ("b", "false"))]
    queue = open_questions(pd.concat([*DIFFER, *more]))
    assert queue["study_id"].tolist() == ["S-2", "S-2", "S-1"]


def test_nobody_has_read_and_nothing_is_open():
    nobody = reviews.read_reviews("nowhere")
    assert open_questions(nobody).empty and settled(nobody).empty


def test_a_decision_is_added_to_the_adjudicators_own_file_and_changes_no_other(tmp_path):
    for reading in DIFFER:
        reviews.append(reading.to_dict("records"), tmp_path / f"{reading.reader[0]}.csv")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    reviews.append(decision("true").to_dict("records"), tmp_path / "cem.csv")
    assert {name: (tmp_path / name).read_bytes() for name in before} == before
    assert merged(verification.read_reviews(tmp_path)) == ["true", "human"]


@pytest.mark.parametrize("resolution", ["report", "follow_up"])
def test_a_simulated_reader_is_overruled_by_a_person_not_adjudicated(resolution):
    given = [
        review("S-1", "Fracture", "true", reader=reviews.SIMULATED, resolution=resolution),
        review("S-1", "Fracture", "uncertain"),
    ]
    assert merged(*given) == ["uncertain", "human"]
