"""Rates at a threshold with bootstrap intervals over patients, all findings at once; used by 04_evaluation.

Wilson's intervals (`operating.rates`) take studies as independent; these do not.
"""

import numpy as np

from labkit.evaluation import operating, resampling

__all__ = ["resampled_rates"]


def resampled_rates(y, called, *, patients, rng, plan):
    """Sensitivity, specificity, ppv, npv, accuracy, F1 and balanced accuracy of every finding, percentile intervals.

    Parameters
    ----------
    y : (n, findings) of 0, 1 and NaN = left out; called : (n, findings) bool, score >= threshold.
    patients : (n,) ids; rng : numpy Generator; plan : resampling.Plan.

    Returns
    -------
    A dict of `operating.Rate` per finding. Resamples in which a rate is not defined are left out of its interval. A
    rate of 0 or 1 has no spread: its interval is Wilson's.
    """
    kinds = [(y == 1) & called, (y == 0) & called, (y == 0) & ~called, (y == 1) & ~called]
    table = np.stack([kind.T for kind in kinds]).astype(np.float32)  # (4, findings, n): tp, fp, tn, fn
    blocks = [table @ weight for weight in resampling.draws(patients, plan.n_resamples, rng=rng)]
    drawn = np.concatenate(blocks, axis=-1).astype(float)  # (4, findings, resamples)
    return [
        _of_finding(table[:, finding].sum(axis=1).astype(int), drawn[:, finding], plan) for finding in range(y.shape[1])
    ]


def _of_finding(counts, drawn, plan):
    tp, fp, tn, fn = (int(count) for count in counts)
    by_wilson = operating.rates(operating.Confusion(tp, fp, tn, fn), level=plan.level)
    tails = [0.5 - plan.level / 2, 0.5 + plan.level / 2]
    found = {}
    for name, values in _shares(*drawn).items():
        wilson, values = by_wilson[name], values[~np.isnan(values)]
        if not len(values) or wilson.value in (0.0, 1.0) or np.isnan(wilson.value):
            found[name] = wilson
            continue
        low, high = np.quantile(values, tails)
        found[name] = operating.Rate(wilson.value, float(low), float(high), wilson.n, "bootstrap of patients")
    return found


def _shares(tp, fp, tn, fn):
    """Every rate of (resamples,) counts, NaN where it is not defined."""

    def share(part, whole):
        return np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)

    sensitivity, specificity = share(tp, tp + fn), share(tn, tn + fp)
    return {
        "sensitivity": sensitivity,
        "specificity": specificity,
        "ppv": share(tp, tp + fp),
        "npv": share(tn, tn + fn),
        "accuracy": share(tp + tn, tp + fp + tn + fn),
        "f1": share(2 * tp, 2 * tp + fp + fn),
        "balanced_accuracy": (sensitivity + specificity) / 2,
    }
