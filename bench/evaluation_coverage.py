"""How often intervals hold the true number and tests err, in simulated test sets; run by bench/evaluation.py coverage.

Every number is judged: intervals of 95 % should hold the truth in 93 to 97 %, asymptotic tests err in 4 to 6 %, exact
and equivalence tests in at most 6 %. "near" lies outside of that by less than two standard errors of the simulation.
"""

import numpy as np
import pandas as pd
from scipy import special

from labkit import evaluation

__all__ = ["cohort", "report"]

AREAS = (0.6, 0.7, 0.8, 0.9, 0.95, 0.98)
POSITIVES = (5, 10, 20, 50, 100, 400)
NEGATIVES = 300


def cohort(rng, *, n=745, n_labels=25, n_patients=600):
    """Reference, two correlated scores, patients: prevalence from 2 % to 40 %; the studies of a patient are alike."""
    patients = np.append(np.arange(n_patients), rng.integers(0, n_patients, n - n_patients))
    y = (rng.random((n, n_labels)) < np.geomspace(0.02, 0.4, n_labels)).astype(float)
    y[:3], y[3:6] = 1, 0
    alike = rng.normal(size=(n_patients, n_labels))[patients]
    shared = y + np.sqrt(0.5) * alike + np.sqrt(0.5) * rng.normal(size=y.shape)
    return y, shared + 0.4 * rng.normal(size=y.shape), shared + 0.4 * rng.normal(size=y.shape), patients


def judged(rate, n, low, high):
    """`ok`, `near` (outside, but within two standard errors of the simulation), or in which direction it misses."""
    error = 2 * np.sqrt(max(rate * (1 - rate), 0.01) / n)
    if low <= rate <= high:
        return "ok"
    if low <= rate + error and rate - error <= high:
        return "near"
    return "TOO LOW" if rate < low else "TOO HIGH"


def report(*, simulations):
    """Print all tables."""
    error = 2 * (0.95 * 0.05 / simulations) ** 0.5
    print(f"{simulations} simulated test sets per line; two standard errors of 95 %: {error:.3f}")
    single(np.random.default_rng(2), simulations)
    macro(np.random.default_rng(3), max(simulations // 3, 50))
    tests(np.random.default_rng(5), simulations)
    others(np.random.default_rng(6), simulations)


def single(rng, simulations):
    """Intervals of one area; binormal scores of equal and of unequal spread."""
    print(f"\nAUC, {NEGATIVES} negatives: share of intervals that hold the true area")
    print("spread  AUC   positives  DeLong         robust")
    missed = {"DeLong": [], "robust": []}
    for spread in (1.0, 1.5):
        for area in AREAS:
            shift = special.ndtri(area) * np.sqrt(1 + spread**2)
            for n_positive in POSITIVES:
                y = np.repeat([0, 1], [NEGATIVES, n_positive])
                scale = np.where(y == 1, spread, 1.0)
                held = np.zeros(2)
                for _ in range(simulations):
                    found = evaluation.auc(y, shift * y + scale * rng.normal(size=len(y)))
                    held += [low <= area <= high for low, high in (found.ci, found.ci_robust)]
                held /= simulations
                verdicts = [judged(rate, simulations, 0.93, 0.97) for rate in held]
                cells = "  ".join(f"{rate:.3f} {said:8}" for rate, said in zip(held, verdicts, strict=True))
                print(f"{spread:4.1f}    {area:.2f}  {n_positive:9}  {cells}")
                for name, said in zip(missed, verdicts, strict=True):
                    if said.startswith("TOO"):
                        missed[name].append(f"{area:g}/{n_positive}{'' if spread == 1 else ' (spread 1.5)'}")
    for name, places in missed.items():
        print(f"{name} misses 93 to 97 % at AUC/positives: {', '.join(places) or 'nowhere'}")


def macro(rng, simulations):
    """Macro AUC by patients, closed form and bootstrap; paired and permutation tests of equally good scores."""
    truth = float(special.ndtr(1 / np.sqrt(2 * 1.16)))
    held = {"DeLong by patients": 0, "robust": 0, "DeLong by studies": 0, "percentile": 0, "bca": 0}
    errors = {"paired": 0, "permutation": 0}
    for _ in range(simulations):
        y, a, b, patients = cohort(rng)
        found = evaluation.macro_auc(y, a, patients=patients)
        limits = {"DeLong by patients": found.ci, "robust": found.ci_robust}
        limits["DeLong by studies"] = evaluation.macro_auc(y, a).ci
        for method in ("percentile", "bca"):
            plan = evaluation.Plan(400, method)
            limits[method] = evaluation.bootstrap_macro_auc(y, a, patients=patients, rng=rng, plan=plan).ci
        for name, (low, high) in limits.items():
            held[name] += low <= truth <= high
        errors["paired"] += evaluation.compare_macro_auc(y, a, b, patients=patients).p_value < 0.05
        swapped = evaluation.permutation_macro_auc(y, a, b, patients=patients, rng=rng, n_permutations=400)
        errors["permutation"] += swapped.p_value < 0.05
    print(f"\nmacro AUC, 25 labels x 745 studies of 600 patients, {simulations} test sets")
    for name, n in held.items():
        print(f"  interval {name:20} {n / simulations:.3f} {judged(n / simulations, simulations, 0.93, 0.97)}")
    for name, most in (("paired", 0.06), ("permutation", 0.06)):
        rate = errors[name] / simulations
        least = 0.04 if name == "paired" else 0.0
        print(f"  false alarms {name:16} {rate:.3f} {judged(rate, simulations, least, most)}")


def tests(rng, simulations):
    """False alarms of tests of one label, from few to many positives, and of equivalence at the edge of the margin."""
    print("\nfalse alarms at 5 %: equal areas of 0.8; equivalence where the true difference is the margin of 0.05")
    print("positives  paired         unpaired       permutation    equivalence")
    shift, lower = (float(special.ndtri(area)) * np.sqrt(2) for area in (0.8, 0.75))
    for n_positive in (5, 10, 20, 50, 200):
        y = np.repeat([0, 1], [200, n_positive])
        alarms = np.zeros(4)
        for _ in range(simulations):
            shared = 0.8 * rng.normal(size=len(y))
            a, b, c = (shared + shift * y + 0.6 * rng.normal(size=len(y)) for _ in range(3))
            other = shift * y + rng.normal(size=len(y))
            worse = shared + lower * y + 0.6 * rng.normal(size=len(y))
            swapped = evaluation.permutation_macro_auc(y[:, None], a[:, None], b[:, None], rng=rng, n_permutations=400)
            gap = evaluation.compare_auc(y, c, worse)
            same = evaluation.equivalence(gap.difference, gap.se, margin=0.05)
            alarms += [
                evaluation.compare_auc(y, a, b).p_value < 0.05,
                evaluation.compare_auc_unpaired(y, a, y, other).p_value < 0.05,
                swapped.p_value < 0.05,
                same.equivalent,
            ]
        rates = alarms / simulations
        bands = [(0.04, 0.06), (0.04, 0.06), (0, 0.06), (0, 0.06)]
        cells = [f"{r:.3f} {judged(r, simulations, *band):8}" for r, band in zip(rates, bands, strict=True)]
        print(f"{n_positive:9}  {'  '.join(cells)}")


def others(rng, simulations):
    """Pooled area, average precision, slope of calibration, slope of a dose-response and its false alarms."""
    held = dict.fromkeys(
        ("pooled AUC", "average precision", "calibration slope", "dose-response slope", "dose-response alarms"), 0
    )
    truth = float(special.ndtr(1.2 / np.sqrt(2)))
    # precision over recall of the same scores at 20 positives beside 300
    cuts = np.linspace(8, -6, 20_001)
    recall, alarms = special.ndtr(1.2 - cuts), special.ndtr(-cuts)
    precision = float(np.trapezoid(20 * recall / (20 * recall + 300 * alarms), recall))
    few = np.repeat([0, 1], [300, 20])
    for _ in range(simulations):
        y = (rng.random((120, 15)) < 0.03).astype(float)
        found = evaluation.pooled_auc(y, 1.2 * y + rng.normal(size=y.shape))
        held["pooled AUC"] += found.ci[0] <= truth <= found.ci[1]
        rate = evaluation.average_precision(few, 1.2 * few + rng.normal(size=320))
        held["average precision"] += rate.low <= precision <= rate.high
        logit = rng.normal(-1, 1.5, 300)
        sure = (rng.random(300) < special.expit(logit)).astype(float)
        slope = evaluation.calibration_line(sure, special.expit(1.5 * logit)).slope
        held["calibration slope"] += slope.low <= 1 / 1.5 <= slope.high
        for name, true_slope in (("dose-response slope", -0.1), ("dose-response alarms", 0.0)):
            rows = pd.DataFrame(
                [(s, seed) for seed in range(4) for s in (0, 0.05, 0.1, 0.2)], columns=["share", "seed"]
            )
            effect = 0.02 * rng.normal(size=4)[rows["seed"]]
            rows["value"] = 0.8 + true_slope * rows["share"] + effect + 0.01 * rng.normal(size=len(rows))
            fit = evaluation.dose_response(rows)
            held[name] += fit.p_value < 0.05 if true_slope == 0 else fit.slope.low <= true_slope <= fit.slope.high
    print("\nothers")
    for name, n in held.items():
        band = (0.04, 0.06) if "alarms" in name else (0.93, 0.97)
        print(f"  {name:22} {n / simulations:.3f} {judged(n / simulations, simulations, *band)}")
