import pytest

from labkit.extraction import languages, sentences

SPLITTERS = {language.language: sentences.Splitter(language) for language in languages.load_all()}


def split(text, language="de"):
    return [" ".join(token.text for token in s.tokens) for s in SPLITTERS[language](text)]


class TestSentences:
    @pytest.mark.parametrize(
        ("text", "count"),
        [
            ("V.a. Fraktur li. Radius, Z.n. Sturz am 3. Tag.", 1),
            ("Weichteile o.B. Kein Erguss.", 2),
            ("Schwellung ca. 2,5 cm. Keine Fraktur.", 2),
            ("Proc. coronoideus intakt. Lig. anulare verkalkt.", 2),
            ("Keine Fraktur;kein Erguss", 2),
            ("Weichteilschwellung.Gelenke regelrecht.", 2),
            ("Zusätzl. Meißelfx. Radiuskopf, eingeschr. Beurteilung.", 1),
            ("Rhizarthr. nicht auszuschl.", 1),
            ("Fraktur unverändert. Gelenk regelrecht.", 2),
        ],
    )
    def test_abbreviations_and_ordinals_do_not_end_a_sentence(self, text, count):
        assert len(split(text)) == count

    def test_wrapped_line_goes_on_and_a_short_line_ends(self):
        assert split("Die Basis und\ndas Gelenk sind frei.") == ["Die Basis und das Gelenk sind frei"]
        assert split("Daumen rechts\nKeine Fraktur") == ["Daumen rechts", "Keine Fraktur"]

    def test_line_of_a_structured_report_begins_a_sentence(self):
        long = "Weichteile: deutliche Schwellung palmar des Grundgelenks und der Grundphalanx re."
        assert len(split(f"{long}\nFraktur: nein")) == 2

    def test_english_number_before_a_full_stop_ends_a_sentence(self):
        assert len(split("Comparison with 2019. Unchanged fracture.", "en")) == 2

    def test_question_mark_before_a_word_is_no_end(self):
        assert split("tiny fleck, ?avulsion fx", "en") == ["tiny fleck , ? avulsion fx"]

    def test_spoken_signs_are_signs_if_there_are_several(self):
        assert split("Keine Fraktur Punkt Kein Erguss Komma keine Luxation Punkt")[0] == "Keine Fraktur"
        assert len(split("Am höchsten Punkt keine Fraktur")) == 1


class TestSections:
    def sections(self, text, language="de"):
        return [s.section for s in SPLITTERS[language](text)]

    def test_headings_name_what_follows(self):
        text = "Frage: Fraktur?\n\nBefund:\nKein Erguss.\n\nBeurteilung: Unauffällig."
        assert self.sections(text) == ["ignored", "findings", "impression"]

    def test_findings_and_impression_in_one_are_findings(self):
        assert self.sections("Befund und Beurteilung: Kein Erguss.") == ["findings"]

    def test_indication_ends_with_its_line(self):
        assert self.sections("Clinical info: lump.\nSoft tissue mass.", "en") == ["ignored", "findings"]

    def test_indication_in_a_report_of_one_line_ends_with_its_sentence(self):
        assert self.sections("Clinical: fall. No fracture.", "en") == ["ignored", "findings"]

    def test_heading_alone_on_its_line(self):
        assert self.sections("IMPRESSION\nNormal elbow.", "en") == ["impression"]
