"""Reports that name metal or a cast."""

import pytest

from labkit import hardware
from labkit.errors import ParamsError
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


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (None, "there is no such file"),
        ("de: [", "not valid YAML"),
        ("de: [gips]", "de: Input should be a valid string"),
    ],
)
def test_a_damaged_word_list_is_one_sentence(tmp_path, monkeypatch, content, part):
    path = tmp_path / "hardware.yaml"
    if content is not None:
        path.write_text(content)
    monkeypatch.setattr(hardware, "WORDS_PATH", path)
    with pytest.raises(ParamsError, match=f"hardware.yaml: .*{part}"):
        names_hardware("Gips")
