import pytest
from llm_replies import FAULTS
from llm_server import LlmServer

from labkit.errors import ExtractionError
from labkit.extraction import chat
from labkit.templates import LabelValue

EXPECTED = {
    "truncated": "truncated",
    "invalid": "invalid",
    "wrong_value": "invalid",
    "missing": "invalid",
    "extra": "invalid",
    "html": "invalid",
    "no_choices": "invalid",
    "refusal": "refused",
    "filter": "filtered",
    "prompt_filter": "filtered",
    "500": "error",
    "503": "error",
    "drop": "error",
    "half": "error",
    "429": "error",
    "invented": "ok",
}


def always(fault, word="Nummer 7."):
    """A server fault that one report meets every time."""
    return lambda text, _attempt: fault if word in text else None


def test_each_report_gets_every_finding_with_its_located_quote(ask, reports, elbow):
    with LlmServer() as server:
        answers = list(ask(server, reports, logprobs=True))
    assert [a.report_id for a in answers] == [i for i, _ in reports]
    for answer, (_, text) in zip(answers, reports):
        assert set(answer.labels) == set(elbow.ids)
        label = answer.labels[elbow.ids[0]]
        assert label.value == LabelValue.TRUE
        assert text[label.start : label.end] == label.evidence == text.split(" Kein")[0]
        assert label.confidence == pytest.approx(0.9)
        silent = answer.labels[elbow.ids[1]]
        assert (silent.value, silent.evidence, silent.start) == (LabelValue.FALSE, "", None)
        assert (answer.snapshot, answer.fingerprint) == ("test-model-2026-01-01", "fp_test")
        assert answer.prompt_tokens > answer.cached_tokens > 0


def test_known_faults_are_all_expected_somewhere():
    assert set(EXPECTED) == set(FAULTS)


def test_lasting_faults_of_all_kinds_cost_their_own_reports_only(ask):
    given = [
        (f"r{i}", f"Fraktur, {fault}." if fault else f"Fraktur {i}.") for i, fault in enumerate([*EXPECTED, *[""] * 20])
    ]
    with LlmServer(fault=lambda text, _: text[9:-1] if text[9:-1] in FAULTS else None, retry_after="0") as server:
        found = ask(server, given, max_attempts=2, report_timeout_s=12.0)
        answers = list(found)
    assert {fault: a.status for fault, a in zip(EXPECTED, answers)} == EXPECTED
    assert [a.status for a in answers[len(EXPECTED) :]] == ["ok"] * 20
    assert sum(found.counts.values()) == len(given)
    for answer in found.failed():
        assert answer.reason
        assert "Fraktur" not in answer.reason


def test_an_invented_quote_is_flagged_as_ungrounded(ask, reports, elbow):
    with LlmServer(fault=always("invented")) as server:
        found = ask(server, reports)
        answer = next(a for a in found if a.report_id == "r7")
    label = answer.labels[elbow.ids[0]]
    assert (label.value, label.grounded, label.start) == (LabelValue.TRUE, False, None)
    assert found.quality()["ungrounded"] == 1


def test_a_passing_fault_of_any_kind_is_asked_again(ask, reports):
    passing = ["429", "500", "503", "drop", "half", "invalid", "wrong_value", "html", "truncated"]

    def fault(text, attempt):
        number = text.split()[2].rstrip(".")
        return passing[int(number)] if number.isdecimal() and attempt == 0 and int(number) < len(passing) else None

    with LlmServer(fault=fault, retry_after="0") as server:
        found = ask(server, reports)
        assert found.counts["ok"] == 30
        assert max(server.calls.values()) <= 3  # the probe's text is the only one asked three times


def test_a_cut_answer_is_asked_again_with_twice_the_room(ask, reports):
    with LlmServer(fault=lambda text, attempt: "truncated" if attempt == 0 and "r 3." in text else None) as server:
        ask(server, reports[3:4], max_completion_tokens=500)
        assert [b["max_completion_tokens"] for b in server.bodies][-2:] == [500, 1000]


def test_empty_and_long_reports_are_not_sent(ask):
    given = [("a", ""), ("b", "  \n"), ("c", None), ("d", "Fraktur. " + "x" * 40_000), ("e", "Fraktur.")]
    with LlmServer() as server:
        answers = list(ask(server, given, max_prompt_tokens=6000))
        assert not any(len(text) > 1000 for text in server.calls)
    assert [a.status for a in answers] == ["skipped"] * 4 + ["ok"]
    assert [a.reason for a in answers[:3]] == ["empty report"] * 3
    assert answers[3].reason.startswith("report too long")


def test_identical_reports_are_asked_and_paid_once(ask):
    given = [(f"r{i}", "Fraktur des Olekranons.") for i in range(40)]
    with LlmServer(latency_s=0.05) as server:
        answers = list(ask(server, given))
        assert server.calls["Fraktur des Olekranons."] == 1
    assert {a.status for a in answers} == {"ok"}
    assert [a.prompt_tokens > 0 for a in answers] == [True] + [False] * 39


@pytest.mark.parametrize("fault, words", [("401", "OPENAI_API_KEY"), ("quota", "quota")])
def test_a_fault_of_the_account_stops_the_run_with_one_sentence(ask, reports, fault, words):
    with LlmServer(latency_s=0.02, fault=lambda text, _: fault if "Nummer 3." in text else None) as server:
        found = ask(server, reports, concurrency=2)
        assert server.total < 12
    assert words in found.stopped
    assert "sk-" not in found.stopped
    assert found.counts["skipped"] > 15
    with pytest.raises(ExtractionError, match=words):
        found.check()


def test_an_unknown_model_stops_before_any_report(ask, reports):
    with LlmServer() as server:
        found = ask(server, reports, model="no-such-model")
        assert server.total == 1
    assert "no-such-model" in found.stopped
    assert found.counts["skipped"] == 30


def test_a_dead_endpoint_ends_the_run_and_leaves_the_reports_unanswered(ask, reports):
    with LlmServer() as server:
        pass
    found = ask(server, reports, max_attempts=2)
    assert found.counts["skipped"] == 30
    assert "127.0.0.1" in found.stopped


def test_a_run_stops_before_its_budget_is_passed(ask, reports, tmp_path):
    table = tmp_path / "prices.yaml"
    table.write_text(
        "currency: USD\ndated: 2026-01-01\nsource: test\nmodels:\n  test-model: {input: 1, cached_input: 1, output: "
        "1}\n"
    )
    with LlmServer() as server:
        found = ask(server, reports, prices=str(table), budget=0.06, max_completion_tokens=5000)
        answers = list(found)
    spent = sum(a.cost for a in answers if a.status == "ok")
    assert 0 < spent <= 0.06
    assert "budget" in found.stopped
    assert 0 < found.counts["ok"] < 30
    assert found.counts["ok"] + found.counts["skipped"] == 30


def test_a_budget_without_a_price_is_refused(ask, reports):
    with LlmServer() as server, pytest.raises(ExtractionError, match="has no price"):
        ask(server, reports, budget=1.0)


def test_the_run_ends_at_its_time_limit(ask, reports):
    with LlmServer(latency_s=0.3) as server:
        found = ask(server, reports, concurrency=2, run_timeout_s=2.0)
    assert "time" in found.stopped
    assert 0 < found.counts["ok"] < 30


def test_votes_of_several_samples_give_value_and_share(ask, elbow):
    def fault(text, attempt):
        return "invented" if "Kein" in text and attempt == 2 else None

    with LlmServer(fault=fault) as server:
        found = ask(server, [("a", "Kein Befund."), ("b", "Fraktur.")], samples=3)
        seeds = sorted(b["seed"] for b in server.bodies)[-6:]
    first, second = list(found)
    assert seeds == [1, 1, 2, 2, 3, 3]
    assert first.labels[elbow.ids[0]].value == LabelValue.FALSE
    assert first.labels[elbow.ids[0]].confidence == pytest.approx(2 / 3, abs=1e-4)
    assert second.labels[elbow.ids[0]].confidence == 1.0


def test_estimate_counts_what_is_missing_and_prices_it(ask, reports, elbow, tmp_path):
    with LlmServer() as server:
        ask(server, reports[:10])
        settings = chat.Settings(model="test-model", base_url=server.base_url, logprobs=False)
        store = tmp_path / "store.sqlite"
        before = chat.estimate([*reports, ("x", "")], template=elbow, settings=settings, store_path=store)
        total = server.total
        found = ask(server, reports)
    assert (before.reports, before.known, before.calls, before.unsent) == (31, 10, 20, 1)
    assert server.total - total == 20
    assert found.record["tokens"][0] == pytest.approx(before.prompt_tokens, rel=before.margin)
    assert before.cost is None


def test_the_record_and_the_store_hold_no_key(ask, reports, tmp_path):
    with LlmServer() as server:
        found = ask(server, reports)
    assert "test-key" not in repr(found.record)
    found.close()
    assert all(b"test-key" not in path.read_bytes() for path in tmp_path.glob("store.sqlite*"))
