"""Throughput of extraction at a server of known latency, beside the plain client, a synchronous loop and the ideal.

    python bench/extraction.py            # the table of ratios, about three minutes
    python bench/extraction.py --quick    # fewer reports, for a look
    python bench/extraction.py --memory   # peak memory at 10,000 and 100,000 reports

The server runs in its own process on this machine and shares its cores, so what counts are the ratios to the ideal
(rounds × latency) and to the plain client measured in the same run. Time goes from the first to the last request, as
the server sees it; the probe is left out. The server gives no log-probabilities here: making them costs it more than
answering.
"""

import argparse
import asyncio
import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import openai

from labkit import templates
from labkit.extraction import chat, endpoint, prompts

ROOT = Path(__file__).parents[1]
os.environ.setdefault("LABKIT_BENCH_KEY", "test-key")


class Server:
    """The test server in its own process."""

    def __init__(self, latency_s, *options):
        command = [sys.executable, ROOT / "tests" / "llm_server.py", "--latency", str(latency_s), *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.base_url = self.process.stdout.readline().strip()

    def stats(self, *, clear=False):
        path = "/clear" if clear else "/stats"
        with urllib.request.urlopen(self.base_url.removesuffix("/v1") + path) as reply:
            return json.load(reply)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def reports(n):
    """Reports of ordinary length, each different."""
    for i in range(n):
        yield f"r{i}", f"Befund {i}: Fraktur des Olekranons mit Stufe. " + "Regelrechte Artikulation, kein Erguss. " * 8


def settings(server, concurrency, **more):
    return chat.Settings(model="test-model", base_url=server.base_url, api_key_env="LABKIT_BENCH_KEY", timeout_s=60,
                         concurrency=concurrency, **more)  # fmt: skip


def ours(server, n, concurrency, folder):
    """Seconds from the first to the last report's call of `chat.extract`."""
    given = settings(server, concurrency, logprobs=False)
    store = Path(folder) / f"{time.monotonic_ns()}.sqlite"
    template = templates.load("elbow")
    # One report before the clock starts: the probe stays in the store.
    with chat.extract([("p", "Kein Befund.")], template=template, settings=given, store_path=store, progress=False):
        server.stats(clear=True)
    with chat.extract(reports(n), template=template, settings=given, store_path=store, progress=False) as found:
        assert found.counts["ok"] == n, found.counts
    return span(server)


def span(server):
    stats = server.stats()
    return stats["last"] - stats["first"]


def bodies(server, n):
    """The same requests for the peers."""
    given, template = settings(server, 1, logprobs=False), templates.load("elbow")
    prompt = prompts.load("extraction", template, switches=given.switches)
    found = endpoint.Capabilities()
    for _, text in reports(n):
        yield endpoint.request(text, settings=given, prompt=prompt, template=template, found=found)


def plain(server, n, concurrency, _folder):
    """AsyncOpenAI and a semaphore: the usual asynchronous script, keeping nothing."""

    async def run():
        server.stats(clear=True)
        gate = asyncio.Semaphore(concurrency)
        async with openai.AsyncOpenAI(base_url=server.base_url, api_key="test-key") as client:

            async def one(body):
                async with gate:
                    reply = await client.chat.completions.create(**body)
                return json.loads(reply.choices[0].message.content)

            await asyncio.gather(*map(one, bodies(server, n)))

    asyncio.run(run())
    return span(server)


def loop(server, n, _concurrency, _folder):
    """One call after another, as the study did; 40 reports stand for all."""
    n = min(n, 40)
    server.stats(clear=True)
    with openai.OpenAI(base_url=server.base_url, api_key="test-key") as client:
        for body in bodies(server, n):
            json.loads(client.chat.completions.create(**body).choices[0].message.content)
    return span(server) / n


def throughput(cases):
    names = ("latency", "reports", "at once", "ideal s", "labkit", "ratio", "plain", "ratio", "loop")
    print(*(f"{name:>{6 if name == 'ratio' else 8}}" for name in names))
    for latency, n, concurrency in cases:
        ideal = math.ceil(n / concurrency) * latency
        with Server(latency) as server, tempfile.TemporaryDirectory() as folder:
            # In turns, the better of three each: other work on the machine hits both alike.
            runs = [(ours(server, n, concurrency, folder), plain(server, n, concurrency, folder)) for _ in range(3)]
            mine, other = (min(column) for column in zip(*runs))
            alone = loop(server, n, 1, folder) * n
        row = [f"{latency:8.1f} {n:8d} {concurrency:8d} {ideal:8.1f}"]
        row += [f"{seconds:8.2f} {seconds / ideal:6.3f}" for seconds in (mine, other)]
        print(*row, f"{alone:8.0f}", flush=True)


def memory(n):
    """Peak memory (MB) of a process that extracts n reports from a fast server."""
    with Server(0.0) as server, tempfile.TemporaryDirectory() as folder:
        given = settings(server, 64, logprobs=False)
        store = Path(folder) / "s.sqlite"
        with chat.extract(
            reports(n), template=templates.load("elbow"), settings=given, store_path=store, progress=False
        ) as found:
            rows = sum(answer.status == "ok" for answer in found)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{n:8d} reports: {rows} rows, peak {peak:.0f} MB", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--memory", nargs="*", type=int, metavar="REPORTS")
    chosen = parser.parse_args()
    if chosen.memory is not None:
        sizes = chosen.memory or [10_000, 100_000]
        if len(sizes) == 1:
            memory(sizes[0])
        else:
            for n in sizes:  # each in its own process, since a peak never falls
                subprocess.run([sys.executable, __file__, "--memory", str(n)], check=True)
        return
    cases = [(0.2, 300, 32), (0.2, 3000, 64), (1.0, 1000, 64)]
    throughput([(0.2, 300, 32), (0.2, 600, 64)] if chosen.quick else cases)


if __name__ == "__main__":
    main()
