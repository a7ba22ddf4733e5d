"""What each step of the review form takes of its own work, with thousands of cases and as many decisions on disk.

A synthetic elbow cohort (texts repeated under other numbers), every third case read before. The form runs as in
JupyterLab but for the page: widgets, their messages, the file with its wait for the disk. Prints, per step, the median
and the longest time on the clock, and the median of CPU time, which is the form's own work (where others use the
machine, the clock tells of them as well); "ok" where that is below 100 ms. Run as `python bench/review.py [--cases N]
[--steps N]`.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from labkit import synthetic, tables, templates
from labkit.corpus import Report
from labkit.extraction import labelling, rules
from labkit.verification import QUEUE, SAMPLE, form

LIMIT_MS = 100
OWN_TEXTS = 60


def cases(n: int, folder: Path) -> form.Cases:
    """`n` cases of the test set, their labels by the rules."""
    template = templates.load("elbow")
    settings = synthetic.Settings(seed=3, n_internal=OWN_TEXTS, n_external=1, uncertain_share=0.03)
    written = [study.report.text for study in synthetic.Cohort(template, settings, "internal").studies()]
    labelled = labelling.label(
        list(enumerate(written)), template=template, extractors=["rules"], switches=rules.Switches()
    ).findings
    ids = [f"S-{number:05d}" for number in range(n)]
    by_text = [own.drop(columns="study_id") for _, own in labelled.groupby("study_id")]
    found = pd.concat([by_text[k % len(by_text)].assign(study_id=s) for k, s in enumerate(ids)], ignore_index=True)
    texts = {s: Report(row=k + 1, report_id=s, text=f"{written[k % len(written)]} {k}.") for k, s in enumerate(ids)}
    studies = pd.DataFrame(dict.fromkeys(tables.STUDIES.all_columns, ""), index=range(n))
    studies = studies.assign(study_id=ids, patient=ids, site="internal", usable="true", hardware="false")
    studies["text_sha256"] = [texts[s].text_sha256 for s in ids]
    return form.Cases(
        findings=tables.check(found, tables.FINDINGS),
        studies=studies,
        split_table=pd.DataFrame({"patient": ids, "split": "test"}),
        template=template,
        texts=texts,
        sample=pd.DataFrame(columns=list(SAMPLE.all_columns)),
        queued=pd.DataFrame(columns=list(QUEUE.all_columns)),
        folder=folder,
    )


def read_before(given: form.Cases, n: int) -> None:
    """A third of the cases is read by the same person, another by somebody else."""
    for reader in ("anna", "ben"):
        session = form.Session(given, reader=reader)
        rows = [
            (s, f, reader, 0, v, v, "", 1.0, "report", "", given.hashes[s], "read", "")
            for s in given.listed[: n // 3]
            for f, v in given.extracted[s].items()
        ]
        frame = pd.DataFrame(rows, columns=list(tables.READINGS.all_columns))
        tables.write(frame.assign(sequence=range(1, len(frame) + 1)), session.journal.path, tables.READINGS)


def timed(act: Callable[[], None]) -> tuple[float, float]:
    """Milliseconds on the clock and of CPU."""
    clock, cpu = time.perf_counter(), time.process_time()
    act()
    return 1000 * (time.perf_counter() - clock), 1000 * (time.process_time() - cpu)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=3000)
    parser.add_argument("--steps", type=int, default=40)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        given = cases(options.cases, Path(folder))
        read_before(given, options.cases)
        opened: list[form.Page] = []
        clock, cpu = timed(lambda: opened.append(form.Page(form.Session(given, reader="anna"))))
        page = opened[0]
        done = page.session.progress()
        print(f"{done.of:,} cases, {len(given.findings):,} labels, {done.done:,} read")
        print(f"opening the form: {clock / 1000:.2f} s, {cpu / 1000:.2f} s CPU")
        steps: dict[str, list[tuple[float, float]]] = {}
        for n in range(options.steps):
            keys = {"value, with what follows": "tuf"[n % 3], "cursor": "down", "undo": "z", "ask": "q"}
            keys |= {"accept all, next case": "accept", "previous case": "p", "next case": "n"}
            for name, key in keys.items():
                steps.setdefault(name, []).append(timed(lambda key=key: page.press(key)))
    for name, times in steps.items():
        clocks, cpus = zip(*times)
        own = statistics.median(cpus)
        verdict = "ok" if own < LIMIT_MS else "TOO SLOW"
        shown = f"median {statistics.median(clocks):6.1f} ms, longest {max(clocks):6.1f} ms, CPU {own:5.1f} ms"
        print(f"{name:26s} {shown}  {verdict}")


if __name__ == "__main__":
    main()
