"""ROC and precision-recall curves: a panel per finding, a line with its band per policy; used by 05_figures."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from labkit.evaluation import MACRO
from labkit.figures.panels import MOST_BARS, chosen_findings, legend_rows, note, panels, policy_legend
from labkit.figures.saving import Picture
from labkit.figures.style import GREY, look, shown

__all__ = ["curve_panels"]

METRIC = {"roc": "auc", "pr": "average_precision"}
NAMES = {"roc": "ROC curves", "pr": "Precision-recall curves"}
AXES = {"roc": ("1 - specificity", "sensitivity"), "pr": ("recall (sensitivity)", "precision")}
AREAS = {"roc": "the area under the curve", "pr": "the average precision"}


def curve_panels(
    points: pd.DataFrame, metrics: pd.DataFrame, *, site: str, kind: str, max_findings: int = 8
) -> Picture | None:
    """Curves of one site: the macro average, then the findings with most positives; None where there is none.

    points : CURVES; metrics : METRICS, for the areas and their counts. kind : "roc" or "pr". Bands and intervals are
    drawn for up to three policies; the data hold them all.
    """
    points = points[(points.site == site) & points.curve.isin([kind, f"{kind}_band"])]
    metrics = metrics[(metrics.site == site) & (metrics.reading == "primary")]
    findings = [MACRO, *chosen_findings(metrics, METRIC[kind], most=max_findings)]
    points = points[points.finding.isin(findings)]
    if points.empty:
        return None
    policies = list(dict.fromkeys(points.policy))
    counted = metrics[metrics.metric == METRIC[kind]].drop_duplicates("finding").set_index("finding")
    titles = [_title(finding, counted) for finding in findings]
    told = policies if len(policies) <= MOST_BARS else []
    made = panels(titles, labels=AXES[kind], legend_rows=legend_rows(len(policies) + 1), notes=len(told))
    for finding, ax in zip(findings, made.axes):
        for policy in policies:
            own = points[(points.finding == finding) & (points.policy == policy)]
            _line(own, kind, policy, ax, banded=policy in told)
        for line, policy in enumerate(reversed(told)):
            area = metrics[(metrics.finding == finding) & (metrics.policy == policy) & (metrics.metric == METRIC[kind])]
            if len(area):
                note(_area(area.iloc[0]), policy, ax, line=line)
        _reference(metrics, finding, kind, ax)
        ax.set(xlim=(-0.015, 1.015), ylim=(-0.015, 1.015), xticks=[0, 0.5, 1], yticks=[0, 0.5, 1])
        ax.set_xticklabels(["0", "0.5", "1"])
        ax.set_yticklabels(["0", "0.5", "1"])
    name = "chance" if kind == "roc" else "prevalence"
    extra = (Line2D([], [], color=GREY, lw=0.8, ls=(0, (2, 2)), label=name),)
    policy_legend(made.figure, policies, marks=False, extra=extra)
    return Picture(made.figure, points, _caption(metrics, findings, policies, site, kind))


def _title(finding: str, counted: pd.DataFrame) -> str:
    if finding == MACRO or finding not in counted.index:
        return finding
    return f"{finding} ({int(counted.n_positive[finding]):,}/{int(counted.n[finding]):,})"


def _line(own: pd.DataFrame, kind: str, policy: str, ax: Axes, *, banded: bool) -> None:
    line, band = own[own.curve == kind], own[own.curve == f"{kind}_band"]
    if kind == "pr" and len(band):
        line = band  # true between the points, too
    ax.plot(line.x, line.y, color=look(policy).color, ls=look(policy).linestyle, label=shown(policy))
    if banded and len(band):
        ax.fill_between(band.x, band.low, band.high, color=look(policy).color, alpha=0.16, lw=0)


def _area(row: pd.Series) -> str:
    return f"{row.value:.2f}" + ("" if pd.isna(row.low) else f" ({row.low:.2f}–{row.high:.2f})")


def _reference(metrics: pd.DataFrame, finding: str, kind: str, ax: Axes) -> None:
    """The diagonal of chance, or the precision that calling everybody positive has."""
    if kind == "roc":
        ax.plot([0, 1], [0, 1], ls=(0, (2, 2)), lw=0.8, color=GREY, zorder=1)
        return
    rows = metrics[(metrics.metric == "prevalence") & (metrics.policy == metrics.policy.iloc[0])]
    if finding != MACRO:
        rows = rows[rows.finding == finding]
    if len(rows):  # of the mean curve their mean
        ax.axhline(rows.value.mean(), ls=(0, (2, 2)), lw=0.8, color=GREY, zorder=1)


def _caption(metrics: pd.DataFrame, findings: list[str], policies: list[str], site: str, kind: str) -> str:
    macro = metrics[(metrics.finding == MACRO) & (metrics.metric == "n_findings")]
    n, n_findings = (int(macro[c].iloc[0]) if len(macro) else 0 for c in ("n", "value"))
    levels = metrics.level.dropna()
    level = f"{100 * levels.iloc[0]:g} %" if len(levels) else "their"
    several = (
        "one line per policy" if len(policies) > 1 else f"policy {shown(policies[0])}" if policies else "no policy"
    )
    dashed = "chance" if kind == "roc" else "what calling every study positive would reach"
    left = f"; the {len(findings) - 1} with most positives shown" if n_findings > len(findings) - 1 else ""
    text = f"{NAMES[kind]} at the {site} site, {several} (n = {n:,} studies, {n_findings} findings evaluated{left}). "
    if len(policies) <= MOST_BARS:
        text += (
            f"Numbers are {AREAS[kind]} with its {level} interval, bands {level} limits at each place by resampling "
            "patients. "
        )
    return f"{text}In brackets: positive studies/studies. The macro average is the mean curve. Dotted line: {dashed}."
