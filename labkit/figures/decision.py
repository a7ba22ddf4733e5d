"""Decision curves: what acting on the score is worth beside acting on everybody or nobody; used by 05_figures."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from labkit.evaluation import POOLED
from labkit.figures.panels import chosen_findings, legend_rows, panels, policy_legend
from labkit.figures.saving import Picture
from labkit.figures.style import GREY, look, shown

__all__ = ["decision_panels"]

MOST_FINDINGS = 5
ALL = {"color": GREY, "lw": 1.3, "ls": (0, (1, 1.2)), "zorder": 4}
NOBODY = {"color": "#111111", "lw": 0.7, "ls": "-"}


def decision_panels(
    points: pd.DataFrame, metrics: pd.DataFrame, *, site: str, max_findings: int = MOST_FINDINGS
) -> Picture | None:
    """Net benefit over the threshold probability, the findings with most positives first; None where there is none.

    points : CURVES; metrics : METRICS, for the counts. Thresholds are shown as far as the score can be worth more than
    nobody.
    """
    points = points[(points.site == site) & points.curve.isin(["decision", "decision_all"])]
    metrics = metrics[(metrics.site == site) & (metrics.reading == "primary")]
    findings = [*chosen_findings(metrics, "brier", most=min(max_findings, MOST_FINDINGS)), POOLED]
    points = points[points.finding.isin(findings)]
    if points.empty:
        return None
    policies = list(dict.fromkeys(points.policy))
    made = panels(
        findings,
        labels=("threshold probability", "net benefit (true positives per study)"),
        legend_rows=legend_rows(len(policies) + 2),
        shared=False,
    )
    for finding, ax in zip(findings, made.axes):
        own = points[points.finding == finding]
        everybody = own[(own.curve == "decision_all") & (own.policy == policies[0])]
        ax.plot(everybody.x, everybody.y, **ALL)
        ax.axhline(0, **NOBODY)
        for policy in policies:
            line = own[(own.curve == "decision") & (own.policy == policy)]
            ax.plot(line.x, line.y, color=look(policy).color, ls=look(policy).linestyle, label=shown(policy))
        _frame(own, ax)
    extra = (Line2D([], [], label="everybody", **ALL), Line2D([], [], label="nobody", **NOBODY))
    policy_legend(made.figure, policies, marks=False, extra=extra)
    return Picture(made.figure, points.reset_index(drop=True), _caption(metrics, findings, policies, site))


def _frame(own: pd.DataFrame, ax: Axes) -> None:
    best = max(float(own.y.max()), 1e-3)
    useful = own[(own.curve == "decision") & (own.y > 0)].x
    right = min(1.0, max(0.1, np.ceil(10 * (useful.max() if len(useful) else 0) + 0.5) / 10))
    ax.set(xlim=(0, right), ylim=(-0.3 * best, 1.1 * best))
    ax.locator_params(nbins=4)
    ax.xaxis.set_major_formatter(lambda x, _: f"{x:g}")
    ax.yaxis.set_major_formatter(lambda y, _: f"{y:.3g}".replace("-", "\N{MINUS SIGN}"))


def _caption(metrics: pd.DataFrame, findings: list[str], policies: list[str], site: str) -> str:
    rows = metrics[metrics.metric == "brier"].drop_duplicates("finding").set_index("finding")
    counts = [f"{f} {int(rows.n_positive[f]):,}/{int(rows.n[f]):,}" for f in findings if f in rows.index]
    return (
        f"Decision curves at the {site} site: net benefit of acting where the score reaches the threshold probability, "
        "beside acting on everybody (dotted) and on nobody (the line at 0); a curve above both is worth using there. "
        f"Positive/all: {'; '.join(counts)}. All findings: per label instead of per study."
    )
