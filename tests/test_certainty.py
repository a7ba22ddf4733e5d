"""How likely a finding is behind a hedge."""

import pytest
import yaml

from labkit import certainty
from labkit.errors import ParamsError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("am ehesten", 0.75),
        ("V. a.", 0.75),
        ("Frakturverdacht", 0.75),
        ("vereinbar mit einer Fraktur", 0.9),
        ("Fraktur nicht sicher abgrenzbar", 0.5),
        ("Fraktur nicht mit letzter Sicherheit auszuschließen", 0.25),
        ("kann nicht ausgeschlossen werden", 0.25),
        ("Fraktur unwahrscheinlich", 0.1),
        ("eher nicht", 0.1),
        ("Likely fracture of the radial head.", 0.75),
        ("unlikely", 0.1),
        ("A fracture cannot be entirely excluded.", 0.25),
        ("very likely", 0.9),
        ("Am ehesten Fraktur, DD Ossikel", (0.75 + 0.5) / 2),
        ("", 0.5),
        ("Querfraktur", 0.5),
    ],
)
def test_the_longest_phrase_counts_and_several_give_their_mean(text, expected):
    assert certainty.probability(text) == pytest.approx(expected)


def test_every_listed_phrase_has_the_probability_of_its_level():
    content = yaml.safe_load(certainty.PHRASES_PATH.read_text(encoding="utf-8"))
    wrong = []
    for level in content["phrases"]:
        for language in ("de", "en"):
            for phrase in level[language].split(","):
                text = phrase.strip().replace("*", "").replace("~", "sehr")
                if certainty.probability(text) != level["probability"]:
                    wrong.append((text, certainty.probability(text), level["probability"]))
    assert wrong == []


def test_a_long_text_takes_no_long_time():
    assert certainty.probability("nicht " * 20_000) == 0.5


@pytest.mark.parametrize(
    ("content", "part"),
    [
        ("otherwise: 0.5", "phrases: Field required"),
        ("otherwise: 2\nphrases: [{probability: 0.5, de: wohl}]", "otherwise: Input should be less than or equal to 1"),
        ("otherwise: 0.5\nphrases: [{probability: 0.5, de: [wohl]}]", "phrases.0.de: Input should be a valid string"),
        ("otherwise: [", "not valid YAML"),
    ],
)
def test_a_damaged_table_is_one_sentence(tmp_path, monkeypatch, content, part):
    path = tmp_path / "hedges.yaml"
    path.write_text(content, encoding="utf-8")
    monkeypatch.setattr(certainty, "PHRASES_PATH", path)
    with pytest.raises(ParamsError, match=r"hedges\.yaml") as caught:
        certainty.probability("wohl")
    assert part in str(caught.value)
