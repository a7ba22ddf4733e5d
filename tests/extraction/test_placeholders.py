"""What the gate replaced is counted by site and type, once per report, and never named."""

from labkit.deidentification import Gate
from labkit.extraction.placeholders import Counter

REPORTS = [
    ("1", "Pat. Gundula Beispielfrau, geb. 01.02.1960: Fraktur."),
    ("2", "Keine Fraktur."),
    ("3", "Pat. Gundula Beispielfrau, geb. 01.02.1960: Fraktur."),
]


def test_counts_are_by_site_and_a_text_that_came_twice_counts_for_both_reports():
    counter = Counter(Gate())
    assert counter.clean(REPORTS[0][1]).text == Gate().clean(REPORTS[0][1]).text
    counter.clean(REPORTS[1][1])
    table = counter.by_site(REPORTS, {"1": "home", "2": "home", "3": "away"}).set_index("site")
    assert table.loc["home"].to_dict() == {"reports": 2, "with placeholders": 1, "NAME": 1, "DATE": 1}
    assert table.loc["away"].to_dict() == {"reports": 1, "with placeholders": 1, "NAME": 1, "DATE": 1}


def test_types_that_a_site_does_not_have_are_zero():
    counter = Counter(Gate())
    for _, text in REPORTS:
        counter.clean(text)
    table = counter.by_site(REPORTS, {"1": "home", "2": "away", "3": "home"}).set_index("site")
    assert table.loc["away"].to_dict() == {"reports": 1, "with placeholders": 0, "NAME": 0, "DATE": 0}


def test_where_nothing_was_sent_there_is_nothing_to_count():
    assert Counter(Gate()).by_site(REPORTS, dict.fromkeys("123", "home")).empty


def test_the_counter_keeps_no_text():
    counter = Counter(Gate())
    counter.clean(REPORTS[0][1])
    assert "Beispielfrau" not in str(vars(counter))
