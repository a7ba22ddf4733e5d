"""The rule-based extractor: one test for each rule of the study and each trap of report language."""

import functools

import pytest

from labkit import templates
from labkit.errors import ExtractionError
from labkit.extraction import rules


@pytest.fixture(scope="module")
def read():
    """Non-false labels of a report as {finding id: value}."""
    extractors = {name: rules.RuleExtractor(templates.load(name)) for name in ("clavicle", "elbow", "thumb")}

    def values(anatomy, report):
        return {i: v.value for i, v in extractors[anatomy](report).values.items() if v != "false"}

    return values


@functools.cache
def extractor(switches):
    return rules.RuleExtractor(templates.load("elbow"), switches=switches)


@functools.cache
def extractor_of(anatomy):
    return rules.RuleExtractor(templates.load(anatomy))


def labelled(report, **switches):
    return extractor(rules.Switches(**switches))(report)


HEDGES = [
    "V.a. Exostose am Humerus.", "V. a. Exostose.", "Verdacht auf Exostose.", "Fragliche Exostose.",
    "Frgl. Exostose.", "DD Exostose.", "Als DD käme eine Exostose in Frage.", "Am ehesten Exostose.",
    "Am Ellenbogen a.e. Exostose.", "Exostose möglich.", "Möglicherweise Exostose.",
    "Eine Exostose ist nicht ausgeschlossen.", "Exostose nicht sicher auszuschließen.",
    "Exostose nicht sicher abgrenzbar.", "Eine Exostose kann nicht mit Sicherheit ausgeschlossen werden.",
    "Vereinbar mit Exostose.", "Exostose unwahrscheinlich.", "Keine sichere Exostose.", "Vermutlich Exostose.",
    "Possible exostosis of the ulna.", "Suspected exostosis of the elbow.", "Exostosis cannot be excluded.",
    "Probable exostosis.", "An exostosis is not ruled out in this view.",
    "Findings are suspicious for an exostosis.", "The exostosis is unlikely.", "Most likely an exostosis.",
    "Questionable exostosis.", "This is consistent with exostosis.", "? exostosis of the ulna",
    "No definite exostosis is seen.", "Exostosis versus calcification in the view.",
    "There may be an exostosis.",
]  # fmt: skip
NEGATIONS = [
    "Keine Exostose.", "Ohne Exostose.", "Eine Exostose ist nicht nachweisbar.",
    "Exostosen finden sich keine.", "Kein Nachweis einer Exostose.", "Kein Hinweis auf eine Exostose.",
    "Weder Fraktur noch Exostose.", "Exostose: nein.", "Eine Exostose liegt nicht vor.",
    "Keine Fraktur, Luxation oder Exostose.", "Exostose ausgeschlossen.", "Ausschluss einer Exostose.",
    "Kein Verdacht auf Exostose.", "Kein V.a. Exostose.", "No exostosis of the ulna.",
    "There is no fracture or exostosis.", "Exostosis is not seen.", "Exostosis: none",
    "Without evidence of an exostosis.", "Negative for exostosis.",
    "No fracture, dislocation or suspicious exostosis.", "Neither a fracture nor an exostosis is seen.",
    "The exostosis has been ruled out.", "No evidence of possible exostosis.",
]  # fmt: skip
UNSAID = [
    "Frage: Exostose?", "Exostose?", "Klinische Angaben: Exostose.\n\nBefund: unauffällig.", "Z.A. Exostose.",
    "Indikation: V.a. Exostose\nKnochen intakt.", "MRT zum Ausschluss einer Exostose empfohlen.",
    "Ggf. CT bei Exostose.", "Indication: exostosis\nNormal elbow.",
    "MRI to exclude an exostosis is recommended.", "Clinical question: exostosis?",
    "Reason for exam: exostosis.\n\nFINDINGS: Normal elbow.",
    "If there is concern for an exostosis, MRI is advised.",
]  # fmt: skip


class TestHedgeNegationAndQuestion:
    @pytest.mark.parametrize("report", HEDGES)
    def test_hedge_is_uncertain(self, read, report):
        assert read("elbow", report)["exostosis"] == "uncertain"

    @pytest.mark.parametrize("report", NEGATIONS)
    def test_negation_is_false_and_quoted(self, report):
        result = labelled(report)
        assert result.values["exostosis"] == "false"
        assert "xostos" in result.evidence["exostosis"].text

    @pytest.mark.parametrize("report", UNSAID)
    def test_question_indication_and_advice_make_no_finding(self, report):
        result = labelled(report)
        assert result.values["exostosis"] == "false"
        assert "exostosis" not in result.evidence

    @pytest.mark.parametrize("report", ["Exostose im Sinne eines Osteochondroms.", "Einer Exostose entsprechend."])
    def test_im_sinne_and_entsprechend_are_no_hedges(self, read, report):
        assert read("elbow", report)["exostosis"] == "true"

    def test_hedged_cause_leaves_the_finding_true(self, read):
        assert read("clavicle", "Weichteilschwellung, am ehesten Hämatom.") == {"swelling_or_hematoma": "true"}

    def test_negation_ends_where_a_new_statement_begins(self, read):
        assert read("thumb", "Keine Fraktur, geringe Rhizarthrose.")["joint_degeneration"] == "true"
        assert read("thumb", "No fracture but mild swelling.") == {"swelling_dactylitis": "true"}

    def test_second_part_of_a_compound_carries_the_negation(self, read):
        assert read("elbow", "Frakturausschluss in beiden Ebenen.") == {}
        assert read("elbow", "Ohne Frakturnachweis, ohne Ergussnachweis.") == {}


class TestAgeOfAFinding:
    @pytest.mark.parametrize(
        "report",
        [
            "Z.n. Olekranonfraktur.", "Zustand nach Olekranonfraktur, konsolidiert.", "Alte Olekranonfraktur.",
            "Die Olekranonfraktur ist knöchern durchbaut.",
            "Bekannte Olekranonfraktur. Frakturspalt nicht mehr abgrenzbar.",
            "Status post olecranon fracture.", "The olecranon fracture has healed.",
            "Old healed olecranon fracture.",
        ],
    )  # fmt: skip
    def test_healed_fracture_and_history_are_false(self, read, report):
        assert read("elbow", report) == {}

    @pytest.mark.parametrize(
        "report",
        [
            "Z.n. Olekranonfraktur. Frakturspalt noch einsehbar.",
            "Olekranonfraktur mit zunehmender Kallusbildung.",
            "Bekannte Olekranonfraktur, noch nicht konsolidiert.", "Pseudarthrose am Olekranon.",
            "Healing olecranon fracture.",
            "Status post fixation of an olecranon fracture. The fracture line is still visible.",
            "The olecranon fracture has not united.",
        ],
    )  # fmt: skip
    def test_fracture_that_is_still_visible_is_true(self, read, report):
        expected = {"fracture": "true", "ulna_fracture": "true", "olecranon_fracture": "true"}
        assert expected.items() <= read("elbow", report).items()

    @pytest.mark.parametrize(
        "report",
        [
            "Die Luxation ist reponiert.", "Das in der VU luxierte Gelenk steht wieder regelrecht.",
            "Luxation. Nach Reposition regelrechte Stellung.", "The dislocation has been reduced.",
            "Das Gelenk ist reponiert, keine Luxation mehr.",
        ],
    )  # fmt: skip
    def test_reduced_joint_is_not_dislocated(self, read, report):
        assert read("elbow", report) == {}


class TestWhere:
    def test_other_regions_do_not_count(self, read):
        assert read("thumb", "Fraktur des Os scaphoideum. Daumen intakt.") == {}
        assert read("elbow", "Wrist: Comminuted fracture of the distal radius. Displaced ulnar styloid.") == {}
        assert read("clavicle", "Fractures of the left third to fifth ribs.") == {}

    def test_property_takes_the_place_of_its_fracture(self, read):
        values = read("elbow", "Radiushalsfraktur, das Köpfchen um 3 mm verschoben.")
        assert values["radial_neck_displaced"] == "true"
        assert "radial_head_fracture" not in values

    def test_place_carries_over_to_the_next_sentence(self, read):
        values = read("elbow", "Fraktur des Olekranons. Die Fragmente sind um 5 mm disloziert.")
        assert values["olecranon_displaced_fracture"] == "true"

    def test_negated_property_leaves_the_fracture(self, read):
        assert read("elbow", "Olekranonfraktur ohne Dislokation.")["olecranon_fracture"] == "true"
        assert "olecranon_displaced_fracture" not in read("elbow", "Olekranonfraktur ohne Dislokation.")
        assert read("thumb", "Keine Dislokation der Bennett-Fraktur.")["first_metacarpal_bone_fracture"] == "true"

    def test_property_is_no_more_certain_than_its_fracture(self, read):
        values = read("elbow", "V.a. Radiusköpfchenfraktur. Das Fragment ist disloziert.")
        assert values["radial_head_displaced"] == "uncertain"

    def test_two_bones_share_one_fracture(self, read):
        values = read("elbow", "Radiuskopf- und Olekranonfraktur.")
        assert values["radial_head_fracture"] == values["olecranon_fracture"] == "true"


class TestReport:
    def test_impression_wins_over_findings(self, read):
        assert read("elbow", "Befund: V.a. Olekranonfraktur.\n\nBeurteilung: Keine Fraktur.") == {}
        values = read("elbow", "Findings: Possible olecranon fracture.\nImpression: Olecranon fracture.")
        assert values["olecranon_fracture"] == "true"

    def test_findings_stand_where_the_impression_is_silent(self, read):
        assert read("thumb", "Befund: Rhizarthrose.\nBeurteilung: Keine Fraktur.")["joint_degeneration"] == "true"

    def test_no_further_fracture_leaves_the_first(self, read):
        report = "Befund: Olekranonfraktur.\nBeurteilung: Keine weitere Fraktur."
        assert read("elbow", report)["olecranon_fracture"] == "true"

    def test_misspelt_words_are_read(self, read):
        assert read("thumb", "Frakrur der Grundphalanks, Weichteilschwelung.")["swelling_dactylitis"] == "true"
        assert read("elbow", "degenratve changes with osteophtyes")["joint_degeneration"] == "true"

    def test_dictated_signs_end_sentences(self, read):
        values = read("elbow", "Exostose Komma kein Erguss Punkt keine Luxation Punkt")
        assert values == {"exostosis": "true"}

    def test_parent_raised_by_the_hierarchy_is_listed_and_quotes_the_child(self):
        result = labelled("Fraktur des Proc. coronoideus. Kein Erguss.")
        assert result.repaired == ("ulna_fracture",)
        assert result.values["ulna_fracture"] == "true"
        assert result.evidence["ulna_fracture"] == result.evidence["coronoid_process_fracture"]

    def test_language_and_hedges_are_told(self):
        result = labelled("Verdacht auf Exostose, fraglicher Erguss.")
        assert result.language == "de"
        assert result.hedges == ("verdacht auf", "fraglicher")
        assert labelled("There is no fracture of the elbow.").language == "en"

    @pytest.mark.parametrize("report", ["", "  \n", "...\n--"])
    def test_report_without_a_word_is_an_error(self, report):
        with pytest.raises(ExtractionError, match="report is empty"):
            labelled(report)


class TestHedge:
    @pytest.mark.parametrize(
        ("report", "finding", "hedge"),
        [
            ("Verdacht auf  eine\nOlekranonfraktur.", "olecranon_fracture", "verdacht auf"),
            ("Olekranonfraktur nicht sicher auszuschließen.", "olecranon_fracture", "nicht sicher auszuschließen"),
            ("Possible olecranon fracture.", "olecranon_fracture", "possible"),
            ("In keeping with an exostosis.", "exostosis", "in keeping with"),
            ("Exostose unwahrscheinlich.", "exostosis", "unwahrscheinlich"),
            ("Kein Erguss. Olekranonfraktur?", "olecranon_fracture", "?"),
        ],
    )
    def test_each_uncertain_finding_names_its_hedge(self, report, finding, hedge):
        assert labelled(report).hedge[finding] == hedge

    def test_two_findings_keep_their_own_hedges(self):
        found = labelled("V. a. Exostose. Erguss möglich. Olekranonfraktur.")
        assert found.hedge == {"exostosis": "v. a", "fat_pad_sign": "möglich"}

    def test_parent_and_property_are_uncertain_for_the_reason_of_their_fracture(self):
        found = labelled("Fragliche Radiusköpfchenfraktur. Das Fragment ist disloziert.")
        uncertain = {"fracture", "radius_fracture", "radial_head_fracture", "radial_head_displaced"}
        assert found.hedge == dict.fromkeys(uncertain, "fragliche")

    @pytest.mark.parametrize("report", [*HEDGES, *NEGATIONS, *UNSAID])
    def test_uncertain_findings_and_no_others_have_a_hedge(self, report):
        found = labelled(report)
        assert set(found.hedge) == {i for i, value in found.values.items() if value == "uncertain"}
        assert all(found.hedge.values())

    def test_what_stands_in_brackets_is_as_uncertain_as_what_it_repeats(self):
        result = extractor_of("clavicle")("V.a. ACG-Subluxation (Tossy II).")
        assert result.hedge["acromioclavicular_joint_subluxation"] == "v.a"


class TestContext:
    def test_each_sentence_is_read_in_its_language(self, read):
        values = read("elbow", "Kein Erguss. Keine Luxation. No fracture. Possible exostosis.")
        assert values == {"exostosis": "uncertain"}
        assert labelled("Kein Erguss. Keine Luxation. No fracture.").language == "de"

    def test_headings_of_the_other_language_are_headings(self, read):
        assert read("elbow", "Indication: exostosis?\nBefund: Kein Erguss, keine Fraktur.") == {}

    def test_title_names_the_joint_of_a_report(self, read):
        report = "AC-Gelenk links, zwei Ebenen\n\nAnamnese: Sturz.\n\nBefund: Gelenkspalt verschmälert."
        assert read("clavicle", report) == {"acromioclavicular_joint_joint_space_narrowed": "true"}

    def test_place_that_a_lesion_cannot_have_does_not_hide_an_earlier_one(self, read):
        report = "Das AC-Gelenk ist überlagert. Die laterale Klavikula projiziert sich höher. Subluxation möglich."
        assert read("clavicle", report)["acromioclavicular_joint_subluxation"] == "uncertain"

    def test_denied_fracture_takes_its_doubtful_step_along(self, read):
        step = "Befund: Fragliche Stufenbildung am medialen Klavikulaende.\n\nBeurteilung: "
        assert read("clavicle", step + "Keine Fraktur.") == {}
        assert read("clavicle", step + "ACG-Luxation, keine Fraktur.")["displacement"] == "uncertain"

    def test_topic_of_a_structured_line_is_no_finding(self, read):
        assert read("thumb", "Ossikel/Verkalkungen: kleines Ossikel.") == {"ossicles": "true"}
        assert read("thumb", "Ossikel/Verkalkungen: keine.") == {}


class TestSwitches:
    @pytest.mark.parametrize(
        ("switch", "report", "finding", "on", "off"),
        [
            ("unlikely_is_uncertain", "Exostose unwahrscheinlich.", "exostosis", "uncertain", "false"),
            ("unlikely_is_uncertain", "Fracture is unlikely.", "fracture", "uncertain", "false"),
            ("consistent_with_is_uncertain", "Vereinbar mit Exostose.", "exostosis", "uncertain", "true"),
            ("consistent_with_is_uncertain", "Consistent with an exostosis.", "exostosis", "uncertain", "true"),
            ("consistent_with_is_uncertain", "In keeping with an exostosis.", "exostosis", "uncertain", "true"),
            ("effusion_is_fat_pad_sign", "Gelenkerguss.", "fat_pad_sign", "true", "false"),
            ("consolidated_is_false", "Konsolidierte Olekranonfraktur.", "olecranon_fracture", "false", "true"),
        ],
    )
    def test_each_switch_turns_its_choice(self, switch, report, finding, on, off):
        assert labelled(report, **{switch: True}).values[finding] == on
        assert labelled(report, **{switch: False}).values[finding] == off
