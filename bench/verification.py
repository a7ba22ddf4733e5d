"""How often the intervals of label accuracy hold the true number, in simulated studies with injected errors.

Reports are drawn from a large synthetic cohort of three anatomies and two sites, in the numbers of the published study;
1.4 % of the labels get a wrong value, uncertain ones in 40 %. Errors come in clusters, as in reality: one report is
hard to read, another is not, and whoever misses the hedge of a sentence misses it for all its labels. Every line ends
with "ok" where the intervals of 95 % hold the truth in 93 to 97 % of the studies (beyond two standard errors of the
simulation), and shows Wilson's interval of independent labels, and the events that the figure rests on, beside.
Run as `python bench/verification.py [--studies N] [--resamples N] [--pool N]`; 2,000 studies take some three minutes.
"""

import argparse
import time
from dataclasses import dataclass

import numpy as np
import pandas as pd
from evaluation_coverage import judged

from labkit import synthetic, templates
from labkit.evaluation import Plan, wilson
from labkit.verification import estimates, sampling, tallies

# Verified reports of the published study: internal and external test series.
SIZES = {"clavicle": (233, 300), "elbow": (745, 300), "thumb": (393, 300)}
SITES = ("internal", "external")
ERROR_SHARE, MISSED_SHARE = 0.014, 0.4
HARD_SHARE, HARD_FACTOR = 0.1, 5.0
SAMPLED_CASES = 200
FIGURES = ("label_accuracy", "f1_true", "f1_uncertain")
# What an error makes of a value: the two other values (codes of tallies.VALUES), and how often it is the first.
OTHERS = {0: (2, 1, 0.5), 1: (2, 0, 0.7), 2: (0, 1, 0.6)}
CODES = np.array([2, 1, 0])  # synthetic values rank false, uncertain, true


@dataclass(frozen=True)
class Stratum:
    """All reports of one anatomy and site that a study draws from: `values` (reports, findings) codes."""

    anatomy: str
    site: str
    size: int
    values: np.ndarray

    @property
    def name(self) -> str:
        return f"{self.anatomy}/{self.site}"


def pool(n_reports: int) -> list[Stratum]:
    """Report labels of every anatomy and site; one hedged label in about a hundred."""
    found = []
    for anatomy, sizes in SIZES.items():
        template = templates.load(anatomy)
        settings = synthetic.Settings(seed=5, n_internal=n_reports, n_external=n_reports, uncertain_share=0.012)
        for site, size in zip(SITES, sizes):
            studies = synthetic.Cohort(template, settings, site).studies()
            values = np.concatenate([CODES[study.latent.value] for study in studies])
            found.append(Stratum(anatomy, site, size, values))
    return found


def base_error(strata: list[Stratum]) -> float:
    """Share of certain labels that go wrong, so that 1.4 % of all do."""
    labels = sum(s.size * s.values.shape[1] for s in strata)
    uncertain = sum(s.size * (s.values == 1).sum(axis=1).mean() for s in strata) / labels
    return float((ERROR_SHARE - MISSED_SHARE * uncertain) / (1 - uncertain))


def read(values: np.ndarray, error: float, rng: np.random.Generator) -> np.ndarray:
    """What the extractor makes of report labels (reports, findings)."""
    n = len(values)
    easy = (1 - HARD_SHARE * HARD_FACTOR) / (1 - HARD_SHARE)
    factor = np.where(rng.random(n) < HARD_SHARE, HARD_FACTOR, easy)[:, None]
    wrong = rng.random(values.shape) < error * factor
    wrong = np.where(values == 1, (rng.random(n) < MISSED_SHARE)[:, None], wrong)
    made = values.copy()
    for value, (first, second, share) in OTHERS.items():
        at = wrong & (values == value)
        # the labels of one sentence are misread alike
        alike = (rng.random(n) < share)[:, None]
        made = np.where(at, np.where(alike, first, second), made)
    return made


def true_figures(strata: list[Stratum], error: float) -> dict[str, np.ndarray]:
    """Expected counts (9,) of a study by stratum name, from the whole pool; nothing is simulated."""
    found = {}
    for s in strata:
        counts = np.zeros(9)
        for value, (first, second, share) in OTHERS.items():
            n = s.size * (s.values == value).sum(axis=1).mean()
            wrong = MISSED_SHARE if value == 1 else error
            counts[3 * value + value] = n * (1 - wrong)
            counts[3 * value + first] = n * wrong * share
            counts[3 * value + second] = n * wrong * (1 - share)
        found[s.name] = counts
    return found


def groups(strata: list[Stratum]) -> dict[str, list[str]]:
    """Strata of every line of the table."""
    found = {"overall": [s.name for s in strata]}
    found |= {anatomy: [s.name for s in strata if s.anatomy == anatomy] for anatomy in SIZES}
    return found | {f"{site} site": [s.name for s in strata if s.site == site] for site in SITES}


def studied(strata: list[Stratum], error: float, rng: np.random.Generator) -> tuple[tallies.Tally, dict]:
    """One study: its tally over all findings, and the drawn values of the elbow."""
    counts, names, elbow = [], [], []
    for s in strata:
        values = s.values[rng.integers(0, len(s.values), s.size)]
        made = read(values, error, rng)
        cell = 3 * values + made + 9 * np.arange(s.size)[:, None]
        counts.append(np.bincount(cell.ravel(), minlength=9 * s.size).reshape(s.size, 9).T)
        names += [s.name] * s.size
        elbow += [(values, made)] if s.anatomy == "elbow" else []
    whole = np.concatenate(counts, axis=1).astype(np.float32)[None]
    values, made = (np.concatenate(parts) for parts in zip(*elbow))
    return tallies.Tally(whole, ["all"], np.array(names)), {"values": values, "made": made}


def sampled(values: np.ndarray, made: np.ndarray, names: tuple[str, ...], rng: np.random.Generator) -> dict:
    """Accuracy of the whole elbow from a stratified sample of its cases: weighed back, and Wilson without weights."""
    ids = np.array([f"S-{n:04d}" for n in range(len(made))])
    told = pd.DataFrame({"study_id": np.repeat(ids, made.shape[1]), "finding": np.tile(names, len(made))})
    told["value"] = np.array(tallies.VALUES)[made.ravel()]
    sample = sampling.draw(sampling.strata(told, most=SAMPLED_CASES // 4), SAMPLED_CASES, rng=rng)
    right = (values == made).sum(axis=1)
    rows = np.searchsorted(ids, sample["study_id"])
    codes, of = pd.factorize(sample["stratum"])
    sizes = sample.drop_duplicates("stratum").set_index("stratum")["stratum_size"][of].to_numpy()
    n_labels = made.shape[1]
    found = estimates.estimate(right[rows], np.full(len(rows), n_labels), stratum=codes, sizes=sizes)
    naive = wilson(int(right[rows].sum()), len(rows) * n_labels)
    truth = right.sum() / made.size
    events = len(rows) * n_labels - right[rows].sum()
    return {"truth": truth, "found": found, "naive": naive, "events": events}


def measured(strata, error, *, studies: int, plan: Plan, rng) -> dict[tuple[str, str], list[float]]:
    """Sums per figure and group over all studies: held, held by Wilson, events."""
    expected, lines = true_figures(strata, error), groups(strata)
    names = templates.load("elbow").names
    sums = {(figure, group): np.zeros(3) for group in lines for figure in FIGURES}
    sums["accuracy by sample", "elbow"] = np.zeros(3)
    for _ in range(studies):
        counted, elbow = studied(strata, error, rng)
        drawn = counted.drawn(rng=rng, plan=plan)
        for group, members in lines.items():
            truth = figure_values(sum(expected[name] for name in members))
            own = figure_values(counted.counts[0][:, np.isin(counted.sites, members)].sum(axis=1, dtype=float))
            over = tallies.figures(sum(drawn[name] for name in members)[0])
            for figure in FIGURES:
                limits = tallies.limits(figure, own, over[figure], level=plan.level)
                naive = tallies.limits(figure, own, None, level=plan.level)
                held = [low <= truth[figure] <= high for low, high, _ in (limits, naive)]
                sums[figure, group] += [*held, events(figure, own)]
        one = sampled(elbow["values"], elbow["made"], names, rng)
        held = [x.low <= one["truth"] <= x.high for x in (one["found"], one["naive"])]
        sums["accuracy by sample", "elbow"] += [*held, one["events"]]
    return {key: list(total / studies) for key, total in sums.items()}


def figure_values(counts: np.ndarray) -> dict[str, float]:
    return {name: float(value[0]) for name, value in tallies.figures(counts[:, None]).items()}


def events(figure: str, found: dict[str, float]) -> float:
    """What the figure rests on: errors, or disagreements about the value; the rarer of right and wrong."""
    if figure == "label_accuracy":
        return found["labels"] - found["right"]
    value = figure.removeprefix("f1_")
    both = found[f"both_{value}"]
    return min(both, found[f"said_{value}"] + found[f"there_{value}"] - 2 * both)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=2000)
    parser.add_argument("--resamples", type=int, default=1000)
    parser.add_argument("--pool", type=int, default=600, help="reports of each anatomy and site to draw from")
    given = parser.parse_args()
    start = time.process_time()
    strata = pool(given.pool)
    error = base_error(strata)
    expected = figure_values(sum(true_figures(strata, error).values()))
    print(
        f"{given.studies} studies of {sum(s.size for s in strata):,} reports, {expected['labels']:,.0f} labels, of them"
    )
    print(
        f"{expected['there_uncertain']:,.0f} uncertain; {1 - expected['label_accuracy']:.2%} wrong; intervals of 95 %"
    )
    rng = np.random.default_rng(1)
    found = measured(strata, error, studies=given.studies, plan=Plan(given.resamples), rng=rng)
    print("figure              of             events  held            Wilson, independent labels")
    for (figure, group), (held, naive, n) in found.items():
        few = "" if n >= 20 else "  (fewer than 20 events)"
        verdicts = judged(held, given.studies, 0.93, 0.97), judged(naive, given.studies, 0.93, 0.97)
        print(f"{figure:19} {group:14} {n:6.0f}  {held:.3f} {verdicts[0]:8}  {naive:.3f} {verdicts[1]}{few}")
    print(f"{time.process_time() - start:.0f} seconds of one core")


if __name__ == "__main__":
    main()
