"""METRICS rows that stand beside every difference: its test, what it could have shown, and the equivalence verdict;
used by 04_evaluation.
"""

from labkit.evaluation import metrics, significance

__all__ = ["verdict_rows"]


def verdict_rows(finding, metric, tested, place, settings, kind):
    """Rows of a `roc.Difference`: itself with interval, `_p`, `_detectable`, equivalence_p and equivalent (1 or 0).

    place : site, policy, and n, n_positive, reading where they are known. kind : how the two were compared.
    """
    detectable = significance.detectable_difference(tested.se, level=settings.level, power=settings.power, df=tested.df)
    verdict = significance.equivalence(
        tested.difference, tested.se, margin=settings.margin, df=tested.df, level=settings.level
    )
    limits = {"low": tested.ci[0], "high": tested.ci[1], "level": settings.level}
    method, tost = f"DeLong by patients, {kind}", f"TOST, margin {settings.margin:g}"
    power = f"power {settings.power:g}"
    return [
        metrics.row(finding, metric, tested.difference, method=method, **limits, **place),
        metrics.row(finding, f"{metric}_p", tested.p_value, method=method, **place),
        metrics.row(finding, f"{metric}_detectable", detectable, method=power, **place),
        metrics.row(finding, "equivalence_p", verdict.p_value, method=tost, **place),
        metrics.row(finding, "equivalent", float(verdict.equivalent), method=tost, **place),
    ]
