"""How right the extraction was: extracted labels against verified ones, with intervals, beside the all-false baseline.

LABELS go in, METRICS and a 3 x 3 table come out. Only labels that somebody (or the simulated reader) verified count.
"""

import pandas as pd

from labkit import tables
from labkit.evaluation import wilson

__all__ = ["ALL_FINDINGS", "ALL_SITES", "accuracy", "confusion"]

VALUES = ["true", "uncertain", "false"]
ALL_SITES = "all"
ALL_FINDINGS = "All findings"
LEVEL = 0.95


def confusion(labels: pd.DataFrame) -> pd.DataFrame:
    """3 x 3 counts of the verified labels: rows are verified values, columns extracted ones."""
    verified = labels[labels.verification != "none"]
    return pd.crosstab(verified["value"], verified["extracted"]).reindex(index=VALUES, columns=VALUES, fill_value=0)


def accuracy(labels: pd.DataFrame) -> pd.DataFrame:
    """METRICS rows (policy empty, reading "report"): overall, per site and per finding.

    label_accuracy, all_false_accuracy (what an answer of false everywhere would reach), exact_match (reports whose
    labels are all right), and precision, recall and F1 of true and of uncertain. Intervals are Wilson's, which takes
    the labels of one report as independent; F1 has none here. Where no label is verified the table is empty.
    """
    verified = labels[labels.verification != "none"]
    rows = []
    for site, of_site in [(ALL_SITES, verified), *verified.groupby("site")] if len(verified) else ():
        rows += _rows(of_site, ALL_FINDINGS, site)
        right = (of_site["extracted"] == of_site["value"]).groupby(of_site["study_id"]).all()
        rows.append(_share("exact_match", ALL_FINDINGS, site, int(right.sum()), len(right)))
        for finding, of_finding in of_site.groupby("finding", sort=False):
            rows += _rows(of_finding, finding, site)
    return tables.check(pd.DataFrame(rows, columns=list(tables.METRICS.all_columns)), tables.METRICS)


def _rows(labels: pd.DataFrame, finding: str, site: str) -> list[dict]:
    extracted, value = labels["extracted"], labels["value"]
    n = len(labels)
    rows = [
        _share("label_accuracy", finding, site, int((extracted == value).sum()), n),
        _share("all_false_accuracy", finding, site, int((value == "false").sum()), n),
    ]
    for kind in ("true", "uncertain"):
        both = int(((extracted == kind) & (value == kind)).sum())
        said, there = int((extracted == kind).sum()), int((value == kind).sum())
        rows.append(_share(f"precision_{kind}", finding, site, both, said))
        rows.append(_share(f"recall_{kind}", finding, site, both, there))
        f1 = 2 * both / (said + there) if said + there else float("nan")
        rows.append(_row(f"f1_{kind}", finding, site, f1, (float("nan"),) * 2, n=n, n_positive=there))
    return rows


def _share(metric: str, finding: str, site: str, hits: int, n: int) -> dict:
    if n == 0:
        return _row(metric, finding, site, float("nan"), (float("nan"),) * 2, n=0, n_positive=0)
    share = wilson(hits, n, level=LEVEL)
    return _row(metric, finding, site, share.value, (share.low, share.high), n=n, n_positive=hits)


def _row(
    metric: str, finding: str, site: str, value: float, interval: tuple[float, float], *, n: int, n_positive: int
) -> dict:
    return {
        "finding": finding,
        "metric": metric,
        "site": site,
        "policy": "",
        "reading": "report",
        "value": value,
        "low": interval[0],
        "high": interval[1],
        "level": LEVEL,
        "n": n,
        "n_positive": n_positive,
        "method": "Wilson",
    }
