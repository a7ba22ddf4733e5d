"""A language is one YAML file."""

import pytest

from labkit.deidentification import Gate
from labkit.deidentification.languages import load
from labkit.errors import ParamsError

DUTCH = """
language: nl
months: {1: [januari], 3: [maart], 5: [mei]}
dates: {cues: [op, van], birth: [geb., geboren op]}
people:
  honorifics: [De heer, Mevrouw, Mevr.]
  titles: [Dr., Prof.]
  patients: [Patiënt]
  signatures: [Verslag door, Ondertekend door]
  particles: [van, de, van der]
contacts: {phone: [Tel., Telefoon], id: [Patiëntnummer]}
places:
  street_endings: [straat, laan, gracht]
  residence: [wonende te]
  postcode: '\\d{4}\\s?[A-Z]{2}'
words: >-
  fractuur met van bij pols duim rechts links
stems: [fractuur, luxatie]
"""


@pytest.fixture(scope="module")
def dutch(tmp_path_factory):
    path = tmp_path_factory.mktemp("languages") / "nl.yaml"
    path.write_text(DUTCH, encoding="utf-8")
    return Gate(languages=(path,))


def test_a_third_language_needs_no_code(dutch):
    text = (
        "Patiënt Joost van der Meulen, geboren op 3 maart 1961, Patiëntnummer 8812345, wonende te Keizersgracht 12. "
        "Mevrouw de Boer belde op 4.5. (Tel. 020 5551234). "
        "Bennett fractuur van de duim, 3 mm. Verslag door Dr. A. Hoekstra"
    )
    cleaned = dutch.clean(text)
    left = [
        part
        for part in ("Joost", "Meulen", "1961", "8812345", "Keizers", "Boer", "4.5", "5551234", "Hoekstra")
        if part in cleaned.text
    ]
    assert left == []
    assert "Bennett fractuur van de duim, 3 mm." in cleaned.text


def test_a_language_without_a_vocabulary_keeps_unknown_words_and_loses_listed_names(dutch):
    text = "Duidelijke Afbeelding. Vergelijking met Eerdere Opname. Laat Willemijn of Agnieszka bellen."
    assert dutch.clean(text).text == text.replace("Agnieszka", "[NAME]")


def test_a_vocabulary_in_the_file_makes_every_other_capital_a_name(tmp_path):
    path = tmp_path / "nl.yaml"
    path.write_text(DUTCH + "vocabulary: kleine afbeelding\n", encoding="utf-8")
    assert Gate(languages=(path,)).clean("Kleine Afbeelding, bel Willemijn.").text == "Kleine Afbeelding, bel [NAME]."


@pytest.mark.parametrize("language", ["de", "en"])
def test_the_projects_languages_load(language):
    assert load(language).language == language


@pytest.mark.parametrize(
    ("content", "message"),
    [("language: x1", "language"), ("language: nl\ncolour: red", "colour"), ("language: [", "not valid YAML"),
     ("language: nl\npatterns: [{type: NAME, regex: '('}]", "not a regular expression")],
)  # fmt: skip
def test_a_wrong_file_says_where(tmp_path, content, message):
    path = tmp_path / "xx.yaml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ParamsError, match=message):
        load(path)


def test_an_unknown_language_names_the_known_ones():
    with pytest.raises(ParamsError, match="known: de, en"):
        load("fr")


def test_a_missing_list_of_eponyms_is_an_error(tmp_path):
    with pytest.raises(ParamsError, match="eponyms"):
        Gate(eponyms=tmp_path / "none.txt")
