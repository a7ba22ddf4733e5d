import pytest

from labkit import templates
from labkit.errors import ParamsError
from labkit.extraction import languages, rules

FRENCH = """
language: fr
words: le, la, les, de, du, une, un, pas, sans, et, est, au
negation:
  before: pas de, sans, aucun*
  after: n est pas visible, absent*
hedge:
  before: possible, suspicion de, probable
sections:
  ignored: indication, question
  impression: conclusion
"""
KNEE = """
anatomy: knee
views: [AP]
places:
  patella: {fr: rotule}
lesions:
  fracture: {fr: fracture*}
findings:
  - {id: patella_fracture, name: Patella Fracture, definition: Fracture of the patella., rules: [patella + fracture]}
"""


@pytest.fixture
def french(tmp_path):
    (tmp_path / "fr.yaml").write_text(FRENCH, encoding="utf-8")
    (tmp_path / "knee.yaml").write_text(KNEE, encoding="utf-8")
    folder = tmp_path / "language"
    folder.mkdir()
    (tmp_path / "fr.yaml").rename(folder / "fr.yaml")
    return rules.RuleExtractor(templates.load(tmp_path / "knee.yaml"), languages=folder)


class TestNewLanguage:
    @pytest.mark.parametrize(
        ("report", "value"),
        [
            ("Fracture de la rotule.", "true"),
            ("Pas de fracture de la rotule.", "false"),
            ("Suspicion de fracture de la rotule.", "uncertain"),
            ("Indication : fracture de la rotule ?\nRotule normale.", "false"),
            ("Possible fracture de la rotule.\nConclusion : Pas de fracture.", "false"),
        ],
    )
    def test_one_file_of_cues_is_all_it_takes(self, french, report, value):
        result = french(report)
        assert result.language == "fr"
        assert result.values["patella_fracture"] == value

    def test_hedge_of_a_new_language_is_told(self, french):
        assert french("Suspicion de fracture de la rotule.").hedge == {"patella_fracture": "suspicion de"}

    def test_report_in_a_language_without_a_file_still_gets_every_finding(self, french):
        assert french("Złamanie rzepki.").values == {"patella_fracture": "false"}


class TestLoadAll:
    def test_german_and_english_are_there(self):
        assert [language.language for language in languages.load_all()] == ["de", "en"]

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ("language: xx\nwords: a\nnegations: b", "xx.yaml: negations: Extra inputs are not permitted"),
            ("words: a", "xx.yaml: language: Field required"),
            ("language: [", "xx.yaml: this is not valid YAML in UTF-8; mend the file"),
        ],
    )
    def test_wrong_file_is_named_with_its_key(self, tmp_path, content, message):
        (tmp_path / "xx.yaml").write_text(content, encoding="utf-8")
        with pytest.raises(ParamsError) as caught:
            languages.load_all(tmp_path)
        assert str(caught.value).startswith(message)

    def test_empty_folder_is_an_error(self, tmp_path):
        with pytest.raises(ParamsError, match="holds no language"):
            languages.load_all(tmp_path)
