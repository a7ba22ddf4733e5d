"""Answers kept in SQLite: each finished one is committed at once, and two runs on one file never ask twice.

Used by `chat` and `batch`. A key is a hash of report text, template, prompt, model and settings; texts and report ids
are not in the file, answers with their quotes are, so it stays in `build/`. WAL with synchronous FULL: what was
committed survives a kill and a power cut. Put the file on a local disk, not on a network share.
"""

import json
import os
import socket
import sqlite3
import threading
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import psutil

from labkit.errors import ExtractionError

__all__ = ["Store", "owner_name"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS answers (
    key TEXT PRIMARY KEY, status TEXT NOT NULL, reason TEXT NOT NULL, payload TEXT NOT NULL, asked_at REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS claims (key TEXT PRIMARY KEY, owner TEXT NOT NULL, until REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS probes (key TEXT PRIMARY KEY, payload TEXT NOT NULL, probed_at REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS batches (
    id TEXT PRIMARY KEY, digest TEXT NOT NULL, state TEXT NOT NULL, payload TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS batch_lines (key TEXT PRIMARY KEY, line TEXT NOT NULL) WITHOUT ROWID;
"""
VERSION = 1
CHUNK = 500  # below SQLite's limit of variables in one statement


def owner_name() -> str:
    """This process: host, process id and start time, so that a reused id is not taken for it."""
    return f"{socket.gethostname()}|{os.getpid()}|{psutil.Process().create_time():.2f}"


def is_gone(owner: str) -> bool:
    """Whether the process that holds a claim has ended; a process on another host is never called gone."""
    host, pid, started = owner.split("|")[:3]
    if host != socket.gethostname():
        return False
    try:
        return abs(psutil.Process(int(pid)).create_time() - float(started)) > 1.0
    except psutil.Error:
        return True


class Store:
    """One SQLite file of answers; safe to use from several threads and processes.

    Raises
    ------
    ExtractionError : the file cannot be opened or is something else.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self.lock = threading.RLock()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.db = sqlite3.connect(self.path, timeout=60, isolation_level=None, check_same_thread=False)
            self.db.execute("PRAGMA journal_mode=WAL")
            self.db.execute("PRAGMA synchronous=FULL")
            self.db.executescript(SCHEMA)
            version = self.db.execute("PRAGMA user_version").fetchone()[0]
            if version not in (0, VERSION):
                raise ExtractionError(
                    f"{self.path.name}: the store has version {version}, this labkit reads {VERSION}; give another "
                    "file."
                )
            if version != VERSION:  # opening alone writes nothing, so it waits for nobody
                self.db.execute(f"PRAGMA user_version={VERSION}")
        except (sqlite3.Error, OSError) as error:
            raise ExtractionError(
                f"{self.path.name}: cannot be used as store ({error}); give another file or free its disk."
            ) from error

    def close(self) -> None:
        with self.lock:
            self.db.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # -- reading ------------------------------------------------------------------------------------------------
    def _select(self, columns: str, keys: Iterable[str]) -> dict[str, tuple]:
        keys, found = list(keys), {}
        with self.lock:
            for start in range(0, len(keys), CHUNK):
                part = keys[start : start + CHUNK]
                marks = ",".join("?" * len(part))
                query = f"SELECT key, {columns} FROM answers WHERE key IN ({marks})"
                found.update((row[0], row[1:]) for row in self.db.execute(query, part))
        return found

    def statuses(self, keys: Iterable[str]) -> dict[str, tuple[str, str, float]]:
        """(status, reason, asked_at) of the keys that have an answer."""
        return self._select("status, reason, asked_at", keys)

    def fetch(self, keys: Iterable[str]) -> dict[str, tuple[str, str, dict]]:
        """(status, reason, payload) of the keys that have an answer."""
        rows = self._select("status, reason, payload", keys)
        return {key: (status, reason, json.loads(payload)) for key, (status, reason, payload) in rows.items()}

    def facts(self, keys: Iterable[str]) -> dict[str, tuple[str, dict]]:
        """(status, payload without labels and content) of the keys that have an answer; much faster than `fetch`."""
        rows = self._select("status, json_remove(payload, '$.labels', '$.content')", keys)
        return {key: (status, json.loads(facts)) for key, (status, facts) in rows.items()}

    def latest(self, n: int = 10) -> list[dict]:
        """Payloads of a few good answers, to calibrate estimates."""
        query = "SELECT payload FROM answers WHERE status = 'ok' LIMIT ?"
        with self.lock:
            return [json.loads(row[0]) for row in self.db.execute(query, (n,))]

    # -- writing: each call runs inside `transaction` -------------------------------------------------------------
    def transaction(self, actions: Sequence[tuple]) -> list[Any]:
        """Run (method, argument …) pairs in one transaction and return their results; all or none is kept."""
        with self.lock:
            self.db.execute("BEGIN IMMEDIATE")
            try:
                results = [method(*arguments) for method, *arguments in actions]
                self.db.execute("COMMIT")
                return results
            except BaseException:
                if self.db.in_transaction:
                    self.db.execute("ROLLBACK")
                raise

    def put(self, key: str, status: str, reason: str, payload: dict) -> None:
        """Keep a finished answer and give up the claim on it."""
        text = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
        # Half of an emoji, as models write it when they are cut, is no text: a question mark stands for it.
        text = text.encode("utf-8", "replace").decode("utf-8")
        row = (key, status, reason, text, time.time())
        self.db.execute("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?)", row)
        self.db.execute("DELETE FROM claims WHERE key = ?", (key,))

    def claim(self, keys: Sequence[str], owner: str, lease_s: float, failed_before: float) -> dict[str, str]:
        """'mine', 'theirs' or 'answered' per key; failures asked before `failed_before` (Unix time) may be asked "
        "again."""
        now, verdicts = time.time(), {}
        answered = self.statuses(keys)
        for key in keys:
            row = answered.get(key)
            if row and (row[0] == "ok" or row[2] >= failed_before):
                verdicts[key] = "answered"
                continue
            held = self.db.execute("SELECT owner, until FROM claims WHERE key = ?", (key,)).fetchone()
            if held and held[0] != owner and held[1] > now and not is_gone(held[0]):
                verdicts[key] = "theirs"
                continue
            self.db.execute("INSERT OR REPLACE INTO claims VALUES (?, ?, ?)", (key, owner, now + lease_s))
            verdicts[key] = "mine"
        return verdicts

    def renew(self, owner: str, lease_s: float) -> None:
        self.db.execute("UPDATE claims SET until = ? WHERE owner = ?", (time.time() + lease_s, owner))

    def release(self, owner: str) -> None:
        self.db.execute("DELETE FROM claims WHERE owner = ?", (owner,))

    # -- what was found out about an endpoint ---------------------------------------------------------------------
    def probe(self, key: str, *, younger_than_s: float) -> str | None:
        query = "SELECT payload FROM probes WHERE key = ? AND probed_at > ?"
        with self.lock:
            row = self.db.execute(query, (key, time.time() - younger_than_s)).fetchone()
        return row[0] if row else None

    def put_probe(self, key: str, payload: str) -> None:
        self.db.execute("INSERT OR REPLACE INTO probes VALUES (?, ?, ?)", (key, payload, time.time()))

    def forget_probe(self, key: str) -> None:
        self.db.execute("DELETE FROM probes WHERE key = ?", (key,))

    # -- batches at a provider --------------------------------------------------------------------------------------
    def open_batches(self, digest: str) -> list[tuple[str, str, str]]:
        """(id, state, input file id) of batches whose answers are not here yet."""
        query = "SELECT id, state, payload FROM batches WHERE digest = ? AND state != 'kept' ORDER BY rowid"
        with self.lock:
            return self.db.execute(query, (digest,)).fetchall()

    def put_batch(self, batch_id: str, digest: str, state: str, file_id: str) -> None:
        self.db.execute("INSERT OR REPLACE INTO batches VALUES (?, ?, ?, ?)", (batch_id, digest, state, file_id))

    def rename_batch(self, file_id: str, batch_id: str) -> None:
        """A submitted file has become a batch."""
        self.db.execute("UPDATE batches SET id = ?, state = 'open' WHERE id = ?", (batch_id, file_id))

    def keep_lines(self, batch_id: str, lines: Sequence[tuple[str, str]]) -> None:
        self.db.executemany("INSERT OR REPLACE INTO batch_lines VALUES (?, ?)", lines)
        self.db.execute("UPDATE batches SET state = 'kept' WHERE id = ?", (batch_id,))

    def any_line(self) -> bool:
        with self.lock:
            return self.db.execute("SELECT 1 FROM batch_lines LIMIT 1").fetchone() is not None

    def line(self, key: str) -> str | None:
        with self.lock:
            row = self.db.execute("SELECT line FROM batch_lines WHERE key = ?", (key,)).fetchone()
        return row[0] if row else None

    def drop_line(self, key: str) -> None:
        self.db.execute("DELETE FROM batch_lines WHERE key = ?", (key,))
