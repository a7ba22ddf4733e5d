"""The record holds what a methods section needs, also where every answer came from the store, and nothing private."""

import json
from dataclasses import replace

import pytest
from llm_server import FEATURES, LlmServer

from labkit import deidentification, templates
from labkit.extraction import chat
from labkit.extraction.answers import interpret
from labkit.extraction.record import Used

PER_CALL = {
    "model", "snapshot", "fingerprint", "mode", "refused", "temperature", "seed", "logprobs", "sample", "prompt",
    "attempts", "rate_limited", "completions", "tokens", "seconds", "cost", "asked_at",
}  # fmt: skip


def payloads(found):
    rows = found.job.store.db.execute("SELECT payload FROM answers").fetchall()
    return [json.loads(payload) for (payload,) in rows]


def test_every_call_is_stored_with_all_that_names_it(ask, reports):
    with LlmServer(latency_s=0.05) as server:
        found = ask(server, reports[:3], samples=2, seed=7)
    kept = payloads(found)
    assert len(kept) == 6
    assert all(set(payload) == PER_CALL | {"labels"} for payload in kept)
    assert sorted(payload["seed"] for payload in kept) == [7, 7, 7, 8, 8, 8], "as sent, one per sample"
    for payload in kept:
        assert (payload["model"], payload["snapshot"]) == ("test-model", "test-model-2026-01-01")
        assert (payload["fingerprint"], payload["temperature"]) == ("fp_test", 0.2)
        assert payload["tokens"][0] > payload["tokens"][1] > 0 and payload["tokens"][2] > 0
        assert payload["seconds"] >= 0.05
        assert payload["prompt"] == found.job.prompt.sha256


def test_the_record_of_a_cached_rerun_still_says_when_and_how_the_answers_were_made(ask, reports):
    with LlmServer() as server:
        first = ask(server, reports).record
        again = ask(server, reports).record
    assert first["answers_used"] == again["answers_used"]
    assert first["capabilities"] == again["capabilities"] and again["capabilities"]["snapshot"]
    assert first["sampling"] == again["sampling"]
    assert (again["calls"], again["reused"], again["tokens"]) == (0, 30, [0, 0, 0])
    used = again["answers_used"]
    assert used["snapshots"] == {"test-model-2026-01-01": 30} and used["fingerprints"] == {"fp_test": 30}
    assert used["first_asked_at"] <= used["last_asked_at"] <= first["finished_at"]
    assert (used["answers"], used["requests"], used["retries"]) == (30, 30, 0)
    assert used["cached_share"] == pytest.approx(used["cached_tokens"] / used["prompt_tokens"], abs=1e-4)


def test_what_was_asked_and_what_was_honoured_is_in_words(ask, reports):
    with LlmServer(features=FEATURES - {"seed", "json_schema"}) as server:
        record = ask(server, reports[:4], logprobs=True).record
    assert record["sampling"] == {
        "temperature": "0.2, accepted",
        "seed": "1, refused by the endpoint and left out",
        "reasoning_effort": "not sent",
        "logprobs": "asked for, given with 4 of 4 answers",
    }
    assert "falling back from json_schema to tools" in record["fallbacks"]
    [(words, n)] = record["form"].items()
    assert "tools" in words and n == 4


def test_retries_and_rate_limits_are_counted_by_request(ask, reports):
    kinds = {"Nummer 1.": "429", "Nummer 2.": "503", "Nummer 3.": "invalid"}

    def fault(text, attempt):
        return next((kind for word, kind in kinds.items() if word in text and attempt == 0), None)

    with LlmServer(fault=fault, retry_after="0") as server:
        found = ask(server, reports[:6])
        answers = {a.report_id: a.attempts for a in found}
    used = found.record["answers_used"]
    assert answers == {"r0": 1, "r1": 2, "r2": 2, "r3": 2, "r4": 1, "r5": 1}
    assert (used["answers"], used["completions"], used["requests"]) == (6, 7, 9)
    assert (used["retries"], used["rate_limited"]) == (3, 1)


def test_placeholders_are_counted_by_type_and_no_evidence_shows_one(ask, elbow):
    text = "Fraktur bei Frau Gundula Beispiel, geb. 01.02.1960, gesehen von Dr. Meier."
    given = [("a", text), ("b", "Kein Befund."), ("c", text.replace("Gundula", "Hildegard"))]
    with LlmServer() as server:
        found = ask(server, given, deidentify=deidentification.Gate().clean)
        answers = {a.report_id: a for a in found}
        assert not any(word in asked for asked in server.calls for word in ("Gundula", "Hildegard", "1960", "Meier"))
        assert sum("Fraktur" in asked for asked in server.calls) == 1, "both texts are the same once cleaned"
    counts = {"NAME": 2, "PHYSICIAN": 2, "DATE": 2}
    assert (found.record["placeholders"], found.record["reports_with_placeholders"]) == (counts, 2)
    assert found.record["texts"] == "de-identified before sending"
    for name, original in (("a", given[0][1]), ("c", given[2][1])):
        label = answers[name].labels[elbow.ids[0]]
        assert label.value == "true" and label.grounded
        assert label.evidence == original[label.start : label.end]
        assert "[" not in label.evidence
    assert "Hildegard" in answers["c"].labels[elbow.ids[0]].evidence, "each report's own letters, not the first one's"


def test_a_quote_is_kept_in_the_letters_of_the_report(elbow):
    content = {i: {"evidence": "", "value": "false"} for i in elbow.ids}
    content["fracture"] = {"evidence": "fraktur  des\nOlekranons", "value": "true"}
    data = {"choices": [{"message": {"content": json.dumps(content)}, "finish_reason": "stop"}]}
    text = "Befund: Fraktur des Ole-\nkranons."
    value, quote, start, end, _ = interpret(data, text, mode="json_schema", template=elbow).labels["fracture"]
    assert (value, quote) == ("true", "Fraktur des Ole-\nkranons") and quote == text[start:end]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"base_url": "http://127.0.0.1:1/v1"}, "this machine (loopback)"),
        ({"base_url": "http://gpu7.klinik.example/v1", "local_hosts": ("gpu7.klinik.example",)},
         "a server inside the hospital"),
        ({"base_url": "https://eu.api.openai.com/v1"}, "public API eu.api.openai.com"),
        ({"base_url": "https://klinik.openai.azure.com", "provider": "azure"}, "Azure OpenAI"),
        ({"base_url": "https://gateway.klinik.example/v1"}, "a server at another address"),
    ],
)  # fmt: skip
def test_the_endpoint_is_named_by_kind_and_a_private_host_never(settings, words):
    assert chat.Settings(model="m", **settings).endpoint_kind == words


def test_nothing_private_is_in_the_record(ask, reports, tmp_path):
    with LlmServer() as server:
        record = ask(server, reports, local_hosts=("gpu7.klinik.example",)).record
        said = json.dumps(record)
        assert str(server.port) not in said
    for private in ("127.0.0.1", "gpu7", "test-key", "OPENAI_API_KEY", "Fraktur", "r17", str(tmp_path)):
        assert private not in said


def test_the_template_hash_follows_its_content(ask, reports, elbow):
    with LlmServer() as server:
        found = ask(server, reports[:1])
    changed = replace(found.job, template=elbow.model_copy(update={"anatomy": "knee"}))
    assert found.record["template_sha256"] == found.job.template_sha256 != changed.template_sha256


def test_answers_of_an_older_store_are_summed_up_without_what_they_lack():
    used = Used()
    used.add({"attempts": 2, "tokens": [10, 0, 5], "cost": None, "seconds": 1.0, "asked_at": "2026-01-01T00:00:00"})
    facts = used.facts()
    assert (facts["answers"], facts["completions"], facts["seconds_median"], facts["cost"]) == (1, 2, 0.5, None)


def test_nothing_used_gives_a_record_all_the_same(ask):
    with LlmServer() as server:
        record = ask(server, [("a", "")]).record
        assert server.total == 0
    assert record["answers_used"]["answers"] == 0 and record["answers_used"]["cached_share"] is None
    assert record["statuses"]["skipped"] == 1


def test_quality_is_the_same_before_and_after_the_answers_were_read(ask, reports):
    with LlmServer(fault=lambda text, _: "invented" if "Nummer 7." in text else None) as server:
        found = ask(server, reports)
        before = found.quality()
        assert sum(1 for _ in found) == 30
    assert found.quality() == before
    assert (before["true"], before["quotes"], before["quotes_not_found"], before["quotes_missing"]) == (30, 30, 1, 0)
    assert before["labels"] == 30 * len(templates.load("elbow").ids)
