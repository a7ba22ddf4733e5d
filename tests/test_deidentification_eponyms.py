"""Names that are medical terms stay where no person can stand, and go where a person does."""

import pytest

from labkit.deidentification import Gate
from labkit.deidentification.eponyms import EPONYMS_PATH, Eponyms
from labkit.deidentification.languages import load
from labkit.deidentification.lexicon import Lexicon


@pytest.fixture(scope="module")
def gate():
    return Gate()


@pytest.fixture(scope="module")
def entries():
    lines = EPONYMS_PATH.read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def own(tmp_path, lines):
    """Eponyms of a list of its own, with the languages of the project."""
    path = tmp_path / "own.txt"
    path.write_text(lines, encoding="utf-8")
    languages = (load("de"), load("en"))
    return Eponyms(path, languages=languages, lexicon=Lexicon(languages))


def used(eponyms, text, word):
    start = text.index(word)
    return eponyms.in_use(text, start, start + len(word))


LISTED = [
    "Akromion Typ II nach Bigliani, kritischer Schulterwinkel 35°.",
    "Spiralfraktur vom Typ Holstein-Lewis. Fraktur Typ Smith II nach Thomas, keine Dislokation.",
    "CRPS nach den Budapest-Kriterien. Budapest criteria fulfilled.",
    "Omarthrose, moderat nach Samilson. Kahnbeinserie nach Stecher.",
    "Offene Fraktur Grad II nach Gustilo-Anderson, Weichteilschaden G1 nach Tscherne und Oestern.",
    "Laterale Klavikulafraktur Jäger und Breitner IIa. Inverse Prothese nach Grammont, Notching Grad 2 nach Sirveaux.",
    "Knochenalter nach Greulich und Pyle 13 Jahre; nach Tanner-Whitehouse 13,2 Jahre. Greulich & Pyle atlas.",
    "Sarmiento brace in place. Ottawa ankle rules positive. Milwaukee shoulder. Lyme-Arthritis.",
    "Sanders III, Garden IV, Pipkin II, Denis B, Weber B, Weber-B-Fraktur, Vancouver B2, Walch B2.",
    "Hawkins-Zeichen negativ. Thomas-Handgriff positiv. Norgaard-Aufnahme. Brewerton view. McMurray positiv.",
    "Sinding-Larsen-Johansson. Legg-Calvé-Perthes disease. Charcot-Fuß, Eichenholtz II. Morton-Neurom.",
    "Resektionsarthroplastik nach Epping, Lundborg oder Weilby. Lift-off nach Gerber. Hertel-Kriterien. Herring B.",
    "Anderson und D'Alonzo Typ II, Effendi II, Levine und Edwards IIa. Osgood Schlatter. Canadian C-spine rules.",
    "Redon-Drainage. Swan-Ganz-Katheter. Ilizarov-Fixateur. Gallie-Fusion. Kapandji wires. Lister-Tuberkel.",
]


@pytest.mark.parametrize("text", LISTED)
def test_listed_eponyms_stay_in_reports(gate, text):
    assert gate.clean(text).text == text


# names that no list holds
PLACED = [
    "Frakturtyp III nach Quastenau und Ziehbrunn.",
    "Instabilität Grad II nach Ziehbrunn-Anderson.",
    "Omarthrose, moderat nach Schlörwitz.",
    "Inverse Prothese nach Ziehbrunn in situ. Kahnbeinserie nach Quastenau angefertigt.",
    "Weichteilschaden G1 nach Ziehbrunn und Quastenau. ARTHROSE GRAD III NACH ZIEHBRUNN.",
    "Knochenalter nach Ziehbrunn und Quastenau: 13 Jahre bei chronologischem Alter von 12 Jahren.",
    "Typ II, modifiziert nach Ziehbrunn. Vom Typ Quastenau.",
    "Ziehbrunn-Klassifikation Grad II. Ziehbrunn-Kriterien erfüllt. Positives Ziehbrunn-Zeichen.",
    "Ziehbrunn-Aufnahme, Ziehbrunn-Prothese, Ziehbrunn-Platte, Ziehbrunn-Schraube, Ziehbrunn-Gips, Ziehbrunn-Linie.",
    "Classified as grade 2 according to Ziehbrunn. Classification of Quastenau and Ziehbrunn: type II.",
    "Ziehbrunn criteria met. Quastenau view obtained. Ziehbrunn brace in place. Ziehbrunn score 12.",
    "Bone age by the Quastenau method is 12 years. Ziehbrunn und Quastenau IIb.",
]


@pytest.mark.parametrize("text", PLACED)
def test_an_unlisted_name_stays_where_only_an_eponym_can_stand(gate, text):
    assert gate.clean(text).text == text


PERSONS = [
    ("Untersuchung nach Dr. Bigliani.", ["Bigliani"]),
    ("Rücksprache nach Herrn Samilson.", ["Samilson"]),
    ("Überwiesen nach Entlassung aus Budapest. Verlegt nach Hannover.", ["Budapest", "Hannover"]),
    ("Kontrolle in Milwaukee. Umzug nach Ottawa.", ["Milwaukee", "Ottawa"]),
    ("Patient Bigliani kam heute.", ["Bigliani"]),
    ("Grammont kam nach Sturz.", ["Grammont"]),
    ("Patientin Thomas mit Fraktur.", ["Thomas"]),
    ("Keine Fraktur. gez. Meier / Jäger", ["Meier", "Jäger"]),
    ("Keine Fraktur. gez. Meier / Bigliani", ["Bigliani"]),
    ("Frau Jäger und Herr Breitner wurden informiert.", ["Jäger", "Breitner"]),
    ("Das Kind Bennett-Iwanczuk ist gestürzt.", ["Iwanczuk"]),
    ("Keine Fraktur.\nUnterberger", ["Unterberger"]),
    ("Keine Fraktur.\nSirveaux", ["Sirveaux"]),
    ("Keine Fraktur.\nM. Weber", ["Weber"]),
    ("Weber 3.4.1950, keine Fraktur.", ["Weber"]),
    ("Stecher, Luc\n1990-03-07\nKeine Fraktur.", ["Stecher", "Luc"]),
    ("J. van der Berg, MD. Frau van der Heijde.", ["van", "der", "Berg", "Heijde"]),
    ("XR WRIST - LISTER WARD - no fracture", ["LISTER"]),
    ("Patient Smith 5 Tage nach Sturz. Stöckeler 5 Tage nach Sturz.", ["Smith", "Stöckeler"]),
    ("Stöckeler Hand rechts. Umzug nach Epping.", ["Stöckeler", "Epping"]),
    ("Referred by Dr Thomas. Discussed with Mr Sanders.", ["Thomas", "Sanders"]),
    ("Kopie an Dr. Moberg. Besprochen mit OA Oestern.", ["Moberg", "Oestern"]),
]


@pytest.mark.parametrize(("text", "gone"), PERSONS)
def test_a_person_or_town_with_the_name_of_an_eponym_goes(gate, text, gone):
    cleaned = gate.clean(text).text
    assert [name for name in gone if name in cleaned] == []


def test_every_listed_eponym_goes_after_a_title_and_stays_before_a_noun(gate, entries):
    single = [entry.rstrip("* ") for entry in entries if " " not in entry.rstrip("* ") and entry[0].isupper()]
    left = [name for name in single if name in gate.clean(f"Rücksprache mit Dr. {name} erfolgt.").text]
    lost = [name for name in single if name not in gate.clean(f"Positives {name}-Zeichen, Typ II.").text]
    # "Kirschner" is a stem of clinical words
    assert left == ["Kirschner"] and lost == []


def test_two_names_in_one_entry_count_together_only(tmp_path):
    eponyms = own(tmp_path, "Quandt-Ziehm\n")
    for spelling in ("Quandt-Ziehm", "Quandt und Ziehm", "Quandt/Ziehm", "Quandt & Ziehm", "Quandt Ziehm"):
        assert used(eponyms, f"Fraktur, {spelling} vorhanden", "Quandt") and eponyms.lists("quandt-ziehm")
    assert used(eponyms, "Fraktur, Quandt und Ziehm.", "Ziehm")
    assert not used(eponyms, "Fraktur, Quandt und Meier.", "Quandt")
    assert "Quandt" not in eponyms and "Quandt-Ziehm" in eponyms


def test_a_star_asks_for_a_clinical_word_beside_the_name(tmp_path):
    eponyms = own(tmp_path, "Quandt *\nZiehm\n")
    assert eponyms.frequent("QUANDT") and not eponyms.frequent("Ziehm")
    for text in ("Quandt III", "Quandt-Zeichen", "Quandt sign", "kein Quandt", "Typ Quandt", "Grad II nach Quandt"):
        assert used(eponyms, text, "Quandt")
    for text in ("(Quandt)", "Umzug nach Quandt", "daughter of Quandt", "Meier/Quandt"):
        assert not used(eponyms, text, "Quandt")
    assert used(eponyms, "Fraktur (Ziehm)", "Ziehm")
    assert eponyms.alone("Ziehm und Fraktur", 0, 5) and not eponyms.alone("Quandt und Fraktur", 0, 6)


@pytest.mark.parametrize(
    ("after", "grade"),
    [(" 2", True), (" 2,", True), (" 9°", True), (" 12 mm", True), (" IIIa", True), (" B2", True), (" 3.4.1950", False),
     (" 14:30 Uhr", False), (" 5 Tage", False), (" 2 Ebenen", False), (" 2 views", False), (" 54 Jahre", False)],
)  # fmt: skip
def test_a_number_is_a_grade_unless_it_counts_or_dates(tmp_path, after, grade):
    assert used(own(tmp_path, "Quandt *\n"), f"Quandt{after}", "Quandt") is grade


def test_an_empty_list_and_an_empty_text_are_no_errors(tmp_path):
    eponyms = own(tmp_path, "# nothing yet\n\n")
    assert "" not in eponyms and "Bennett" not in eponyms
    assert not eponyms.in_use("", 0, 0) and not eponyms.alone("", 0, 0)


def test_the_list_is_long_and_names_nothing_twice(entries):
    keys = [entry.rstrip("* ").casefold() for entry in entries]
    assert len(keys) > 700 and len(keys) == len(set(keys))
