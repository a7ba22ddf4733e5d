import json
import sqlite3
import threading

import pytest
from llm_server import LlmServer

from labkit.errors import ExtractionError
from labkit.extraction import batch, chat, watching
from labkit.extraction.endpoint import Capabilities
from labkit.extraction.store import Store


@pytest.fixture
def ask_by_batch(elbow, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "test-key")

    def run(server, reports, **more):
        settings = chat.Settings(model="test-model", base_url=server.base_url, timeout_s=5.0, logprobs=False)
        return batch.extract(reports, template=elbow, settings=settings, store_path=tmp_path / "store.sqlite",
                             poll_s=0.02, progress=False, **more)  # fmt: skip

    return run


def test_a_batch_gives_the_same_rows_as_calls(ask_by_batch, ask, reports, tmp_path):
    given = [*reports, ("empty", ""), ("again", reports[0][1])]
    with LlmServer() as server:
        by_batch = list(ask_by_batch(server, given))
        assert len(server.batches) == 1
        by_call = list(ask(server, given, store=tmp_path / "other.sqlite"))
    assert [(a.report_id, a.status, a.raised, a.prompt_tokens) for a in by_batch] == [
        (a.report_id, a.status, a.raised, a.prompt_tokens) for a in by_call
    ]


def test_a_setting_chooses_batches(ask, reports, monkeypatch):
    monkeypatch.setattr(batch.extract, "__kwdefaults__", {**batch.extract.__kwdefaults__, "poll_s": 0.02})
    with LlmServer() as server:
        found = ask(server, reports, batch=True)
        assert len(server.batches) == 1
        assert ask(server, reports).record["calls"] == 0, "calls find the answers of batches"
    assert found.counts["ok"] == 30 and found.record["settings"]["batch"]


def test_files_at_the_provider_are_deleted(ask_by_batch, reports):
    with LlmServer() as server:
        ask_by_batch(server, reports)
        assert server.files == {}


def test_lines_of_the_error_file_end_with_a_reason(ask_by_batch, reports):
    faults = {"Nummer 3.": "500", "Nummer 4.": "prompt_filter", "Nummer 5.": "refusal", "Nummer 6.": "invalid"}

    def fault(text, _attempt):
        return next((kind for word, kind in faults.items() if word in text), None)

    with LlmServer(fault=fault) as server:
        answers = {a.report_id: a for a in ask_by_batch(server, reports)}
    assert [answers[f"r{i}"].status for i in range(3, 7)] == ["error", "filtered", "refused", "invalid"]
    assert all(answers[f"r{i}"].reason for i in range(3, 7))
    assert sum(a.status == "ok" for a in answers.values()) == 26


def test_what_expired_is_sent_again_and_nothing_else(ask_by_batch, reports):
    def fault(text, attempt):
        return "expired" if "Nummer 1" in text and attempt == 0 else None

    with LlmServer(fault=fault) as server:
        found = ask_by_batch(server, reports)
        assert found.counts["ok"] == 30
        assert len(server.batches) == 2
        assert server.total == 30 + 11 + 3  # reports, those with 1 or 10 to 19, probe


def test_a_second_run_attaches_to_the_batch_that_a_kill_left(ask_by_batch, ask, reports, elbow, tmp_path):
    with LlmServer() as server:
        ask(server, [("p", "Kein Befund.")])  # the probe
        settings = chat.Settings(model="test-model", base_url=server.base_url, timeout_s=5.0, logprobs=False)
        with Store(tmp_path / "store.sqlite") as store:
            job = watching.checked_job(elbow, settings, tmp_path / "store.sqlite", None, False)
            digest = settings.digest(job.prompt.sha256)
            run = batch.Batches(job, poll_s=0.02)
            run.found = Capabilities()
            lines = b"".join(run._line(key, text, sample) for key, text, sample in run._keys(reports))
            server.files["file-9"] = lines
            server.batches["batch_9"] = {"polls": 0, "input": "file-9"}
            # As a kill between starting the batch and keeping its id leaves it.
            store.transaction([(store.put_batch, "file-9", digest.hex(), "submitting", "file-9")])
        found = ask_by_batch(server, reports)
        assert found.counts["ok"] == 30
        assert list(server.batches) == ["batch_9"]
        total = server.total
        assert ask_by_batch(server, reports).counts["ok"] == 30
        assert server.total == total


def test_the_lines_are_those_of_the_calls(ask, reports, elbow, tmp_path):
    with LlmServer() as server:
        found = ask(server, reports[:1])
        sent = server.bodies[-1]
        run = batch.Batches(found.job, poll_s=1)
        run.found = Capabilities(**found.record["capabilities"])
        [(key, text, sample)] = run._keys(reports[:1])
        line = json.loads(run._line(key, text, sample))
    assert line["body"] == sent
    assert line["url"] == "/v1/chat/completions"
    assert line["custom_id"] == key in found.job.store.statuses([key])


def test_reports_that_can_be_read_once_are_refused(ask_by_batch, reports):
    with LlmServer() as server, pytest.raises(ExtractionError, match="only once"):
        ask_by_batch(server, iter(reports))


def test_a_batch_costs_half_of_the_calls(ask, reports, elbow, tmp_path):
    table = tmp_path / "prices.yaml"
    table.write_text(
        "currency: USD\ndated: 2026-01-01\nsource: test\n"
        "models:\n  test-model: {input: 2, cached_input: 1, output: 3}\n"
    )
    with LlmServer() as server:
        calls = ask(server, reports[:3], prices=str(table))
        settings = chat.Settings(model="test-model", base_url=server.base_url, prices=str(table), logprobs=False)
        half = batch.extract(
            reports[:3], template=elbow, settings=settings, store_path=tmp_path / "b", poll_s=0.02, progress=False
        )
    assert [a.cost for a in half] == [pytest.approx(a.cost / 2) for a in calls]
    assert half.record["cost"] == pytest.approx(calls.record["cost"] / 2, abs=1e-5)


def test_two_runs_on_one_store_submit_one_batch(elbow, reports, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "test-key")
    counts = []

    def run(server):
        settings = chat.Settings(model="test-model", base_url=server.base_url, timeout_s=5.0, logprobs=False)
        with batch.extract(reports, template=elbow, settings=settings, store_path=tmp_path / "store.sqlite",
                           poll_s=0.05, progress=False) as found:  # fmt: skip
            counts.append((found.counts["ok"], found.stopped))

    with LlmServer() as server:
        pair = [threading.Thread(target=run, args=(server,)) for _ in range(2)]
        for thread in pair:
            thread.start()
        for thread in pair:
            thread.join(30)
        assert len(server.batches) == 1
        assert max(n for text, n in server.calls.items() if "Nummer" in text) == 1
    assert counts == [(30, None)] * 2


def test_a_full_disk_ends_a_batch_run_with_one_sentence(ask_by_batch, reports, monkeypatch):
    def full(self, key, *_):
        raise sqlite3.OperationalError("database or disk is full")

    with LlmServer() as server:
        with monkeypatch.context() as broken:
            broken.setattr(Store, "put", full)
            stopped = ask_by_batch(server, reports).stopped
        assert "disk is full" in stopped and "run again" in stopped
        assert ask_by_batch(server, reports).counts["ok"] == 30
        assert len(server.batches) == 1


async def stop_before_reading(run, _reports):
    if run.job.store.any_line():
        run._stop("killed here")


def test_lines_that_a_killed_run_had_fetched_are_read_and_not_paid_again(ask_by_batch, reports, monkeypatch, tmp_path):
    with LlmServer() as server:
        with monkeypatch.context() as broken:
            broken.setattr(batch.Batches, "_read", stop_before_reading)
            assert ask_by_batch(server, reports).counts["ok"] == 0
        assert ask_by_batch(server, reports).counts["ok"] == 30
        assert len(server.batches) == 1
