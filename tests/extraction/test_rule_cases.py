"""Whole reports and single sentences, each with all its findings; `rule_cases.yaml` was written for this test."""

from pathlib import Path

import pytest
import yaml

from labkit import templates
from labkit.extraction import rules

CASES = yaml.safe_load((Path(__file__).parent / "rule_cases.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def extractors():
    return {anatomy: rules.RuleExtractor(templates.load(anatomy)) for anatomy in CASES}


@pytest.mark.parametrize(
    ("anatomy", "case"), [(anatomy, case) for anatomy, cases in CASES.items() for case in cases], ids=lambda x: None
)
def test_report_gets_exactly_its_findings(extractors, anatomy, case):
    template = extractors[anatomy].template
    stated = dict.fromkeys(template.ids, "false")
    stated |= dict.fromkeys(case.get("hedged", ()), "uncertain") | dict.fromkeys(case.get("stated", ()), "true")
    expected = template.raise_parents(stated)
    assert extractors[anatomy](case["report"]).values == expected


@pytest.mark.parametrize("anatomy", CASES)
def test_every_true_or_uncertain_label_quotes_the_report_verbatim(extractors, anatomy):
    for case in CASES[anatomy]:
        labelled = extractors[anatomy](case["report"])
        for finding, value in labelled.values.items():
            span = labelled.evidence.get(finding)
            assert span is not None or value == "false"
            assert span is None or (span.text and case["report"][span.start : span.end] == span.text)
