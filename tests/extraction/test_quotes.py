import pytest

from labkit.extraction import quotes

REPORT = "Befund:\nFraktur des Radius-\nköpfchens,  nicht  disloziert.\nKein Erguß – „unauffällig“."


class TestLocate:
    @pytest.mark.parametrize(
        ("quote", "found"),
        [
            ("nicht  disloziert", "nicht  disloziert"),
            ("nicht disloziert", "nicht  disloziert"),
            ("Fraktur des Radiusköpfchens", "Fraktur des Radius-\nköpfchens"),
            ("FRAKTUR DES RADIUS", "Fraktur des Radius"),
            ("Kein Erguss", "Kein Erguß"),
            ('Erguß - "unauffällig"', "Erguß – „unauffällig“"),
            ("  Befund: Fraktur ", "Befund:\nFraktur"),
        ],
    )
    def test_quote_is_found_with_offsets_of_the_original(self, quote, found):
        span = quotes.locate(quote, REPORT)
        assert span.text == found == REPORT[span.start : span.end]

    def test_exact_occurrence_is_preferred_to_an_earlier_loose_one(self):
        span = quotes.locate("no fracture", "No  Fracture seen; no fracture.")
        assert (span.start, span.end) == (19, 30)

    @pytest.mark.parametrize("quote", ["Luxation", "", "   ", "-", "Fraktur des Radius und"])
    def test_quote_that_is_not_there_gives_none(self, quote):
        assert quotes.locate(quote, "Fraktur des Radius.") is None
