"""How right the extraction was: extracted labels against verified ones, with intervals, beside the all-false baseline.

LABELS go in, METRICS and a 3 x 3 table come out. Only labels that somebody (or the simulated reader) verified count.
"""

import numpy as np
import pandas as pd

from labkit import tables
from labkit.evaluation import Plan, wilson
from labkit.verification.tallies import VALUES, Tally, effect, figures, limits, tally

__all__ = ["ALL_FINDINGS", "ALL_SITES", "accuracy", "by_anatomy", "confusion", "confusions", "verified"]

ALL_SITES = "all"
ALL_FINDINGS = "All findings"
# Figure: the count that it rests on and the events in it.
SHOWN = {
    "label_accuracy": ("labels", "right"),
    "all_false_accuracy": ("labels", "there_false"),
    "balanced_accuracy": ("labels", "right"),
    "macro_f1": ("labels", "right"),
    **{f"precision_{value}": (f"said_{value}", f"both_{value}") for value in VALUES},
    **{f"recall_{value}": (f"there_{value}", f"both_{value}") for value in VALUES},
    **{f"f1_{value}": ("labels", f"there_{value}") for value in VALUES},
}


def verified(labels: pd.DataFrame) -> pd.DataFrame:
    """The labels that a person or the simulated reader verified."""
    return labels[labels["verification"] != "none"]


def confusion(labels: pd.DataFrame) -> pd.DataFrame:
    """3 x 3 counts of the verified labels: rows are verified values, columns extracted ones."""
    own = verified(labels)
    return pd.crosstab(own["value"], own["extracted"]).reindex(index=VALUES, columns=VALUES, fill_value=0)


def confusions(labels: pd.DataFrame) -> pd.DataFrame:
    """The counts of `confusion` in nine rows for all findings and each finding, at all sites and at each site.

    Columns finding, site, verified, extracted, labels; empty where nothing is verified.
    """
    own = verified(labels)
    sites = [(ALL_SITES, own), *((site, own[own["site"] == site]) for site in sorted(set(own["site"])))]
    parts = []
    for finding in (ALL_FINDINGS, *dict.fromkeys(own["finding"])):
        for site, there in sites:
            chosen = there if finding == ALL_FINDINGS else there[there["finding"] == finding]
            counts = confusion(chosen).stack().rename_axis(["verified", "extracted"]).rename("labels").reset_index()
            parts.append(counts.assign(finding=finding, site=site))
    columns = ["finding", "site", "verified", "extracted", "labels"]
    return pd.concat(parts, ignore_index=True)[columns] if len(own) else pd.DataFrame(columns=columns)


def accuracy(labels: pd.DataFrame, *, rng: np.random.Generator, plan: Plan | None = None) -> pd.DataFrame:
    """METRICS rows (policy empty, reading "report"): all findings and each finding, at all sites and at each site.

    Parameters
    ----------
    labels : LABELS of one anatomy or more.
    rng : draws the resamples; plan : how many, and the level.

    Returns
    -------
    label_accuracy, all_false_accuracy, balanced_accuracy, macro_f1, and precision, recall and f1 of each value, as
    `tallies.figures` defines them; of all findings also exact_match (reports whose labels are all right). Over all
    findings the intervals come from a bootstrap of whole reports, or of whole patients where one has several reports
    (the larger unit; `method` says which), and label_accuracy_wilson gives, to compare, the interval that takes labels
    as independent. A finding has one label per report: its intervals are Wilson's, with fewer labels where those of a
    patient are alike, and those of balanced_accuracy and macro_f1 are drawn. n_positive counts the hits, and for f1
    the verified labels of the value. The table is empty where no label is verified.
    """
    own = verified(labels)
    plan = plan or Plan()
    rows = []
    if len(own):
        counted = tally(own)
        drawn = counted.drawn(rng=rng, plan=plan)
        for site in (ALL_SITES, *sorted(drawn)):
            rows += _at_site(counted, drawn, site, plan.level)
            rows.append(_exact(own if site == ALL_SITES else own[own["site"] == site], counted.units, site, plan.level))
    return tables.check(pd.DataFrame(rows, columns=list(tables.METRICS.all_columns)), tables.METRICS)


def by_anatomy(labels: dict[str, pd.DataFrame], *, rng: np.random.Generator, plan: Plan | None = None) -> pd.DataFrame:
    """The study's own table: one line per anatomy, then all of them together; LABELS by anatomy.

    Columns anatomy, reports, labels, right, label_accuracy, low, high (reports or patients drawn, see `accuracy`),
    wilson_low, wilson_high and all_false_accuracy; anatomies without a verified label are left out.
    """
    plan = plan or Plan()
    own_ids = {
        name: {column: name + "/" + own[column] for column in ("study_id", "patient")} for name, own in labels.items()
    }
    parts = {name: own.assign(**own_ids[name]) for name, own in labels.items()}
    parts = {name: own for name, own in parts.items() if len(verified(own))}
    if len(parts) > 1:
        # each anatomy is a stratum, as a site is
        parts["all anatomies"] = pd.concat([own.assign(site=name + "/" + own["site"]) for name, own in parts.items()])
    rows = []
    for name, own in parts.items():
        found = accuracy(own, rng=rng, plan=plan)
        found = found[(found["finding"] == ALL_FINDINGS) & (found["site"] == ALL_SITES)].set_index("metric")
        share, naive = found.loc["label_accuracy"], found.loc["label_accuracy_wilson"]
        counts = (name, verified(own)["study_id"].nunique(), int(share["n"]), int(share["n_positive"]))
        intervals = (share["value"], share["low"], share["high"], naive["low"], naive["high"])
        rows.append((*counts, *intervals, found.loc["all_false_accuracy", "value"]))
    columns = ["anatomy", "reports", "labels", "right", "label_accuracy", "low", "high", "wilson_low", "wilson_high"]
    return pd.DataFrame(rows, columns=[*columns, "all_false_accuracy"])


def _at_site(counted: Tally, drawn: dict[str, np.ndarray], site: str, level: float) -> list[dict]:
    inside = np.ones(len(counted.sites), bool) if site == ALL_SITES else counted.sites == site
    counts = counted.counts[..., inside].astype(float)  # (findings, 9, units)
    resamples = sum(drawn.values()) if site == ALL_SITES else drawn[site]  # (findings, 9, resamples)
    own, over = counts.sum(axis=-1), figures(resamples)
    how = {"level": level, "units": counted.units}
    together = how | {"by_unit": figures(counts.sum(axis=0))}
    rows = _figures(ALL_FINDINGS, site, own.sum(axis=0), figures(resamples.sum(axis=0)), together)
    share = wilson(int(rows[0]["n_positive"]), int(rows[0]["n"]), level=level)
    rows.append(
        {**rows[0], "metric": "label_accuracy_wilson", "low": share.low, "high": share.high, "method": "Wilson"}
    )
    for f, finding in enumerate(counted.findings):
        if own[f].sum():
            alone = {name: over[name][f] for name in ("balanced_accuracy", "macro_f1")}
            by_unit = figures(counts[f]) if counted.units == "patients" else None
            rows += _figures(finding, site, own[f], alone, how | {"by_unit": by_unit})
    return rows


def _figures(finding: str, site: str, counts: np.ndarray, drawn: dict[str, np.ndarray], how: dict) -> list[dict]:
    """One METRICS row per figure of (9,) counts; `drawn` holds the resamples of those that are not independent."""
    found = {name: float(values[0]) for name, values in figures(counts[:, None]).items()}
    rows = []
    for metric, (whole, events) in SHOWN.items():
        between = limits(metric, found, drawn.get(metric), **how)
        row = {"finding": finding, "metric": metric, "site": site, "policy": "", "reading": "report"}
        row |= {"value": found[metric], "low": between.low, "high": between.high, "method": between.method}
        rows.append(row | {"level": how["level"], "n": found[whole], "n_positive": found[events]})
    return rows


def _exact(own: pd.DataFrame, units: str, site: str, level: float) -> dict:
    """Reports whose labels are all right, with Wilson's interval; reports of one patient may be alike."""
    right = own["extracted"].eq(own["value"]).groupby([own["patient"], own["study_id"]], sort=False).all()
    by_patient = right.groupby(level=0, sort=False).agg(["sum", "size"]).to_numpy(float)
    less = effect(*by_patient.T)
    share = wilson(right.sum() / less, len(right) / less, level=level)
    row = {"finding": ALL_FINDINGS, "metric": "exact_match", "site": site, "policy": "", "reading": "report"}
    row |= {"value": float(right.mean()), "low": share.low, "high": share.high, "level": level}
    method = f"Wilson, by {units}" if less > 1 else "Wilson"
    return row | {"method": method, "n": len(right), "n_positive": int(right.sum())}
