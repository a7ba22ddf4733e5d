"""The statistics of `labkit.evaluation` beside references, other libraries and simulated truth, each in one run.

    OMP_NUM_THREADS=1 python bench/evaluation.py reference [FILE]        numbers of R's pROC, worst deviation
    OMP_NUM_THREADS=1 python bench/evaluation.py speed [--peers PYTHON]  ratios to scikit-learn and to DeLong elsewhere
    OMP_NUM_THREADS=1 python bench/evaluation.py coverage [--simulations 1000]
    OMP_NUM_THREADS=1 python bench/evaluation.py notebook                own work for 2 policies x 2 sites x 25 labels

PYTHON is the interpreter of an environment of its own that holds MLstatkit and pauc; without it, DeLong is timed beside
a script of the usual form (mid-ranks in a loop) only. Coverage lives in bench/evaluation_coverage.py.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import evaluation_coverage
import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from labkit import evaluation
from labkit.evaluation import reporting, resampling

REFERENCE = Path(__file__).parents[1] / "tests" / "fixtures" / "delong_reference.json"
RELATIVE, ABSOLUTE = 1e-9, 1e-12
PEERS = """
import sys, time, warnings
import numpy as np
warnings.simplefilter("ignore")
data = np.load(sys.argv[1])
y, a, b = data["y"], data["a"], data["b"]
def mlstatkit():
    import MLstatkit
    return lambda: MLstatkit.Delong_test(y, a, b)
def pauc():
    import pauc
    return lambda: pauc.compare(pauc.ROC(y, a, direction="<"), pauc.ROC(y, b, direction="<"), method="delong")
for name, make in (("MLstatkit", mlstatkit), ("pauc", pauc)):
    try:
        action = make()
        action()
    except Exception as error:
        print(name, "nan", type(error).__name__)
        continue
    seconds = []
    for _ in range(5):
        started = time.process_time()
        action()
        seconds.append(time.process_time() - started)
    print(name, min(seconds), "")
"""


def timed(action, *, repeats=5):
    """Processor seconds of the fastest of several calls: what other programs do in between does not count."""
    seconds = []
    for _ in range(repeats):
        started = time.process_time()
        action()
        seconds.append(time.process_time() - started)
    return min(seconds)


def deviation(found, expected):
    """How many times the allowed deviation a number is off; both undefined is no deviation."""
    if expected is None or expected != expected:
        return 0.0 if found != found else np.inf
    if found == expected:
        return 0.0
    return abs(found - expected) / max(RELATIVE * abs(expected), ABSOLUTE)


def reference(path):
    """Line 1: every number of the reference file; exits with 1 where one is off."""
    problems = json.loads(path.read_text(encoding="utf-8"))["problems"]
    worst, n = ("", 0.0), 0
    for problem in problems:
        for name, found, expected in of_problem(problem):
            n += 1
            off = deviation(found, expected)
            worst = max(worst, (f"{problem['name']} {name}", off), key=lambda pair: pair[1])
    print(f"pROC: {len(problems)} problems, {n} numbers; worst: {worst[1]:.2g} of the allowed deviation {worst[0]}")
    sys.exit(int(worst[1] > 1))


def of_problem(problem):
    """Name, own number and pROC's."""
    y, first, second, expected = problem["y"], problem["score1"], problem["score2"], problem["expected"]
    for n, score in (("1", first), ("2", second)):
        own = evaluation.auc(y, score)
        yield f"auc{n}", own.auc, expected[f"auc{n}"]
        yield f"var{n}", own.variance, expected[f"var{n}"]
        yield from zip((f"low{n}", f"high{n}"), own.ci, expected[f"ci{n}"], strict=True)
    for key, alternative in (("paired", "two-sided"), ("paired_less", "less"), ("paired_greater", "greater")):
        own = evaluation.compare_auc(y, first, second, alternative=alternative)
        yield f"{key} statistic", own.statistic, expected[key]["statistic"]
        yield f"{key} p", own.p_value, expected[key]["p_value"]
    for key, alternative in (("unpaired", "two-sided"), ("unpaired_less", "less")):
        own = evaluation.compare_auc_unpaired(y, first, problem["y2"], problem["s2"], alternative=alternative)
        yield f"{key} df", own.df, expected[key]["df"]
        yield f"{key} p", own.p_value, expected[key]["p_value"]


def loop(y, score, weight):
    """Macro AUC of each resample by scikit-learn: the cases that were drawn, label by label."""
    found = []
    for times in weight.T.astype(int):
        drawn = np.repeat(np.arange(len(y)), times)
        columns = [c for c in range(y.shape[1]) if 0 < y[drawn, c].sum() < len(drawn)]
        found.append(np.mean([roc_auc_score(y[drawn, c], score[drawn, c]) for c in columns]))
    return np.array(found)


def midranks_in_a_loop(values):
    """Mid-ranks as the widespread script for DeLong's test makes them."""
    order = np.argsort(values)
    ordered, n, i = values[order], len(values), 0
    ranks = np.zeros(n)
    while i < n:
        j = i
        while j < n and ordered[j] == ordered[i]:
            j += 1
        ranks[i:j] = 0.5 * (i + j - 1)
        i = j
    found = np.empty(n)
    found[order] = ranks + 1
    return found


def usual_script(y, a, b):
    """log10 p of two scores by Sun & Xu with mid-ranks in a loop: the form that most copies of the script have."""
    order = np.argsort(-y, kind="stable")
    scores, m = np.vstack([a, b])[:, order], int(y.sum())
    n = len(y) - m
    of_positive = np.array([midranks_in_a_loop(score[:m]) for score in scores])
    of_negative = np.array([midranks_in_a_loop(score[m:]) for score in scores])
    of_all = np.array([midranks_in_a_loop(score) for score in scores])
    areas = of_all[:, :m].sum(axis=1) / m / n - (m + 1.0) / 2.0 / n
    v01 = (of_all[:, :m] - of_positive) / n
    v10 = 1.0 - (of_all[:, m:] - of_negative) / m
    covariance = np.cov(v01) / m + np.cov(v10) / n
    contrast = np.array([1, -1])
    return np.abs(np.diff(areas)) / np.sqrt(contrast @ covariance @ contrast)


def speed(rng, *, peers):
    """Line 2: bootstrap beside the loop over scikit-learn, paired DeLong beside others, many cases."""
    y, score, _, patients = evaluation_coverage.cohort(rng)
    own = timed(
        lambda: evaluation.bootstrap_macro_auc(
            y, score, patients=patients, rng=np.random.default_rng(1), plan=evaluation.Plan(1000)
        )
    )
    weight = np.hstack(list(resampling.draws(patients, 1000, rng=np.random.default_rng(1))))
    found = resampling.weighted_macro_auc(y, score, weight)
    n_looped = 50
    started = time.process_time()
    expected = loop(y, score, weight[:, :n_looped])
    looped = (time.process_time() - started) * 1000 / n_looped
    print(f"1,000 resamples of macro AUC, 25 labels x 745 cases, patients as clusters: {own * 1e3:.0f} ms")
    print(f"  loop over roc_auc_score ({n_looped} of them timed) {looped:.1f} s: {looped / own:,.0f} times as long")
    print(f"  largest difference {np.abs(found[:n_looped] - expected).max():.1e}")
    closed = timed(partial(evaluation.macro_auc, y, score, patients=patients))
    print(f"  closed form {closed * 1e3:.1f} ms")
    compared(rng, peers)
    y = (rng.random((1_000_000, 25)) < np.geomspace(0.02, 0.4, 25)).astype(np.int8)
    wall, seconds = time.perf_counter(), 0.0
    for column in range(25):
        score = y[:, column] + rng.normal(size=len(y))
        started = time.process_time()
        evaluation.auc(y[:, column], score)
        seconds += time.process_time() - started
    print(
        f"AUC with interval, 25 labels of 1,000,000 cases: {seconds:.1f} s ({time.perf_counter() - wall:.0f} s in all)"
    )


def compared(rng, peers):
    """Paired DeLong at n = 100,000."""
    y = (rng.random(100_000) < 0.1).astype(int)
    a, b = y + rng.normal(size=len(y)), y + rng.normal(size=len(y))
    own = timed(lambda: evaluation.compare_auc(y, a, b))
    print(f"paired DeLong, n = 100,000: {own * 1e3:.0f} ms")
    others = {"usual script": timed(lambda: usual_script(y, a, b), repeats=3)}
    if peers:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "cases.npz"
            np.savez(path, y=y, a=a, b=b)
            ran = subprocess.run([peers, "-c", PEERS, str(path)], capture_output=True, text=True, check=True)
        others |= {line.split()[0]: float(line.split()[1]) for line in ran.stdout.splitlines()}
    for name, seconds in others.items():
        print(f"  {name} {seconds * 1e3:.0f} ms: {seconds / own:.1f} times as long")


def study(rng, *, n_labels=25, policies=("inclusive", "exclusive")):
    """PREDICTIONS and LABELS of 3,755 internal studies (a fifth test) and 300 external ones."""
    counts = {"train": 2403, "validation": 601, "test": 745, "external": 300}
    splits = np.repeat(list(counts), list(counts.values()))
    n = len(splits)
    y = rng.random((n, n_labels)) < np.geomspace(0.02, 0.4, n_labels)
    said = np.where(rng.random(y.shape) < 0.01, "uncertain", np.where(y, "true", "false"))
    keys = {
        "study_id": np.repeat([f"S-{i:05d}" for i in range(n)], n_labels),
        "finding": np.tile([f"Finding {i:02d}" for i in range(n_labels)], n),
        "split": np.repeat(splits, n_labels),
        "site": np.repeat(np.where(splits == "external", "external", "internal"), n_labels),
    }
    labels = pd.DataFrame(keys).assign(
        patient=np.repeat([f"{s}-{i // 5 * 4 + min(i % 5, 3)}" for i, s in enumerate(splits)], n_labels),
        extracted=said.ravel(),
        value=said.ravel(),
        reference=np.where(y, "true", "false").ravel(),
        verification="human",
    )
    scored = np.repeat(splits != "train", n_labels)
    shared, parts = y + rng.normal(size=y.shape), []
    for policy in policies:
        score = 1 / (1 + np.exp(2 - 2 * (shared + 0.4 * rng.normal(size=y.shape))))
        parts.append(pd.DataFrame(keys).assign(policy=policy, seed=1, score=score.ravel())[scored])
    return pd.concat(parts, ignore_index=True), labels


def notebook(rng):
    """Line 4: everything that 04_evaluation computes, with every interval of a rate by 2,000 resamples."""
    predictions, labels = study(rng)
    settings = evaluation.Settings(rate_interval="bootstrap", n_resamples=2000)
    groups = pd.DataFrame({"study_id": labels["study_id"].unique()})
    groups["sex"] = rng.choice(["F", "M"], len(groups))
    studies = groups.assign(hardware=rng.choice(["true", "false"], len(groups), p=[0.1, 0.9]))
    parts = {
        "metrics and curves": lambda: evaluation.evaluate(predictions, labels, settings=settings, rng=rng),
        "comparisons": lambda: reporting.differences(predictions, labels, settings=settings, rng=rng),
        "without hardware": lambda: reporting.without_hardware(predictions, labels, studies, settings=settings),
        "uncertain reports": lambda: evaluation.by_report(predictions, labels, settings=settings),
        "label error": lambda: evaluation.against_extracted(predictions, labels, settings=settings, rng=rng),
        "subgroups": lambda: evaluation.subgroups(predictions, labels, groups, settings=settings),
    }
    whole = 0.0
    for name, action in parts.items():
        seconds = timed(action, repeats=1)
        whole += seconds
        print(f"  {name:20} {seconds:6.2f} s")
    print(f"2 policies x 2 sites x 25 labels, {settings.n_resamples:,} resamples: {whole:.1f} s of own work")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("reference").add_argument("file", type=Path, nargs="?", default=REFERENCE)
    commands.add_parser("speed").add_argument("--peers", help="python of an environment with MLstatkit and pauc")
    simulated = commands.add_parser("coverage")
    simulated.add_argument("--simulations", type=int, default=1000)
    commands.add_parser("notebook")
    given = parser.parse_args()
    if given.command == "reference":
        reference(given.file)
    elif given.command == "speed":
        speed(np.random.default_rng(1), peers=given.peers)
    elif given.command == "coverage":
        evaluation_coverage.report(simulations=given.simulations)
    else:
        notebook(np.random.default_rng(4))


if __name__ == "__main__":
    main()
