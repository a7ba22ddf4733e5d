"""Records of fields, heads of letters, initials, and surnames that are words."""

import pytest

from labkit.deidentification import Gate


@pytest.fixture(scope="module")
def gate():
    return Gate()


RECORDS = [
    (
        "P/Spitz^Tomasz/PAT60366671/1973-05-09\nU/536976757823/8.VI.2023\nT/Rö Daumen rechts",
        ["Spitz", "Tomasz", "2023", "60366"],
    ),
    ("P/Löwe^Franz-Xaver/36-253-344/09. 10. 1957", ["Löwe", "Franz", "253", "1957"]),
    ("PID|1||242084^^^MRN||Muster^Anna||19550707|F", ["242084", "Muster", "Anna", "1955"]),
    ("Maurer;Karl;07.07.1955;12345678;m", ["Maurer", "Karl", "1955", "1234"]),
    ("Lang, Peter, 12/4/57 (m), Zi 12", ["Lang", "Peter", "57"]),
    ("Pat-Nr 2401/K; VOM HAGEN, OMAR; 25/01/1957", ["VOM", "HAGEN", "OMAR", "1957"]),
    ("[FGruber-Haas, 8.IV.2024]", ["Gruber", "2024"]),
    ("[LLÊ, 2022-01-13]", ["LLÊ", "2022"]),
    ("Starke Severin\n1990-03-07\n\nCubitus links", ["Starke", "Severin", "1990"]),
    ("Röntgen am Alpenblick · Schillergasse 108 · 40526 Dornbirn", ["Alpenblick", "Röntgen am", "108"]),
]


@pytest.mark.parametrize(("text", "gone"), RECORDS)
def test_fields_beside_identifiers_are_removed(gate, text, gone):
    cleaned = gate.clean(text).text
    assert [part for part in gone if part in cleaned] == []


@pytest.mark.parametrize(
    "text",
    [
        "Ellenbogen links, ap/lat, re/li; keine Fraktur | Erguss",
        "Am Folgetag, Schwellung, Rötung, Druckschmerz",
        "T/Cubitus re, zwei Ebenen",
    ],
)
def test_fields_without_an_identifier_stay(gate, text):
    assert gate.clean(text).text == text


def test_a_sentence_around_a_date_stays(gate):
    text = "Sturz am 3.4.2024, seither Schwellung, Rötung, keine Fraktur."
    assert gate.clean(text).text == "Sturz am [DATE], seither Schwellung, Rötung, keine Fraktur."


INITIALS = [
    "Diktatzeichen: AS:aw",
    "Visum: rkö",
    "Visum :ED/AX",
    "T: MT:bm",
    "Diktatzeichen: El--sek",
    "Schreibkraft: ps",
    "Freigegeben: KM",
    "Transcriptionist: lmk",
    "Typed by: smj",
    "D: 3/5/22 T: 3/5/22/jkl",
]


@pytest.mark.parametrize("line", INITIALS)
def test_initials_of_who_dictates_and_types_are_removed(gate, line):
    cleaned = gate.clean(f"Keine Fraktur.\n{line}").text
    assert "[PHYSICIAN]" in cleaned and not cleaned.endswith(line[-2:])


SURNAMES = [
    ("Der Assistenzärztin Spitz und dem Chirurgen wurde berichtet", "Spitz"),
    ("Kopie an Kollegen Starke.", "Starke"),
    ("Read by Strong @ home", "Strong"),
    ("ADDENDUM by Hand Jun 2 2021: laterality", "Hand"),
    ("Original: Sharp 7/6/22", "Sharp"),
    ("Critical result called to Bright RN on Monday", "Bright"),
    ("Keine Fraktur.\nSpitz, O.", "Spitz"),
    ("Keine Fraktur. // F. STEIN", "STEIN"),
    ("No fracture.\nShort L", "Short"),
    ("UNTERSUCHER M. LÖWE\nEllbogen", "LÖWE"),
    ("LAST: YOUNG\nELBOW", "YOUNG"),
    ("durch Korbinian Starke:\nkeine Fraktur", "Starke"),
    ("Notiz f. De Luca: stabil", "De Luca"),
    ("Per Jefferson's request.", "Jefferson"),
    ("Pat. Vũ kommt", "Vũ"),
    ("Ref By : Dr.Mehta", "Mehta"),
    ("AÄ Licht", "Licht"),
]


@pytest.mark.parametrize(("text", "name"), SURNAMES)
def test_a_surname_that_is_a_word_is_found_by_its_place(gate, text, name):
    assert name not in gate.clean(text).text


@pytest.mark.parametrize(
    "text",
    [
        "Arthrosen der Langfinger. Operiert wurde nicht. Leistungsknick beim Werfen.",
        "Beruf: Maurer, Kontrolle nach Sturz.",
        "Erziehungsberechtigte informiert. Türe zugeschlagen. Tendinosis calcarea, Tuberositas unguicularis.",
        "TRANSARTIKULÄR, KRANIOKAUDAL, BIPARTIT, AD LATUS",
        "Basilar pain. Right hand sharp pain, strong grip, short oblique line.",
    ],
)
def test_words_of_reports_stay(gate, text):
    assert gate.clean(text).text == text
