"""The table of MI-CLEAR-LLM: every item is answered for every extractor that ran, in words for a supplement."""

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from llm_server import LlmServer

from labkit import templates
from labkit.deidentification import Gate
from labkit.extraction import labelling, methods, prompts, report, rules
from labkit.extraction.settings import Settings

TEMPLATE = templates.load("elbow")
TEXTS = [
    ("1", "Fraktur links. Pat. Gundula Beispielfrau, geb. 01.02.1960."),
    ("2", "Verdacht auf Fraktur. Kein Erguss."),
    ("3", "Keine Fraktur. Kein Erguss."),
    ("4", "   "),
]


def ask(folder, monkeypatch, *, fault=None, features=None, extractors=("openai", "rules"), **settings):
    """Labels of a run against a test server, and its settings."""
    monkeypatch.setenv("OPENAI_API_KEY", "test-key")
    options = {} if features is None else {"features": frozenset(features)}
    with LlmServer(fault=fault, **options) as server:
        chosen = Settings(model="test-model", base_url=server.base_url, **settings)
        labelled = labelling.label(
            TEXTS, template=TEMPLATE, extractors=extractors, switches=rules.Switches(), settings=chosen,
            store_path=folder / "store.sqlite", deidentify=Gate().clean,
        )  # fmt: skip
    return labelled, chosen


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield ask(tmp_path_factory.mktemp("both"), monkeypatch, fault=lambda t, _: "refusal" if "Keine" in t else None)


def said(table, source):
    return dict(zip(table["detail"], table[source]))


def test_every_item_is_answered_for_every_extractor(both):
    table = methods.table(both[0], template=TEMPLATE)
    assert list(table.columns) == ["item", "detail", "openai", "rules"]
    assert list(dict.fromkeys(table["item"])) == [item for item, _ in methods.ITEMS]
    assert table.map(lambda cell: isinstance(cell, str) and len(cell) > 1).all().all()
    assert len(set(table["detail"])) == len(table)


def test_the_model_its_version_dates_settings_and_prompt_are_those_of_the_run(both):
    labelled, settings = both
    facts = said(methods.table(labelled, template=TEMPLATE), "openai")
    prompt = prompts.load(settings.prompt, TEMPLATE, switches=settings.switches)
    assert facts["Model"].startswith("test-model") and "test-model-2026-01-01" in facts["Version"]
    assert facts["Dates of the calls"] == labelled.record["openai"]["answers_used"]["first_asked_at"][:10]
    assert "temperature 0.2, accepted" in facts["Randomness"] and "seed 1, accepted" in facts["Randomness"]
    assert prompt.sha256[:16] in facts["Prompt"]
    assert facts["Repeated queries"] == "one answer per report"


def test_failures_are_counted_and_their_handling_is_said(both):
    facts = said(methods.table(both[0], template=TEMPLATE), "openai")
    assert facts["Reports by status"].startswith("4 reports: ")
    assert all(part in facts["Reports by status"] for part in ("ok 2", "refused 1", "skipped 1"))
    assert "not used" in facts["Handling"]


def test_what_only_the_author_knows_is_left_open_in_words(both):
    facts = said(methods.table(both[0], template=TEMPLATE), "openai")
    for detail in ("Developer", "Training data until", "Development", "Test data"):
        assert methods.AUTHOR in facts[detail], detail


def test_identifiers_are_counted_by_type_and_never_named(both):
    table = methods.table(both[0], template=TEMPLATE)
    facts = said(table, "openai")
    assert "placeholders in 1 of 4 reports (NAME 1; DATE 1)" in facts["Identifiers in the texts"]
    assert said(table, "rules")["Identifiers in the texts"] == "no text left this machine"
    assert "Beispielfrau" not in table.to_csv()


def test_a_parameter_that_the_endpoint_refuses_is_named(tmp_path, monkeypatch):
    features = {"json_object", "max_completion_tokens", "prompt_cache_key", "store"}
    labelled, settings = ask(tmp_path, monkeypatch, features=features, extractors=["openai"], samples=3)
    table = methods.table(labelled, template=TEMPLATE)
    facts = said(table, "openai")
    assert "rules" not in table
    assert "temperature 0.2, refused" in facts["Randomness"] and "json_object" in facts["Form of the answer"]
    assert facts["Repeated queries"].startswith("3 answers per report")
    files = methods.prompt_files(settings, TEMPLATE, record=labelled.record, folder=tmp_path)
    sent = prompts.load(settings.prompt, TEMPLATE, switches=settings.switches).in_words
    assert files[0].read_text(encoding="utf-8") == sent, "the schema in words is part of what was sent"


def test_the_prompt_is_written_as_it_was_sent_and_shown_folded(both, tmp_path):
    labelled, settings = both
    files = methods.prompt_files(settings, TEMPLATE, record=labelled.record, folder=tmp_path / "tables")
    assert [path.name for path in files] == ["prompt_extraction.md", "answer_schema.json"]
    text = files[0].read_text(encoding="utf-8")
    assert text == prompts.load("extraction", TEMPLATE, switches=settings.switches).text
    assert set(json.loads(files[1].read_text(encoding="utf-8"))["properties"]) == set(TEMPLATE.ids)
    page = report.methods(methods.table(labelled, template=TEMPLATE), files).data
    assert page.count("<details") == 2 and "<script" not in page
    assert not [word for word in ("Beispielfrau", "Gundula") if word in page + text]


def test_rules_alone_have_a_version_and_no_prompt(tmp_path):
    labelled = labelling.label(TEXTS, template=TEMPLATE, extractors=["rules"], switches=rules.Switches())
    facts = said(methods.table(labelled, template=TEMPLATE), "rules")
    assert labelled.record["rules"]["languages_sha256"][:16] in facts["Version"]
    assert facts["Reports by status"] == "4 reports: ok 3, skipped 1"
    assert f"{len(labelled.raised)} values raised" in facts["Hierarchy"] and facts["Tokens"] == "none"
    assert methods.prompt_files(None, TEMPLATE, record=labelled.record, folder=tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_the_version_of_the_rules_follows_their_files(tmp_path, monkeypatch):
    (tmp_path / "de.yaml").write_bytes((labelling.LANGUAGE_DIR / "de.yaml").read_bytes())
    before = labelling.by_rules(TEXTS, template=TEMPLATE, switches=rules.Switches()).record["languages_sha256"]
    monkeypatch.setattr(labelling, "LANGUAGE_DIR", tmp_path)
    after = labelling.by_rules(TEXTS, template=TEMPLATE, switches=rules.Switches()).record["languages_sha256"]
    assert before != after


def test_the_record_is_kept_as_json(both, tmp_path):
    path = methods.save_record(both[0].record, tmp_path / "record.json")
    assert json.loads(path.read_text(encoding="utf-8"))["openai"]["statuses"]["ok"] == 2
    assert "Beispielfrau" not in path.read_text(encoding="utf-8")
