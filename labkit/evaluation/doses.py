"""Does the policy matter, and from which share of uncertain labels on? The table of 04_evaluation, from DOSES."""

from itertools import combinations

import numpy as np
import pandas as pd

from labkit import tables
from labkit.errors import EvaluationError
from labkit.evaluation import metrics
from labkit.evaluation.dose import dose_response, policy_trend
from labkit.evaluation.reporting import p_text

__all__ = ["COLUMNS", "answer", "trend_table"]

STEP = 0.1  # slopes are shown per ten points of share
COLUMNS = ["site", "policy", "change", "p", "differs from", "beyond margin from", "equivalent up to"]
COLUMNS += ["curved", "trainings", "shares", "number"]


def answer(path, *, policies, settings):
    """`trend_table` of the DOSES file at `path`, of its rows on one policy where `policies` names one, else of all;
    without the file a table without rows.
    """
    doses = tables.read(path, tables.DOSES) if path.is_file() else pd.DataFrame(columns=tables.DOSES.all_columns)
    return trend_table(doses[doses["policy"].isin(policies)] if len(policies) == 1 else doses, settings=settings)


def trend_table(doses, *, settings):
    """Trends over the share of uncertain labels, per site and number: of each policy, and of each pair's difference.

    doses : DOSES table. settings : evaluation.Settings; its margin and level.

    Returns
    -------
    DataFrame: `change` per 10 points of share with interval, p of no change, p of a curve beside a line; for pairs the
    share from which on they differ, differ by more than the margin, and up to which they are equivalent. A pair that
    lacks trainings, or a trend without two shares and three trainings, says so in `change`.
    """
    rows = []
    for (site, metric), own in doses.groupby(["site", "metric"], sort=False):
        names = metrics.in_order(own["policy"].unique())
        for name in names:
            of_policy = own[own["policy"] == name]
            place = _place(site, metric, name, of_policy)
            rows.append(place | _tried(_response, of_policy, settings))
        for first, second in combinations(names, 2):
            both = own[own["policy"].isin([first, second])]
            place = _place(site, metric, f"{first} - {second}", both)
            rows.append(place | _tried(_difference, both, settings, first, second))
    shown = pd.DataFrame([dict.fromkeys(COLUMNS, "–") | row for row in rows], columns=COLUMNS)
    return shown.rename(columns={"change": f"change per 10 points ({100 * settings.level:g} % CI)"})


def _tried(made, *given):
    try:
        return made(*given)
    except EvaluationError as error:
        return {"change": str(error)}


def _place(site, metric, policy, rows):
    shares = ", ".join(f"{100 * share:g} %" for share in sorted(rows["share"].unique()))
    number = metric.replace("_", " ").replace("auc", "AUC")
    return {"site": site, "number": number, "policy": policy, "shares": shares, "trainings": len(rows)}


def _trend(found):
    value, low, high = (STEP * limit for limit in (found.slope.value, found.slope.low, found.slope.high))
    change = f"{value:+.3f} ({low:+.3f} to {high:+.3f})"
    return {"change": change, "p": p_text(found.p_value), "curved": p_text(found.p_curved)}


def _response(rows, settings):
    return _trend(dose_response(rows, level=settings.level))


def _difference(rows, settings, first, second):
    found = policy_trend(rows, first, second, margin=settings.margin, level=settings.level)
    largest = f"not up to {100 * rows['share'].max():g} %"

    def percent(share, otherwise):
        return otherwise if np.isnan(share) else f"{100 * share:.1f} %"

    return _trend(found.trend) | {
        "differs from": percent(found.different_from, largest),
        "beyond margin from": percent(found.relevant_from, largest),
        "equivalent up to": percent(found.equivalent_to, "none shown"),
    }
