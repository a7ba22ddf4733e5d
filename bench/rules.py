"""How well and how fast the rules read gold reports.

    python bench/rules.py FOLDER [--errors] [--part dev|check|all]

FOLDER holds one JSON Lines file per anatomy with the keys id, report, labels and skip. Printed: label accuracy, and
micro precision, recall and F1 of true and of uncertain over all labels that are not skipped, with 95 % intervals
from 2,000 resamplings of whole reports.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np

from labkit import templates
from labkit.extraction import rules

STATES = ("true", "uncertain")
RESAMPLINGS = 2_000


def read(folder: Path, part: str) -> list[dict]:
    """Gold reports of a folder; every third one is kept for checking."""
    rows = []
    for path in sorted(folder.glob("*.jsonl")):
        lines = path.read_text(encoding="utf-8").splitlines()
        rows += [json.loads(line) | {"checked": i % 3 == 2} for i, line in enumerate(lines) if line.strip()]
    return [row for row in rows if part == "all" or row["checked"] == (part == "check")]


def counts(row: dict, values: dict[str, str]) -> np.ndarray:
    """Per state: hits, false alarms, misses; then labels that agree and labels scored."""
    tally = np.zeros(8, dtype=int)
    for name, gold in row["labels"].items():
        if name in row["skip"]:
            continue
        said = values[name]
        tally[6] += said == gold
        tally[7] += 1
        for k, state in enumerate(STATES):
            tally[3 * k] += said == state and gold == state
            tally[3 * k + 1] += said == state and gold != state
            tally[3 * k + 2] += said != state and gold == state
    return tally


def figures(tally: np.ndarray) -> dict[str, float]:
    """Accuracy, precision, recall and F1 from the sums of `counts`."""
    result = {"label accuracy": tally[6] / max(tally[7], 1)}
    for k, state in enumerate(STATES):
        hit, alarm, miss = tally[3 * k : 3 * k + 3]
        result[f"precision {state}"] = hit / max(hit + alarm, 1)
        result[f"recall {state}"] = hit / max(hit + miss, 1)
        result[f"F1 {state}"] = 2 * hit / max(2 * hit + alarm + miss, 1)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--part", choices=("all", "dev", "check"), default="all")
    parser.add_argument("--errors", action="store_true", help="list the labels that differ")
    asked = parser.parse_args()
    rows = read(asked.folder, asked.part)
    loaded = {name: templates.load(name) for name in {row["anatomy"] for row in rows}}
    extractors = {name: rules.RuleExtractor(template) for name, template in loaded.items()}
    tallies, violations = [], 0
    for row in rows:
        template = loaded[row["anatomy"]]
        labelled = extractors[row["anatomy"]](row["report"])
        violations += len(template.violations(labelled.values))
        values = {template.by_id[i].name: value.value for i, value in labelled.values.items()}
        tallies.append(counts(row, values))
        if asked.errors:
            for name, gold in row["labels"].items():
                if name not in row["skip"] and values[name] != gold:
                    quote = labelled.evidence.get(template.by_name[name].id)
                    print(f"{row['id']} {name}: gold {gold}, rules {values[name]} {quote.text if quote else ''!r}")
    table = np.array(tallies)
    rng = np.random.default_rng(0)
    draws = [figures(table[rng.integers(len(table), size=len(table))].sum(axis=0)) for _ in range(RESAMPLINGS)]
    print(f"{len(rows)} reports, {table[:, 7].sum()} labels, {violations} hierarchy violations")
    for name, value in figures(table.sum(axis=0)).items():
        low, high = np.quantile([draw[name] for draw in draws], [0.025, 0.975])
        print(f"{name:22} {value:.3f}  [{low:.3f}, {high:.3f}]")
    start, read_count = time.process_time(), 0
    while time.process_time() - start < 2:
        for row in rows:
            extractors[row["anatomy"]](row["report"])
        read_count += len(rows)
    print(f"{read_count / (time.process_time() - start):,.0f} reports per second on one core, words known")


if __name__ == "__main__":
    main()
