"""The gate as a whole: identifiers go, clinical words stay, places in the text can be mapped back."""

import pytest

from labkit import deidentification
from labkit.deidentification import Gate, KnownIdentifiers


@pytest.fixture(scope="module")
def gate():
    return Gate()


REMOVED = [
    ("Pat. Haverkamp, Jost, geb. 03.04.1961", ["Haverkamp", "Jost", "1961"]),
    ("unsere gemeinsame Patientin Frau Ott-Wiese, *15.12.1960, stellte sich vor", ["Ott-Wiese", "15.12"]),
    ("Patient: Kopf, Anna", ["Kopf", "Anna"]),
    ("Name: Groß\nVorname: Hinnerk", ["Groß", "Hinnerk"]),
    ("gez. Dr. med. P. Wiesenthal / Dr. Yıldız", ["Wiesenthal", "Yıldız"]),
    ("Rücksprache mit OÄ Dr. Brandt-Kuhl erfolgt", ["Brandt", "Kuhl"]),
    ("Mit freundlichen Grüßen\n\nFrederike Amelung\nStationsärztin", ["Frederike", "Amelung"]),
    ("MRN: 55-01-7723, Accession 2024-55813", ["7723", "55813"]),
    ("Fallnr. NA-88-20210; Versichertennr. A123456789", ["20210", "A1234"]),
    ("wohnhaft Lerchenweg 12a, 48151 Münster", ["Lerchenweg", "48151", "Münster"]),
    ("12 Oak Street, Springfield, IL 62704", ["Oak", "Springfield", "62704"]),
    ("Tel. 0251/123456 oder kontakt@radiologie-sued.de", ["123456", "kontakt", "sued"]),
    ("informed at +44 1632 960417 or ext. 5521", ["960417", "5521"]),
    ("Mr John A. Quill's thumb. Quill was informed.", ["John", "Quill"]),
    ("Electronically signed by: Owen Sampler, MD, FRCR", ["Owen", "Sampler", "FRCR"]),
    ("Klinikum Musterstadt, Station 4b", ["Musterstadt", "4b"]),
    ("93-jähriger Patient; a 94-year-old lady", ["93", "94"]),
    ("Dr. P. van der Merwe, GP", ["Merwe", "van der"]),
    ("Ehemann der Patientin (Karola Gerlach, Handy 0927 148 44) verständigt", ["Karola", "Gerlach", "148"]),
    ("Befundet am 2.1.2024 von Bastian Immendorf", ["Bastian", "Immendorf"]),
    ("Clinical: Cedric Reyes fell. Zweitbefund: Liesel Fuchs", ["Cedric", "Reyes", "Liesel", "Fuchs"]),
    ("PATIENT: Atherton, Robert\nClavicle AP view", ["Atherton", "Robert"]),
    ("Percival Harris, DOB May 16th, 1980", ["Percival", "Harris", "1980"]),
    ("Wöhrmann, Elke, geb. am 28.12.62 in Mardorf", ["Wöhrmann", "Elke", "Mardorf"]),
]


@pytest.mark.parametrize(("text", "gone"), REMOVED)
def test_identifiers_leave_no_trace(gate, text, gone):
    cleaned = gate.clean(text).text
    assert [part for part in gone if part in cleaned] == []


DATES = [
    "am 3.4. gestürzt",
    "3. April 2024",
    "vom 11.01.-14.01.2026",
    "4. bis 18.10.21",
    "04/2024",
    "2024-04-03",
    "20240403",
    "March 3rd, 2024",
    "3rd of March 2024",
    "03-MAR-2024",
    "12/31/2023",
    "seit 11/18",
    "Jahrgang 1955",
]


@pytest.mark.parametrize("text", DATES)
def test_dates_of_both_languages_are_found(gate, text):
    assert gate.clean(text).counts == {"DATE": 1}


KEPT = [
    "Bennett-Fraktur, Mason II, Rockwood III, Tossy III, AO 2R1A2, Neer 2, Gartland II (Bado III).",
    "Herbert-Schraube, Kirschner-Draht, M. Sudeck, Morbus Dupuytren, Typ II nach Mason, Salter-Harris II.",
    "Colles' fracture, Rolando fracture, no Stener lesion, Hill-Sachs defect, Heberden nodes.",
    "Daumen rechts in 2 Ebenen: Stufe von 3 mm, vorher 2.5. Spalt 2,5 cm, Winkel 30°, RR 120/80, 1/3 des Gelenks.",
    "HWK C6, L4/5, MC I/II, Bild Nr. 12, Tag 10, nach 6 Wochen, 10-14 Tage, 2. bis 4. Finger, seit 2019.",
    "54-jähriger Patient nach Sturz auf die Hand. 45-year-old patient fell off bike. May represent artefact.",
    "Sehr geehrte Damen und Herren, sehr geehrte Frau Kollegin, sehr geehrter Herr Kollege,",
    "Patient Kontrolle. Pat. Klinisch Verdacht auf Fraktur. Klinik: Schmerz. Station der Untersuchung.",
    "Labor: Kontrastmittel gegeben. Aktuell: Lokoregionäres Rezidiv. DD: Enchondrom, Chondrosarkom.",
    "CMC OA Grade 3. PD-gewichtete Sequenz. Right Ring Finger 3 views. Orthopaedic Surgery follow up.",
]


@pytest.mark.parametrize("text", KEPT)
def test_clinical_words_and_numbers_stay(gate, text):
    assert gate.clean(text).text == text


def test_an_eponym_is_a_name_after_a_form_of_address_only(gate):
    text = "Herr Bennett mit Bennett-Fraktur. gez. M. Mason. Radiuskopffraktur Mason II."
    assert gate.clean(text).text == ("[NAME] mit Bennett-Fraktur. gez. [PHYSICIAN]. Radiuskopffraktur Mason II.")


def test_a_name_found_once_goes_everywhere_also_in_the_genitive(gate):
    cleaned = gate.clean("Frau Tewes stellte sich vor. Tewes' Daumen schmerzt. TEWES, Inga.")
    assert "ewes" not in cleaned.text.casefold()


def test_cleaning_twice_changes_nothing(gate):
    once = gate.clean("Patient: Doe, Jane, DOB 03/14/1962, MRN 5501772\nReported by Dr. A. Quill, MD").text
    assert gate.clean(once).text == once


def test_places_map_back_to_the_original(gate):
    text = "Frau Tewes, geb. 07.08.1990: Fissur der Grundphalanx. Dr. Quandt"
    cleaned = gate.clean(text)
    start = cleaned.text.index("Fissur")
    first, last = cleaned.to_original(start, start + len("Fissur der Grundphalanx"))
    assert text[first:last] == "Fissur der Grundphalanx"


def test_a_cut_placeholder_maps_to_the_whole_identifier(gate):
    text = "Frau Tewes kam."
    cleaned = gate.clean(text)
    assert cleaned.to_original(2, 4) == (0, len("Frau Tewes"))
    assert cleaned.to_original(0, len(cleaned.text)) == (0, len(text))
    with pytest.raises(ValueError, match="not a place"):
        cleaned.to_original(3, len(cleaned.text) + 1)


def test_every_place_outside_placeholders_maps_to_the_same_letter(gate):
    text = "Pat. Maier, Hans, geb. 1.2.1950, Tel. 0251 123456: Fraktur am 3.4.2024. gez. Dr. Quandt, Münster"
    cleaned = gate.clean(text)
    position = 0
    for span in (*cleaned.spans, None):
        stop = span.start if span else len(text)
        for _ in range(position, stop):
            at = cleaned.to_original(position_cleaned(cleaned, position), position_cleaned(cleaned, position) + 1)
            assert at == (position, position + 1)
            position += 1
        position = span.end if span else position


def position_cleaned(cleaned, position):
    """Place in the cleaned text of a place in the original that no placeholder covers."""
    before = [span for span in cleaned.spans if span.end <= position]
    return position + sum(len(span.type) + 2 - (span.end - span.start) for span in before)


def test_results_hold_no_identifier(gate):
    cleaned = gate.clean("Frau Tewes, Tel. 0251 123456")
    shown = repr(cleaned) + repr(KnownIdentifiers(names=("Tewes, Inga",), ids=("5567123",)))
    assert "Tewes" not in shown and "123456" not in shown and "5567123" not in shown
    assert cleaned.counts == {"NAME": 1, "PHONE": 1}


def test_a_list_of_eponyms_may_be_extended(tmp_path):
    path = tmp_path / "eponyms.txt"
    path.write_text("# own\nQuandt\n", encoding="utf-8")
    text = "Typ II nach Quandt. gez. Quandt"
    assert Gate(eponyms=path).clean(text, known=("Quandt, Ida",)).text == "Typ II nach Quandt. gez. [NAME]"


def test_the_package_offers_the_documented_names():
    names = ["Cleaned", "Gate", "KnownIdentifiers", "Span", "identifiers_by_text", "scan_folder"]
    assert deidentification.__all__ == names
