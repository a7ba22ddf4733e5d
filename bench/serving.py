"""What the extraction benchmarks share: the test server in a process of its own, reports, settings, the real command.

Not run by itself; see `extraction.py` and `resilience.py`.
"""

import csv
import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

from labkit import templates
from labkit.extraction import chat

ROOT = Path(__file__).parents[1]
KEY = "test-key"
KEY_VARIABLE = "LABKIT_BENCH_KEY"
TEMPLATE = templates.load("elbow")


class Server:
    """The test server in its own process; options as in tests/llm_server.py."""

    def __init__(self, latency_s, **options):
        command = [sys.executable, ROOT / "tests" / "llm_server.py", "--latency", str(latency_s)]
        for name, value in options.items():
            command += [f"--{name.replace('_', '-')}", str(value)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.base_url = self.process.stdout.readline().strip()

    def stats(self, *, clear=False):
        path = "/clear" if clear else "/stats"
        with urllib.request.urlopen(self.base_url.removesuffix("/v1") + path) as reply:
            return json.load(reply)

    def span(self):
        """Seconds from the first to the last report's call."""
        stats = self.stats()
        return stats["last"] - stats["first"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def reports(n):
    """Reports of ordinary length, each different: a third each states, hedges and is silent on the first finding."""
    openings = ("Fraktur des Olekranons mit Stufe.", "Verdacht auf Fissur.", "Regelrechter Befund.")
    for i in range(n):
        yield f"r{i}", f"{openings[i % 3][:-1]}, Aufnahme {i}. " + "Regelrechte Artikulation, kein Erguss. " * 8


def settings(server, concurrency, **more):
    given = {"timeout_s": 60, "logprobs": False, **more}
    return chat.Settings(model="test-model", base_url=server.base_url, api_key_env=KEY_VARIABLE,
                         concurrency=concurrency, **given)  # fmt: skip


def extract(server, given, *, store, concurrency, **more):
    os.environ[KEY_VARIABLE] = KEY
    return chat.extract(given, template=TEMPLATE, settings=settings(server, concurrency, **more), store_path=store,
                        progress=False)  # fmt: skip


def probe_first(server, *, store, concurrency, **more):
    """Leave the probe out of what follows: one report before the clock starts keeps it in the store."""
    extract(server, [("p", "Kein Befund.")], store=store, concurrency=concurrency, **more).close()
    server.stats(clear=True)


class Command:
    """`labkit extract` as a user types it, on a CSV of n reports; its Python files are compiled once, as installed."""

    def __init__(self, folder, n, server, concurrency):
        self.folder, self.n = Path(folder), n
        self.store, self.output = self.folder / "answers.sqlite", self.folder / "labels.csv"
        with open(self.folder / "reports.csv", "w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([("report_id", "report"), *reports(n)])
        self.line = [
            Path(sys.executable).with_name("labkit"), "extract", self.folder / "reports.csv", "--template", "elbow",
            "--extractor", "openai", "--base-url", server.base_url, "--model", "test-model", "--concurrency",
            str(concurrency), "--store", self.store, "-o", self.output,
        ]  # fmt: skip
        self.environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        self.environment |= {"OPENAI_API_KEY": KEY, "PYTHONPYCACHEPREFIX": str(self.folder / "compiled")}

    def start(self):
        return subprocess.Popen(self.line, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def statuses(self):
        with open(self.output.with_suffix(".status.csv"), newline="", encoding="utf-8") as file:
            return {row["report_id"]: row["status"] for row in csv.DictReader(file)}

    def n_labels(self):
        with open(self.output, newline="", encoding="utf-8") as file:
            return sum(1 for _ in csv.DictReader(file))
