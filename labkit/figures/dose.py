"""Dose and response: how the number changes with the share of uncertain labels; used where trainings at several shares
exist.
"""

import pandas as pd
from matplotlib.axes import Axes

from labkit.errors import EvaluationError
from labkit.evaluation import dose_response, policy_trend
from labkit.figures.saving import Picture
from labkit.figures.style import GREY, figure, in_order, look, shown

__all__ = ["dose_plot"]

NAMES = {"auc": "macro AUC", "macro_auc": "macro AUC"}


def dose_plot(
    doses: pd.DataFrame, *, site: str, metric: str = "macro_auc", margin: float = 0.02, level: float = 0.95
) -> Picture | None:
    """Response of every policy over the share, and the difference of each to the first one, with the margin; None where
    no training of the site has the metric.

    doses : DOSES; a training is a dot, a line the trend with its interval (`evaluation.dose_response`). A policy with
    too few trainings for a trend has dots only.
    """
    rows = doses[(doses.site == site) & (doses.metric == metric)]
    if rows.empty:
        return None
    policies = in_order(rows.policy.unique())
    drawn, axes = figure(height_in=2.9, columns=2 if len(policies) > 1 else 1)
    fits = []
    for policy in policies:
        own = rows[rows.policy == policy][["share", "seed", "value"]]
        axes[0].plot(100 * own.share, own.value, look(policy).marker, color=look(policy).color, alpha=0.6, ms=3)
        try:
            trend = dose_response(own, level=level).fitted
        except EvaluationError:
            axes[0].plot([], [], color=look(policy).color, marker=look(policy).marker, label=shown(policy))
            continue
        _trend(trend, policy, shown(policy), axes[0])
        fits.append(trend.assign(policy=policy))
    axes[0].set(xlabel="uncertain labels (%)", ylabel=NAMES.get(metric, metric.replace("_", " ")))
    axes[0].legend(ncols=2, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2)
    for other in policies[1:]:
        fits += _difference(rows, policies[0], other, axes[1], margin=margin, level=level)
    if len(policies) > 1:
        axes[1].axhspan(-margin, margin, color="#DDE3E8", lw=0, zorder=0)
        axes[1].axhline(0, color=GREY, lw=0.8, zorder=1)
        name = shown(policies[1]) if len(policies) == 2 else "each"
        axes[1].set(xlabel="uncertain labels (%)", ylabel=f"difference, {shown(policies[0])} - {name}")
    data = pd.concat([rows.assign(kind="training"), *[fit.assign(kind="trend") for fit in fits]], ignore_index=True)
    n = rows.groupby("policy").size()
    caption = (
        f"{NAMES.get(metric, metric)} at the {site} site over the share of uncertain labels, {int(n.sum())} trainings "
        f"({rows.share.nunique()} shares, {rows.seed.nunique()} seeds); dots are trainings, lines trends with "
        f"{100 * level:g} % intervals, seeds as random effect."
    )
    if len(policies) > 1:
        caption += f" Right: paired differences of policies; the zone is the margin of ±{margin:g}."
    return Picture(drawn, data, caption)


def _trend(fitted: pd.DataFrame, policy: str, name: str, ax: Axes) -> None:
    seen = look(policy)
    ax.plot(
        100 * fitted.share,
        fitted.value,
        color=seen.color,
        ls=seen.linestyle,
        marker=seen.marker,
        markevery=200,
        label=name,
    )
    ax.fill_between(100 * fitted.share, fitted.low, fitted.high, color=seen.color, alpha=0.15, lw=0)


def _difference(rows, first, second, ax, *, margin, level):
    """The fitted difference of two policies, drawn; none where shares and seeds do not match."""
    try:
        found = policy_trend(rows, first, second, margin=margin, level=level)
    except EvaluationError:
        return []
    _trend(found.trend.fitted, second, shown(second), ax)
    points = found.trend.points
    ax.errorbar(
        100 * points.share, points.value, yerr=[points.value - points.low, points.high - points.value],
        fmt=look(second).marker, color=look(second).color, ms=3, lw=0.8,
    )  # fmt: skip
    return [found.trend.fitted.assign(policy=f"{first} - {second}")]
