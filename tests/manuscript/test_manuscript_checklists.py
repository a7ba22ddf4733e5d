"""Checklists have all their items; an answer is known, the author's, or does not apply, and never a guess."""

import pytest
import yaml

from labkit.manuscript import checklists, methods
from labkit.manuscript.checklists import AUTHOR, FILES, FILLED, FOLDER, NONE

CLAIM = [str(n) for n in range(1, 45)]
PARTS_OF_TRIPOD = {3: "abc", 5: "ab", 6: "abc", 8: "abc", 9: "abc", 12: "abcdefg", 18: "abcdef", 20: "abc", 23: "ab",
                   27: "abc"}  # fmt: skip
PARTS_OF_STARD = {15: "abcd", 16: "abc", 17: "ab", 26: "ab", 40: "ab"}


def numbered(n, parts):
    return [f"{i}{letter}" for i in range(1, n + 1) for letter in parts.get(i, " ")]


@pytest.fixture(scope="module")
def made(material):
    return {own.name: own for own in checklists.filled(material, methods.sentences(material))}


def test_every_item_of_every_checklist_is_there_in_its_order(made):
    numbers = {name: [item.number for item in own.items] for name, own in made.items()}
    assert numbers["CLAIM 2024"] == CLAIM
    assert numbers["TRIPOD+AI"] == [n.strip() for n in numbered(27, PARTS_OF_TRIPOD)]
    assert numbers["STARD-AI"] == [n.strip() for n in numbered(40, PARTS_OF_STARD)]
    assert list(dict.fromkeys(numbers["MI-CLEAR-LLM"])) == [str(n) for n in range(1, 9)]
    assert (len(numbers["TRIPOD+AI"]), len(numbers["STARD-AI"])) == (52, 48)


@pytest.mark.parametrize("stem", FILES)
def test_items_name_sentences_that_exist(stem, material):
    told = set(methods.sentences(material)) | {"limitations"}
    content = yaml.safe_load((FOLDER / f"{stem}.yaml").read_text(encoding="utf-8"))
    for item in content["items"]:
        assert set(item.get("told", ())) <= told, item["number"]
        assert set(item.get("tables", ())) <= {1, 2, 3}
        assert set(item.get("pages", ())) <= {"01", "02", "03", "04", "05"}


def test_states_add_up_and_answers_fit_them(made):
    for own in made.values():
        assert sum(own.count(state) for state in (FILLED, AUTHOR, NONE)) == len(own.items)
        for item in own.items:
            assert item.asks and item.part
            if item.state == FILLED:
                assert item.answer and item.where and not item.author, (own.name, item.number)
            if item.state == AUTHOR:
                assert item.author, (own.name, item.number)
            assert "[@" not in item.answer


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("CLAIM 2024", ["1", "2", "3", "5", "13", "15", "34", "41", "44"]),
        ("TRIPOD+AI", ["3a", "3b", "17", "18a", "18b", "18c", "18d", "19", "25"]),
        ("STARD-AI", ["5", "6", "8", "10", "15d", "32", "35", "36", "38", "39"]),
    ],
)
def test_what_no_software_can_know_is_left_to_the_author_without_an_answer(made, name, numbers):
    items = {item.number: item for item in made[name].items}
    assert [n for n in numbers if items[n].state != AUTHOR or items[n].answer] == []


def test_an_item_without_anything_known_is_the_authors(make_material):
    bare = make_material(cards={}, seeds={}, record={})
    claim = checklists.filled(bare, methods.sentences(bare))[0]
    items = {item.number: item for item in claim.items}
    assert (items["22"].state, items["22"].answer) == (AUTHOR, "")
    assert items["20"].state == FILLED


def test_without_a_language_model_its_checklist_does_not_apply(made):
    own = made["MI-CLEAR-LLM"]
    assert own.count(NONE) == len(own.items) > 0
    assert "does not apply" in checklists.sheet(own).notes[0]


def test_the_count_stands_on_top(made):
    claim = made["CLAIM 2024"]
    sheet = checklists.sheet(claim)
    assert sheet.caption.endswith(claim.summary)
    assert f"{claim.count(FILLED)} filled" in claim.summary
    assert "10.1148/ryai.240300" in sheet.notes[0]
