"""Which words are ordinary: listed, inflected, compounded, misspelt; names are none of these."""

import pytest

from labkit.deidentification.languages import Language, load
from labkit.deidentification.lexicon import Lexicon, read_names
from labkit.errors import ParamsError


@pytest.fixture(scope="module")
def lexicon():
    return Lexicon((load("de"), load("en")))


ORDINARY = {
    "listed": ["Fraktur", "Thumb", "Wochenenddienst"],
    "inflected": ["Frakturen", "Gehstöcke", "Engpässe", "Maligner", "Displaced", "Carried", "Stopping", "Tightness"],
    "compounded": ["Achsverlauf", "Fußballtrauma", "Unterarmgehstöcke", "Krankengymnastiktermin"],
    "learned": ["Atraumatic", "Keilförmige", "Hypoplasie", "Lokoregionäres", "Ausgestreckten"],
    "misspelt": ["Frakrur", "Beurteilug", "Olekranom", "Verkalkumg"],
    "written without umlauts": ["Rueckfragen", "Gefaesse", "Haematom"],
}


@pytest.mark.parametrize("word", [word for words in ORDINARY.values() for word in words])
def test_ordinary_words_are_known_in_any_form(lexicon, word):
    assert lexicon.known(word)
    assert lexicon.known(word.upper())


# none of these stands in a list of names
NAMES = [
    "Quirrenbach", "Stöckeler", "Iwanczuk", "Tufekci", "Breitschwerdt", "Hämäläinen", "Regenbrecht", "Ashdown",
    "Wrzesniewski", "Okwu", "Featherstonehaugh", "Vandermeer", "Lindenfeld", "Mühlenbrock", "Hinterkirchen", "Wegener",
]  # fmt: skip


@pytest.mark.parametrize("word", NAMES)
def test_unlisted_names_are_not_known(lexicon, word):
    assert word.casefold() not in read_names("surnames") or word == "Wegener"
    assert not lexicon.known(word)


def test_a_frequent_surname_that_is_a_word_is_both(lexicon):
    assert lexicon.known("Klein") and lexicon.surname("Klein") and not lexicon.named("Klein")
    assert lexicon.named("Schneider") and not lexicon.known("Schneider")


def test_months_are_no_given_names(lexicon):
    assert lexicon.given("Anna-Lena") and not lexicon.given("June") and not lexicon.given("April")


def test_only_a_language_with_prefixes_builds_compounds():
    words = {"language": "xx", "vocabulary": "kraft werk fahrer"}
    assert not Lexicon((Language.model_validate(words),)).known("Kraftwerkfahrer")
    assert Lexicon((Language.model_validate({**words, "prefixes": "ab an"}),)).known("Kraftwerkfahrer")


def test_a_missing_list_of_names_is_an_error(monkeypatch, tmp_path):
    monkeypatch.setattr("labkit.deidentification.lexicon.LANGUAGES_DIR", tmp_path)
    with pytest.raises(ParamsError, match=r"surnames\.txt: the list of names cannot be read"):
        read_names("surnames")
