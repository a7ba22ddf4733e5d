"""Calibration: the share of positives beside the score, and how many labels stand behind it; used by 05_figures."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from labkit.evaluation import POOLED
from labkit.figures.panels import MOST_BARS, chosen_findings, legend_rows, note, panels, policy_legend
from labkit.figures.saving import Picture
from labkit.figures.style import GREY, look, shown

__all__ = ["calibration_panels"]

MOST_FINDINGS = 5
STRIP_IN = 0.34


def calibration_panels(
    points: pd.DataFrame, metrics: pd.DataFrame, *, site: str, max_findings: int = MOST_FINDINGS
) -> Picture | None:
    """Reliability of all labels together, then of the findings with most positives; None where there is none.

    points : CURVES; metrics : METRICS, for the counts and the error of calibration. A strip under each panel shows the
    number of labels per bin.
    """
    points = points[(points.site == site) & points.curve.isin(["reliability", "reliability_n"])]
    if points.empty:
        return None
    metrics = metrics[(metrics.site == site) & (metrics.reading == "primary")]
    findings = [POOLED, *chosen_findings(metrics, "brier", most=min(max_findings, MOST_FINDINGS))]
    points = points[points.finding.isin(findings)]
    policies = list(dict.fromkeys(points.policy))
    errors = metrics[metrics.metric == "ece"].set_index(["finding", "policy"]).value
    told = policies if len(policies) <= MOST_BARS else []
    made = panels(
        findings,
        labels=("mean score of the bin", "share that is there"),
        legend_rows=legend_rows(len(policies)),
        strip_in=STRIP_IN,
        notes=len(told),
    )
    width = _bin_width(points)
    for finding, ax, strip in zip(findings, made.axes, made.strips):
        ax.plot([0, 1], [0, 1], ls=(0, (2, 2)), lw=0.8, color=GREY, zorder=1)
        for policy in policies:
            own = points[(points.finding == finding) & (points.policy == policy)]
            _bins(own, policy, ax, strip, width=width, bars=policy in told)
        for line, policy in enumerate(reversed(told)):
            if (finding, policy) in errors.index:
                note(f"ECE {errors[finding, policy]:.3f}", policy, ax, line=line)
        _frame(ax, strip, highest=points[points.curve == "reliability_n"].y.max())
    policy_legend(made.figure, policies)
    return Picture(made.figure, points, _caption(metrics, findings, policies, site))


def _bin_width(points: pd.DataFrame) -> float:
    """The distance of the closest edges: bins are of equal width, empty ones have no row."""
    edges = np.unique(points.threshold.dropna())
    return float(np.diff(edges).min()) if len(edges) > 1 else 1.0


def _bins(own: pd.DataFrame, policy: str, ax: Axes, strip: Axes, *, width: float, bars: bool) -> None:
    rows, counts = own[own.curve == "reliability"], own[own.curve == "reliability_n"]
    seen = look(policy)
    if bars:
        limits = [rows.y - rows.low, rows.high - rows.y]
        ax.errorbar(rows.x, rows.y, yerr=limits, fmt="none", ecolor=seen.color, elinewidth=0.8)
    ax.plot(rows.x, rows.y, color=seen.color, marker=seen.marker, ls=seen.linestyle, lw=1.0, label=shown(policy))
    n_bins = max(round(1 / width), 1)
    heights = np.zeros(n_bins)
    heights[np.clip((counts.threshold / width).round().astype(int), 0, n_bins - 1)] = counts.y
    strip.stairs(heights, np.linspace(0, 1, n_bins + 1), color=seen.color, ls=seen.linestyle, lw=1.0, baseline=None)


def _frame(ax: Axes, strip: Axes, *, highest: float) -> None:
    for one in (ax, strip):
        one.set(xlim=(-0.02, 1.02), xticks=[0, 0.5, 1])
    ax.set(ylim=(-0.02, 1.02), yticks=[0, 0.5, 1], yticklabels=["0", "0.5", "1"])
    strip.set_xticklabels(["0", "0.5", "1"])
    strip.set_yscale("symlog", linthresh=1)
    power = 10 ** int(np.log10(max(10.0, highest)))
    strip.set(ylim=(0, 2 * max(10.0, highest)), yticks=[1, power])
    strip.set_yticklabels(["1", f"{power:,}"])
    strip.yaxis.set_minor_locator(NullLocator())


def _caption(metrics: pd.DataFrame, findings: list[str], policies: list[str], site: str) -> str:
    rows = metrics[(metrics.finding == POOLED) & (metrics.metric == "brier")]
    n, positive = (int(rows[c].iloc[0]) if len(rows) else 0 for c in ("n", "n_positive"))
    bars = " with Wilson intervals" if len(policies) <= MOST_BARS else ""
    return (
        f"Calibration at the {site} site: share of labels that are there in bins of the score{bars}, all findings "
        f"together (n = {n:,} labels, {positive:,} positive) and the {len(findings) - 1} with most positives. Dotted "
        "line: a score that is a probability. The strip shows the labels per bin, on a logarithmic scale; ECE is the "
        "expected calibration error."
    )
