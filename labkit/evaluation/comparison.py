"""Paired differences between policies and unpaired ones between sites, with what "not significant" means;
used by 04_evaluation.
"""

from itertools import combinations

import numpy as np
import pandas as pd

from labkit.errors import EvaluationError
from labkit.evaluation import cases, macro, metrics, permutation, resampling, significance
from labkit.evaluation.verdicts import verdict_rows

__all__ = ["compare", "compare_sites"]


def compare(predictions, labels, *, settings, rng=None):
    """Compare every pair of policies on the same studies and findings of each test site.

    Parameters
    ----------
    predictions : PREDICTIONS of at least two policies; studies that only one policy scored are left out.
    labels, settings, rng : as `evaluate`; rng serves permutation and bootstrap.

    Returns
    -------
    METRICS table; `policy` is "a - b". "Macro average" and each finding: auc_difference with interval (DeLong by
    patients), auc_difference_p, auc_difference_p_permutation (which holds its level with 5 positives, where DeLong's
    errs in 9 instead of 5 %), auc_difference_detectable (with `settings.power`), equivalence_p and equivalent (1 or 0,
    TOST with `settings.margin`). Per finding also auc_difference_p_holm and auc_difference_p_bh, over the findings of
    the site; "Macro average" has the interval auc_difference_bootstrap.

    Raises
    ------
    EvaluationError : fewer than two policies. TableError : as `evaluate`.
    """
    rng = np.random.default_rng(settings.seed) if rng is None else rng
    names = metrics.in_order(predictions["policy"].unique())
    if len(names) < 2:
        raise EvaluationError(f"Policies {names}: a comparison needs two; train another policy first.")
    scored = predictions.groupby("study_id")["policy"].nunique()
    predictions = predictions[predictions["study_id"].isin(scored.index[scored == len(names)])]
    chosen = cases.label_set(cases.with_scores(labels, predictions), settings=settings)
    rows = []
    for (split, site), at_site in chosen.groupby(["split", "site"], sort=False):
        found = {p: cases.select(predictions, labels, split=split, policy=p, site=site) for p in names}
        for first, second in combinations(names, 2):
            evaluated = list(at_site.loc[at_site["evaluated"], "finding"])
            if evaluated:
                place = {"site": site, "policy": f"{first} - {second}"}
                rows += _pair(found[first], found[second], evaluated, place, settings, rng)
    return pd.DataFrame(rows, columns=metrics.COLUMNS)


def compare_sites(predictions, labels, *, settings):
    """Compare the macro AUC of every pair of test sites under each policy, on the findings that both
    evaluate.

    Returns
    -------
    METRICS table as the macro rows of `compare`; `site` is "a - b".
    """
    chosen = cases.label_set(cases.with_scores(labels, predictions), settings=settings)
    sites = list(chosen[["split", "site"]].drop_duplicates().itertuples(index=False, name=None))
    rows = []
    for policy in metrics.in_order(predictions["policy"].unique()):
        for first, second in combinations(sites, 2):
            areas = []
            shared = _shared(chosen, first, second)
            for split, site in (first, second):
                found = cases.select(predictions, labels, split=split, policy=policy, site=site)
                if shared and len(found.study_ids):
                    y, score = found.matrices(shared)
                    areas.append(macro.macro_auc(y, score, patients=found.patients, level=settings.level))
            if len(areas) == 2:
                tested = macro.compare_macro_auc_unpaired(*areas, level=settings.level)
                place = {"site": f"{first[1]} - {second[1]}", "policy": policy, "n": areas[0].n + areas[1].n}
                rows += verdict_rows(cases.MACRO, "auc_difference", tested, place, settings, "Welch t")
    return pd.DataFrame(rows, columns=metrics.COLUMNS)


def _shared(chosen, first, second):
    """Findings evaluated at both sites, in the order of the first."""
    evaluated = chosen[chosen["evaluated"]]
    at_second = set(evaluated.loc[evaluated["site"] == second[1], "finding"])
    return [f for f in evaluated.loc[evaluated["site"] == first[1], "finding"] if f in at_second]


def _pair(first, second, evaluated, place, settings, rng):
    # both hold the same studies in the same order
    y, score_a = first.matrices(evaluated)
    _, score_b = second.matrices(evaluated)
    tested = macro.compare_macro_auc(y, score_a, score_b, patients=first.patients, level=settings.level)
    rows = verdict_rows(cases.MACRO, "auc_difference", tested, {**place, "n": len(y)}, settings, "paired")
    rows += _resampled(y, (score_a, score_b), first.patients, {**place, "n": len(y)}, settings, rng)
    p_values = []
    for column, finding in enumerate(evaluated):
        chosen = slice(column, column + 1)
        single = macro.compare_macro_auc(
            y[:, chosen], score_a[:, chosen], score_b[:, chosen], patients=first.patients, level=settings.level
        )
        used = ~np.isnan(y[:, column])
        counts = {"n": int(used.sum()), "n_positive": int((y[:, column] == 1).sum()), **place}
        rows += verdict_rows(finding, "auc_difference", single, counts, settings, "paired")
        scores = score_a[:, chosen], score_b[:, chosen]
        rows.append(_permuted(finding, y[:, chosen], scores, first.patients, counts, rng))
        p_values.append((finding, single.p_value, counts))
    of_all = f"over {len(p_values)} findings"
    for name, adjust in (("holm", significance.holm), ("bh", significance.benjamini_hochberg)):
        adjusted = adjust([p for _, p, _ in p_values])
        for (finding, _, counts), p_value in zip(p_values, adjusted, strict=True):
            method = f"DeLong by patients, {'Holm' if name == 'holm' else 'Benjamini-Hochberg'} {of_all}"
            rows.append(metrics.row(finding, f"auc_difference_p_{name}", float(p_value), method=method, **counts))
    return rows


def _resampled(y, scores, patients, place, settings, rng):
    """What permutation and bootstrap say of the same difference, as a check that needs no normal distribution."""
    plan = resampling.Plan(settings.n_resamples, "bca", settings.level)
    drawn = resampling.bootstrap_macro_difference(y, scores, patients=patients, rng=rng, plan=plan)
    limits = {"low": drawn.ci[0], "high": drawn.ci[1], "level": settings.level, "method": drawn.method}
    return [
        _permuted(cases.MACRO, y, scores, patients, place, rng),
        metrics.row(cases.MACRO, "auc_difference_bootstrap", drawn.value, **limits, **place),
    ]


def _permuted(finding, y, scores, patients, place, rng):
    tested = permutation.permutation_macro_auc(y, *scores, patients=patients, rng=rng)
    method = f"ranks exchanged within patients, {tested.n_permutations:,} ways" + (", all" if tested.exact else "")
    return metrics.row(finding, "auc_difference_p_permutation", tested.p_value, method=method, **place)
