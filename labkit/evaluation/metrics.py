"""METRICS and CURVES of every policy and test site, each number with its interval; the work of 04_evaluation.

PREDICTIONS and LABELS go in. Thresholds come from validation only; scores are averaged over seeds.
"""

import numpy as np
import pandas as pd

from labkit import policies
from labkit.evaluation import calibration, cases, clustered, curves, macro, operating, resampling, thresholds

__all__ = ["COLUMNS", "areas", "evaluate", "in_order", "row"]

COLUMNS = ["finding", "metric", "site", "policy", "reading"]
COLUMNS += ["value", "low", "high", "level", "n", "n_positive", "method"]


def evaluate(predictions, labels, *, settings, rng=None):
    """Evaluate each policy at each test site.

    Parameters
    ----------
    predictions : PREDICTIONS table of one or more policies and seeds, splits validation, test and external.
    labels : LABELS table of all splits; `reference` is what is there.
    settings : evaluation.Settings.
    rng : numpy Generator of the bands of curves, and of the rates' bootstrap where settings.rate_interval asks for it;
        None = by settings.seed.

    Returns
    -------
    METRICS table: per finding auc, average_precision, prevalence, threshold, sensitivity, specificity, ppv, npv,
    accuracy, balanced_accuracy, f1 at the declared operating point, some of them at the other points
    (`sensitivity_at_specificity_0.9`), brier, ece, calibration_slope, calibration_intercept and n_left_out, or one row
    left_out with its reason in `method`; for "Macro average" auc, auc_min, auc_max, n_findings, n_without_prediction;
    for "All findings" calibration, also after the temperature fitted on validation (`brier_tempered`). Readings
    uncertain_true and uncertain_false exist for auc. Undefined numbers are NaN. CURVES table: see `curves.points`.

    Raises
    ------
    TableError : a prediction without a label, or scores for some findings only.
    """
    rng = np.random.default_rng(settings.seed) if rng is None else rng
    chosen = cases.label_set(cases.with_scores(labels, predictions), settings=settings)
    rows, points = [], []
    for policy in in_order(predictions["policy"].unique()):
        tuning = cases.select(predictions, labels, split="validation", policy=policy)
        found_thresholds = {point: _thresholds(tuning, point, settings) for point in thresholds.POINTS}
        warmth = calibration.temperature(tuning.read(), tuning.score) if _are_probabilities(tuning.score) else np.nan
        for (split, site), at_site in chosen.groupby(["split", "site"], sort=False):
            found = cases.select(predictions, labels, split=split, policy=policy, site=site)
            if not len(found.study_ids):
                continue
            place = {"site": site, "policy": policy}
            rows += _of_site(found, at_site, place, settings)
            evaluated = list(at_site.loc[at_site["evaluated"], "finding"])
            here = (labels["split"] == split) & (labels["site"] == site)
            n = labels.loc[here, "study_id"].nunique()
            rows.append(row(cases.MACRO, "n_without_prediction", n - len(found.study_ids), n=n, **place))
            rows += _at_thresholds(found, evaluated, found_thresholds, place, settings, rng)
            rows += _calibration(found, evaluated, warmth, place, settings)
            # a stream of its own: bands change no interval of METRICS
            points += curves.points(found, evaluated, settings=settings, rng=rng.spawn(1)[0], **place)
    return pd.DataFrame(rows, columns=COLUMNS), pd.DataFrame(points, columns=curves.COLUMNS)


def areas(predictions, labels, *, settings, only=None):
    """The METRICS rows of `evaluate` that need no threshold: areas per finding and their macro average.

    predictions : no validation scores are needed; without them all validation studies count towards the label set.
    only : dict of the findings that count per site, None = label set.
    """
    listed = cases.with_scores(labels, predictions, validation_scored=False)
    chosen = cases.label_set(listed, settings=settings)
    rows = []
    for policy in in_order(predictions["policy"].unique()):
        for (split, site), at_site in chosen.groupby(["split", "site"], sort=False):
            found = cases.select(predictions, labels, split=split, policy=policy, site=site)
            if only is not None:
                at_site = at_site.assign(evaluated=at_site["evaluated"] & at_site["finding"].isin(only.get(site, ())))
            if len(found.study_ids):
                rows += _of_site(found, at_site, {"site": site, "policy": policy}, settings)
    return pd.DataFrame(rows, columns=COLUMNS)


def _of_site(found, at_site, place, settings):
    rows = []
    for listed in at_site.itertuples():
        rows += _areas_of(found, listed, place, settings)
    return rows + _macro(found, list(at_site.loc[at_site["evaluated"], "finding"]), place, settings)


def in_order(names):
    """Policies in the order of `policies.Policy`, unknown ones last."""
    known = [str(policy) for policy in policies.Policy]
    return sorted(names, key=lambda name: (known.index(name) if name in known else len(known), name))


def row(finding, metric, value, *, site, policy, **further):
    """One METRICS row; what is not given is NaN or empty, the reading is primary."""
    empty = {"low": np.nan, "high": np.nan, "level": np.nan, "n": np.nan, "n_positive": np.nan, "method": ""}
    place = {"site": site, "policy": policy, "reading": "primary"}
    return {"finding": finding, "metric": metric, **place, "value": value, **empty, **further}


def _thresholds(tuning, point, settings):
    """Threshold by finding of validation `Cases` by their reference; NaN where a class that is needed is missing."""
    target = settings.target(point)
    return {
        finding: thresholds.chosen_threshold(*tuning.column(finding)[:2], point=point, target=target)
        for finding in tuning.findings
    }


def _are_probabilities(score):
    return bool(score.size) and bool(np.all((score >= 0) & (score <= 1)))


def _areas_of(found, listed, place, settings):
    """METRICS rows of one finding that no threshold is needed for; `listed` is its row of the label set."""
    finding = listed.finding
    y, score, _ = found.column(finding)
    n_positive = int(y.sum())
    counted = {"n": len(y), "n_positive": n_positive, **place}
    rows = [row(finding, "n_left_out", len(found.study_ids) - len(y), **counted)]
    if not listed.evaluated:
        return [*rows, row(finding, "left_out", np.nan, method=listed.reason, **counted)]
    for reading in cases.READINGS:
        y_read, score_read, patients = found.column(finding, reading)
        counts = {"n": len(y_read), "n_positive": int(y_read.sum()), "reading": reading}
        value, limits = np.nan, {"method": "one class only"}
        if 0 < y_read.sum() < len(y_read):
            area = macro.macro_auc(y_read[:, None], score_read[:, None], patients=patients, level=settings.level)
            value, limits = area.auc, _limits(area, settings)
        rows.append(row(finding, "auc", value, **place, **counts, **limits))
    for metric, rate in (
        ("average_precision", operating.average_precision(y, score, level=settings.level)),
        ("prevalence", operating.wilson(n_positive, len(y), level=settings.level)),
    ):
        rows.append(_rate_row(finding, metric, rate, settings, counted))
    return rows


def _limits(area, settings):
    """Interval of a `MacroAuc` in the declared form; DeLong's would be a point at perfect separation."""
    robust = settings.auc_interval == "robust" or area.variance == 0
    low, high = area.ci_robust if robust else area.ci
    method = "robust, DeLong by patients" if robust else "DeLong by patients"
    return {"low": low, "high": high, "level": settings.level, "method": method}


def _rate_row(finding, metric, rate, settings, counted):
    limits = {"low": rate.low, "high": rate.high, "level": settings.level, "method": rate.method}
    return row(finding, metric, rate.value, **{**counted, "n": rate.n}, **limits)


def _at_thresholds(found, evaluated, found_thresholds, place, settings, rng):
    """Rates of every finding at the declared operating point, and the main ones at the others."""
    if not evaluated:
        return []
    y, score = found.matrices(evaluated)
    rows = []
    for point in thresholds.POINTS:
        cuts = np.array([found_thresholds[point][finding] for finding in evaluated])
        called = score >= cuts  # nothing is at or above NaN
        if settings.rate_interval == "bootstrap":
            plan = resampling.Plan(settings.n_resamples, level=settings.level)
            of_findings = clustered.resampled_rates(y, called, patients=found.patients, rng=rng, plan=plan)
        else:
            of_findings = [
                operating.rates(operating.confusion(y[used, c], called[used, c], threshold=1), level=settings.level)
                for c, used in enumerate(~np.isnan(y).T)
            ]
        declared = point == settings.operating_point
        ending = "" if declared else f"_at_{thresholds.point_name(point, settings.target(point))}"
        for c, finding in enumerate(evaluated):
            counted = {"n": int((~np.isnan(y[:, c])).sum()), "n_positive": int((y[:, c] == 1).sum()), **place}
            rule = f"{thresholds.point_name(point, settings.target(point)).replace('_', ' ')} on validation"
            rows.append(row(finding, f"threshold{ending}", cuts[c], method=rule, **counted))
            for metric in operating.AT_THRESHOLD if declared else operating.AT_THRESHOLD[:4]:
                rate = of_findings[c][metric]
                if np.isnan(cuts[c]):
                    rate = operating.Rate(np.nan, np.nan, np.nan, 0, "no threshold: one class in validation")
                rows.append(_rate_row(finding, f"{metric}{ending}", rate, settings, counted))
    return rows


def _calibration(found, evaluated, warmth, place, settings):
    """Calibration per finding and of all labels together, there also at the temperature of validation."""
    if not evaluated or not _are_probabilities(found.score):
        return []
    rows = []
    for finding in evaluated:
        rows += _calibrated(finding, *found.column(finding), "", place, settings)
    y, score = found.matrices(evaluated)
    used = ~np.isnan(y)
    patients = np.broadcast_to(found.patients[:, None], y.shape)[used]
    rows += _calibrated(cases.POOLED, y[used], score[used], patients, "", place, settings)
    if not np.isnan(warmth):
        counted = {"n": int(used.sum()), "n_positive": int((y == 1).sum()), **place}
        rows.append(row(cases.POOLED, "temperature", warmth, method="likelihood on validation", **counted))
        warmed = calibration.tempered(score[used], warmth)
        rows += _calibrated(cases.POOLED, y[used], warmed, patients, "_tempered", place, settings)
    return rows


def _calibrated(finding, y, score, patients, ending, place, settings):
    counted = {"n": len(y), "n_positive": int(y.sum()), **place}
    line = calibration.calibration_line(y, score, patients=patients, level=settings.level)
    found = {
        "brier": calibration.brier(y, score, patients=patients, level=settings.level),
        "calibration_slope": line.slope,
        "calibration_intercept": line.intercept,
    }
    rows = [_rate_row(finding, f"{name}{ending}", rate, settings, counted) for name, rate in found.items()]
    error = calibration.ece(y, score, n_bins=settings.n_bins)
    return [*rows, row(finding, f"ece{ending}", error, method=f"{settings.n_bins} bins of equal width", **counted)]


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
        rows.append(row(cases.MACRO, "auc", area.auc, reading=reading, **_limits(area, settings), **counts))
        if reading == "primary":
            rows.append(row(cases.MACRO, "auc_min", min(area.areas), **counts))
            rows.append(row(cases.MACRO, "auc_max", max(area.areas), **counts))
    return rows
