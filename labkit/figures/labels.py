"""Labels: how often each value occurs, and how right the extraction was; used by 02_verification and 05_figures.

Tables go in, axes or a `Picture` come out.
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from labkit.figures.saving import Picture
from labkit.figures.style import (
    COLUMN_IN,
    GREY,
    PAGE_HEIGHT_IN,
    SMALLEST_PT,
    VALUE_COLOURS,
    figure,
    look,
    row_height,
    site_order,
    wrapped,
)
from labkit.templates import LabelValue

__all__ = ["accuracy_bars", "accuracy_by_site", "accuracy_map", "agreement", "agreement_map", "heat", "prevalence"]

VALUES = ("true", "uncertain", "false")
DOUBT_HATCH = "////"
MIN_CELL = 5  # labels below which a share is not coloured: it would be chance
MOST_PANELS = 3
NOTHING = "#E9ECEF"
NAME_LETTERS = 38


def heat(shares: pd.DataFrame, texts: pd.DataFrame, *, ax: Axes, vmin: float = 0.0, vmax: float = 1.0) -> Axes:
    """Cells coloured by share with their texts, as shapes and letters, not pixels; a share that is NaN is grey."""
    import seaborn as sns  # brings scipy.stats, seconds that most notebooks need not wait for

    values = shares.to_numpy(float)
    if shares.empty:  # which seaborn cannot draw
        ax.pcolormesh(values)
        ax.invert_yaxis()
    else:
        sns.heatmap(values, cmap="Blues", vmin=vmin, vmax=vmax, linewidths=1.0, linecolor="white", cbar=False, ax=ax)
    ax.set_facecolor(NOTHING)
    for (i, j), value in np.ndenumerate(values):
        dark = value == value and (value - vmin) / (vmax - vmin) > 0.6
        colour = "white" if dark else "#111111"
        ax.text(j + 0.5, i + 0.5, texts.iat[i, j], ha="center", va="center", fontsize=7, color=colour)
    ax.set_xticks([n + 0.5 for n in range(shares.shape[1])], [str(name) for name in shares.columns])
    ax.set_yticks([n + 0.5 for n in range(shares.shape[0])], [str(name) for name in shares.index])
    ax.tick_params(length=0, rotation=0)
    ax.spines[:].set_visible(False)
    return ax


def prevalence(labels: pd.DataFrame) -> Picture | None:
    """Share of true and uncertain labels per finding, one panel per site, the number of labels beside each bar.

    labels : LABELS, or FINDINGS of one source with their site; at most three sites are drawn apart, more are drawn as
        one. None where there is no label.
    """
    if labels.empty:
        return None
    counted = _by_value(labels)
    sites = list(dict.fromkeys(counted.site))
    findings = list(dict.fromkeys(labels["finding"]))
    names = [wrapped(finding, NAME_LETTERS) for finding in findings]
    height = min(1.0 + row_height(names) * len(findings), PAGE_HEIGHT_IN)
    drawn, axes = figure(height_in=height, columns=len(sites))
    widest = 0.0
    for site, ax in zip(sites, axes):
        table = counted[counted.site == site].pivot(index="finding", columns="value", values="n").loc[findings]
        n = int(counted.loc[counted.site == site, "studies"].iloc[0])
        widest = max(widest, _stack(table / n, table, ax))
        ax.set_title(f"{site} (n = {n:,})", loc="left")
        ax.set_xlabel("share of studies")
        ax.set_yticks(range(len(findings)), names if ax is axes[0] else len(names) * [""])
        ax.tick_params(axis="y", labelsize=SMALLEST_PT, length=0)
        ax.set_ylim(len(findings) - 0.4, -0.6)
        ax.xaxis.set_major_formatter(lambda x, _: f"{100 * x:g} %")
    for ax in axes:
        ax.set_xlim(0, 1.3 * widest or 1)
    handles = axes[0].get_legend_handles_labels()
    drawn.legend(*handles, loc="outside upper right", ncols=2, title="the report says", alignment="right")
    total = int(labels.study_id.nunique())
    caption = (
        f"Labels by finding and site, {total:,} studies, {len(labels):,} labels. Bars are the shares of studies whose "
        "report says true (filled) or uncertain (hatched); the rest is false, which holds findings that are not "
        "mentioned. Numbers are labels: true + uncertain."
    )
    return Picture(drawn, counted, caption)


def _by_value(labels: pd.DataFrame) -> pd.DataFrame:
    """site, finding, value, n, studies, share; every value of every finding, also those that do not occur."""
    if labels["site"].nunique() > MOST_PANELS:
        labels = labels.assign(site="all sites")
    order = list(dict.fromkeys(labels["finding"]))
    studies = labels.groupby("site")["study_id"].nunique().loc[site_order(labels)]
    n = labels.groupby(["site", "finding", "value"]).size()
    every = pd.MultiIndex.from_product([studies.index, order, VALUES], names=["site", "finding", "value"])
    counted = n.reindex(every, fill_value=0).rename("n").reset_index()
    counted["studies"] = counted["site"].map(studies)
    return counted.assign(share=counted["n"] / counted["studies"])


def _stack(shares: pd.DataFrame, counts: pd.DataFrame, ax: Axes) -> float:
    """Draw one site's bars; gives the longest one."""
    places, left = range(len(shares)), 0 * shares["true"]
    for value, hatch in ((LabelValue.TRUE, ""), (LabelValue.UNCERTAIN, DOUBT_HATCH)):
        share = shares[str(value)]
        ax.barh(
            places, share, left=left, color=VALUE_COLOURS[value], hatch=hatch, edgecolor="white", lw=0, height=0.72,
            label=str(value),
        )  # fmt: skip
        left = left + share
    longest = float(left.max())
    for place, end, n in zip(places, left, counts.to_dict("records")):
        ax.text(end + 0.015 * (longest or 1), place, f"{n['true']:,} + {n['uncertain']:,}", va="center", fontsize=7)
    return longest


def agreement_map(counts: pd.DataFrame, *, ax: Axes) -> Axes:
    """The 3 x 3 table of verified against extracted values, coloured by the share of each row."""
    shares = counts.div(counts.sum(axis=1).where(lambda n: n > 0), axis=0)
    heat(shares, counts.map(lambda n: f"{n:,d}"), ax=ax)
    bar = ax.figure.colorbar(ax.collections[0], ax=ax, label="share of the row")
    bar.outline.set_visible(False)
    ax.set(xlabel="extracted", ylabel="verified")
    return ax


def agreement(counts: pd.DataFrame) -> Picture:
    """The map of `agreement_map` in one column of a page; counts : 3 x 3 of `verification.confusion`."""
    drawn, axes = figure(height_in=2.5, width_in=COLUMN_IN)
    agreement_map(counts, ax=axes[0])
    n = int(counts.to_numpy().sum())
    right = sum(int(counts.loc[value, value]) for value in counts.index)
    caption = (
        f"Verified against extracted values (n = {n:,} labels that were verified, {n - right:,} of them extracted "
        "otherwise). Numbers are labels; colours are shares of the row."
    )
    return Picture(drawn, counts.rename_axis(index="verified", columns=None).reset_index(), caption)


def accuracy_bars(metrics: pd.DataFrame, *, ax: Axes) -> Axes:
    """Label accuracy with its interval per site; hollow marks are what an answer of false everywhere would reach.

    metrics : METRICS of `verification.accuracy`; empty where nothing is verified.
    """
    rows = metrics[metrics.finding == "All findings"]
    ax.set_xlabel("share of labels that are right")
    if not (rows.metric == "label_accuracy").any():
        ax.text(0.5, 0.5, "no label is verified yet", ha="center", va="center", color=GREY, transform=ax.transAxes)
        ax.set(xlim=(0, 1), xticks=[], yticks=[])
        return ax
    accuracy, baseline = (rows[rows.metric == m] for m in ("label_accuracy", "all_false_accuracy"))
    errors = [accuracy.value - accuracy.low, accuracy.high - accuracy.value]
    ax.errorbar(
        accuracy.value,
        accuracy.site,
        xerr=errors,
        fmt="o",
        color=look("inclusive").color,
        capsize=3,
        label="extraction",
    )
    ax.plot(baseline.value, baseline.site, "D", mfc="none", color=GREY, label="false everywhere")
    ax.set_ylim(-0.6, len(accuracy) - 0.4)
    ax.xaxis.set_major_locator(MaxNLocator(4))  # `98.65 %` is wide
    ax.xaxis.set_major_formatter(lambda x, _: f"{100 * x:.5g} %")
    ax.legend(loc="upper left", bbox_to_anchor=(0, -0.22), ncols=2)
    return ax


def accuracy_by_site(metrics: pd.DataFrame) -> Picture:
    """The marks of `accuracy_bars` with their rows; metrics : METRICS of `verification.accuracy`."""
    drawn, axes = figure(height_in=2.4, width_in=COLUMN_IN)
    accuracy_bars(metrics, ax=axes[0])
    rows = metrics[(metrics.finding == "All findings") & metrics.metric.isin(["label_accuracy", "all_false_accuracy"])]
    accuracy = rows[rows.metric == "label_accuracy"]
    counts = ", ".join(f"{row.site} {int(row.n):,}" for row in accuracy.itertuples())
    levels = accuracy.level.dropna()
    interval = f" with {100 * levels.iloc[0]:g} % intervals" if len(levels) else ""
    caption = (
        f"Share of labels that are right by site{interval} (labels that were verified: {counts or 'none'}); hollow "
        "marks are what an answer of false everywhere would reach."
    )
    return Picture(drawn, rows.reset_index(drop=True), caption)


def accuracy_map(metrics: pd.DataFrame, labels: pd.DataFrame, *, min_cell: int = MIN_CELL) -> Picture:
    """Of the verified labels of each value, the share that the extraction has right: finding by value and site.

    Parameters
    ----------
    metrics : METRICS of `verification.accuracy`. labels : LABELS, for the order of findings and sites; findings that
        nobody verified are left out.
    min_cell : cells with fewer labels are grey and show their number alone.
    """
    rows = metrics[metrics.metric.str.fullmatch("recall_(true|uncertain|false)") & (metrics.reading == "report")]
    sites = [site for site in site_order(labels) if (rows.site == site).any()]
    if len(sites) > MOST_PANELS or not sites:
        sites = ["all"]
    rows = rows[rows.site.isin(sites)].assign(verified=rows.metric.str.removeprefix("recall_"))
    findings = [
        finding for finding in ("All findings", *dict.fromkeys(labels.finding)) if (rows.finding == finding).any()
    ]
    columns = pd.MultiIndex.from_product([sites, VALUES])
    shares, n = (
        rows.pivot_table(index="finding", columns=["site", "verified"], values=column, dropna=False)
        .reindex(index=findings, columns=columns)
        for column in ("value", "n")
    )  # fmt: skip
    n = n.fillna(0).astype(int)
    hidden = n < min_cell
    texts = shares.map(lambda share: f"{100 * share:.0f} %") + n.map(lambda k: f" ({k:,})")
    texts = texts.where(~hidden, n.map(lambda k: f"({k:,})" if k else "–"))
    names = [wrapped(finding, NAME_LETTERS) for finding in findings]
    drawn, axes = figure(height_in=min(0.7 + row_height(names) * max(len(findings), 1), PAGE_HEIGHT_IN))
    ax = heat(shares.where(~hidden).set_axis(names), texts, ax=axes[0])
    ax.tick_params(axis="y", labelsize=SMALLEST_PT)
    ax.xaxis.tick_top()
    ax.set_xticks(ax.get_xticks(), [value for _, value in columns])
    ax.hlines(1, 0, len(columns), color="#111111", lw=0.8)
    for place, site in enumerate(sites):
        title = f"{site}, verified as" if site != "all" else "verified as"
        at, above = (3 * place + 1.5, 0), {"xytext": (0, 18), "textcoords": "offset points"}
        ax.annotate(title, at, ha="center", annotation_clip=False, **above)
        if place:
            ax.vlines(3 * place, 0, len(findings), color=GREY, lw=1.2)
    data = rows[rows.finding.isin(findings)][["finding", "site", "verified", "value", "low", "high", "n"]]
    return Picture(drawn, data.reset_index(drop=True), _accuracy_caption(n, sites, min_cell))


def _accuracy_caption(n: pd.DataFrame, sites: list[str], min_cell: int) -> str:
    of_all = n.loc[[f for f in n.index if f == "All findings"]]
    counts = ", ".join(f"{site} {int(of_all[site].to_numpy().sum()):,}" for site in sites)
    return (
        f"Share of verified labels that the extraction has right, by finding, verified value and site; the number of "
        f"labels in brackets (labels verified: {counts if len(of_all) else 'none'}). Cells with fewer than {min_cell} "
        "labels are grey."
    )
