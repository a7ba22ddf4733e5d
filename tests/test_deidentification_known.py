"""Known identifiers are found in every spelling, and ordinary words that are someone's surname mostly stay."""

from datetime import date

import pytest

from labkit.deidentification import Gate, KnownIdentifiers, identifiers_by_text
from labkit.deidentification.spellings import fold, name_parts, read_date

COHORT = KnownIdentifiers(
    names=("Müller, Karl", "Weiß^Jörg", "Tom Mason", "Li, Wei", "Groß-Gerung, Anna-Lena",
           "van der Berg, Piet", "Kopf, Ida", "O'Brien, Mary"),
    dates=(date(1955, 7, 7), "19600312", "1.2.1970"),
    ids=("55-01-7723", "00912873", "A123/44B", "123"),
    phones=("+49 251 123456",),
    addresses=("Hauptstr. 5, 12345 Neustadt",),
)  # fmt: skip


@pytest.fixture(scope="module")
def gate():
    return Gate(COHORT)


@pytest.mark.parametrize(
    "text",
    [
        "Müller", "Müllers", "Müller's", "MÜLLER", "Mueller", "Muller", "müller", "Karl Müller", "K. Müller",
        "Müller-Schmidt", "Joerg Weiss",
        "Anna-Lena", "Gerung", "van der Berg", "O'Brien's", "Li, Wei", "Frau Kopf", "Kopf, Ida", "Mason",
        "07071955", "7. Juli 1955", "July 7, 1955", "7.7.55", "1955-07-07", "12.3.1960", "1.2.70",
        "55-01-7723", "55017723", "55 01 7723", "55.01.7723", "912873", "A12344B", "a123-44b",
        "+49 251 123456", "0251/123456", "Hauptstr.5",
    ],
)  # fmt: skip
def test_every_spelling_is_removed(gate, text):
    found = gate.clean(f"Die Anamnese: laut {text}, ohne Befund").text
    assert text not in found and found.startswith("Die Anamnese: laut [") and found.endswith("], ohne Befund")


@pytest.mark.parametrize(
    "text",
    ["Das Gelenk ist weiß.", "Mason II Fraktur.", "Der Kopf des Radius.", "Befund li. und re.", "Große Stufe, 123 mm.",
     "Kopfteil", "Bergung"],
)  # fmt: skip
def test_words_that_are_also_names_stay(gate, text):
    assert gate.clean(text).text == text


def test_identifiers_of_one_report_count_for_it_alone():
    gate = Gate()
    assert gate.clean("Laut quast besser.", known=("Sabine Quast", "12.3.1960")).text == "Laut [NAME] besser."
    assert gate.clean("Laut quast besser.").text == "Laut quast besser."


def test_plain_strings_are_sorted_by_their_looks():
    known = KnownIdentifiers.of(
        [
            "Sabine Quast",
            "1960-03-12",
            "55-01-7723",
            "a@b.de",
            "0251 123456",
            "Am Bach 5, 12345 Ort",
            None,
            float("nan"),
            "",
        ]
    )
    assert known.names == ("Sabine Quast",)
    assert known.dates == ("1960-03-12",)
    assert known.ids == ("55-01-7723",)
    assert known.emails == ("a@b.de",)
    assert known.phones == ("0251 123456",)
    assert known.addresses == ("Am Bach 5, 12345 Ort",)


def test_two_sets_of_identifiers_are_joined():
    both = KnownIdentifiers(names=("A B",)) | KnownIdentifiers(names=("C D",), ids=("12345",))
    assert both.names == ("A B", "C D") and both.ids == ("12345",)
    assert not KnownIdentifiers()


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("Müller, Karl", (["Müller"], ["Karl"])),
        ("Müller^Karl^^Dr", (["Müller"], ["Karl"])),
        ("Dr. Karl von Hausen", (["Hausen"], ["Karl"])),
        ("Cher", (["Cher"], [])),
    ],
)
def test_full_names_are_taken_apart(name, parts):
    assert name_parts(name) == parts


def test_umlauts_fold_to_both_transcriptions():
    assert fold("Müller") == ("mueller", "muller")
    assert fold("WEISS") == fold("Weiß") == ("weiss",)


def test_columns_are_read_as_dates():
    assert read_date("19550707") == read_date("7.7.1955") == read_date("1955-07-07T00:00") == date(1955, 7, 7)
    assert read_date("55-01-7723") is None and read_date("31.31.1999") is None


@pytest.mark.parametrize("name", ["Beispielfrau Gundula", "Gundula Beispielfrau", "Beispielfrau^Gundula"])
def test_the_gate_takes_a_known_surname_whichever_way_round_the_column_has_names(name):
    gate = Gate(known=KnownIdentifiers(names=(name,)))
    assert "Beispielfrau" not in gate.clean("Verlaufskontrolle bei Beispielfrau.").text


@pytest.mark.parametrize("name", ["Winter", "Vogel", "Quast", "Sommerfeldt", "Koch"])
def test_a_known_name_in_small_letters_is_found_also_where_it_is_a_word(name):
    gate = Gate(known=KnownIdentifiers(names=(f"{name}, Ida",)))
    assert (
        gate.clean(f"{name.lower()} stellt sich vor, keine fraktur.").text == "[NAME] stellt sich vor, keine fraktur."
    )


@pytest.mark.parametrize("name", ["Kurz", "Short", "Kopf", "Stabil"])
def test_an_ordinary_word_in_small_letters_stays_where_it_is_a_known_name(name):
    gate = Gate(known=KnownIdentifiers(names=(f"{name}, Ida",)))
    text = f"fraktur, {name.lower()}, keine dislokation."
    assert gate.clean(text).text == text


KNOWN_GATE = Gate(
    KnownIdentifiers(names=("SPITZ, Tomasz",), dates=("19730509", "1949-08-10"), ids=("PAT60366671", "242084"))
)


@pytest.mark.parametrize("mark", ["/", "^", ":", "|", "\t", "\n", "_", "~", "*", "#", "(", ";", ",", "=", '"'])
@pytest.mark.parametrize("value", ["Tomasz", "Spitz", "242084", "pat60366671", "1973-05-09", "9.V.73", "10. Aug. 49"])
def test_a_known_value_is_found_between_any_marks(mark, value):
    assert value not in KNOWN_GATE.clean(f"P{mark}Spitz{mark}{value}{mark}242084{mark}ap").text


@pytest.mark.parametrize(
    "date",
    ["1973-05-09", "09-05-1973", "05/09/1973", "9.V.1973", "09.MAY.1973", "9. Mai 73", "May 9th, 1973",
     "9th of May, 1973",
     "730509", "09051973", "1973/5/9", "9.5.73", "9 V 1973", "1973.05.09", "9_5_1973", "09.Mai.1973", "9-May-73"],
)  # fmt: skip
def test_a_known_birth_date_is_found_in_any_notation(date):
    for text in (f"x/{date}/242084", f"7/{date}|ap", f"P^{date}\nap", f"({date})"):
        assert date not in KNOWN_GATE.clean(text).text


def test_a_known_number_inside_of_a_longer_one_stays():
    assert KNOWN_GATE.clean("Dosis 0.2420841, 9.50973 mm").text == "Dosis 0.2420841, 9.50973 mm"
    assert KNOWN_GATE.clean("MRN242084, ap").text == "[ID], ap"


def test_a_patients_own_name_goes_from_the_own_report_also_where_it_is_a_word():
    texts = {"Lang": "Lang wird informiert. Fraktur.", "Kurz": "Kurz war gestürzt.", "Weiß": "Weiß sieht den Befund."}
    own = identifiers_by_text((text, [f"{name}^Ida"]) for name, text in texts.items())
    gate = Gate(known=KnownIdentifiers(names=[f"{name}^Ida" for name in texts]), own=own)
    for name, text in texts.items():
        assert name not in gate.clean(text).text
    assert gate.clean("Lang anhaltender Schmerz, die Schraube ist lang.").text.endswith("die Schraube ist lang.")
    assert gate.clean("Kurz danach Sturz.").text == "Kurz danach Sturz."


def test_equal_reports_of_two_patients_share_what_is_known():
    own = identifiers_by_text([("Befund.", ["Lang^Ida"]), ("Befund.", ["Kurz^Udo", "1960-02-01"]), ("Leer.", [""])])
    assert own == {"Befund.": KnownIdentifiers(names=["Lang^Ida", "Kurz^Udo"], dates=["1960-02-01"])}
