"""Hedge phrases are shown without a word that the report alone holds."""

import pytest

from labkit import templates
from labkit.extraction import hedges, labelling, rules


@pytest.fixture(scope="module")
def vocabulary():
    return hedges.Vocabulary()


@pytest.mark.parametrize(
    ("phrase", "shown"),
    [
        ("Verdacht auf", "verdacht auf"),
        ("V. a.", "v. a."),
        ("nicht sicher\n auszuschließen", "nicht sicher auszuschließen"),
        ("c/w", "c/w"),
        ("can't r/o", "can't r/o"),
        ("?", "?"),
        ("nicht durch Dr. Beispielfrau ausgeschlossen", "nicht … ausgeschlossen"),
        ("nicht am 12.03.2020 ausgeschlossen", "nicht am … ausgeschlossen"),
        ("nicht Müller-Lüdenscheid sicher abgrenzbar", "nicht … sicher abgrenzbar"),
        ("Beispielfrau", "…"),
        ("", ""),
    ],
)
def test_words_outside_of_the_language_files_are_left_out(vocabulary, phrase, shown):
    assert vocabulary.plain(phrase) == shown


def test_a_name_within_a_hedge_is_in_no_record():
    text = "Eine Fraktur ist nicht durch Beispielfrau ausgeschlossen."
    found = labelling.by_rules([("1", text)], template=templates.load("elbow"), switches=rules.Switches())
    assert len(found.hedges) == 1
    assert "eispielfrau" not in found.hedges.to_csv() + str(found.record)
