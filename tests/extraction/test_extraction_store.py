import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from llm_server import LlmServer

from labkit.errors import ExtractionError
from labkit.extraction.store import Store, owner_name

SCRIPT = """
import sys
from labkit import templates
from labkit.extraction import chat
url, store, n, concurrency = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
reports = ((f"r{i}", f"Fraktur Nummer {i}.") for i in range(n))
settings = chat.Settings(model="test-model", base_url=url, concurrency=concurrency, logprobs=False)
found = chat.extract(reports, template=templates.load("elbow"), settings=settings, store_path=store, progress=False)
print(found.counts["ok"], len(found), flush=True)
"""


def started(server, store, n, concurrency=16):
    environment = os.environ | {"OPENAI_API_KEY": "test-key"}
    command = [sys.executable, "-c", SCRIPT, server.base_url, str(store), str(n), str(concurrency)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def test_a_killed_run_goes_on_and_repeats_at_most_the_calls_in_flight(tmp_path):
    n, concurrency = 300, 16
    with LlmServer(latency_s=0.05) as server:
        first = started(server, tmp_path / "s.sqlite", n, concurrency)
        while server.answered < n // 2:
            time.sleep(0.01)
        os.kill(first.pid, signal.SIGKILL)
        first.communicate()
        second = started(server, tmp_path / "s.sqlite", n, concurrency)
        assert second.communicate(timeout=30)[0].split() == [str(n), str(n)]
        asked = {text: times for text, times in server.calls.items() if "Nummer" in text}
    assert len(asked) == n
    assert sum(asked.values()) - n <= concurrency


def test_a_rerun_asks_nothing_at_all(ask, reports):
    with LlmServer() as server:
        first = [(a.status, a.raised, a.cost, a.asked_at) for a in ask(server, reports)]
        total = server.total
        again = [(a.status, a.raised, a.cost, a.asked_at) for a in ask(server, reports)]
        assert server.total == total
    assert first == again


def test_a_rerun_does_not_even_load_the_client(tmp_path):
    with LlmServer() as server:
        first = started(server, tmp_path / "s.sqlite", 5)
        assert first.communicate(timeout=30)[0].split() == ["5", "5"]
        watched = SCRIPT + "\nassert 'openai' not in sys.modules"
        environment = os.environ | {"OPENAI_API_KEY": "test-key"}
        command = [sys.executable, "-c", watched, server.base_url, str(tmp_path / "s.sqlite"), "5", "16"]
        again = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30)
    assert again.returncode == 0, again.stderr


def test_only_what_changed_is_asked_again(ask, reports):
    with LlmServer(models=("test-model", "other")) as server:
        ask(server, reports)
        before = server.total
        ask(server, [*reports, ("new", "Ein neuer Befund.")])
        assert server.total - before == 1
        ask(server, reports[:5], model="other", seed=7)
        assert server.total - before >= 6


def test_a_server_started_at_another_port_finds_the_answers(ask, reports):
    with LlmServer() as server:
        ask(server, reports)
    with LlmServer() as other:
        assert ask(other, reports).counts["ok"] == 30
        assert other.total == 0


def test_failures_stay_until_they_are_retried_alone(ask, reports):
    def fault(text, attempt):
        return "refusal" if "Nummer 7." in text and attempt == 0 else None

    with LlmServer(fault=fault) as server:
        assert ask(server, reports).counts["refused"] == 1
        total = server.total
        assert ask(server, reports).counts["refused"] == 1
        assert server.total == total
        assert ask(server, reports, retry_failed=True).counts["ok"] == 30
        assert server.total == total + 1


def test_two_processes_on_one_store_never_ask_twice(tmp_path):
    with LlmServer(latency_s=0.05) as server:
        pair = [started(server, tmp_path / "s.sqlite", 200, 4) for _ in range(2)]
        assert [p.communicate(timeout=30)[0].split() for p in pair] == [["200", "200"]] * 2
        asked = [times for text, times in server.calls.items() if "Nummer" in text]
    assert len(asked) == 200
    assert sum(asked) == 200


def test_two_runs_in_one_process_never_ask_twice(ask, reports):
    counts = []
    with LlmServer(latency_s=0.05) as server:
        pair = [threading.Thread(target=lambda: counts.append(ask(server, reports).counts["ok"])) for _ in range(2)]
        for thread in pair:
            thread.start()
        for thread in pair:
            thread.join(30)
        asked = [times for text, times in server.calls.items() if "Nummer" in text]
    assert counts == [30, 30]
    assert len(asked) == sum(asked) == 30


def test_claims_of_a_dead_process_are_free_and_of_a_living_one_are_not(tmp_path):
    with Store(tmp_path / "s.sqlite") as store:
        host = owner_name().split("|")[0]
        [verdict] = store.transaction([(store.claim, ["a"], f"{host}|999999|1.00", 60.0, 0.0)])
        assert verdict == {"a": "mine"}
        assert store.transaction([(store.claim, ["a"], owner_name(), 60.0, 0.0)]) == [{"a": "mine"}]
        assert store.transaction([(store.claim, ["a"], "elsewhere|1|1.00", 60.0, 0.0)]) == [{"a": "theirs"}]
        store.transaction([(store.put, "a", "ok", "", {"labels": {}})])
        assert store.transaction([(store.claim, ["a"], "elsewhere|1|1.00", 60.0, 0.0)]) == [{"a": "answered"}]


def test_a_claim_elsewhere_lapses_with_its_lease(tmp_path):
    with Store(tmp_path / "s.sqlite") as store:
        store.transaction([(store.claim, ["a"], "elsewhere|1|1.00", 0.05, 0.0)])
        assert store.transaction([(store.claim, ["a"], owner_name(), 60.0, 0.0)]) == [{"a": "theirs"}]
        time.sleep(0.06)
        assert store.transaction([(store.claim, ["a"], owner_name(), 60.0, 0.0)]) == [{"a": "mine"}]


def test_a_full_disk_ends_the_run_with_one_sentence_and_keeps_what_is_there(ask, reports, tmp_path, monkeypatch):
    original = Store.__init__

    def small(self, path):
        original(self, path)
        pages = self.db.execute("PRAGMA page_count").fetchone()[0]
        self.db.execute(f"PRAGMA max_page_count={pages + 6}")

    with LlmServer() as server:
        monkeypatch.setattr(Store, "__init__", small)  # the store is ours; the client and server stay as they are
        found = ask(server, reports, concurrency=2)
        assert "full" in found.stopped
        kept = found.counts["ok"]
        assert 0 < kept < 30
        found.close()
        monkeypatch.setattr(Store, "__init__", original)
        assert ask(server, reports).counts["ok"] == 30
        assert server.total <= 30 + 3 + 2 + 2  # reports, probe, those that could not be kept


def test_a_file_that_is_no_store_is_refused(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("report_id,finding\n" * 500)
    with pytest.raises(ExtractionError, match=r"labels\.csv"):
        Store(path)


def test_an_interrupt_keeps_what_is_in_flight(tmp_path):
    with LlmServer(latency_s=0.2) as server:
        environment = os.environ | {"OPENAI_API_KEY": "test-key"}
        command = [sys.executable, "-c", SCRIPT, server.base_url, str(tmp_path / "s.sqlite"), "300", "8"]
        run = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        while server.answered < 40:
            time.sleep(0.01)
        run.send_signal(signal.SIGINT)
        _, said = run.communicate(timeout=15)
        answered = server.answered
    assert "KeyboardInterrupt" in said
    with Store(tmp_path / "s.sqlite") as store:
        kept = store.db.execute("SELECT count(*) FROM answers").fetchone()[0]
        assert store.db.execute("SELECT count(*) FROM claims").fetchone()[0] == 0
    assert kept == answered - 3  # less the probe
    assert answered < 100


def test_nothing_of_the_reports_ids_is_in_the_store(ask, tmp_path):
    with LlmServer() as server:
        ask(server, [("Meier-4711", "Fraktur.")]).close()
    content = b"".join(Path(p).read_bytes() for p in tmp_path.glob("store.sqlite*"))
    assert b"4711" not in content


def test_extraction_works_inside_a_running_loop(ask, reports):
    import asyncio

    async def cell():
        with LlmServer() as server:
            return ask(server, reports).counts["ok"]

    assert asyncio.run(cell()) == 30
    assert not [t for t in threading.enumerate() if t.name.startswith("labkit-")]
