"""Throughput and memory of extraction at a server of known latency, beside the plain client and a synchronous loop.

    python bench/extraction.py throughput            # the table of ratios, about five minutes
    python bench/extraction.py throughput --quick    # fewer reports, for a look
    python bench/extraction.py memory [REPORTS ...]  # peak memory, of 10,000 and 100,000 where none is named

What happens when something goes wrong is measured by `resilience.py`.

The server runs in its own process on this machine and shares its cores, so what counts are the ratios to the ideal
(rounds × latency) and to the plain client measured in the same run. Time goes from the first to the last request, as
the server sees it; the probe is left out. The server gives no log-probabilities here: making them costs it more than
answering.
"""

import argparse
import asyncio
import json
import math
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import openai
import serving

from labkit.extraction import endpoint, prompts

CASES = ((0.2, 300, 32, 1.25), (0.2, 3000, 64, 1.25), (1.0, 1000, 64, 1.05))  # latency, reports, at once, most
QUICK = ((0.2, 300, 32, 1.25), (0.2, 600, 64, 1.25))
TURNS = 3
LOOP = 40  # reports of the synchronous loop, which stand for all


def labkit(server, n, concurrency, folder):
    """`chat.extract`: every answer checked, located, committed to disk."""
    store = Path(folder) / f"{time.monotonic_ns()}.sqlite"
    serving.probe_first(server, store=store, concurrency=concurrency)
    with serving.extract(server, serving.reports(n), store=store, concurrency=concurrency) as found:
        assert found.counts["ok"] == n, found.counts


def bodies(server, n):
    """The same requests for the peers."""
    given = serving.settings(server, 1)
    prompt = prompts.load("extraction", serving.TEMPLATE, switches=given.switches)
    found = endpoint.Capabilities()
    for _, text in serving.reports(n):
        yield endpoint.request(text, settings=given, prompt=prompt, template=serving.TEMPLATE, found=found)


def plain(server, n, concurrency, _folder):
    """AsyncOpenAI and a semaphore: the usual asynchronous script, keeping nothing."""

    async def run():
        server.stats(clear=True)
        gate = asyncio.Semaphore(concurrency)
        async with openai.AsyncOpenAI(base_url=server.base_url, api_key=serving.KEY) as client:

            async def one(body):
                async with gate:
                    reply = await client.chat.completions.create(**body)
                return json.loads(reply.choices[0].message.content)

            await asyncio.gather(*map(one, bodies(server, n)))

    asyncio.run(run())


def loop(server):
    """Seconds per report of one call after another, as the study did."""
    server.stats(clear=True)
    with openai.OpenAI(base_url=server.base_url, api_key=serving.KEY) as client:
        for body in bodies(server, LOOP):
            json.loads(client.chat.completions.create(**body).choices[0].message.content)
    return server.span() / LOOP


def measured(work, *arguments):
    """(seconds from the first to the last call, CPU milliseconds of this process per report)."""
    server, n = arguments[:2]
    before = resource.getrusage(resource.RUSAGE_SELF)
    work(*arguments)
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return server.span(), 1000 * cpu / n


def throughput(cases):
    names = ("latency", "reports", "at once", "ideal s", "labkit s", "ratio", "CPU ms", "plain s", "ratio", "CPU ms",
             "loop s", "most", "verdict")  # fmt: skip
    print(*(f"{name:>8}" for name in names))
    for latency, n, concurrency, most in cases:
        ideal = math.ceil(n / concurrency) * latency
        with serving.Server(latency) as server, tempfile.TemporaryDirectory() as folder:
            arguments = (server, n, concurrency, folder)
            # In turns, the best of each: other work on the machine hits both alike.
            runs = [(measured(labkit, *arguments), measured(plain, *arguments)) for _ in range(TURNS)]
            (mine, my_cpu), (other, other_cpu) = (map(min, zip(*column)) for column in zip(*runs))
            alone = loop(server) * n
        verdict = "met" if mine / ideal <= most and mine <= other else "missed"
        row = [f"{latency:8.1f} {n:8d} {concurrency:8d} {ideal:8.1f}"]
        row += [f"{s:8.2f} {s / ideal:8.3f} {cpu:8.2f}" for s, cpu in ((mine, my_cpu), (other, other_cpu))]
        print(*row, f"{alone:8.0f} {most:8.2f} {verdict:>8}", flush=True)
    print(
        "met: at most the ratio named and no slower than plain; CPU with the client's start and, for labkit, the probe"
    )


def memory(n):
    """Peak memory (MB) of a process that extracts n reports from a server without latency and reads the answers."""
    with (
        serving.Server(0.0) as server,
        tempfile.TemporaryDirectory() as folder,
        serving.extract(server, serving.reports(n), store=Path(folder) / "s", concurrency=64) as found,
    ):
        rows = sum(answer.status == "ok" for answer in found)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{n:8d} reports: {rows} answers, peak {peak:.0f} MB", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parts = parser.add_subparsers(dest="part", required=True)
    parts.add_parser("throughput").add_argument("--quick", action="store_true")
    parts.add_parser("memory").add_argument("sizes", nargs="*", type=int, metavar="REPORTS")
    chosen = parser.parse_args()
    if chosen.part == "throughput":
        throughput(QUICK if chosen.quick else CASES)
    elif len(chosen.sizes) == 1:
        memory(chosen.sizes[0])
    else:
        for n in chosen.sizes or [10_000, 100_000]:  # each in its own process, since a peak never falls
            subprocess.run([sys.executable, __file__, "memory", str(n)], check=True)


if __name__ == "__main__":
    main()
