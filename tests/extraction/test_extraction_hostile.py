"""What nobody wishes for: broken letters, stores of other studies, full disks, servers that forbid."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from llm_replies import completion, labels
from llm_server import LlmServer

from labkit import templates
from labkit.errors import ExtractionError
from labkit.extraction import chat
from labkit.extraction.answers import STATUSES
from labkit.extraction.spool import Spool
from labkit.extraction.store import Store

SURROGATE = "\ud83d"


class Says(LlmServer):
    """Answers every report with what `change` makes of the right completion."""

    def __init__(self, change, **options):
        super().__init__(**options)
        self.change = change

    def _completion(self, body):
        made = super()._completion(body)
        text = body["messages"][-1]["content"]
        return self.change(made, text) if "Fraktur" in text else made


def broken_quote(made, text):
    answer = labels(text, tuple(json.loads(made["choices"][0]["message"]["content"])))
    next(iter(answer.values()))["evidence"] = f"Fraktur {SURROGATE}"
    return made | {"choices": [{"message": {"content": json.dumps(answer)}, "finish_reason": "stop"}]}


def broken_json(made, _text):
    message = {"content": f"no JSON {SURROGATE}"}
    return made | {"choices": [{"message": message, "finish_reason": "stop"}], "model": f"m{SURROGATE}"}


def broken_shapes(made, _text):
    return made | {"usage": [1], "model": ["x"], "system_fingerprint": {"a": 1}, "choices": [{"logprobs": 3}]}


def huge_counts(made, _text):
    return made | {"usage": {"prompt_tokens": 10**30, "completion_tokens": True, "prompt_tokens_details": "none"}}


@pytest.mark.parametrize("change", [broken_quote, broken_json, broken_shapes, huge_counts])
def test_no_answer_however_broken_ends_the_run(ask, reports, change):
    with Says(change) as server:
        found = ask(server, reports[:5], concurrency=2)
        answers = list(found)
    assert found.stopped is None
    assert [a.report_id for a in answers] == [i for i, _ in reports[:5]]
    assert all(a.status == "ok" or a.reason for a in answers)
    assert SURROGATE not in repr(answers)


def test_broken_letters_in_reports_are_sent_as_question_marks(ask, elbow):
    with LlmServer() as server:
        [answer] = ask(server, [("a", f"Fraktur {SURROGATE} rechts. Kein Erguss.")])
    assert answer.labels[elbow.ids[0]].evidence == "Fraktur ? rechts."


def test_a_store_serves_two_templates_without_mixing_them(ask, elbow, reports, tmp_path):
    thumb = templates.load("thumb")
    with LlmServer() as server:
        ask(server, reports)
        before = server.total
        settings = chat.Settings(model="test-model", base_url=server.base_url, logprobs=False)
        with chat.extract(reports, template=thumb, settings=settings, store_path=tmp_path / "store.sqlite",
                          progress=False) as found:  # fmt: skip
            assert found.counts["ok"] == 30
            assert all(set(a.labels) == set(thumb.ids) for a in found)
        assert server.total == before + 30 + 3  # its own probe
        again = ask(server, reports)
        assert server.total == before + 33
    assert all(set(a.labels) == set(elbow.ids) for a in again)


def test_two_reports_of_one_id_stay_two_rows(ask):
    with LlmServer() as server:
        answers = list(ask(server, [("a", "Fraktur."), ("a", "Kein Befund."), ("a", "Fraktur.")]))
    assert [a.report_id for a in answers] == ["a"] * 3
    assert [a.labels["fracture"].value for a in answers] == ["true", "false", "true"]


def test_no_reports_give_no_rows_and_no_call(ask):
    with LlmServer() as server:
        found = ask(server, [])
        assert server.total == 0
    assert list(found) == [] and found.counts == dict.fromkeys(STATUSES, 0)
    assert found.quality()["answers"] == 0


@pytest.mark.parametrize(("fault", "words"), [("401", "OPENAI_API_KEY"), ("403", "OPENAI_API_KEY"),
                                              ("404", "check model and base_url"), ("quota", "quota")])  # fmt: skip
def test_what_cannot_succeed_stops_at_once_with_one_sentence(ask, reports, fault, words):
    with LlmServer(fault=lambda *_: fault) as server:
        found = ask(server, reports)
        assert server.total == 1
    assert words in found.stopped and found.stopped.count(". ") == 0
    assert found.counts["skipped"] == 30


def test_a_full_temporary_folder_is_said_in_a_sentence(ask, reports, monkeypatch):
    def full(self):
        original(self)
        self._db.execute("PRAGMA max_page_count=3")

    original = Spool.__init__
    monkeypatch.setattr(Spool, "__init__", full)
    given = [(i, text + " Kein Erguss." * 500) for i, text in reports]
    with LlmServer() as server, pytest.raises(ExtractionError, match="temporary folder"):
        ask(server, [(f"{i}" * 400, text) for i, text in given])


def test_a_store_in_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(ExtractionError, match=r"s\.sqlite"):
        Store(tmp_path / "file" / "s.sqlite")


def test_a_store_that_another_program_locks_is_said_in_a_sentence(ask, reports, tmp_path, monkeypatch):
    ask_store = tmp_path / "store.sqlite"
    original = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *a, **k: original(*a, **{**k, "timeout": 0.2}))
    with LlmServer() as server:
        ask(server, reports[:1])
        other = original(ask_store, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        found = ask(server, reports)
        other.execute("ROLLBACK")
        other.close()
    assert "locked" in found.stopped
    assert found.counts["ok"] == 1


def test_an_interrupted_command_says_so_and_goes_on_where_it_was(tmp_path):
    (tmp_path / "r.csv").write_text("report_id,report\n" + "".join(f"r{i},Fraktur {i}.\n" for i in range(60)))
    with LlmServer(latency_s=0.05) as server:
        command = f"extract {tmp_path}/r.csv -t elbow -x openai --model test-model --concurrency 4 -o {tmp_path}/l.csv"
        line = [Path(sys.executable).with_name("labkit"), *command.split(), "--base-url", server.base_url]
        environment = os.environ | {"OPENAI_API_KEY": "test-key"}
        run = subprocess.Popen(line, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        while server.answered < 12:
            time.sleep(0.01)
        run.send_signal(signal.SIGINT)
        _, said = run.communicate(timeout=30)
        assert run.returncode == 130
        assert "Interrupted" in said and "Traceback" not in said
        assert subprocess.run(line, env=environment, capture_output=True, timeout=60).returncode == 0
        asked = [n for text, n in server.calls.items() if text.startswith("Fraktur ")]
    assert len(asked) == sum(asked) == 60, "an interrupt keeps the calls in flight"


def test_completions_of_the_server_are_what_the_client_expects():
    made = completion({"messages": [{"role": "user", "content": "x"}], "model": "m"}, "{}")
    assert {"id", "choices", "usage", "model", "system_fingerprint"} <= set(made)
