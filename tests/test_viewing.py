"""Reports as a person reads them: evidence marked, people masked, nothing that a browser would run."""

import html
import re

import pandas as pd
import pytest

from labkit import tables, templates
from labkit.deidentification import Gate, KnownIdentifiers
from labkit.extraction import labelling, rules, viewing

TEMPLATE = templates.load("elbow")
# What the columns know of the cohort; the second name stands in no sentence that gives it away.
KNOWN = KnownIdentifiers(names=["Gundula Beispielfrau", "Karl Mustermann"], dates=["1960-02-01"], ids=["A0098765"])


@pytest.fixture(scope="module")
def labelled(texts):
    return labelling.label(texts, template=TEMPLATE, extractors=["rules"], switches=rules.Switches()).findings


def findings(*rows):
    """FINDINGS of study S-1 from (finding, value, evidence, start)."""
    made = [("S-1", f, "rules", v, e, s, s + len(e) if e else -1, "true" if e else "", None, "") for f, v, e, s in rows]
    return tables.check(pd.DataFrame(made, columns=list(tables.FINDINGS.all_columns)), tables.FINDINGS)


def marked(text, *rows, gate=None):
    return viewing.marked(text, findings(*rows), gate=gate or Gate(), title="S-1")


def plain(page):
    """The words of the paragraph without markup."""
    paragraph = re.search("<p>(.*?)</p>", page, re.DOTALL)[1]
    return html.unescape(re.sub("<[^>]+>", "", paragraph.replace("<br>", "\n")))


def test_evidence_is_marked_with_its_value_and_finding_and_the_text_stays_whole():
    text = "Fraktur. Kein Erguss.\nVerdacht auf Luxation."
    rows = [("Fracture", "true", "Fraktur", 0), ("Fat Pad Sign", "false", "Kein Erguss", 9)]
    page = marked(text, *rows, ("Dislocation", "uncertain", "Verdacht auf Luxation", 22))
    found = re.findall(r'<mark style="background:(#\w+)[^"]*" title="([^"]*)">([^<]*)</mark>', page)
    assert found == [
        (viewing.COLOURS["true"], "Fracture: true", "Fraktur"),
        (viewing.COLOURS["false"], "Fat Pad Sign: false", "Kein Erguss"),
        (viewing.COLOURS["uncertain"], "Dislocation: uncertain", "Verdacht auf Luxation"),
    ]
    assert plain(page) == text
    assert re.findall("<li>(.*?)</li>", page) == ["Fracture: <b>true</b>", "Dislocation: <b>uncertain</b>"]


def test_the_strongest_value_is_painted_where_quotes_overlap():
    page = marked("Fraktur, DD Luxation", ("B", "uncertain", "Fraktur, DD Luxation", 0), ("A", "true", "Fraktur", 0))
    assert re.findall('title="([^"]*)"', page) == ["A: true", "B: uncertain"]


def test_a_label_without_a_place_in_the_text_is_listed_and_marks_nothing():
    page = marked("Fraktur.", ("Fracture", "true", "", -1))
    assert "<mark" not in page and "<li>Fracture: <b>true</b></li>" in page
    assert "<li>every finding is false</li>" in marked("Unauffällig.", ("Fracture", "false", "", -1))


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("Pat. Gundula Beispielfrau, geb. 01.02.1960: Fraktur.", ["Gundula", "Beispielfrau", "01.02.1960"]),
        ("Beispielfrau, Gundula. Nr. A0098765. Fraktur.", ["Gundula", "Beispielfrau", "A0098765"]),
        ("Fraktur. Verglichen mit Mustermann vom 3. Mai 2021, Tel. 0221 4567890.", ["Mustermann", "2021", "4567890"]),
    ],
)
def test_identifiers_are_their_type_also_within_evidence(text, hidden):
    gate = Gate(known=KNOWN)
    page = marked(text, ("Fracture", "true", text, 0), gate=gate)
    assert [part for part in hidden if part in page] == []
    assert "Fraktur" in plain(page) and re.search(r"<i>\[[A-Z_]+\]</i>", page)


def test_markup_in_texts_findings_and_titles_is_shown_and_not_run():
    text = '<script>alert(1)</script> & "Fraktur" <b>'
    page = viewing.marked(text, findings(('"><img src=x>', "true", text, 0)), gate=Gate(), title="<S-1>")
    assert plain(page) == text
    tags = set(re.findall(r"<(\w+)", page))
    assert tags == {"div", "h4", "p", "mark", "ul", "li", "b"}
    assert 'title="&quot;&gt;&lt;img src=x&gt;: true"' in page


def test_examples_come_with_the_most_doubtful_first_and_the_number_asked_for(texts, labelled):
    page = viewing.examples(texts[::-1], labelled, gate=Gate(known=KNOWN), show_text=True, n=2).data
    assert re.findall("<h4>(.*?)</h4>", page) == ["S-0001", "S-0003"]
    assert "Radiuskopffraktur" in page


def test_every_value_has_a_colour_and_a_line_of_its_own():
    text = "aa bb cc"
    page = marked(text, ("A", "true", "aa", 0), ("B", "uncertain", "bb", 3), ("C", "false", "cc", 6))
    assert re.findall(r"underline (\w+)", page) == ["solid", "wavy", "dotted"]
    assert len(set(viewing.COLOURS.values())) == 3
    assert re.findall(r"underline (\w+)", viewing.legend()) == ["solid", "wavy", "dotted"]


def test_findings_that_rest_on_the_same_words_are_named_together():
    page = marked("Fraktur", ("A", "true", "Fraktur", 0), ("B", "true", "Fraktur", 0))
    assert re.findall('title="([^"]*)"', page) == ["A, B: true"]


def test_a_quote_beyond_the_text_marks_nothing_and_breaks_nothing():
    assert plain(marked("Fraktur", ("A", "true", "Fraktur links, alt", 40))) == "Fraktur"


def test_without_a_gate_the_text_is_shown_as_it_is():
    text = "Pat. Gundula Beispielfrau: Fraktur."
    shown = viewing.painted(text, findings(("A", "true", "Fraktur", 27)), gate=None)
    assert html.unescape(re.sub("<[^>]+>", "", shown)) == text


def test_the_tree_follows_the_hierarchy_and_folds_what_is_silent():
    kinds = {
        "openai": {"Fracture (All Locations)": "true", "Radius Fracture": "true", "Radial Head Fracture": "uncertain"},
        "rules": {"Fracture (All Locations)": "true", "Radius Fracture": "negated"},
    }
    page = viewing.tree(kinds, TEMPLATE, notes={"Radius Fracture": "differs & raised"})
    rows = re.findall(r"padding:.1em .5em .1em ([\d.]+)em;text-align:left\">([^<]*)<", page)
    assert rows == [("0.0", "Fracture (All Locations)"), ("1.1", "Radius Fracture"), ("2.2", "Radial Head Fracture")]
    assert "differs &amp; raised" in page and ">openai<" in page and ">rules<" in page
    assert f"{len(TEMPLATE.findings) - 3} not mentioned" in page and "Ossicles" in page.split("<details>")[1]


def test_a_report_that_names_nothing_says_so():
    assert "No finding is named" in viewing.tree({"rules": {}}, TEMPLATE)


def test_bars_are_as_long_as_their_shares():
    counts = pd.DataFrame({"true": [3], "uncertain": [1], "negated": [0], "not mentioned": [0]}, index=["Ossicles"])
    page = viewing.bars(counts, n=4)
    assert re.findall(r"width:([\d.]+)%", page) == ["75.00", "25.00", "0.00"]
    assert "3 true · 1 uncertain" in page and "4 reports" in page


def test_findings_that_nobody_mentions_are_folded_in_the_bars():
    counts = pd.DataFrame(0, index=["Ossicles"], columns=["true", "uncertain", "negated", "not mentioned"])
    assert "1 not mentioned</summary>Ossicles" in viewing.bars(counts, n=0)


def test_a_listing_escapes_words_and_sets_numbers_to_the_right():
    page = viewing.listing(pd.DataFrame({"phrase": ["<b>"], "reports": [3]}))
    assert "&lt;b&gt;" in page and re.search(r"text-align:right[^>]*>3<", page)


def test_without_leave_no_word_of_any_report_is_shown(texts, labelled):
    page = viewing.examples(texts, labelled, gate=Gate(), show_text=False).data
    assert "show_text: true" in page
    words = {word for _, text in texts for word in re.findall(r"\w{5,}", text)}
    assert words and [word for word in words if word in page] == []
    assert "<mark" not in page and "S-0001" not in page
