import pytest
import yaml

from labkit import templates
from labkit.errors import ParamsError
from labkit.extraction import rules
from labkit.templates import LabelValue

WRIST = """
anatomy: wrist
views: [AP, LATERAL]
vocabulary: skeleton
places:
  radius:
    any: colles, loco typico
    de: "*radius*, speiche"
    en: distal radi*, radius
  scaphoid:
    de: kahnbein*, *skaphoid*
    en: scaphoid*
elsewhere:
  de: ellenbogen*, mittelhand*
  en: elbow*, metacarp*
findings:
  - id: fracture
    name: Fracture (All Locations)
    definition: Any fracture of the wrist.
    rules: [fracture]
  - id: radius_fracture
    name: Distal Radius Fracture
    definition: Fracture of the distal radius.
    parents: [fracture]
    rules: [radius + fracture]
  - id: radius_displaced
    name: Distal Radius - Displaced
    definition: Displaced fracture of the distal radius.
    parents: [radius_fracture]
    rules: [radius + displaced]
  - id: scaphoid_fracture
    name: Scaphoid Fracture
    definition: Fracture of the scaphoid.
    parents: [fracture]
    rules: [scaphoid + fracture]
"""
STUDY = {"clavicle": 26, "elbow": 29, "thumb": 25}


@pytest.fixture
def wrist(tmp_path):
    path = tmp_path / "wrist.yaml"
    path.write_text(WRIST, encoding="utf-8")
    return path


def edited(path, **changes):
    content = yaml.safe_load(path.read_text(encoding="utf-8")) | changes
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


class TestStudyTemplates:
    @pytest.mark.parametrize(("anatomy", "count"), STUDY.items())
    def test_every_finding_is_defined_and_has_a_rule(self, anatomy, count):
        template = templates.load(anatomy)
        assert len(set(template.names)) == count
        for finding in template.findings:
            assert finding.definition.endswith(".") and "TODO" not in finding.definition
            assert finding.rules

    def test_hierarchy_is_the_study_s(self):
        elbow, thumb = templates.load("elbow"), templates.load("thumb")
        assert elbow.by_name["Coronoid Process - Avulsion of the tip"].parents == ("coronoid_process_fracture",)
        comminuted = thumb.by_name["Distal Phalanx - Comminuted or Fragmented Fracture"]
        assert comminuted.parents == ("comminuted_or_fragmented_fracture", "distal_phalanx_fracture")
        assert templates.load("clavicle").by_name["Displacement"].parents == ()

    def test_vocabulary_is_among_the_files_of_a_template(self):
        assert [path.name for path in templates.files("thumb")] == ["thumb.yaml", "skeleton.yaml"]


class TestHierarchy:
    def test_parent_is_at_least_its_highest_child(self):
        elbow = templates.load("elbow")
        values = dict.fromkeys(elbow.ids, LabelValue.FALSE)
        values |= {"radial_head_displaced": LabelValue.UNCERTAIN, "olecranon_fracture": LabelValue.TRUE}
        assert ("ulna_fracture", "olecranon_fracture") in elbow.violations(values)
        raised = elbow.raise_parents(values)
        assert raised["radius_fracture"] == "uncertain"
        assert raised["ulna_fracture"] == raised["fracture"] == "true"
        assert values["fracture"] == "false"
        assert elbow.violations(raised) == []


class TestNewAnatomy:
    @pytest.mark.parametrize(
        ("report", "expected"),
        [
            ("Distale Radiusfraktur mit Dislokation nach dorsal.", {"radius_displaced": "true"}),
            ("Verdacht auf Kahnbeinfraktur. Radius intakt.", {"scaphoid_fracture": "uncertain"}),
            (
                "No fracture of the distal radius. Scaphoid fracture cannot be excluded.",
                {"scaphoid_fracture": "uncertain"},
            ),
            ("Fracture of the fourth metacarpal.", {}),
        ],
    )
    def test_one_file_gives_labels_without_code(self, wrist, report, expected):
        template = templates.load(wrist)
        wanted = template.raise_parents(dict.fromkeys(template.ids, "false") | expected)
        assert rules.RuleExtractor(template)(report).values == wanted

    def test_terms_of_template_and_vocabulary_are_joined(self, wrist):
        edited(wrist, lesions={"fracture": {"de": "sonderbruchwort"}})
        terms = templates.load(wrist).lesions["fracture"].of_language("de")
        assert terms[0] == "sonderbruchwort" and "*fraktur*" in terms

    def test_terms_may_be_a_list_or_a_text_with_commas(self):
        terms = templates.Terms.model_validate({"de": "eins, zwei  drei", "any": ["vier"]})
        assert terms.of_language("de") == ("eins", "zwei drei", "vier")
        assert terms.of_language("en") == ("vier",)


class TestErrors:
    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"views": None}, "wrist.yaml: views: "),
            ({"colour": "red"}, "wrist.yaml: colour: Extra inputs are not permitted."),
            ({"findings": []}, "wrist.yaml: findings: "),
            ({"vocabulary": "absent"}, "wrist.yaml: vocabulary: there is no vocabulary/absent.yaml"),
            (
                {"findings": [{"id": "a", "name": "A", "definition": "A.", "rules": ["radius + break"]}]},
                "wrist.yaml: template: a rule of 'a' names the unknown lesion 'break'.",
            ),
            (
                {"findings": [{"id": "a", "name": "A", "definition": "A.", "rules": ["knee + fracture"]}]},
                "wrist.yaml: template: a rule of 'a' names the unknown place 'knee'.",
            ),
            (
                {"findings": [{"id": "a", "name": "A", "definition": "A.", "parents": ["b"]}]},
                "wrist.yaml: template: finding 'a' names the unknown parent 'b'.",
            ),
            ({"lesions": "fracture"}, "wrist.yaml: lesions: "),
        ],
    )
    def test_wrong_template_names_file_and_key(self, wrist, changes, message):
        with pytest.raises(ParamsError) as caught:
            templates.load(edited(wrist, **changes))
        assert str(caught.value).startswith(message)

    def test_unknown_switch_is_an_error(self, wrist):
        finding = {"id": "a", "name": "A", "definition": "A.", "rules": ["fracture if no_such_switch"]}
        with pytest.raises(ParamsError, match="unknown switch 'no_such_switch'; known: unlikely_is_uncertain"):
            rules.RuleExtractor(templates.load(edited(wrist, findings=[finding])))

    def test_unknown_name_lists_the_known_ones(self):
        with pytest.raises(ParamsError, match="known names: clavicle, elbow, thumb"):
            templates.load("knee")

    def test_circle_of_parents_is_an_error(self, wrist):
        findings = [
            {"id": "a", "name": "A", "definition": "A.", "parents": ["b"]},
            {"id": "b", "name": "B", "definition": "B.", "parents": ["a"]},
        ]
        with pytest.raises(ParamsError, match="form a circle"):
            templates.load(edited(wrist, findings=findings)).raise_parents({"a": "true", "b": "false"})

    @pytest.mark.parametrize("content", ["findings: [", "- a list", ""])
    def test_file_without_keys_is_an_error(self, wrist, content):
        wrist.write_text(content, encoding="utf-8")
        with pytest.raises(ParamsError, match=r"wrist\.yaml"):
            templates.load(wrist)
