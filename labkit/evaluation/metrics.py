"""METRICS and CURVES of every policy and test site, each number with its interval; the work of 04_evaluation.

PREDICTIONS and LABELS go in. Thresholds come from validation only; scores are averaged over seeds.
"""

import numpy as np
import pandas as pd

from labkit import policies
from labkit.evaluation import cases, curves, macro, operating, roc

__all__ = ["COLUMNS", "evaluate", "in_order", "row"]

COLUMNS = ["finding", "metric", "site", "policy", "reading"]
COLUMNS += ["value", "low", "high", "level", "n", "n_positive", "method"]


def evaluate(predictions, labels, *, settings):
    """Evaluate each policy at each test site.

    Parameters
    ----------
    predictions : PREDICTIONS table of one or more policies and seeds, splits validation, test and external.
    labels : LABELS table of all splits; `reference` is what is there.
    settings : evaluation.Settings.

    Returns
    -------
    METRICS table: per finding auc, average_precision, prevalence, threshold, sensitivity, specificity, ppv,
    npv, accuracy, balanced_accuracy, f1, n_left_out, or one row left_out with its reason in `method`; for
    "Macro average" auc, auc_min, auc_max, n_findings, n_without_prediction. Readings uncertain_true and
    uncertain_false exist for auc. Undefined numbers are NaN. CURVES table: roc and pr per finding, roc of the
    macro average.

    Raises
    ------
    TableError : a prediction without a label, or scores for some findings only.
    """
    chosen = cases.label_set(cases.with_scores(labels, predictions), settings=settings)
    rows, points = [], []
    for policy in in_order(predictions["policy"].unique()):
        thresholds = _thresholds(predictions, labels, policy)
        for (split, site), at_site in chosen.groupby(["split", "site"], sort=False):
            found = cases.select(predictions, labels, split=split, policy=policy, site=site)
            if not len(found.study_ids):
                continue
            place = {"site": site, "policy": policy}
            for finding in at_site.itertuples():
                rows += _finding(found, finding, thresholds, place, settings)
            evaluated = list(at_site.loc[at_site["evaluated"], "finding"])
            rows += _macro(found, evaluated, place, settings)
            here = (labels["split"] == split) & (labels["site"] == site)
            n = labels.loc[here, "study_id"].nunique()
            rows.append(row(cases.MACRO, "n_without_prediction", n - len(found.study_ids), n=n, **place))
            points += curves.points(found, evaluated, **place)
    return pd.DataFrame(rows, columns=COLUMNS), pd.DataFrame(points, columns=curves.COLUMNS)


def in_order(names):
    """Policies in the order of `policies.Policy`, unknown ones last."""
    known = [str(policy) for policy in policies.Policy]
    return sorted(names, key=lambda name: (known.index(name) if name in known else len(known), name))


def row(finding, metric, value, *, site, policy, **further):
    """One METRICS row; what is not given is NaN or empty, the reading is primary."""
    empty = {"low": np.nan, "high": np.nan, "level": np.nan, "n": np.nan, "n_positive": np.nan, "method": ""}
    place = {"site": site, "policy": policy, "reading": "primary"}
    return {"finding": finding, "metric": metric, **place, "value": value, **empty, **further}


def _thresholds(predictions, labels, policy):
    """Youden threshold by finding, from validation by its reference; NaN where that has one class only."""
    found = cases.select(predictions, labels, split="validation", policy=policy)
    return {finding: operating.youden_threshold(*found.column(finding)[:2]) for finding in found.findings}


def _finding(found, listed, thresholds, place, settings):
    finding = listed.finding
    y, score, _ = found.column(finding)
    n_positive = int(y.sum())
    counted = {"n": len(y), "n_positive": n_positive, **place}
    rows = [row(finding, "n_left_out", len(found.study_ids) - len(y), **counted)]
    if not listed.evaluated:
        return [*rows, row(finding, "left_out", np.nan, method=listed.reason, **counted)]
    rows += [_area(found, finding, reading, place, settings) for reading in cases.READINGS]
    found_rates = {
        "average_precision": operating.average_precision(y, score, level=settings.level),
        "prevalence": operating.wilson(n_positive, len(y), level=settings.level),
    }
    threshold = thresholds[finding]
    rows.append(row(finding, "threshold", threshold, method="Youden on validation", **counted))
    counts = operating.confusion(y, score, threshold=threshold)
    found_rates |= operating.rates(counts, level=settings.level)
    for metric, rate in found_rates.items():
        if np.isnan(threshold) and metric in operating.AT_THRESHOLD:
            rate = operating.Rate(np.nan, np.nan, np.nan, 0, "no threshold: one class in validation")
        limits = {"low": rate.low, "high": rate.high, "level": settings.level, "method": rate.method}
        rows.append(row(finding, metric, rate.value, **{**counted, "n": rate.n}, **limits))
    return rows


def _area(found, finding, reading, place, settings):
    y, score, _ = found.column(finding, reading)
    area = roc.auc(y, score, settings.level, one_class="nan")
    limits, method = area.ci, "DeLong"
    if area.variance == 0:  # perfect separation: DeLong's interval would be a point
        limits, method = area.ci_robust, "Newcombe score"
    further = {"low": limits[0], "high": limits[1], "level": settings.level, "method": method}
    counts = {"n": area.n, "n_positive": area.n_positive, "reading": reading}
    return row(finding, "auc", area.auc, **place, **counts, **further)


def _macro(found, evaluated, place, settings):
    counts = {"n": len(found.study_ids), **place}
    rows = [row(cases.MACRO, "n_findings", len(evaluated), **counts)]
    if not evaluated:
        return [
            *rows,
            row(cases.MACRO, "left_out", np.nan, method="no finding has enough positives", **counts),
        ]
    for reading in cases.READINGS:
        y, score = found.matrices(evaluated, reading)
        area = macro.macro_auc(y, score, patients=found.patients, level=settings.level)
        limits = {"low": area.ci[0], "high": area.ci[1], "level": settings.level, "reading": reading}
        rows.append(row(cases.MACRO, "auc", area.auc, method="DeLong by patients", **limits, **counts))
        if reading == "primary":
            rows.append(row(cases.MACRO, "auc_min", min(area.areas), **counts))
            rows.append(row(cases.MACRO, "auc_max", max(area.areas), **counts))
    return rows
