"""Rows of structured reports that answer for several places."""

import pytest

from labkit import templates
from labkit.extraction import rules


@pytest.fixture(scope="module")
def read():
    extract = rules.RuleExtractor(templates.load("thumb"))
    return lambda report: {i: v.value for i, v in extract(report).values.items() if v != "false"}


@pytest.mark.parametrize("sign", [";", ","])
def test_each_place_of_a_row_has_its_own_answer(read, sign):
    found = read(f"Arthrose: IP mäßig{sign} CMC I fraglich{sign} MCP nein\nErguss: nein")
    assert found == {
        "joint_degeneration": "true",
        "interphalangeal_joint_degeneration": "true",
        "carpometacarpal_joint_degeneration": "uncertain",
    }


def test_places_without_an_answer_of_their_own_share_one(read):
    found = read("Arthrose: CMC I, IP")
    assert found["carpometacarpal_joint_degeneration"] == found["interphalangeal_joint_degeneration"] == "true"


def test_normal_place_behind_a_row_is_no_finding(read):
    assert "metacarpophalangeal_joint_degeneration" not in read("Arthrose: IP mäßig; MCP regelrecht")


def test_row_ends_with_its_line(read):
    assert read("Arthrose: nein\nCMC I möglich eng gestellt.") == {}


def test_next_topic_of_a_line_takes_over(read):
    assert read("Fraktur: nein; Ossikel: MCP fraglich") == {"ossicles": "uncertain"}
