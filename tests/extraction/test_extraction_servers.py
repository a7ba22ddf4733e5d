"""What servers tell of themselves is used, and what they do not tell or tell wrongly does no harm."""

import pytest
from llm_server import LlmServer

PROPS = {"default_generation_settings": {"n_ctx": 8192, "params": {}}, "total_slots": 2, "model_path": "/m.gguf"}
RUNNING = {
    "models": [{"name": "other:7b", "context_length": 2048}, {"name": "test-model:latest", "context_length": 16384}]
}
STRANGE = [
    [],
    {"models": 3},
    {"default_generation_settings": {"n_ctx": "many"}},
    {"models": [None, {"name": ["a"]}, {"name": "test-model", "context_length": -1}]},
    "<html>",
]


def found_of(found):
    return found.record["capabilities"]


def test_slots_and_context_of_llama_cpp_are_read_and_its_slots_are_not_overrun(ask, reports):
    with LlmServer(native={"/props": PROPS}, latency_s=0.01) as server:
        found = ask(server, reports, concurrency=16)
        assert server.most_in_flight == 4
    assert (found_of(found)["context_tokens"], found_of(found)["slots"]) == (8192, 2)
    assert "answers 2 calls at once; at most 4 are sent" in " ".join(found.record["warnings"])
    assert found.counts["ok"] == 30


def test_the_length_that_ollama_loaded_a_model_with_is_read(ask, reports):
    with LlmServer(native={"/api/ps": RUNNING}) as server:
        found = ask(server, reports[:2])
    assert (found_of(found)["context_tokens"], found_of(found)["slots"]) == (16384, None)


def test_an_older_ollama_is_asked_for_the_models_own_file(ask, reports):
    shown = {"parameters": 'temperature   0.2\nnum_ctx                        6000\nstop "x"'}
    running = {"models": [{"name": "test-model:latest"}]}
    with LlmServer(native={"/api/ps": running, "/api/show": shown}) as server:
        assert found_of(ask(server, reports[:2]))["context_tokens"] == 6000


@pytest.mark.parametrize("strange", STRANGE)
def test_strange_answers_are_passed_over(ask, reports, strange):
    with LlmServer(native={"/props": strange, "/api/ps": strange, "/api/show": strange}) as server:
        found = ask(server, reports[:2])
    assert found_of(found)["context_tokens"] is None
    assert found.counts["ok"] == 2


def test_a_context_that_the_prompt_fills_stops_the_run_with_its_length(ask, reports):
    small = {"default_generation_settings": {"n_ctx": 1500}}
    with LlmServer(native={"/props": small}) as server:
        found = ask(server, reports)
    assert "context length of 1500 tokens is too short" in found.stopped
    assert "--ctx-size" in found.stopped
    assert found.counts["skipped"] == 30


def test_a_report_that_the_context_cannot_hold_is_skipped_with_its_length(ask):
    given = [("a", "Fraktur."), ("b", "Fraktur. " + "Kein Erguss. " * 4000)]
    with LlmServer(native={"/props": PROPS}) as server:
        short, long = list(ask(server, given))
    assert (short.status, long.status) == ("ok", "skipped")
    assert long.reason.startswith("report too long")
