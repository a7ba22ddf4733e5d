"""Speed and coverage of the statistics in `labkit.evaluation`, each ratio measured in one run.

    OMP_NUM_THREADS=1 python bench/evaluation.py [--simulations 1000]

Speed: the closed form of the macro AUC beside 1,000 resamples of patients with scikit-learn (100 of them are timed),
and DeLong at growing n. Coverage: how often the 95 % interval holds the true area, and how often a test of equal scores
says p < 0.05.
"""

import argparse
import statistics
import time

import numpy as np
from scipy import special
from sklearn.metrics import roc_auc_score

from labkit import evaluation


def timed(action, *, repeats=5):
    """Median seconds of a call."""
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


def cohort(rng, *, n=745, n_labels=25, n_patients=600):
    """Reference, two correlated scores, patients: prevalence from 2 % to 40 %."""
    patients = np.append(np.arange(n_patients), rng.integers(0, n_patients, n - n_patients))
    y = (rng.random((n, n_labels)) < np.geomspace(0.02, 0.4, n_labels)).astype(float)
    y[:3], y[3:6] = 1, 0
    shared = y + rng.normal(size=y.shape)
    return y, shared + 0.4 * rng.normal(size=y.shape), shared + 0.4 * rng.normal(size=y.shape), patients


def one_resample(y, score, patients, rng):
    """Macro AUC of one draw of patients, by scikit-learn."""
    members = [np.flatnonzero(patients == patient) for patient in rng.choice(np.unique(patients), patients.max() + 1)]
    drawn = np.concatenate(members)
    columns = range(y.shape[1])
    return np.mean([roc_auc_score(y[drawn, c], score[drawn, c]) for c in columns if 0 < y[drawn, c].sum() < len(drawn)])


def speed(rng):
    y, a, b, patients = cohort(rng)
    closed = timed(lambda: evaluation.macro_auc(y, a, patients=patients))
    paired = timed(lambda: evaluation.compare_macro_auc(y, a, b, patients=patients))
    drawn = []
    resample = timed(lambda: drawn.append(one_resample(y, a, patients, rng)), repeats=100)
    se = np.sqrt(evaluation.macro_auc(y, a, patients=patients).variance)
    print(f"macro AUC, 25 labels x 745 cases: closed form {closed * 1e3:.1f} ms, paired {paired * 1e3:.1f} ms")
    print(f"  1,000 resamples with scikit-learn {resample * 1e3:.1f} s: {resample * 1000 / closed:,.0f} times as long")
    print(f"  standard error {se:.5f}, {np.std(drawn, ddof=1):.5f} from 100 of these resamples")
    for n in (745, 10_000, 100_000):
        y = (rng.random(n) < 0.1).astype(float)
        a, b = y + rng.normal(size=n), y + rng.normal(size=n)
        single, both = (
            timed(lambda y=y, a=a: evaluation.auc(y, a)),
            timed(lambda y=y, a=a, b=b: evaluation.compare_auc(y, a, b)),
        )
        print(f"DeLong, n = {n:>7,}: interval {single * 1e3:7.2f} ms, paired test {both * 1e3:7.2f} ms")


def coverage(rng, *, simulations):
    se = (0.05 * 0.95 / simulations) ** 0.5
    print(f"coverage of nominal 95 % over {simulations} simulated test sets (standard error {se:.3f})")
    for true_auc in (0.6, 0.8, 0.9, 0.98):
        shift = special.ndtri(true_auc) * np.sqrt(2)
        for n_positive in (5, 20, 100):
            y = np.repeat([0.0, 1.0], [300, n_positive])
            held, held_robust = 0, 0
            for _ in range(simulations):
                found = evaluation.auc(y, y * shift + rng.normal(size=len(y)))
                held += found.ci[0] <= true_auc <= found.ci[1]
                held_robust += found.ci_robust[0] <= true_auc <= found.ci_robust[1]
            print(
                f"  AUC {true_auc:.2f}, {n_positive:3d} positives of {len(y)}: "
                f"DeLong {held / simulations:.3f}, score interval {held_robust / simulations:.3f}"
            )


def macro_coverage(rng, *, simulations):
    truth, held, false_alarms = special.ndtr(1 / np.sqrt(1.16 * 2)), 0, 0
    for _ in range(simulations):
        y, a, b, patients = cohort(rng)
        found = evaluation.macro_auc(y, a, patients=patients)
        held += found.ci[0] <= truth <= found.ci[1]
        false_alarms += evaluation.compare_macro_auc(y, a, b, patients=patients).p_value < 0.05
    print(f"macro AUC, 25 labels, 2 % to 40 % positive: coverage {held / simulations:.3f}")
    print(f"paired test of equally good scores: p < 0.05 in {false_alarms / simulations:.3f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--simulations", type=int, default=1000)
    given = parser.parse_args()
    speed(np.random.default_rng(1))
    coverage(np.random.default_rng(2), simulations=given.simulations)
    macro_coverage(np.random.default_rng(3), simulations=min(given.simulations, 500))
