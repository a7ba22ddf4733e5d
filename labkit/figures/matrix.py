"""Macro AUC of every policy at every site, as a matrix; used by 05_figures."""

import pandas as pd

from labkit.evaluation import MACRO
from labkit.figures.labels import heat
from labkit.figures.saving import Picture
from labkit.figures.style import COLUMN_IN, WIDTH_IN, figure, shown

__all__ = ["site_matrix"]

MOST_NARROW = 2  # sites that fit into one column of a page


def site_matrix(metrics: pd.DataFrame) -> Picture:
    """Policy by site: macro AUC with its interval and the number of findings that it is the mean of.

    metrics : METRICS; a policy without a macro average at a site has a grey cell.
    """
    macro = metrics[(metrics.finding == MACRO) & (metrics.reading == "primary")]
    counts = macro[macro.metric == "n_findings"]
    policies, sites = (list(dict.fromkeys(counts[column])) for column in ("policy", "site"))
    areas = macro[macro.metric == "auc"].set_index(["policy", "site"])
    value = pd.DataFrame(index=policies, columns=sites, dtype=float)
    texts = pd.DataFrame("–", index=policies, columns=sites)
    for row in counts.itertuples():
        if (row.policy, row.site) in areas.index:
            area = areas.loc[(row.policy, row.site)]
            value.loc[row.policy, row.site] = area["value"]
            spread = "" if pd.isna(area.low) else f"\n({area.low:.3f}–{area.high:.3f})"
            texts.loc[row.policy, row.site] = f"{area['value']:.3f}{spread}\n{int(row.value)} findings"
    wide = len(sites) > MOST_NARROW
    drawn, axes = figure(height_in=0.7 + 0.5 * max(len(policies), 1), width_in=WIDTH_IN if wide else COLUMN_IN)
    ax = heat(value.rename(index=shown), texts, ax=axes[0], vmin=0.5)
    n = counts.drop_duplicates("site").set_index("site").n
    ax.set_xticks(ax.get_xticks(), [f"{site}\n(n = {int(n[site]):,})" for site in sites])
    ax.xaxis.tick_top()
    data = macro[macro.metric.isin(["auc", "n_findings"])].reset_index(drop=True)
    levels = areas.level.dropna()
    interval = f" with {100 * levels.iloc[0]:g} % intervals" if len(levels) else ""
    caption = (
        f"Macro AUC by policy and site{interval}; n is the number of studies. Darker is higher, from 0.5 (chance) to 1."
        " At one site all policies are judged by the same findings."
    )
    return Picture(drawn, data, caption)
