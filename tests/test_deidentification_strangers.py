"""Names without any cue, in running text, in small letters, as signatures, and as names of institutions."""

import pytest

from labkit.deidentification import Gate


@pytest.fixture(scope="module")
def gate():
    return Gate()


ALONE = [
    ("Stöckeler kam nach einem Sturz. Keine Fraktur.", ["Stöckeler"]),
    ("Das Kind ist in Castrop-Rauxel gestürzt.", ["Castrop", "Rauxel"]),
    ("Keine Fraktur. Vandamme", ["Vandamme"]),
    ("Kontrolle in Lüneburg, dann Umzug nach Bad Oeynhausen.", ["Lüneburg", "Bad", "Oeynhausen"]),
    ("Sturz in Halle, Versorgung dort.", ["Halle"]),
    ("Typed by hand. Poughkeepsie is where Ottoline lives.", ["Poughkeepsie", "Ottoline"]),
    ("No fracture. McAllister-Pryce was told.", ["McAllister", "Pryce"]),
    ("K.-H. Iwanczuk berichtet, dass es schmerzt.", ["K.", "H.", "Iwanczuk"]),
    ("FRAU QUIRRENBACH, KEINE FRAKTUR DES RADIUSKOPFES.", ["QUIRRENBACH"]),
    ("Hernandez-Ruiz is a 66 yo F s/p ORIF.", ["Hernandez", "Ruiz"]),
]


@pytest.mark.parametrize(("text", "gone"), ALONE)
def test_a_word_of_no_vocabulary_is_taken_for_a_name(gate, text, gone):
    cleaned = gate.clean(text).text
    assert [part for part in gone if part in cleaned] == []


KEPT = [
    "Thurston Holland fragment. Terry Thomas sign. Burton-Pellegrini.",
    "Kompl. Konsol. Ossäre Durchbauung. Fehlrotat. nicht beurteilb. Altersentspr. Befd. Can't be excluded.",
    "Dejour-Klassifikation Typ B, Insall-Zeichen, Outerbridge type II, Morbus Ollier, Essex-Lopresti.",
    "Lig. collaterale ulnare, Proc. coronoideus, Tub. majus. BEURT.: kein Nachweis einer Fraktur.",
    "TFCC, SLAP, DRUJ, ORIF, HWK, DICOM. Ibuprofen 600 mg und Novaminsulfon.",
    "KEINE DISLOKATION, AUSGESTRECKTER ARM, DAMALS KONSERVATIV BEHANDELT.",
    "Fluoroscopically guided reduction; Ongoing lateral pain; Equivocal lucency; Ill-defined margins.",
    "Rhizarthrose, Eaton/Littler III. re/li, ap/lat, MC I/II, 3/5, GCS 15, Bild 3/24, VAS 4/10.",
    "Gelenkspaltverschmälerung, Weichteilschatten, Drahtcerclagen, Umstellungsosteotomie, Frakrurspalt.",
]


@pytest.mark.parametrize("text", KEPT)
def test_terms_abbreviations_and_eponyms_stay(gate, text):
    assert gate.clean(text).text == text


SMALL = [
    ("pat. schröder, hans-peter, ellenbogen re.: keine fraktur. gez. dr. oelschläger", ["schröder", "hans", "oelschl"]),
    ("mrs jones attended with kelly. left thumb, no fracture. dictated by dr ajibade", ["jones", "kelly", "ajibade"]),
    ("XR thumb. Req by dr a okwu today.", ["okwu"]),
]


@pytest.mark.parametrize(("text", "gone"), SMALL)
def test_names_in_small_letters_are_found_after_a_cue_or_in_a_list(gate, text, gone):
    cleaned = gate.clean(text).text
    assert [part for part in gone if part in cleaned] == []


def test_a_text_in_small_letters_keeps_its_words(gate):
    text = "daumen links 2 eb.: keine fraktur, keine luxation, weichteile unauffällig. kontrolle in 6 wochen."
    assert gate.clean(text).text == text


SIGNED = [
    ("Keine Fraktur.\nL. Ring", ["Ring", "L."]),
    ("No fracture.\nBanks", ["Banks"]),
    ("No fracture.\nBaker, ST4", ["Baker"]),
    ("Keine Fraktur.\ngez. KM", ["KM"]),
    ("Keine Fraktur. Hu/kl", ["Hu", "kl"]),
    ("Keine Fraktur.\nBefunder: Uhl, E.", ["Uhl", "E."]),
    ("Keine Fraktur.\nBefunder: zu Sayn, P.", ["zu", "Sayn", "P."]),
    ("Phoned to Cross in ED on ext. 1400.", ["Cross"]),
    ("Report authorised by PRYCE G at 17:44.", ["PRYCE", "G at", "17"]),
]


@pytest.mark.parametrize(("text", "gone"), SIGNED)
def test_signatures_and_initials_are_found_by_their_place(gate, text, gone):
    cleaned = gate.clean(text).text
    assert [part for part in gone if part in cleaned] == []


INSTITUTIONS = [
    "Klinikum Lippe-Aue", "Orthopädie am Markt", "Praxis Dres. Amann & Zell", "Elisabeth-Krankenhaus",
    "Gemeinschaftspraxis Am Deich", "Städtisches Klinikum Hohenfelde", "Royal Harrowgate Infirmary", "Nightingale Ward",
    "Castle Street Surgery", "The Willows Health Centre", "Station Chirurgie 1", "Mercy General Hospital",
]  # fmt: skip


@pytest.mark.parametrize("name", INSTITUTIONS)
def test_institutions_with_a_name_are_removed_whole(gate, name):
    assert gate.clean(f"Aufnahme dort: {name}. Keine Fraktur.").text == "Aufnahme dort: [HOSPITAL]. Keine Fraktur."


@pytest.mark.parametrize(
    "text",
    ["Vorstellung in der Klinik am Folgetag.", "Seen in the fracture clinic.", "Praxis im Verlauf.",
     "Chirurgie am Bein geplant.", "Transferred to the emergency department of the hospital."],
)  # fmt: skip
def test_an_institution_without_a_name_stays(gate, text):
    assert gate.clean(text).text == text


@pytest.mark.parametrize(
    "text",
    ["seit 3/24", "vom 12/22", "2019-05", "12-Jan-24.", "28.10.2023, 21.09 Uhr", "on 3/14", "Freitag, den 5.3.2021",
     "zwölften März neunzehnhundertsechzig"],
)  # fmt: skip
def test_unusual_dates_are_found(gate, text):
    assert not any(c.isdigit() for c in gate.clean(f"Kontrolle {text} erfolgt").text)
    assert "neunzehn" not in gate.clean(text).text


@pytest.mark.parametrize("text", ["nüchtern um 14:35 Uhr", "seen at 0915 today", "phoned at 16:05"])
def test_times_of_day_are_removed(gate, text):
    assert gate.clean(text).counts == {"DATE": 1}


@pytest.mark.parametrize(
    "text",
    ["/RING, PETER/08.09.77/RAD9838749/\nKeine Fraktur.", "NAGEL, LUISE 8.9.87 442 805\nKeine Fraktur.",
     "Az. 3 O 112/23", "Acc CR.2650457", "Nummer 48213", "HTTPS://WEX-GH.ORG.UK/IMAGING"],
)  # fmt: skip
def test_numbers_and_addresses_without_a_label_are_removed(gate, text):
    left = gate.clean(text).text
    assert not any(c.isdigit() for c in left) and "WEX" not in left and "PETER" not in left


@pytest.mark.parametrize("text", ["CPT 73080", "OPS 5-793.1", "RR 120/80", "Winkel 12,5 mm", "12000/µl"])
def test_codes_and_measurements_stay(gate, text):
    assert gate.clean(text).text == text
