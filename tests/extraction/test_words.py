import pytest

from labkit.extraction.spelling import fold
from labkit.extraction.words import Lexicon, tokenize


def found(term, text):
    words = [token.text for token in tokenize(text)]
    return [words[match.start : match.end] for match in Lexicon([("x", term)]).find(words)]


class TestFold:
    @pytest.mark.parametrize(
        ("one", "other"),
        [("Köpfchen", "Koepfchen"), ("Clavicula", "Klavikula"), ("Weiß", "WEISS"), ("akzessorisch", "accessorisch"),
         ("Radius-\nköpfchen", "radiusköpfchen")],
    )  # fmt: skip
    def test_spellings_of_one_word_are_equal(self, one, other):
        assert fold(one) == fold(other)


class TestTokenize:
    def test_offsets_point_into_the_text(self):
        text = "Radius-\nköpfchen 2,5 mm; AC-Gelenk."
        tokens = tokenize(text)
        assert [token.text for token in tokens[:4]] == ["Radius-\nköpfchen", "2,5", "mm", ";"]
        assert all(text[token.start : token.end] == token.text for token in tokens)

    def test_hyphen_before_and_is_no_divided_word(self):
        assert [token.text for token in tokenize("Radius-\nund Ulna")] == ["Radius", "-", "und", "Ulna"]


class TestLexicon:
    @pytest.mark.parametrize(
        ("term", "text"),
        [
            ("*fraktur*", "Radiuskopffrakturen"),
            ("frag*|stück*", "Stückbruch"),
            ("intra-artikulär", "intraartikulär"),
            ("intra-artikulär", "intra artikulär"),
            ("proximal? phalanx", "phalanx"),
            ("gelenkspalt ~ verengt", "Gelenkspalt ist deutlich verengt"),
            ("gelenkspalt ~ verengt", "Gelenkspalt verengt"),
            ("v a", "V a"),
        ],
    )
    def test_term_matches(self, term, text):
        assert found(term, text)

    @pytest.mark.parametrize(
        ("term", "text"),
        [
            ("fraktur", "Frakturen"),
            ("gelenkspalt ~ verengt", "Gelenkspalt ist hier ganz deutlich verengt"),
            ("gelenkspalt ~ verengt", "Gelenkspalt, verengt"),
            ("gelenkspalt verengt", "Gelenkspalt etwas verengt"),
        ],
    )
    def test_term_does_not_match(self, term, text):
        assert not found(term, text)

    def test_word_that_is_taken_out_is_not_found(self):
        lexicon = Lexicon([("dislocation", "*luxation*"), ("dislocation", "!sublux*")])
        assert [m.label for m in lexicon.find(["Radiuskopfluxation"])] == ["dislocation"]
        assert lexicon.find(["Subluxation"]) == []

    @pytest.mark.parametrize("word", ["Frakrur", "Fraktru", "Frakttur", "Fraktu", "Frkatur"])
    def test_one_slip_of_the_keyboard_is_forgiven(self, word):
        assert found("fraktur", word) == [[word]]

    @pytest.mark.parametrize("word", ["Radiuskopffraktr", "Radiskopffraktur", "Rdaiuskopffraktur", "Radiuskopfrfaktur"])
    def test_a_slip_in_one_part_of_a_compound_is_forgiven(self, word):
        lexicon = Lexicon([("place", "radiuskopf*"), ("lesion", "*fraktur*")])
        assert {match.label for match in lexicon.find([word])} == {"place", "lesion"}

    @pytest.mark.parametrize(
        ("term", "word"), [("luxation", "Laxation"), ("fraktur", "Traktur"), ("luxation", "Lution")]
    )
    def test_another_word_is_not_taken_for_a_misspelt_one(self, term, word):
        assert not found(term, word)

    def test_of_two_words_that_may_be_meant_the_longer_one_is(self):
        lexicon = Lexicon([("lesion", "arthrose*"), ("ordinary", "arthroskop*")])
        assert [match.label for match in lexicon.find(["Athrose", "Athroskopisch"])] == ["lesion", "ordinary"]

    def test_misspelt_word_counts_for_every_term_of_the_right_one(self):
        lexicon = Lexicon([("lesion", "degenerat*"), ("language", "degenerative")])
        assert {match.label for match in lexicon.find(["degenrative"])} == {"lesion", "language"}

    def test_known_word_is_not_taken_for_a_misspelt_one(self):
        lexicon = Lexicon([("lesion", "*luxation*"), ("ordinary", "evaluation")])
        assert [m.label for m in lexicon.find(["Evaluation"])] == ["ordinary"]

    def test_short_words_are_not_guessed(self):
        assert not found("bruch", "brauch")
