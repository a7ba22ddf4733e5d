"""What doubt in the reports does to the numbers; used by 04_evaluation.

Cases whose report was uncertain, alone and against what follow-up showed; and what one would have measured against
extracted labels, as they are and corrected for the extractor's errors, beside the verified reading.
"""

from itertools import combinations

import numpy as np
import pandas as pd

from labkit.errors import EvaluationError
from labkit.evaluation import calibration, cases, label_error, macro, metrics, pooled
from labkit.evaluation.verdicts import verdict_rows

__all__ = ["REPORT_READINGS", "against_extracted", "by_report"]

# Labels by what the report says of them; the reference of an uncertain one is its follow-up.
REPORT_READINGS = ("report_uncertain", "report_certain")


def by_report(predictions, labels, *, settings):
    """Performance on labels whose report was uncertain, beside those it was sure of, and policies compared on each.

    Parameters
    ----------
    predictions, labels, settings : as `metrics.evaluate`.

    Returns
    -------
    METRICS table of "All findings", readings report_uncertain and report_certain: n_labels (uncertain or sure),
    n_left_out (no follow-up), auc_pooled (pairs within a finding), mean_score_true, mean_score_false, brier; policy
    "a - b" has auc_pooled_difference with its p, detectable difference and equivalence. NaN where no finding has both a
    true and a false follow-up.
    """
    chosen = cases.label_set(cases.with_scores(labels, predictions), settings=settings)
    names = metrics.in_order(predictions["policy"].unique())
    rows = []
    for (split, site), _ in chosen.groupby(["split", "site"], sort=False):
        found = {p: cases.select(predictions, labels, split=split, policy=p, site=site) for p in names}
        found = {p: own for p, own in found.items() if len(own.study_ids)}
        for reading in REPORT_READINGS:
            for policy, own in found.items():
                rows += _alone(own, reading, {"site": site, "policy": policy}, settings)
            for first, second in combinations(found, 2):
                place = {"site": site, "policy": f"{first} - {second}", "reading": reading}
                rows += _difference(found[first], found[second], reading, place, settings)
    return pd.DataFrame(rows, columns=metrics.COLUMNS)


def _chosen(found, reading):
    """Labels that a reading takes, (studies, findings) bool, and their reference with NaN elsewhere."""
    doubtful = found.reported == 0.5
    wanted = doubtful if reading == "report_uncertain" else ~doubtful
    return wanted, np.where(wanted, found.read(), np.nan)


def _alone(found, reading, place, settings):
    wanted, y = _chosen(found, reading)
    used = ~np.isnan(y)
    truth, score = y[used], found.score[used]
    area = pooled.pooled_auc(y, found.score, patients=found.patients, level=settings.level)
    counted = {"n": int(used.sum()), "n_positive": int(truth.sum()), "reading": reading, **place}
    rows = [
        metrics.row(cases.POOLED, "n_labels", int(wanted.sum()), **counted),
        metrics.row(cases.POOLED, "n_left_out", int(wanted.sum() - used.sum()), method="no follow-up", **counted),
        metrics.row(
            cases.POOLED,
            "auc_pooled",
            area.auc,
            **{**counted, "n": area.n, "n_positive": area.n_positive},
            low=area.ci[0],
            high=area.ci[1],
            level=settings.level,
            method=f"pairs within {area.n_findings} findings, robust, by patients",
        ),
    ]
    for name, value in (("true", 1), ("false", 0)):
        of_value = score[truth == value]
        mean = float(of_value.mean()) if len(of_value) else np.nan
        rows.append(metrics.row(cases.POOLED, f"mean_score_{name}", mean, **{**counted, "n": len(of_value)}))
    if len(score) and score.min() >= 0 and score.max() <= 1:
        patients = np.broadcast_to(found.patients[:, None], y.shape)[used]
        rate = calibration.brier(truth, score, patients=patients, level=settings.level)
        limits = {"low": rate.low, "high": rate.high, "level": settings.level, "method": rate.method}
        rows.append(metrics.row(cases.POOLED, "brier", rate.value, **counted, **limits))
    return rows


def _difference(first, second, reading, place, settings):
    shared = np.intersect1d(first.study_ids, second.study_ids)
    at_first, at_second = (np.searchsorted(own.study_ids, shared) for own in (first, second))
    y = _chosen(first, reading)[1][at_first]
    score, patients = first.score[at_first], first.patients[at_first]
    tested = pooled.compare_pooled_auc(y, score, second.score[at_second], patients=patients, level=settings.level)
    area = pooled.pooled_auc(y, score, patients=patients)
    counted = {"n": area.n, "n_positive": area.n_positive, **place}
    return verdict_rows(cases.POOLED, "auc_pooled_difference", tested, counted, settings, "paired")


def against_extracted(predictions, labels, *, settings, rng):
    """Macro AUC against extracted test labels, as they are and corrected for the extractor's errors.

    Returns
    -------
    METRICS table of "Macro average" over the findings of the label set that have both classes among the extracted
    labels: auc, readings extracted, extracted_corrected and verified_same (where the extractor was sure); and
    of "All findings", policy empty: extractor_sensitivity and extractor_specificity per site, by the verified labels of
    that site (of all sites where it has none). A site whose findings or verified labels do not suffice has rows with
    NaN and the reason.
    """
    chosen = cases.label_set(cases.with_scores(labels, predictions), settings=settings)
    rows = []
    for (split, site), at_site in chosen.groupby(["split", "site"], sort=False):
        try:
            error = _error(labels, site)
        except EvaluationError as problem:
            reason = {"method": str(problem).split(";")[0]}
            rows.append(metrics.row(cases.POOLED, "extractor_sensitivity", np.nan, site=site, policy="", **reason))
            continue
        for name in ("sensitivity", "specificity"):
            rate = getattr(error, name)
            limits = {"low": rate.low, "high": rate.high, "level": 0.95, "n": rate.n, "method": rate.method}
            rows.append(metrics.row(cases.POOLED, f"extractor_{name}", rate.value, site=site, policy="", **limits))
        evaluated = list(at_site.loc[at_site["evaluated"], "finding"])
        for policy in metrics.in_order(predictions["policy"].unique()):
            found = cases.select(predictions, labels, split=split, policy=policy, site=site)
            if len(found.study_ids) and evaluated:
                rows += _extracted(found, evaluated, error, {"site": site, "policy": policy}, settings, rng)
    return pd.DataFrame(rows, columns=metrics.COLUMNS)


def _error(labels, site):
    try:
        return label_error.measured(labels[labels["site"] == site])
    except EvaluationError:
        return label_error.measured(labels)


def _extracted(found, evaluated, error, place, settings, rng):
    columns = [found.findings.index(finding) for finding in evaluated]
    said = np.where(found.extracted[:, columns] == 0.5, np.nan, found.extracted[:, columns])
    verified = np.where(np.isnan(said), np.nan, found.read()[:, columns])
    both = np.all([(y == value).any(axis=0) for y in (said, verified) for value in (0, 1)], axis=0)
    if not both.any():
        reason = {"method": "no finding has both classes among the extracted labels", "reading": "extracted"}
        return [metrics.row(cases.MACRO, "auc", np.nan, **place, **reason)]
    said, verified, score = said[:, both], verified[:, both], found.score[:, columns][:, both]
    patients = found.patients
    counted = {"n": len(said), "level": settings.level, **place}
    rows = []
    for reading, y in (("extracted", said), ("verified_same", verified)):
        area = macro.macro_auc(y, score, patients=patients, level=settings.level)
        limits = {"low": area.ci_robust[0], "high": area.ci_robust[1], "method": f"over {both.sum()} findings"}
        rows.append(metrics.row(cases.MACRO, "auc", area.auc, **{**counted, "reading": reading}, **limits))
    rate, _ = label_error.corrected_macro_auc(
        said, score, error, patients=patients, rng=rng, n_draws=settings.n_resamples, level=settings.level
    )
    limits = {"low": rate.low, "high": rate.high, "method": rate.method, "reading": "extracted_corrected"}
    return [*rows, metrics.row(cases.MACRO, "auc", rate.value, **counted, **limits)]
