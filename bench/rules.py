"""How well and how fast the rules read gold reports.

    python bench/rules.py FOLDER [--errors] [--part dev|check|all] [--seconds 2]

FOLDER holds one JSON Lines file per anatomy with the keys id, report, labels and skip. Printed: label accuracy, and
micro precision, recall and F1 of true and of uncertain over all labels that are not skipped, with 95 % intervals
from 2,000 resamplings of whole reports; hedges that make labels uncertain; reports per second of processor time on one
core, with what helps and without it: sentences that were met before are remembered, and so is every spelling.
"""

import argparse
import json
import time
from collections import Counter
from collections.abc import Callable
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
    parser.add_argument("--seconds", type=float, default=2, help="processor time spent on each rate")
    asked = parser.parse_args()
    rows = read(asked.folder, asked.part)
    loaded = {name: templates.load(name) for name in {row["anatomy"] for row in rows}}
    extractors = {name: rules.RuleExtractor(template) for name, template in loaded.items()}
    tallies, violations, hedges = [], 0, Counter()
    for row in rows:
        template = loaded[row["anatomy"]]
        labelled = extractors[row["anatomy"]](row["report"])
        hedges.update(labelled.hedge.values())
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
    print("hedges: " + ", ".join(f"{phrase} {n}" for phrase, n in hedges.most_common(12)))
    print_rates(rows, loaded, asked.seconds)


def print_rates(rows: list[dict], loaded: dict[str, templates.Template], seconds: float) -> None:
    """Processor time of the reports as they are, and of reports that all differ in every sentence."""
    rng = np.random.default_rng(0)
    plain = {name: rules.RuleExtractor(template) for name, template in loaded.items()}
    forgetful = {name: rules.RuleExtractor(template, kept_sentences=0) for name, template in loaded.items()}
    cases = {
        "the same reports again, sentences remembered": (plain, lambda text: text),
        "the same reports again, sentences read anew": (forgetful, lambda text: text),
        "a new name in each report, sentences remembered": (plain, lambda text: f"{name_of(rng)}, {text}"),
        "new words in each sentence, sentences read anew": (forgetful, lambda text: distinct(text, rng)),
    }
    for case, (extractors, change) in cases.items():
        print(f"{rate(rows, extractors, change, seconds):7,.0f} reports per second and core: {case}")


def rate(rows: list[dict], extractors: dict, change: Callable[[str], str], seconds: float) -> float:
    """Reports per second of processor time, the best of five rounds; the change is not timed."""
    best = 0.0
    for _ in range(5):
        spent, read_count = 0.0, 0
        while spent < seconds / 5:
            texts = [(extractors[row["anatomy"]], change(row["report"])) for row in rows]
            start = time.process_time()
            for extract, text in texts:
                extract(text)
            spent += time.process_time() - start
            read_count += len(rows)
        best = max(best, read_count / spent)
    return best


def name_of(rng: np.random.Generator) -> str:
    """A word that no report has had before."""
    return "".join(rng.choice(list("abdefgilmnorstu"), size=8)).capitalize()


def distinct(text: str, rng: np.random.Generator) -> str:
    """The report with a number that no other has in every sentence, and a new word in every third."""
    pieces = text.split(". ")
    return ". ".join(f"{piece} {name_of(rng) if i % 3 == 0 else rng.integers(10**9)}" for i, piece in enumerate(pieces))


if __name__ == "__main__":
    main()
