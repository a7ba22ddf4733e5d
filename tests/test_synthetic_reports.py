"""Synthetic reports: grammar, and that each sentence says exactly what its label says."""

import re

import numpy as np
import pytest

from labkit import synthetic, templates
from labkit.synthetic import phrases
from labkit.synthetic.sentences import HEDGE_LEVELS, Writer
from labkit.synthetic.statements import FALSE, TRUE, UNCERTAIN
from labkit.synthetic.wording import NounPhrase, fill, fits, sentence

HEDGE_CUES = {
    "de": r"V\. ?a\.|Vd\.|erdacht|verdächtig|suspekt|ehesten|A\.e\.|ermutlich|ahrsch|ereinbar|passend zu|öglich|Mgl\."
    r"|[Ff]ragl|denkbar|in Betracht|DD |ifferenz|ausgeschlossen|auszuschl|ausschließen|abgrenzbar|abzugrenzen|\?",
    "en": r"uspic|uspected|concern|ikely|rob |robabl|onsistent|ompatible|c/w|oss\.|ossibl|may |could |uestionable"
    r"|ifferential|DDx|versus| vs |xclude|ruled out|r/o|elineate|\?",
}
NEGATIONS = {
    "de": r"\b[Kk]ein|nicht|[Oo]hne|Weder|O\.n\.|nein|intakt|regelrecht|unauffällig|negativ|normal",
    "en": r"\b[Nn]o\b|not |Neither|Neg |[Ww]ithout|intact|preserved|normal",
}


def phrase(noun, kind, language="de", **more):
    return NounPhrase(noun, kind, language, **more)


@pytest.mark.parametrize(
    ("frame", "given", "expected"),
    [
        ("Nachweis {gen}.", phrase("distal* Fraktur", "f"), "Nachweis einer distalen Fraktur."),
        ("Nachweis {gen}.", phrase("Gelenkerguss", "m"), "Nachweis eines Gelenkergusses."),
        ("Bild {gen}.", phrase("periartikulär* Verkalkungen", "p"), "Bild von periartikulären Verkalkungen."),
        (
            "vereinbar mit {dat}",
            phrase("röntgendicht* Fremdkörper", "m"),
            "vereinbar mit einem röntgendichten Fremdkörper",
        ),
        ("passend zu {dat}", phrase("klein* Ossikel", "p"), "passend zu kleinen Ossikeln"),
        ("Es [zeigt|zeigen] sich {ein}.", phrase("klein* Ossikel", "n"), "Es zeigt sich ein kleines Ossikel."),
        ("Es [zeigt|zeigen] sich {ein}.", phrase("klein* Ossikel", "p"), "Es zeigen sich kleine Ossikel."),
        ("V. a. {acc}.", phrase("metalldicht* Fremdkörper", "m"), "V. a. metalldichten Fremdkörper."),
        ("Hinweis auf {einen}.", phrase("Gelenkerguss", "m"), "Hinweis auf einen Gelenkerguss."),
        ("{kein}.", phrase("degenerativ* Veränderungen", "p"), "keine degenerativen Veränderungen."),
        ("{np+fraglich*}.", phrase("Ossikel", "n"), "fragliches Ossikel."),
        ("There [is|are] {a}.", phrase("olecranon fracture", "s", "en"), "There is an olecranon fracture."),
        ("There [is|are] {a}.", phrase("calcifications", "p", "en"), "There are calcifications."),
        ("{a} seen.", phrase("soft tissue swelling", "u", "en"), "soft tissue swelling seen."),
        ("{a} seen.", phrase("AC joint dislocation", "s", "en"), "an AC joint dislocation seen."),
    ],
)
def test_frames_inflect_by_case_gender_and_number(frame, given, expected):
    assert fill(frame, given) == expected


def test_adjectives_stand_first_and_the_tail_last():
    given = phrase("Olecranonfraktur", "f", adjectives=("mehrfragmentär*", "disloziert*"), tail="mit Trümmerzone")
    assert (
        fill("Nachweis {gen}.", given)
        == "Nachweis einer mehrfragmentären, dislozierten Olecranonfraktur mit Trümmerzone."
    )
    assert sentence("keine  Fraktur") == "Keine Fraktur."


def test_a_name_of_unknown_gender_gets_frames_without_endings_only():
    name = phrase("Distal Radius Fracture", "x")
    assert fits("V. a. {acc}.", name)
    assert not fits("Nachweis {gen}.", name)
    assert not fits("{np+fraglich*}.", name)


@pytest.mark.parametrize("anatomy", ["clavicle", "elbow", "thumb"])
@pytest.mark.parametrize("language", ["de", "en"])
@pytest.mark.parametrize("short", [True, False])
def test_every_finding_is_stated_without_a_hedge_hedged_with_one_and_denied_with_a_negation(anatomy, language, short):
    bank = phrases.load(templates.load(anatomy))
    site = synthetic.Settings().internal
    writer = Writer(phrases.frames(language), language, short, site, np.random.default_rng(0))
    for finding_id, entry in bank.findings.items():
        for _ in range(12):
            hedged = " ".join(writer.hedged(entry, dict.fromkeys(entry.modifiers, FALSE), family=writer.family(True)))
            assert re.search(HEDGE_CUES[language], hedged), (finding_id, hedged)
            if entry.hedge_only:
                continue
            stated = " ".join(writer.stated(entry, dict.fromkeys(entry.modifiers, TRUE)))
            if not entry.causes:  # a hedged cause leaves the finding true
                assert not re.search(HEDGE_CUES[language], stated), (finding_id, stated)
            denied = writer.denied(entry)
            assert re.search(NEGATIONS[language], denied), (finding_id, denied)
            for text in (hedged, stated, denied):
                assert not re.search(r"[{}\[\]*|]", text), text
                assert text[0] == text[0].upper() and text.endswith((".", "?")), text


def test_a_doubted_colouring_follows_as_a_sentence_of_its_own():
    entry = phrases.load(templates.load("elbow")).findings["olecranon_fracture"]
    writer = Writer(phrases.frames("de"), "de", False, synthetic.Settings().internal, np.random.default_rng(1))
    sentences = writer.stated(entry, {"displaced": UNCERTAIN, "comminuted": FALSE})
    assert len(sentences) == 2
    assert not re.search(HEDGE_CUES["de"], sentences[0])
    assert re.search(HEDGE_CUES["de"], sentences[1])


@pytest.mark.parametrize("language", ["de", "en"])
def test_each_family_of_hedges_has_frames_for_each_style(language):
    frames = phrases.frames(language)
    assert set(frames["hedged"]) == set(HEDGE_LEVELS)
    assert all(frames["hedged"][family][style] for family in HEDGE_LEVELS for style in ("full", "short", "after"))


def test_surer_hedges_are_more_often_true():
    writer = Writer(phrases.frames("de"), "de", False, synthetic.Settings().internal, np.random.default_rng(0))
    share = {truth: np.mean([HEDGE_LEVELS[writer.family(truth)] == 2 for _ in range(2000)]) for truth in (True, False)}
    assert share[True] > share[False] + 0.1


@pytest.mark.parametrize("name", ["internal", "external"])
def test_identifiers_stand_in_the_text_as_listed(name):
    cohort = synthetic.Cohort(templates.load("thumb"), synthetic.Settings(n_internal=60, n_external=60), name)
    kinds = set()
    for study in cohort.studies():
        assert not re.search(r"[{}\[\]*|]", study.report.text.replace(" | ", " ").replace(" *", " ")), study.number
        for kind, text in study.report.identifiers:
            assert text in study.report.text
            kinds.add(kind)
    assert {"last", "first", "born", "day", "case", "author", "phone", "accession"} <= kinds


def test_a_report_that_says_nothing_has_all_labels_false_and_one_with_a_stated_fracture_does_not_deny_it():
    cohort = synthetic.Cohort(templates.load("elbow"), synthetic.Settings(n_internal=300), "internal")
    fracture = cohort.template.ids.index("fracture")
    for study in cohort.studies():
        text = study.report.text
        if study.latent.value[0, fracture] == TRUE:
            assert "Kein Frakturnachweis" not in text and "Weder Fraktur noch" not in text
        if re.search(r"Unauffälliger Befund|Kein pathologischer Befund|O\.B\.", text):
            assert not study.latent.value.any()


def test_styles_and_distractors_occur():
    cohort = synthetic.Cohort(templates.load("elbow"), synthetic.Settings(n_internal=300), "internal")
    texts = [study.report.text for study in cohort.studies()]
    short = [text for text in texts if "\n" not in text]
    assert 0.1 < len(short) / len(texts) < 0.3
    for trap in ("Fraktur?", "Z. n. ", "Handgelenk", "ggf. CT", "konsolidiert", "Beurteilung", "Klinische Angaben"):
        assert any(trap in text for text in texts), trap
    assert len(set(texts)) == len(texts)
