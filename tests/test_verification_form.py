"""The review form and its files: what was chosen is written as chosen, never changed, and never lost."""

import sys
from concurrent.futures import ThreadPoolExecutor

import filelock
import pandas as pd
import pytest
from readings import review, studies

from labkit import tables, verification
from labkit.corpus import Report
from labkit.errors import TableError
from labkit.templates import Template
from labkit.verification import QUEUE, SAMPLE, form, reviews
from labkit.verification.form.sheet import Sheet

TEMPLATE = Template.model_validate(
    {
        "anatomy": "wrist",
        "views": ["ap"],
        "findings": [
            {"id": "fracture", "name": "Fracture", "definition": "x"},
            {"id": "radius", "name": "Radius - Fracture", "definition": "x", "parents": ["fracture"]},
            {"id": "displaced", "name": "Radius - Displaced", "definition": "x", "parents": ["radius"]},
            {"id": "swelling", "name": "Swelling", "definition": "x"},
        ],
    }
)
NAMES = TEMPLATE.names
TEXT = "Pat. Gundula Beispielfrau, geb. 01.02.1960: Fraktur."


def cases(folder, values, *, split=None, queued=(), sample=(), text="Text of {}."):
    """Cases by study id; values of the four findings, of which those that are left out are false."""
    rows = [(s, f, (*own, *["false"] * 4)[n]) for s, own in values.items() for n, f in enumerate(NAMES)]
    made = pd.DataFrame(rows, columns=["study_id", "finding", "value"])
    made = made.reindex(columns=list(tables.FINDINGS.all_columns)).assign(source="rules", start=-1, end=-1)
    split = split or dict.fromkeys(values, "test")
    texts = {s: Report(row=1, report_id=s, text=text.format(s)) for s in values}
    placed = studies(*values)
    placed["text_sha256"] = [texts[s].text_sha256 for s in placed["study_id"]]
    drawn = pd.DataFrame([(s, "x", 1, 1, 1.0, n) for n, s in enumerate(sample)], columns=list(SAMPLE.all_columns))
    flagged = [(s, f, "true", "rare finding", n) for n, (s, f) in enumerate(queued)]
    return form.Cases(
        findings=tables.check(made, tables.FINDINGS),
        studies=placed,
        split_table=pd.DataFrame({"patient": [f"P-{s}" for s in values], "split": [split[s] for s in values]}),
        template=TEMPLATE,
        texts=texts,
        sample=drawn,
        queued=pd.DataFrame(flagged, columns=list(QUEUE.all_columns)),
        folder=folder,
    )


class Clock:
    def __init__(self):
        self.seconds = 0.0

    def __call__(self):
        return self.seconds


@pytest.fixture
def two(tmp_path):
    return cases(tmp_path, {"S-1": ("true", "true"), "S-2": ()})


def open_as(given, reader="anna", mode="", **clocks):
    return form.Session(given, reader=reader, mode=mode, **clocks)


def written(given, reader="anna"):
    return reviews.read_readings(given.folder / f"{reader}.csv")


def told(given, reader="anna"):
    """(study, finding, value, previous, action) of each row."""
    columns = ["study_id", "finding", "value", "previous", "action"]
    return list(written(given, reader)[columns].itertuples(index=False, name=None))


# -- files ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["../x", "SIMULATED", "", "a b"])
def test_a_readers_name_is_a_file_name(tmp_path, name):
    with pytest.raises(TableError, match="choose another"):
        reviews.review_file(tmp_path, name)


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


def test_a_file_of_an_earlier_version_is_read_and_added_to(tmp_path):
    path = tmp_path / "anna.csv"
    old = review("S-1", "Fracture", "true").drop(columns=["action", "source"])
    old.to_csv(path, index=False, lineterminator="\n")
    assert verification.read_reviews(tmp_path)["action"].tolist() == ["read"]
    reviews.append(review("S-1", "Fracture", "false", sequence=2).to_dict("records"), path)
    assert verification.read_reviews(tmp_path)["value"].tolist() == ["true", "false"]


@pytest.mark.parametrize("cut", [1, 5, 60])
def test_a_line_that_was_cut_off_is_set_aside_and_never_guessed(two, cut):
    session = open_as(two)
    session.set("Swelling", "true")
    session.set("Swelling", "uncertain")
    path = two.folder / "anna.csv"
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    assert verification.read_reviews(two.folder)["value"].tolist() == ["true"]
    again = open_as(two)
    last = whole.splitlines(keepends=True)[-1]
    assert again.journal.cut == last[:-cut] and path.read_bytes() == whole[: -len(last)]
    assert path.with_name("anna.csv.cut").read_bytes() == last[:-cut] + b"\n"
    assert again.values()["Swelling"] == "true"
    again.set("Swelling", "false")
    assert [row[2] for row in told(two)] == ["true", "false"] and written(two)["sequence"].tolist() == [1, 2]


def test_a_quote_that_was_left_open_is_cut_off_too(two):
    session = open_as(two)
    session.set("Swelling", "true")
    path = two.folder / "anna.csv"
    path.write_bytes(path.read_bytes() + b'S-1,Swelling,anna,2,false,true,x,1.0,report,"zwei\nZeilen')
    assert open_as(two).journal.cut.startswith(b"S-1,Swelling,anna,2")
    assert [row[2] for row in told(two)] == ["true"]


# -- a session --------------------------------------------------------------------------------------------------------
def test_each_decision_is_on_disk_at_once_and_the_review_goes_on_where_it_stopped(two):
    clock = Clock()
    session = open_as(two, clock=clock)
    clock.seconds = 7.0
    session.set("Fracture", "uncertain")
    assert told(two) == [
        ("S-1", "Fracture", "uncertain", "true", "read"),
        ("S-1", "Radius - Fracture", "uncertain", "true", "implied"),
    ]
    assert open_as(two).study_id == "S-1"
    clock.seconds = 9.0
    session.accept()
    assert session.study_id == "S-2" and open_as(two).study_id == "S-2"
    assert told(two)[2:] == [
        ("S-1", "Radius - Displaced", "false", "false", "read"),
        ("S-1", "Swelling", "false", "false", "read"),
    ]
    assert written(two)["seconds"].tolist() == [7.0, 0.0, 1.0, 1.0]
    assert set(written(two)["reader"]) == {"anna"} and set(written(two)["resolution"]) == {"report"}
    assert pd.to_datetime(written(two)["reviewed_at"], utc=True).notna().all()
    assert "Text of" not in (two.folder / "anna.csv").read_text()


def test_a_part_raises_its_wholes_and_a_whole_lowers_its_parts(two):
    session = open_as(two)
    session.go("S-2")
    assert session.set("Radius - Displaced", "true") == ["Radius - Displaced", "Radius - Fracture", "Fracture"]
    assert session.set("Radius - Fracture", "false") == ["Radius - Fracture", "Radius - Displaced"]
    assert session.values() == {
        "Fracture": "true",
        "Radius - Fracture": "false",
        "Radius - Displaced": "false",
        "Swelling": "false",
    }


def test_undo_is_a_new_row_and_goes_back_over_cases_and_restarts(two):
    session = open_as(two)
    session.set("Swelling", "true")
    session.set("Radius - Fracture", "false")
    session.accept()
    before = (two.folder / "anna.csv").read_bytes()
    again = open_as(two)
    assert again.study_id == "S-2" and again.undo() and again.study_id == "S-1"
    assert not again.is_done() and again.values()["Radius - Fracture"] == "false"
    assert again.undo() and again.values()["Radius - Fracture"] == "true"
    assert open_as(two).undo()
    assert not open_as(two).undo()
    assert (two.folder / "anna.csv").read_bytes().startswith(before)
    assert verification.read_reviews(two.folder).empty
    assert open_as(two).values() == dict(zip(NAMES, ("true", "true", "false", "false")))


def test_an_undone_value_gives_way_to_the_one_before(two):
    session = open_as(two)
    session.set("Swelling", "true")
    session.set("Swelling", "uncertain")
    session.undo()
    last = reviews.latest(verification.read_reviews(two.folder))
    assert last[["finding", "value"]].to_numpy().tolist() == [["Swelling", "true"]]
    assert told(two)[-1] == ("S-1", "Swelling", "true", "uncertain", "undo")


def test_questions_and_comments_are_kept_and_can_be_undone(two):
    session = open_as(two)
    assert session.ask("Swelling") and not session.ask("Swelling") and session.ask("Swelling")
    session.comment("  zu hell,\n\tbitte prüfen ", "Swelling")
    session.comment("schwieriger Fall")
    session.accept()
    again = open_as(two)
    assert again.journal.asked("S-1", "Swelling") and again.journal.comment("S-1", "") == "schwieriger Fall"
    counted = reviews.counted(written(two)).set_index("finding")["comment"]
    assert counted["Swelling"] == "zu hell, bitte prüfen | schwieriger Fall"
    assert counted["Fracture"] == "schwieriger Fall"
    for _ in range(3):
        again.undo()
    assert again.journal.comment("S-1", "Swelling") == "" and again.journal.asked("S-1", "Swelling")


def test_a_value_that_its_reader_is_unsure_of_counts_once_somebody_else_has_read_it(two):
    anna = open_as(two)
    anna.ask("Swelling")
    anna.accept()
    assert set(verification.read_reviews(two.folder)["finding"]) == set(NAMES) - {"Swelling"}
    ben = open_as(two, reader="ben")
    ben.set("Swelling", "true")
    said = verification.read_reviews(two.folder).query("finding == 'Swelling'")
    assert dict(zip(said["reader"], said["value"])) == {"anna": "false", "ben": "true"}
    ben.undo()
    anna = open_as(two)
    anna.go("S-1")
    anna.ask("Swelling")
    assert set(verification.read_reviews(two.folder)["finding"]) == set(NAMES)


def test_back_and_next_stay_within_the_cases_and_write_nothing(two):
    session = open_as(two)
    session.step(-1)
    assert session.study_id == "S-1"
    session.step(1)
    session.step(1)
    assert session.study_id == "S-2" and not (two.folder / "anna.csv").exists()


def test_a_case_whose_report_has_changed_is_shown_again(tmp_path):
    values = {"S-1": ("true", "true"), "S-2": ()}
    first = open_as(cases(tmp_path, values, text="As it was, {}."))
    first.set("Swelling", "uncertain")
    first.accept()
    assert open_as(cases(tmp_path, values, text="As it was, {}.")).study_id == "S-2"
    changed = open_as(cases(tmp_path, values, text="As it is now, {}."))
    assert changed.study_id == "S-1" and changed.values()["Swelling"] == "false"
    changed.accept()
    assert changed.is_done("S-1") and written(changed.cases)["sequence"].tolist() == list(range(1, 9))


def test_two_windows_of_one_reader_add_to_one_file(two):
    left, right = open_as(two), open_as(two)
    left.set("Swelling", "true")
    right.set("Fracture", "uncertain")
    left.comment("x", "Swelling")
    assert written(two)["sequence"].tolist() == [1, 2, 3, 4]
    assert right.journal.refresh() and right.journal.comment("S-1", "Swelling") == "x"
    assert left.values() == right.values()


def test_windows_that_write_at_the_same_time_lose_nothing(two):
    windows = [open_as(two), open_as(two)]

    def work(session):
        for value in ("true", "uncertain", "false") * 3:
            session.set("Swelling", value)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, windows))
    rows = written(two)
    assert rows["sequence"].tolist() == list(range(1, len(rows) + 1)) and len(rows) >= 9
    assert rows["reviewed_at"].is_monotonic_increasing and rows["reviewed_at"].is_unique
    windows[0].journal.refresh()
    assert windows[0].values()["Swelling"] == rows["value"].iloc[-1] == "false"


def test_a_file_that_another_window_keeps_is_said(two, monkeypatch):
    monkeypatch.setattr(reviews, "LOCK_S", 0.05)
    session = open_as(two)
    with (
        filelock.FileLock(two.folder / ".anna.csv.lock"),
        pytest.raises(TableError, match=r"anna\.csv: another window"),
    ):
        session.set("Swelling", "true")
    assert session.values()["Swelling"] == "false"


def test_the_order_is_asked_for_sample_queue_rest(tmp_path):
    split = {"S-1": "train", "S-2": "test", "S-3": "test", "S-4": "test", "S-5": "external"}
    given = cases(
        tmp_path,
        dict.fromkeys(split, ()),
        split=split,
        sample=["S-4"],
        queued=[("S-3", "Swelling"), ("S-4", "Fracture")],
    )
    session = open_as(given)
    assert session.order == ["S-4", "S-3", "S-2", "S-5", "S-1"]
    session.choose("listed")
    assert session.order == ["S-2", "S-3", "S-4", "S-5", "S-1"]
    session.choose("queue")
    assert session.order == ["S-3", "S-4"]
    ben = open_as(given, reader="ben")
    ben.go("S-1")
    ben.ask("Swelling")
    again = open_as(given)
    assert again.order[0] == "S-1"
    assert again.mode.notes("S-1", names=True) == {"Swelling": "ben asks"}


def test_cases_are_found_and_filtered(two):
    session = open_as(two)
    assert session.go("2") and session.study_id == "S-2" and session.go(" S-1 ") and not session.go("S-9")
    session.accept()
    session.choose("suggested", "open")
    assert session.order == ["S-2"]
    session.choose("suggested", "Radius - Fracture")
    assert session.order == ["S-1"]
    session.choose("suggested", "asked")
    session.choose("suggested", "changed")
    session.choose("suggested", "comments")
    assert session.order == [] and session.study_id is None and session.progress().of == 0


def test_pace_and_time_left_follow_the_last_cases(tmp_path):
    clock = Clock()
    session = open_as(cases(tmp_path, {f"S-{n}": () for n in range(10)}), clock=clock)
    assert session.progress()[2:] == (None, None)
    for seconds in (10, 30, 500):
        clock.seconds += seconds
        session.accept()
    done = session.progress()
    assert (done.done, done.of) == (3, 10) and done.pace_s == pytest.approx(30) and done.left_s == pytest.approx(210)


# -- modes ------------------------------------------------------------------------------------------------------------
def test_blinded_keeps_the_first_thought_and_the_second(two):
    session = open_as(two, mode="blinded")
    assert set(session.values().values()) == {None} and session.alone()
    session.set("Swelling", "true")
    assert not session.accept() and session.study_id == "S-1" and not session.alone()
    assert set(written(two)["action"]) == {"blind"} and not session.is_done()
    assert open_as(two, mode="blinded").study_id == "S-1"
    session.set("Radius - Fracture", "true")
    session.accept()
    assert session.study_id == "S-2" and session.is_done("S-1")
    rows = written(two)
    first = rows[rows["action"] == "blind"].set_index("finding")["value"].to_dict()
    assert first == {
        "Fracture": "false",
        "Radius - Fracture": "false",
        "Radius - Displaced": "false",
        "Swelling": "true",
    }
    last = reviews.latest(verification.read_reviews(two.folder)).set_index("finding")["value"].to_dict()
    assert last == {"Fracture": "true", "Radius - Fracture": "true", "Radius - Displaced": "false", "Swelling": "true"}
    session.undo()
    assert session.study_id == "S-1" and not session.is_done()


def test_follow_up_settles_uncertain_test_labels_with_a_source(tmp_path):
    split = {"S-1": "test", "S-2": "train"}
    given = cases(tmp_path, {"S-1": ("uncertain", "uncertain"), "S-2": ("uncertain",)}, split=split)
    session = open_as(given, mode="follow-up")
    assert session.order == ["S-1"] and list(session.items()) == ["Fracture", "Radius - Fracture"]
    with pytest.raises(TableError, match="choose what the follow-up rests on"):
        session.set("Radius - Fracture", "true")
    session.source = "CT"
    assert session.set("Radius - Fracture", "true") == ["Radius - Fracture", "Fracture"]
    assert session.set("Swelling", "true") == []
    labels = verification.merge(
        given.findings, verification.read_reviews(tmp_path), given.studies, given.split_table
    ).set_index(["study_id", "finding"])
    assert labels.loc[("S-1", "Radius - Fracture"), ["value", "reference"]].tolist() == ["uncertain", "true"]
    assert set(written(given)["source"]) == {"CT"} and session.is_done("S-1")


def test_no_follow_up_leaves_a_label_uncertain_and_is_remembered(tmp_path):
    given = cases(tmp_path, {"S-1": ("uncertain",), "S-2": ("uncertain",)})
    session = open_as(given, mode="follow-up")
    session.accept()
    assert session.study_id == "S-2" and written(given)["source"].tolist() == [""]
    labels = verification.merge(given.findings, verification.read_reviews(tmp_path), given.studies, given.split_table)
    assert labels.set_index(["study_id", "finding"]).loc[("S-1", "Fracture"), "reference"] == "uncertain"


def test_what_readers_differ_on_or_ask_about_is_settled_by_a_third(two):
    for reader, value in (("anna", "true"), ("ben", "uncertain")):
        session = open_as(two, reader=reader)
        session.set("Swelling", value)
        session.accept()
    session.ask("Fracture")  # of S-2, by ben
    third = open_as(two, reader="carla", mode="adjudication")
    assert third.order == ["S-1", "S-2"] and third.items() == {"Swelling": "adjudication"}
    assert third.mode.notes("S-1", names=True) == {"Swelling": "anna: true; ben: uncertain"}
    assert third.mode.notes("S-1", names=False) == {"Swelling": "true; uncertain"}
    assert third.mode.notes("S-2", names=True) == {"Fracture": "ben asks"}
    assert third.values()["Swelling"] is None
    third.set("Swelling", "false")
    third.step(1)
    third.set("Fracture", "uncertain")
    assert verification.open_questions(verification.read_reviews(two.folder)).empty
    again = open_as(two, reader="carla", mode="adjudication")
    assert again.progress().done == 2 and again.order == ["S-1", "S-2"]
    assert open_as(two, reader="dora", mode="adjudication").order == []


def test_an_unknown_mode_is_named(two):
    with pytest.raises(TableError, match="choose one of normal, blinded, follow-up, adjudication"):
        open_as(two, mode="blind")


# -- what is shown ----------------------------------------------------------------------------------------------------
def test_keys_do_what_the_form_says(two):
    page = form.Page(open_as(two))
    assert page.sheet.current == "Fracture"
    for key in ("down", "u", "down", "right"):
        page.press(key)
    assert page.session.values()["Radius - Fracture"] == "uncertain"
    page.press("z")
    page.press("stated")
    assert page.sheet.current == "Fracture"
    page.press("q")
    assert page.session.journal.asked("S-1", "Fracture")
    page.press("accept")
    assert page.session.study_id == "S-2"
    page.press("last")
    page.press("left")
    assert page.sheet.current == "Swelling" and page.session.values()["Swelling"] == "uncertain"
    page.press("p")
    page.press("?")
    assert page.session.study_id == "S-1"


def test_a_click_is_a_decision_and_what_is_drawn_is_none(two):
    page = form.Page(open_as(two))
    assert not (two.folder / "anna.csv").exists()
    page.sheet._choices["Swelling"].value = "true"
    page.turn(1)
    assert told(two) == [("S-1", "Swelling", "true", "false", "read")]


def test_the_form_shows_the_text_with_people_masked_and_saves_none_of_it(tmp_path):
    page = form.Page(open_as(cases(tmp_path, {"S-1": ("true",)}, text=TEXT)))
    assert "Fraktur" in page._text.value
    assert "Beispielfrau" not in page._text.value and "1960" not in page._text.value
    assert str(page.widget._repr_mimebundle_()).count("Fraktur") == 0 and repr(page.widget) == "Review form"


def test_what_cannot_be_written_is_said_and_not_shown_as_done(two, monkeypatch):
    page = form.Page(open_as(two))
    monkeypatch.setattr(reviews.os, "fsync", lambda _: (_ for _ in ()).throw(OSError("disk full")))
    page.sheet._choices["Swelling"].value = "true"
    assert "disk full" in page.controls._said.value
    assert page.sheet._choices["Swelling"].value == "false" and page.session.values()["Swelling"] == "false"


def test_a_case_without_any_is_said(two):
    page = form.Page(open_as(two, mode="adjudication"))
    page.press("accept")
    page.press("t")
    assert "No case here" in page.controls._where.value


def test_lines_that_did_not_change_are_not_sent_again(two):
    session = open_as(two)
    page = form.Page(session)
    sent = []
    for name in NAMES:
        page.sheet._names[name].observe(lambda change: sent.append(change), "value")
    page.draw()
    assert sent == []


def test_columns_break_between_groups():
    sheet = Sheet([("a", 0, "a"), ("b", 1, "b"), ("c", 2, "c"), ("d", 0, "d")], on_value=lambda *_: None)
    assert [len(column.children) for column in sheet.widget.children] == [3, 1]


def test_without_a_person_the_form_is_a_table_of_progress(two, monkeypatch):
    session = open_as(two)
    session.accept()
    session.ask("Swelling")
    monkeypatch.setenv("LABKIT_RECEIPT_DRAFT", "x")
    assert form.review(two, reader="ben").to_numpy().tolist() == [["anna", 1, 2, 4, 0, 0, 1]]
    assert not (two.folder / "ben.csv").exists()


def test_progress_counts_labels_and_not_second_thoughts(two):
    blind = open_as(two, mode="blinded")
    blind.set("Swelling", "true")
    blind.accept()
    assert form.progress_table(two)[["cases reviewed", "labels"]].to_numpy().tolist() == [[0, 0]]
    blind.accept()
    blind.go("S-1")
    blind.set("Swelling", "uncertain")
    assert form.progress_table(two)[["cases reviewed", "labels"]].to_numpy().tolist() == [[1, 4]]


def test_without_anywidget_the_form_works_by_mouse(two, monkeypatch):
    monkeypatch.setitem(sys.modules, "anywidget", None)
    page = form.Page(open_as(two))
    assert page.keyboard is None and "Keys need the package anywidget" in page.widget.children[-1].value
    page.controls.fields["finding"].value = "Swelling"
    page.controls.buttons["ask"].click()
    page.controls.fields["comment"].value = "klein"
    page.sheet._choices["Swelling"].value = "true"
    page.controls.buttons["undo"].click()
    page.controls.buttons["accept"].click()
    assert [row[4] for row in told(two)] == ["ask", "comment", "read", "withdraw", *["read"] * 4]
    page.controls.fields["goto"].value = "1"
    assert page.session.study_id == "S-1" and page.controls.fields["comment"].value == ""
    page.controls.fields["finding"].value = "Swelling"
    assert page.controls.fields["comment"].value == "klein"
    page.controls.fields["shown"].value = "open"
    assert page.session.order == ["S-2"]


def test_the_form_asks_for_a_name(two):
    start = form.starting.Start(two)
    start.name.value = "../x"
    start.button.click()
    assert "choose another" in start._said.value and start.page is None
    start.name.value = " ben "
    start.mode.value = "blinded"
    start.button.click()
    assert start.page.session.reader == "ben" and start.page.session.mode.name == "blinded"


# -- keys, and what a reader must not learn early
def test_a_key_takes_the_next_source_and_begins_again_after_the_last(tmp_path):
    given = cases(tmp_path, {"S-1": ("uncertain",)})
    page = form.Page(open_as(given, mode="follow-up"))
    seen = []
    for _ in range(7):
        page.press("s")
        seen.append(page.session.source)
    assert seen == ["follow-up imaging", "CT", "MRI", "surgery", "consensus", "other", "follow-up imaging"]
    page.press("t")
    assert written(given)[["value", "source"]].to_numpy().tolist() == [["true", "follow-up imaging"]]


def test_outside_follow_up_the_key_for_a_source_does_nothing(two):
    page = form.Page(open_as(two))
    page.press("s")
    assert page.session.source == ""


def test_a_blinded_reader_cannot_filter_by_what_was_extracted(two):
    shown = {mode: form.Page(open_as(two, mode=mode)).controls.fields["shown"].options for mode in ("", "blinded")}
    assert {value for _, value in shown[""]} - {value for _, value in shown["blinded"]} == {
        "changed",
        "uncertain",
        *NAMES,
    }


def test_a_folder_without_the_right_to_write_is_said_without_its_path(two, monkeypatch):
    page = form.Page(open_as(two))

    def refuse(*_args, **_more):
        raise PermissionError(13, "Permission denied", "/a/path/of/somebody.csv")

    monkeypatch.setattr(reviews.Path, "mkdir", refuse)
    page.set("Swelling", "true")
    said = page.controls._said.value
    assert "Permission denied" in said and "right to write" in said and "somebody" not in said
    assert page.sheet._choices["Swelling"].value == "false"
    assert not (two.folder / "anna.csv").exists()


def test_enter_after_a_name_opens_the_form(two):
    start = form.starting.Start(two)
    start._enter("../x")
    assert "choose another" in start._said.value and start.page is None
    start._enter(" ben ")
    assert start.page.session.reader == "ben"
