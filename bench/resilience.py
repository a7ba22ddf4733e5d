"""What extraction does when things go wrong: reruns, kills, faults of the server, rate limits; with the real command.

    python bench/resilience.py rerun    # `labkit extract` on 10,000 answered reports, from start to the last row
    python bench/resilience.py kill     # kill -9 in the middle of 3,000 reports at 64, then the same command again
    python bench/resilience.py faults   # a server that answers a fifth of the calls with faults of all kinds
    python bench/resilience.py limit    # a server that takes 25 requests per second

Each prints its figures beside what is asked for. `--reports N` makes it smaller for a look.
"""

import argparse
import csv
import random
import resource
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import serving

sys.path.insert(0, str(serving.ROOT / "tests"))

from llm_replies import fault_of, labels


def rerun(n):
    """Wall and CPU seconds of the command where the store holds every answer; the first run also compiles."""
    with serving.Server(0.0) as server, tempfile.TemporaryDirectory() as folder:
        command = serving.Command(folder, n, server, 64)
        _run(command)
        server.stats(clear=True)
        runs = [_run(command) for _ in range(4)][1:]
        asked = server.stats()["total"]
        assert set(command.statuses().values()) == {"ok"} and len(command.statuses()) == n
        assert command.n_labels() == n * len(serving.TEMPLATE.ids)
    wall, cpu = map(min, zip(*runs))
    print(f"{n} reports, {n * len(serving.TEMPLATE.ids)} rows: {wall:.2f} s wall, {cpu:.2f} s CPU (best of 3), "
          f"{asked} calls; asked for: under 5 s for 10,000, 0 calls")  # fmt: skip


def _run(command):
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    assert command.start().wait() == 0
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.monotonic() - began, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def kill(n, *, times=4, seed=1, concurrency=64):
    """Lost reports and calls asked twice, for kills at random moments."""
    rng = random.Random(seed)
    for _ in range(times):
        with serving.Server(0.2) as server, tempfile.TemporaryDirectory() as folder:
            command = serving.Command(folder, n, server, concurrency)
            serving.probe_first(server, store=command.store, concurrency=concurrency, logprobs=True)
            at = rng.randint(n // 10, 9 * n // 10)
            running = command.start()
            while server.stats()["answered"] < at and running.poll() is None:
                time.sleep(0.02)
            assert running.poll() is None, "the command ended before it was killed"
            running.kill()
            running.wait()
            before = server.stats()["answered"]
            assert command.start().wait() == 0
            statuses, stats = command.statuses(), server.stats()
            lost = n - sum(status == "ok" for status in statuses.values())
            repeated = stats["total"] - stats["distinct"]
        print(f"{n} reports at {concurrency}, killed after {before} answers: {lost} lost, {repeated} calls repeated; "
              f"asked for: 0 and at most {concurrency}", flush=True)  # fmt: skip


def faults(n, *, share=0.2):
    """Every report ends with labels or a reason, and none with labels that the server did not mean."""
    given = list(serving.reports(n))
    met = Counter(kind for _, text in given if (kind := fault_of(text, 0, share)))
    with serving.Server(0.05, faults=share) as server, tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        more = {"timeout_s": 2.0, "report_timeout_s": 20.0, "max_attempts": 3}
        with serving.extract(server, given, store=Path(folder) / "s", concurrency=32, **more) as found:
            answers, quality = list(found), found.quality()
        seconds = time.monotonic() - began
    statuses, wrong, flagged, unexplained = Counter(a.status for a in answers), 0, 0, 0
    for answer, (report_id, text) in zip(answers, given, strict=True):
        assert answer.report_id == report_id
        meant = {i: entry["value"] for i, entry in labels(text, serving.TEMPLATE.ids).items()}
        differs = answer.status == "ok" and any(answer.values[i] != meant[i] for i in meant)
        grounded = all(label.grounded for label in answer.labels.values())
        wrong, flagged = wrong + (differs and grounded), flagged + (differs and not grounded)
        unexplained += answer.status != "ok" and not answer.reason
    print(f"{n} reports, {sum(met.values())} with a fault ({', '.join(f'{k} {met[k]}' for k in sorted(met))})")
    print(f"{dict(statuses)}, {seconds:.0f} s; ungrounded quotes flagged: {quality['quotes_not_found']}")
    print(f"missing {n - len(answers)}, without a reason {unexplained}, silently wrong {wrong}, wrong and flagged as "
          f"ungrounded {flagged}; asked for: 0 missing, 0 without a reason, 0 silently wrong")  # fmt: skip


def limit(n, *, per_second=25, times=3):
    """Seconds and rejected calls under a limit that the client is not told of."""
    for _ in range(times):
        with serving.Server(0.2, rate_limit=per_second) as server, tempfile.TemporaryDirectory() as folder:
            store = Path(folder) / "s"
            serving.probe_first(server, store=store, concurrency=32)
            time.sleep(1.1)  # the server's window forgets the probe
            with serving.extract(server, serving.reports(n), store=store, concurrency=32) as found:
                assert found.counts["ok"] == n, found.counts
            seconds, rejected = server.span(), server.stats()["rejected"]
        ideal = n / per_second
        print(f"{n} reports at {per_second}/s: {seconds:.2f} s, {seconds / ideal:.3f} x ideal, {rejected} rejected "
              f"({rejected / n:.1%}); asked for: at most 1.1 and 10 %", flush=True)  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    usual = {rerun: 10_000, kill: 3_000, faults: 1_000, limit: 300}
    parser.add_argument("part", choices=[work.__name__ for work in usual])
    parser.add_argument("--reports", type=int)
    chosen = parser.parse_args()
    csv.field_size_limit(10**7)
    for work, n in usual.items():
        if work.__name__ == chosen.part:
            work(chosen.reports or n)


if __name__ == "__main__":
    main()
