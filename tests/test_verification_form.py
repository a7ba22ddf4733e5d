"""The review form and its files: what was chosen is written as chosen, never changed, and never lost."""

import pandas as pd
import pytest
from readings import findings, review, studies

from labkit import verification
from labkit.corpus import Report
from labkit.errors import TableError
from labkit.verification import form, reviews


@pytest.mark.parametrize("name", ["../x", "SIMULATED", "", "a b"])
def test_a_readers_name_is_a_file_name(tmp_path, name):
    with pytest.raises(TableError, match="choose another"):
        reviews.review_file(tmp_path, name)


@pytest.fixture
def shown(tmp_path):
    ids = ["S-1", "S-2"]
    texts = {s: Report(row=1, report_id=s, text=f"Text of {s}.") for s in ids}

    def open_form():
        labels = findings({"S-1": ("true", "false"), "S-2": ("false", "false")})
        return form.Review(labels, ids, texts, path=reviews.review_file(tmp_path, "anna"))

    return open_form


def test_the_form_writes_what_was_chosen_and_goes_on_where_it_stopped(shown):
    review = shown()
    review.set("Fracture", "uncertain")
    review.accept()
    assert review.study_id == "S-2"
    written = review.decisions()
    assert written[["study_id", "finding", "value", "previous", "sequence"]].to_numpy().tolist() == [
        ["S-1", "Fracture", "uncertain", "true", 1],
        ["S-1", "Swelling", "false", "false", 2],
    ]
    assert shown().study_id == "S-2"


def test_a_second_thought_is_a_new_row(shown):
    review = shown()
    review.accept()
    review.back()
    review.set("Swelling", "true")
    review.accept()
    decisions = review.decisions()
    assert len(decisions) == 4
    assert reviews.latest(decisions).set_index("finding")["value"].to_dict() == {"Fracture": "true", "Swelling": "true"}
    assert decisions["sequence"].tolist() == [1, 2, 3, 4]


def test_back_and_next_stay_within_the_cases_and_write_nothing(shown):
    review = shown()
    review.back()
    assert review.study_id == "S-1"
    review.next()
    review.next()
    assert review.study_id == "S-2"
    assert len(review.decisions()) == 0 and not review.path.exists()


def test_a_choice_that_was_not_accepted_is_not_written(shown):
    review = shown()
    review.set("Fracture", "uncertain")
    review.next()
    review.accept()
    assert set(review.decisions().study_id) == {"S-2"}
    assert shown().values() == {"Fracture": "true", "Swelling": "false"}


def test_decisions_stand_beside_who_when_and_on_which_text(shown):
    review = shown()
    review.accept()
    written = review.decisions()
    assert set(written.reader) == {"anna"} and set(written.resolution) == {"report"}
    assert set(written.text_sha256) == {review.texts["S-1"].text_sha256}
    assert pd.to_datetime(written.reviewed_at, utc=True).notna().all() and written.seconds.ge(0).all()
    assert "Text of" not in review.path.read_text()


def test_a_case_whose_report_has_changed_is_shown_again(tmp_path):
    def open_form(text):
        texts = {s: Report(row=1, report_id=s, text=text) for s in ("S-1", "S-2")}
        labels = findings({"S-1": ("true", "false"), "S-2": ("false", "false")})
        return form.Review(labels, ["S-1", "S-2"], texts, path=reviews.review_file(tmp_path, "anna"))

    first = open_form("As it was.")
    first.set("Fracture", "uncertain")
    first.accept()
    assert open_form("As it was.").study_id == "S-2"
    changed = open_form("As it is now.")
    assert changed.study_id == "S-1" and changed.values()["Fracture"] == "true"
    changed.accept()
    assert changed.decisions()["sequence"].tolist() == [1, 2, 3, 4]


def test_the_form_shows_the_text_with_people_masked(tmp_path):
    texts = {"S-1": Report(row=1, report_id="r", text="Pat. Gundula Beispielfrau, geb. 01.02.1960: Fraktur.")}
    review = form.Review(findings({"S-1": ("true", "false")}), ["S-1"], texts, path=tmp_path / "anna.csv")
    assert "Fraktur" in review._text.value
    assert "Beispielfrau" not in review._text.value and "1960" not in review._text.value


def form_or_progress(tmp_path, reader):
    order = studies("S-1", "S-2", "S-3")
    place = pd.DataFrame({"patient": [f"P-S-{n}" for n in (1, 2, 3)], "split": ["train", "external", "test"]})
    texts = {s: Report(row=1, report_id=s, text="x") for s in order.study_id}
    labels = findings(dict.fromkeys(order.study_id, ("false", "false")))
    return form.review(labels, order, place, texts=texts, folder=tmp_path, reader=reader)


def test_without_a_person_the_form_is_a_table_of_progress(tmp_path, monkeypatch):
    reviews.append(review("S-3", "Fracture", "true").to_dict("records"), tmp_path / "anna.csv")
    assert form_or_progress(tmp_path, "").to_numpy().tolist() == [["anna", 1, 3]]
    monkeypatch.setenv("LABKIT_RECEIPT_DRAFT", "x")
    assert form_or_progress(tmp_path, "ben").to_numpy().tolist() == [["anna", 1, 3]]


def test_test_cases_are_read_first(tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr(form, "Review", lambda findings, order, texts, path: opened.append(order) or Opened())
    form_or_progress(tmp_path, "ben")
    assert opened == [["S-3", "S-2", "S-1"]]


class Opened:
    widget = None


def test_readings_are_only_ever_added_and_merge_over_readers(tmp_path):
    path = reviews.review_file(tmp_path / "new", "anna")
    reviews.append(review("S-1", "Fracture", "true").to_dict("records"), path)
    first = path.read_bytes()
    reviews.append(review("S-1", "Fracture", "false", sequence=2).to_dict("records"), path)
    assert path.read_bytes().startswith(first)
    other = review("S-1", "Swelling", "true", reader="ben").assign(comment='Größe; "unklar"\nneu')
    reviews.append(other.to_dict("records"), reviews.review_file(tmp_path / "new", "ben"))
    every = verification.read_reviews(tmp_path / "new")
    assert every[["reader", "finding", "value"]].to_numpy().tolist() == [
        ["anna", "Fracture", "true"],
        ["anna", "Fracture", "false"],
        ["ben", "Swelling", "true"],
    ]
    assert every.comment.iloc[2] == 'Größe; "unklar"\nneu'


def test_a_decision_that_could_not_be_written_leaves_the_file_as_it_was(tmp_path, monkeypatch):
    path = reviews.review_file(tmp_path, "anna")
    reviews.append(review("S-1", "Fracture", "true").to_dict("records"), path)
    before = path.read_bytes()
    monkeypatch.setattr(reviews.os, "fsync", lambda _: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        reviews.append(review("S-1", "Fracture", "false", sequence=2).to_dict("records"), path)
    assert path.read_bytes() == before


def test_rows_are_added_to_a_file_that_a_german_excel_has_saved(tmp_path):
    path = reviews.review_file(tmp_path, "anna")
    reviews.append(review("S-1", "Fracture", "true").to_dict("records"), path)
    saved = path.read_text().replace(",", ";").replace("true", "WAHR").replace("1.0", "1,0").replace("\n", "\r\n")
    path.write_bytes(b"\xef\xbb\xbf" + saved.encode().rstrip())
    reviews.append(review("S-1", "Fracture", "false", sequence=2).to_dict("records"), path)
    assert verification.read_reviews(tmp_path)["value"].tolist() == ["true", "false"]
    assert verification.read_reviews(tmp_path)["seconds"].tolist() == [1.0, 1.0]
