"""Paired differences between policies and unpaired ones between sites, with what "not significant" means;
used by 04_evaluation.
"""

from itertools import combinations

import numpy as np
import pandas as pd

from labkit.errors import EvaluationError
from labkit.evaluation import cases, macro, metrics, roc, significance

__all__ = ["compare", "compare_sites"]


def compare(predictions, labels, *, settings):
    """Compare every pair of policies on the same studies and findings of each test site.

    Parameters
    ----------
    predictions : PREDICTIONS of at least two policies; studies that only one policy scored are left out.
    labels, settings : as `evaluate`.

    Returns
    -------
    METRICS table; `policy` is "a - b". "Macro average": auc_difference with interval, auc_difference_p,
    auc_difference_detectable (with `settings.power`), equivalence_p and equivalent (1 or 0, TOST with
    `settings.margin`). Per finding: auc_difference (DeLong), auc_difference_p and auc_difference_p_holm (over
    the findings of the site).

    Raises
    ------
    EvaluationError : fewer than two policies. TableError : as `evaluate`.
    """
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
                rows += _pair(found[first], found[second], evaluated, place, settings)
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
                rows += _verdict(tested, place, settings, method="DeLong by patients, Welch t")
    return pd.DataFrame(rows, columns=metrics.COLUMNS)


def _shared(chosen, first, second):
    """Findings evaluated at both sites, in the order of the first."""
    evaluated = chosen[chosen["evaluated"]]
    at_second = set(evaluated.loc[evaluated["site"] == second[1], "finding"])
    return [f for f in evaluated.loc[evaluated["site"] == first[1], "finding"] if f in at_second]


def _pair(first, second, evaluated, place, settings):
    # both hold the same studies in the same order
    y, score_a = first.matrices(evaluated)
    _, score_b = second.matrices(evaluated)
    tested = macro.compare_macro_auc(y, score_a, score_b, patients=first.patients, level=settings.level)
    rows = _verdict(tested, {**place, "n": len(y)}, settings, method="DeLong by patients, paired")
    p_values = []
    for column, finding in enumerate(evaluated):
        used = ~np.isnan(y[:, column])
        reference = y[used, column]
        single = roc.compare_auc(reference, score_a[used, column], score_b[used, column], settings.level)
        counts = {"n": len(reference), "n_positive": int(reference.sum()), **place}
        limits = {"low": single.ci[0], "high": single.ci[1], "level": settings.level}
        rows.append(metrics.row(finding, "auc_difference", single.difference, method="DeLong", **limits, **counts))
        rows.append(metrics.row(finding, "auc_difference_p", single.p_value, method="DeLong", **counts))
        p_values.append((finding, single.p_value, counts))
    adjusted = significance.holm([p for _, p, _ in p_values])
    for (finding, _, counts), p_value in zip(p_values, adjusted, strict=True):
        method = f"DeLong, Holm over {len(p_values)} findings"
        rows.append(metrics.row(finding, "auc_difference_p_holm", float(p_value), method=method, **counts))
    return rows


def _verdict(tested, place, settings, *, method):
    detectable = significance.detectable_difference(tested.se, level=settings.level, power=settings.power)
    verdict = significance.equivalence(
        tested.difference, tested.se, margin=settings.margin, df=tested.df, level=settings.level
    )
    limits = {"low": tested.ci[0], "high": tested.ci[1], "level": settings.level}
    tost = f"TOST, margin {settings.margin:g}"
    return [
        metrics.row(cases.MACRO, "auc_difference", tested.difference, method=method, **limits, **place),
        metrics.row(cases.MACRO, "auc_difference_p", tested.p_value, method=method, **place),
        metrics.row(cases.MACRO, "auc_difference_detectable", detectable, method=f"power {settings.power:g}", **place),
        metrics.row(cases.MACRO, "equivalence_p", verdict.p_value, method=tost, **place),
        metrics.row(cases.MACRO, "equivalent", float(verdict.equivalent), method=tost, **place),
    ]
