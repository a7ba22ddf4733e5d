"""Long and odd texts: the time grows with the words, not with their square, and no text is refused for its form."""

import time

import numpy as np
import pytest

from labkit import templates
from labkit.extraction import rules

# Text that repeats itself, by what would be slow about it.
SHAPES = {
    "one lesion": "Fraktur ",
    "a cue for each lesion": "keine Fraktur ",
    "a list without an end": "Fraktur, ",
    "sentences": "Keine Fraktur. ",
    "properties": "Dislozierte Olekranonfraktur. ",
    "questions": "Klinik: Fraktur. ",
    "reduced joints": "Luxation reponiert. ",
    "gaps": "gelenkspalt nicht ",
    "lines": "Fraktur\n",
}
VOCABULARY = [
    "Fraktur",
    "Luxation",
    "Olekranon",
    "Erguss",
    "keine",
    "nicht",
    "nachweisbar",
    "möglich",
    "und",
    "ist",
    ",",
]


@pytest.fixture(scope="module")
def extractor():
    return rules.RuleExtractor(templates.load("elbow"), kept_sentences=0)


def seconds(extractor, text):
    def once():
        start = time.process_time()
        extractor(text)
        return time.process_time() - start

    return min(once() for _ in range(2))


class TestTime:
    @pytest.mark.parametrize("shape", SHAPES)
    def test_time_grows_with_the_words(self, extractor, shape):
        short = 800 // len(SHAPES[shape].split()) * SHAPES[shape]
        # Four times the words: a square would need sixteen times as long.
        assert seconds(extractor, 4 * short) < 9 * seconds(extractor, short) + 0.05

    def test_time_of_words_in_any_order_grows_with_the_words(self, extractor, rng):
        words = list(rng.choice(VOCABULARY, size=3_200))
        assert seconds(extractor, " ".join(words)) < 9 * seconds(extractor, " ".join(words[:800])) + 0.05

    def test_one_word_of_a_million_letters_is_no_burden(self, extractor):
        assert seconds(extractor, "keine Fraktur " + "a" * 1_000_000) < 1


@pytest.fixture
def rng():
    return np.random.default_rng(7)


class TestKeptSentences:
    def test_memory_of_sentences_changes_no_label(self, extractor):
        forgetful, mindful = extractor, rules.RuleExtractor(templates.load("elbow"))
        reports = [
            "Keine Fraktur. Erguss möglich.",
            "Olekranonfraktur. Keine Fraktur.",
            "Keine Fraktur. Erguss möglich.",
        ]
        for report in [*reports, *reports]:
            assert mindful(report) == forgetful(report)
