import json
from dataclasses import dataclass
from datetime import date

import pytest
from llm_server import FEATURES, LlmServer

from labkit.errors import ExtractionError
from labkit.extraction import chat, prices
from labkit.templates import LabelValue


def found_of(found):
    return found.record["capabilities"]


@pytest.mark.parametrize("missing, mode", [([], "json_schema"), (["json_schema"], "tools"),
                                           (["json_schema", "tools"], "json_object")])  # fmt: skip
def test_the_form_falls_back_until_the_server_honours_it(ask, reports, missing, mode):
    with LlmServer(features=FEATURES - set(missing)) as server:
        found = ask(server, reports)
    assert found_of(found)["mode"] == mode
    assert found.counts["ok"] == 30
    assert len(found_of(found)["notes"]) >= len(missing)


def test_a_form_that_is_asked_for_is_not_replaced(ask, reports):
    with LlmServer(features=FEATURES - {"json_schema"}) as server:
        found = ask(server, reports, mode="json_schema")
    assert "mode json_schema" in found.stopped
    assert found.counts["skipped"] == 30


@pytest.mark.parametrize("names", [["temperature"], ["seed", "logprobs"], ["max_completion_tokens"]])
def test_what_a_model_refuses_is_left_out_and_named(ask, reports, names):
    with LlmServer(features=FEATURES - set(names)) as server:
        found = ask(server, reports[:10], logprobs=True)
        body = server.bodies[-1]
    assert found.counts["ok"] == 10
    assert set(found_of(found)["refused"]) == set(names)
    assert not set(names) & set(body)
    assert ("max_tokens" in body) == ("max_completion_tokens" in names)
    assert found_of(found)["logprobs"] == ("logprobs" not in names)


def test_a_server_that_takes_a_schema_and_ignores_it_is_found_out(ask, reports):
    def fault(text, attempt):
        return "missing" if "No abnormality" in text and attempt < 3 else None

    with LlmServer(fault=fault) as server:
        assert found_of(ask(server, reports))["mode"] == "tools"


def test_a_prompt_cut_by_the_server_stops_the_run(ask, reports):
    with LlmServer(context_tokens=1000) as server:
        found = ask(server, reports)
    assert "reads only 1000 tokens" in found.stopped
    assert "num_ctx" in found.stopped
    assert found.counts["skipped"] == 30


def test_a_prompt_cut_in_the_middle_of_a_run_is_seen_by_its_count(ask, reports):
    with LlmServer() as server:
        ask(server, [("p", "Kein Befund.")])
        server.context_tokens = 1200
        found = ask(server, reports, concurrency=2)
        assert server.total < 12
    assert "reads only 1200 tokens" in found.stopped
    assert found.counts["truncated"] + found.counts["skipped"] == 30


def test_context_and_shutdown_date_are_read_from_the_models_list(ask, reports):
    with LlmServer(context_tokens=100_000, shutdown_date="2027-01-14") as server:
        found = ask(server, reports)
    assert found_of(found)["context_tokens"] == 100_000
    assert found_of(found)["shutdown_date"] == "2027-01-14"
    assert "2027-01-14" in " ".join(found.record["warnings"])


def test_the_static_part_is_the_same_for_every_report_and_comes_first(ask, reports):
    with LlmServer() as server:
        ask(server, reports)
        bodies = list(server.bodies)[-30:]
    assert len({json.dumps([b["messages"][0], b["response_format"]]) for b in bodies}) == 1
    assert [m["role"] for m in bodies[0]["messages"]] == ["system", "user"]
    assert {b["messages"][1]["content"] for b in bodies} == {text for _, text in reports}


def test_the_probe_is_kept_for_the_next_run(ask, reports):
    with LlmServer() as server:
        ask(server, reports[:5])
        total = server.total
        ask(server, reports)
        assert server.total - total == 25


def test_azure_is_asked_by_deployment(ask, reports):
    with LlmServer(key=None, models=("labels",)) as server:
        base = server.base_url.removesuffix("/v1")
        found = ask(server, reports, provider="azure", base_url=base, model="labels")
    assert found.counts["ok"] == 30


@dataclass
class Cleaned:
    text: str
    shift: int

    def to_original(self, start, end):
        return start + self.shift, end + self.shift


def test_offsets_of_a_cleaned_text_refer_to_the_original(ask, elbow):
    text = "Herr Meier. Fraktur des Olekranons. Kein Erguss."
    with LlmServer() as server:
        clean = lambda given: Cleaned(given.replace("Herr Meier. ", ""), 12)  # noqa: E731
        [answer] = ask(server, [("a", text)], deidentify=clean)
        assert not any("Meier" in asked for asked in server.calls)
    label = answer.labels[elbow.ids[0]]
    assert text[label.start : label.end] == "Fraktur des Olekranons."


def test_a_text_that_cannot_be_cleaned_is_blocked(ask):
    def broken(text):
        raise RuntimeError(text)

    with LlmServer() as server:
        [answer] = ask(server, [("a", "Herr Meier: Fraktur.")], deidentify=broken)
        assert server.total == 0
    assert answer.status == "blocked"
    assert "Meier" not in answer.reason


REMOTE = {"model": "gpt-4o", "base_url": "https://llm.example.org/v1", "api_key_env": "LABKIT_TEST_KEY"}


def remote(elbow, tmp_path, **more):
    settings = chat.Settings(**{**REMOTE, **more})
    chat.extract([("a", "x")], template=elbow, settings=settings, store_path=tmp_path / "s", progress=False)


def test_texts_that_may_name_people_do_not_leave_without_a_gate(elbow, tmp_path):
    with pytest.raises(ExtractionError, match="not local"):
        remote(elbow, tmp_path)


def test_a_missing_key_is_named_by_its_variable(elbow, tmp_path, monkeypatch):
    monkeypatch.delenv("LABKIT_TEST_KEY", raising=False)
    with pytest.raises(ExtractionError, match="LABKIT_TEST_KEY"):
        remote(elbow, tmp_path, texts="already anonymised")


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1", "127.8.9.1:5", "[::1]:1", "gpu7"])
def test_loopback_and_listed_hosts_are_local(host):
    assert chat.Settings(model="m", base_url=f"http://{host}/v1", local_hosts=("gpu7",)).is_local


@pytest.mark.parametrize("host", ["api.openai.com", "localhost.example.org", "10.0.0.7", "gpu77", "127.0.0.1.nip.io"])
def test_any_other_host_is_not_local(host):
    assert not chat.Settings(model="m", base_url=f"http://{host}/v1", local_hosts=("gpu7",)).is_local


@pytest.mark.parametrize("wrong", [{"base_url": "https://user:pw@host/v1"}, {"base_url": "host"}, {"modle": "x"},
                                   {"api_key": "sk-1"}, {"samples": 0}])  # fmt: skip
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(ValueError):
        chat.Settings(**{"model": "m", **wrong})


def test_the_price_table_is_dated_and_knows_snapshots():
    table = prices.load()
    assert table.dated <= date(2030, 1, 1)
    assert table.source
    assert table.of("gpt-4o-2024-08-06") == table.of("gpt-4o")
    assert table.of("my-own-model") is None


def test_switches_change_the_prompt_and_so_the_key(elbow):
    from labkit.extraction import prompts

    usual = chat.Settings(model="m")
    texts = {
        name: prompts.load("extraction", elbow, switches=usual.switches | {name: False}) for name in usual.switches
    }
    texts["usual"] = prompts.load("extraction", elbow, switches=usual.switches)
    assert len({p.sha256 for p in texts.values()}) == 5
    for prompt in texts.values():
        assert all(f"`{i}`" in prompt.text for i in elbow.ids)
        assert "{" not in prompt.text


def test_a_raised_parent_is_counted_and_shows_the_quote_that_raised_it(elbow):
    from labkit.extraction.answers import combine

    labels = {i: ["false", "", None, None, None] for i in elbow.ids}
    labels["olecranon_fracture"] = ["true", "Olekranonfraktur", 3, 19, 0.8]
    shown, violations = combine([{"labels": labels}], elbow, None)
    assert set(violations) == {("ulna_fracture", "olecranon_fracture")}
    top = shown["fracture"]
    assert (top.value, top.raised) == (LabelValue.FALSE, LabelValue.TRUE)
    assert (top.evidence, top.start, top.grounded) == ("Olekranonfraktur", 3, True)
    assert shown["olecranon_fracture"].raised == LabelValue.TRUE
