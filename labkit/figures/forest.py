"""Forest plot: AUC of every finding and policy with intervals, the differences of policies beside it; used by
04_evaluation and 05_figures.
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from labkit.evaluation import MACRO
from labkit.figures.saving import Picture
from labkit.figures.style import GREY, PAGE_HEIGHT_IN, SMALLEST_PT, figure, look, row_height, shown, wrapped

__all__ = ["auc_forest", "forest"]

NAME_LETTERS = 40
MOST_PAIRS = 3


def forest(metrics: pd.DataFrame, *, site: str, margin: float | None = None) -> Picture | None:
    """AUC by finding and policy at one site, and the differences of policies; None where no finding has an area.

    metrics : METRICS with the differences of 04. margin : difference that would not matter, drawn as a zone.
    """
    at_site = metrics[(metrics.site == site) & (metrics.reading == "primary")]
    areas = at_site[(at_site.metric == "auc") & at_site.value.notna()]
    if areas.empty:
        return None
    differences = at_site[(at_site.metric == "auc_difference") & at_site.policy.str.contains(" - ")]
    pairs = list(dict.fromkeys(differences.policy))
    if len(pairs) > MOST_PAIRS:
        first = areas.policy.iloc[0]  # all against the first: every other pair follows from two of them
        pairs = [pair for pair in pairs if pair.startswith(f"{first} - ")]
    names = [wrapped(f"{finding} (000/000)", NAME_LETTERS) for finding in areas.finding.unique()]
    row_in = max(row_height(names), 0.06 * areas.policy.nunique() + 0.03)
    height = min(1.1 + row_in * max(len(names), 2), PAGE_HEIGHT_IN)
    drawn, axes = figure(height_in=height, columns=2 if pairs else 1)
    if pairs:
        axes[0].get_gridspec().set_width_ratios([1.25, 1])
    ax = auc_forest(at_site, ax=axes[0])
    handles = ax.get_legend_handles_labels()
    ax.get_legend().remove()  # over both panels it takes no width from the left one
    drawn.legend(*handles, loc="outside upper left", ncols=7, columnspacing=1.2, handletextpad=0.3)
    if pairs:
        order = [*_places(areas)]
        significant = at_site[(at_site.metric == "auc_difference_p_holm") & (at_site.value < 0.05)]
        _differences(differences[differences.policy.isin(pairs)], order, significant, ax=axes[1], margin=margin)
        axes[1].set_ylim(ax.get_ylim())
    data = pd.concat([areas, differences[differences.policy.isin(pairs)]], ignore_index=True)
    return Picture(drawn, data, _caption(areas, site, pairs, margin, len(names)))


def _places(rows: pd.DataFrame) -> dict[str, int]:
    """Finding to row: the macro average on top, then from the best to the worst."""
    order = rows.groupby("finding")["value"].mean().sort_values(ascending=False, kind="stable")
    top = [MACRO] if MACRO in order.index else []
    return {finding: n for n, finding in enumerate([*top, *order.index.drop(MACRO, errors="ignore")])}


def auc_forest(metrics: pd.DataFrame, *, ax: Axes) -> Axes:
    """AUC with its interval per finding, one mark per policy; findings with the highest area on top.

    Names bear the positive studies and all studies that count.
    """
    rows = metrics[(metrics.metric == "auc") & (metrics.reading == "primary") & metrics.value.notna()]
    places = _places(rows)
    policies = list(dict.fromkeys(rows.policy))
    for policy, shift in zip(policies, _shifts(len(policies))):
        own = rows[rows.policy == policy]
        _marks(own, own.finding.map(places) + shift, policy, ax, small=len(policies) > 3)
    ax.axvline(0.5, color=GREY, lw=0.8, ls=(0, (2, 2)), zorder=1)
    counted = rows.drop_duplicates("finding").set_index("finding")
    ax.set_yticks(list(places.values()), [_name(finding, counted) for finding in places])
    ax.tick_params(axis="y", labelsize=SMALLEST_PT, length=0)
    if MACRO in places and len(places) > 1:
        ax.axhline(0.5, color=GREY, lw=0.6)
    level = f"{100 * rows.level.iloc[0]:g} % interval" if len(rows) else "nothing to show"
    lowest = float(np.nanmin([0.5, *rows.value, *rows.low]))
    ax.set(xlim=(max(0.0, np.floor(10 * lowest) / 10) - 0.02, 1.02), xlabel=f"area under the ROC curve, {level}")
    ax.set_ylim(max(len(places), 1) - 0.4, -0.6)
    if policies:
        ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=min(len(policies), 4), borderaxespad=0.2)
    return ax


def _name(finding: str, counted: pd.DataFrame) -> str:
    row = counted.loc[finding]
    if finding == MACRO or pd.isna(row.n_positive):
        return finding if pd.isna(row.n) else f"{finding} ({int(row.n):,})"
    return wrapped(f"{finding} ({int(row.n_positive):,}/{int(row.n):,})", NAME_LETTERS)


def _shifts(n: int) -> list[float]:
    """Where n marks stand in a row of height one."""
    step = min(0.24, 0.8 / n) if n else 0
    return [(k - (n - 1) / 2) * step for k in range(n)]


def _marks(own: pd.DataFrame, at: pd.Series, policy: str, ax: Axes, *, small: bool, hollow: bool = False) -> None:
    errors = [own.value - own.low, own.high - own.value]
    kind = {"fmt": look(policy).marker, "color": look(policy).color, "mfc": "white" if hollow else look(policy).color}
    ax.errorbar(
        own.value, at, xerr=errors, ms=2.2 if small else 3.5, lw=0.8 if small else 1.1, label=shown(policy), **kind
    )


def _differences(rows, order, significant, *, ax: Axes, margin: float | None) -> None:
    """Differences with intervals; filled where Holm's p is below 0.05, hollow where not."""
    pairs = list(dict.fromkeys(rows.policy))
    if margin:
        ax.axvspan(-margin, margin, color="#DDE3E8", lw=0, zorder=0)
    ax.axvline(0, color=GREY, lw=0.8, zorder=1)
    places = {finding: n for n, finding in enumerate(order)}
    kept = rows[rows.finding.isin(places)]
    sure = set(map(tuple, significant[["finding", "policy"]].to_numpy()))
    for pair, shift in zip(pairs, _shifts(len(pairs))):
        own = kept[kept.policy == pair]
        # a pair wears the look of the one that is compared with the first; of one pair alone black
        name = pair.split(" - ")[1] if len(pairs) > 1 else pair
        filled = own.finding.map(lambda finding, pair=pair: (finding, pair) in sure).astype(bool)
        for hollow in (True, False):
            part = own[filled != hollow]
            _marks(part, part.finding.map(places) + shift, name, ax, small=len(pairs) > 3, hollow=hollow)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    if MACRO in places and len(places) > 1:
        ax.axhline(0.5, color=GREY, lw=0.6)
    name = (
        " - ".join(map(shown, pairs[0].split(" - ")))
        if len(pairs) == 1
        else f"{shown(pairs[0].split(' - ')[0])} - each"
    )
    ax.set_xlabel(f"difference, {name}")


def _caption(areas: pd.DataFrame, site: str, pairs: list[str], margin: float | None, n_rows: int) -> str:
    level = f"{100 * areas.level.iloc[0]:g} %"
    macro = areas[areas.finding == MACRO]
    n = f"n = {int(macro.n.iloc[0]):,} studies, " if len(macro) else ""
    count = n_rows - (len(macro) > 0)
    text = (
        f"AUC by finding at the {site} site with {level} intervals ({n}{count} findings; positive studies/studies in "
        "brackets), the macro average on top, then from the best to the worst. Dotted line: chance."
    )
    if pairs:
        zone = f" The zone is the margin of ±{margin:g}." if margin else ""
        text += (
            " Right: paired differences of policies with intervals; filled marks have a p below 0.05 after Holm's "
            f"adjustment over findings.{zone}"
        )
    return text
