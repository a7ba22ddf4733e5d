"""Tables that 04_evaluation shows and shares, made from METRICS; nothing is estimated here."""

from pathlib import Path

import pandas as pd

from labkit import tables
from labkit.evaluation.cases import MACRO
from labkit.evaluation.comparison import compare, compare_sites
from labkit.evaluation.metrics import areas

__all__ = [
    "comparison_table",
    "differences",
    "estimate",
    "export",
    "finding_table",
    "interval_name",
    "left_out_table",
    "macro_table",
    "p_text",
    "readings_table",
    "signed",
    "without_hardware",
]

WITHOUT_HARDWARE = "without_hardware"
SAME_FINDINGS = "all_same_findings"
RATES = ("auc", "average_precision", "sensitivity", "specificity", "accuracy")


def estimate(row: pd.Series) -> str:
    """`0.85 (0.80–0.90)`, a dash where there is no number."""
    if pd.isna(row.value):
        return "–"
    if pd.isna(row.low):
        return f"{row.value:.3f}"
    return f"{row.value:.2f} ({row.low:.2f}–{row.high:.2f})"


def interval_name(metrics: pd.DataFrame) -> str:
    """`95 % CI`, by the level that the intervals were made with."""
    levels = metrics["level"].dropna()
    return f"{100 * levels.iloc[0]:g} % CI" if len(levels) else "CI"


def differences(predictions: pd.DataFrame, labels: pd.DataFrame, *, settings, rng=None) -> pd.DataFrame:
    """METRICS of all pairs of policies, and of each policy between its own site and another; empty without a pair."""
    parts = [compare_sites(predictions, labels, settings=settings)]
    if predictions["policy"].nunique() > 1:
        parts.append(compare(predictions, labels, settings=settings, rng=rng))
    return pd.concat(parts, ignore_index=True)


def without_hardware(
    predictions: pd.DataFrame, labels: pd.DataFrame, studies: pd.DataFrame, *, settings
) -> pd.DataFrame:
    """METRICS rows of the areas without test studies whose report names hardware or a cast; reading says so.

    studies : STUDIES, column hardware. Thresholds play no part. The label set is drawn anew from the studies left; so
    that a change is not one of the label set, "Macro average" has the reading all_same_findings beside it: all studies,
    the findings that are left.
    """
    kept = studies.loc[studies["hardware"] == "false", "study_id"]
    chosen = predictions[predictions["study_id"].isin(kept) | (predictions["split"] == "validation")]
    bare = _primary(areas(chosen, labels, settings=settings))
    left = bare[(bare["metric"] == "auc") & (bare["finding"] != MACRO)].groupby("site")["finding"].agg(set).to_dict()
    same = _primary(areas(predictions, labels, settings=settings, only=left))
    same = same[(same["finding"] == MACRO) & (same["metric"] == "auc")]
    parts = [bare.assign(reading=WITHOUT_HARDWARE), same.assign(reading=SAME_FINDINGS)]
    return pd.concat(parts, ignore_index=True)


def _primary(metrics: pd.DataFrame) -> pd.DataFrame:
    kinds = metrics["metric"].isin(["auc", "auc_min", "auc_max", "n_findings"])
    return metrics[kinds & (metrics["reading"] == "primary")]


def macro_table(metrics: pd.DataFrame) -> pd.DataFrame:
    """Macro AUC with interval and the range over findings, one row per site and policy."""
    macro = metrics[(metrics.finding == MACRO) & (metrics.reading == "primary")]
    area = f"macro AUC ({interval_name(macro)})"
    rows = []
    for (site, policy), own in macro.groupby(["site", "policy"], sort=False):
        own = own.set_index("metric").reindex(["auc", "auc_min", "auc_max", "n_findings"])
        low, high = own.loc[["auc_min", "auc_max"], "value"]
        row = {"site": site, "policy": policy, area: estimate(own.loc["auc"])}
        row["range over findings"] = "–" if pd.isna(low) else f"{low:.2f}–{high:.2f}"
        row["findings"] = int(own.loc["n_findings", "value"])
        row["studies"] = int(own.loc["n_findings", "n"])
        rows.append(row)
    return pd.DataFrame(rows)


def finding_table(metrics: pd.DataFrame) -> pd.DataFrame:
    """Per site, policy and finding: counts, AUC, average precision and the rates at the threshold, with intervals."""
    rows = metrics[metrics.metric.isin(RATES) & (metrics.reading == "primary") & (metrics.finding != MACRO)]
    key = ["site", "policy", "finding"]
    order = list(dict.fromkeys(rows[key].itertuples(index=False, name=None)))
    shown = rows.assign(text=rows.apply(estimate, axis=1)).pivot(index=key, columns="metric", values="text")
    areas = rows[rows.metric == "auc"].set_index(key)
    shown.insert(0, "positives", areas["n_positive"].astype("Int64"))
    shown.insert(0, "n", areas["n"].astype("Int64"))
    columns = ["n", "positives", *[m for m in RATES if m in shown]]
    return shown.loc[order, columns].rename(columns=lambda c: c.replace("_", " ")).rename_axis(columns=None)


def left_out_table(metrics: pd.DataFrame) -> pd.DataFrame:
    """Findings that are not evaluated at a site, with the reason."""
    rows = metrics[metrics.metric == "left_out"]
    return (
        rows[["site", "finding", "method"]]
        .drop_duplicates()
        .rename(columns={"method": "reason"})
        .reset_index(drop=True)
    )


def readings_table(metrics: pd.DataFrame) -> pd.DataFrame:
    """Macro AUC with the test labels that stayed uncertain left out, read as true or as false, and without hardware."""
    rows = metrics[(metrics.finding == MACRO) & (metrics.metric == "auc")]
    shown = rows.assign(text=rows.apply(estimate, axis=1)).pivot(
        index=["site", "policy"], columns="reading", values="text"
    )
    readings = ("primary", "uncertain_true", "uncertain_false", WITHOUT_HARDWARE, SAME_FINDINGS)
    order = list(dict.fromkeys(rows[["site", "policy"]].itertuples(index=False, name=None)))
    shown = shown.loc[order, [r for r in readings if r in shown]]
    return shown.rename(columns=lambda r: r.replace("_", " ")).rename_axis(columns=None)


def comparison_table(metrics: pd.DataFrame) -> pd.DataFrame:
    """Differences in macro AUC: interval, p, smallest detectable difference and the equivalence verdict."""
    rows = metrics[metrics.finding == MACRO]
    interval = f"difference ({interval_name(rows)})"
    shown = []
    for (site, pair), own in rows.groupby(["site", "policy"], sort=False):
        own = own.set_index("metric")["value"].to_dict() | {"row": own[own.metric == "auc_difference"]}
        if own["row"].empty:
            continue
        difference = own["row"].iloc[0]
        row = {"site": site, "compared": pair, interval: signed(difference)}
        row["p"] = p_text(own.get("auc_difference_p"))
        row["detectable"] = f"{own['auc_difference_detectable']:.3f}" if "auc_difference_detectable" in own else "–"
        row["equivalent"] = {1.0: "yes", 0.0: "not shown"}.get(own.get("equivalent"), "–")
        shown.append(row)
    return pd.DataFrame(shown, columns=["site", "compared", interval, "p", "detectable", "equivalent"])


def p_text(value: float | None) -> str:
    """A p-value with three decimals, never 0.000."""
    if value is None or pd.isna(value):
        return "–"
    return f"{value:.3f}" if value >= 0.001 else "< 0.001"


def signed(row: pd.Series) -> str:
    """`+0.012 (-0.010 to +0.034)`, a dash where there is no number."""
    if pd.isna(row["value"]):
        return "–"
    return f"{row['value']:+.3f} ({row['low']:+.3f} to {row['high']:+.3f})"


def export(metrics: pd.DataFrame, folder: str | Path) -> list[Path]:
    """METRICS as a CSV for the supplement."""
    return [tables.write(metrics, Path(folder) / "metrics.csv", tables.METRICS)]
