"""Reports that name metal or a cast."""

import pytest

from labkit.hardware import names_hardware


@pytest.mark.parametrize(
    "text",
    [
        "Stellungskontrolle im Oberarmgips.",
        "Z. n. Plattenosteosynthese, Material regelrecht.",
        "Zwei Kirschnerdrähte in situ.",
        "Olecranon fracture after tension band wiring.",
        "Forearm in a CAST.",
        "Status post ORIF.",
    ],
)
def test_metal_and_casts_are_found(text):
    assert names_hardware(text)


@pytest.mark.parametrize("text", ["Deckplatteneinbruch ausgeschlossen", "No fracture. Forecast good.", "", "Spinner"])
def test_other_words_are_not(text):
    assert not names_hardware(text)
