"""Thresholds chosen on validation, by what one wants of them; used by 04_evaluation.

A case is called positive where score >= threshold. A threshold takes all cases of equal score.
"""

import numpy as np

from labkit.evaluation.operating import youden_threshold

__all__ = ["POINTS", "chosen_threshold", "point_name", "sensitivity_threshold", "specificity_threshold"]

POINTS = ("youden", "sensitivity", "specificity")


def sensitivity_threshold(y, score, *, target):
    """Highest threshold with a sensitivity of at least `target`; NaN without positives.

    y : (n,) of 0 and 1; target in (0, 1].
    """
    positive = np.sort(np.asarray(score, float)[np.asarray(y) == 1])[::-1]
    if not len(positive):
        return float("nan")
    # a share of 0.9 of 10 is 9, whatever 0.9 * 10 is in floating point
    needed = int(np.ceil(round(target * len(positive), 9)))
    return float(positive[max(needed, 1) - 1])


def specificity_threshold(y, score, *, target):
    """Lowest threshold with a specificity of at least `target`; NaN without negatives.

    It lies at a score that occurs, or just above the highest one where ties allow nothing else.
    """
    y, score = np.asarray(y), np.asarray(score, float)
    negative = np.sort(score[y == 0])
    if not len(negative):
        return float("nan")
    needed = int(np.ceil(round(target * len(negative), 9)))
    if needed == 0:
        return float(score.min())
    above = score[score > negative[needed - 1]]
    return float(above.min()) if len(above) else float(np.nextafter(score.max(), np.inf))


def chosen_threshold(y, score, *, point, target=np.nan):
    """The threshold of an operating point ("youden", "sensitivity", "specificity"); NaN where a class is missing."""
    if point == "youden":
        return youden_threshold(y, score)
    find = {"sensitivity": sensitivity_threshold, "specificity": specificity_threshold}[point]
    return find(y, score, target=target)


def point_name(point, target=np.nan):
    """What the metrics of a further operating point end with: `sensitivity_at_specificity_0.9`."""
    return point if point == "youden" else f"{point}_{target:g}"
