"""Signs that stand for words: an answer by a minus, and spoken signs."""

import pytest

from labkit.extraction.signs import write_signs
from labkit.extraction.words import tokenize

SPOKEN = {"punkt": ".", "komma": ","}


def written(text, breaks=()):
    return [token.text for token in write_signs(tokenize(text), SPOKEN, breaks)]


@pytest.mark.parametrize("text", ["Sklerose: -", "Sklerose: –", "Sklerose (-)", "Sklerose -, Erguss +", "Sklerose: 0"])
def test_minus_or_nought_that_answers_becomes_a_word(text):
    assert "neg" in written(text)


@pytest.mark.parametrize(
    "text", ["AC-Gelenk", "Rand- und Kern", "Fraktur - undisloziert", "- Fraktur", "um 0 mm", "0.", ""]
)
def test_hyphen_dash_and_number_stay(text):
    assert "neg" not in written(text)


def test_answer_ends_with_its_line():
    tokens = tokenize("Lyse: -\nErguss: ja")
    assert [t.text for t in write_signs(tokens, SPOKEN, {3})][:4] == ["Lyse", ":", "neg", "Erguss"]


def test_single_spoken_sign_stays_a_word():
    assert written("ein punkt") == ["ein", "punkt"]
    assert written("ein komma dann punkt") == ["ein", ",", "dann", "."]
