"""Two extractors on the same verified labels: exact McNemar per finding, and the difference over all; used by 02.

Only labels on which one is right and the other wrong tell which is better (McNemar 1947; exact: the binomial
distribution at one half). Findings are many, so their p-values are adjusted by Holm. Over all findings the labels of a
patient are not independent and McNemar's test would be too sure of itself; there the difference is taken by patients.
"""

import numpy as np
import pandas as pd
from scipy import special

from labkit.evaluation import holm
from labkit.verification.accuracy import ALL_FINDINGS, verified

__all__ = ["COLUMNS", "compare_extractors", "mcnemar"]

KEY = ["study_id", "finding"]
COLUMNS = ("finding", "labels", "first_right", "second_right", "only_first", "only_second")
COLUMNS += ("difference", "low", "high", "p", "p_holm")


def mcnemar(only_first, only_second) -> np.ndarray:
    """Exact two-sided p-values; arrays of labels that only the first, and only the second, has right.

    Without such a label nothing speaks for either: 1.
    """
    first, second = np.atleast_1d(only_first).astype(float), np.atleast_1d(only_second).astype(float)
    return np.minimum(1.0, 2 * special.bdtr(np.minimum(first, second), (first + second).astype(int), 0.5))


def compare_extractors(findings: pd.DataFrame, labels: pd.DataFrame, *, level: float = 0.95) -> pd.DataFrame:
    """The first two sources of FINDINGS against the verified values of LABELS.

    Returns
    -------
    All findings on top, then one row per finding in their order, columns COLUMNS: labels that both sources have and
    somebody verified, how many each has right, how many only one has right, the difference of accuracies (first minus
    second) with its interval, p and Holm's p of findings (NaN over all of them). Empty where there is one source or
    nothing is verified; `attrs["sources"]` names the two.
    """
    sources = list(dict.fromkeys(findings["source"]))[:2]
    empty = pd.DataFrame(columns=list(COLUMNS))
    if len(sources) < 2:
        return empty
    pairs = verified(labels)[[*KEY, "patient", "value"]]
    for name, source in zip(("first", "second"), sources):
        own = findings.loc[findings["source"] == source, [*KEY, "value"]].rename(columns={"value": name})
        pairs = pairs.merge(own, on=KEY, validate="one_to_one")
    if pairs.empty:
        return empty
    right = pairs[["first", "second"]].eq(pairs["value"], axis=0)
    pairs = pairs.assign(a=right["first"].astype(int), b=right["second"].astype(int))
    rows = [_row(ALL_FINDINGS, pairs, level)]
    rows += [_row(finding, own, level) for finding, own in pairs.groupby("finding", sort=False)]
    made = pd.DataFrame(rows, columns=list(COLUMNS[:-2]))
    made["p"] = mcnemar(made["only_first"], made["only_second"])
    made.loc[0, "p"] = np.nan
    made["p_holm"] = holm(made["p"])
    made.attrs["sources"] = sources
    return made


def _row(finding: str, pairs: pd.DataFrame, level: float) -> tuple:
    """Counts, and the difference with the normal interval of paired shares, summed by patient."""
    a, b = pairs["a"].to_numpy(), pairs["b"].to_numpy()
    gap = a - b
    difference = float(gap.mean())
    by_patient = np.bincount(pd.factorize(pairs["patient"])[0], gap - difference)
    n = len(by_patient)
    half = np.nan
    if n > 1:
        se = np.sqrt(n / (n - 1) * (by_patient @ by_patient)) / len(pairs)
        half = float(special.ndtri(0.5 + level / 2) * se)
    only = int((gap > 0).sum()), int((gap < 0).sum())
    return finding, len(pairs), int(a.sum()), int(b.sum()), *only, difference, difference - half, difference + half
