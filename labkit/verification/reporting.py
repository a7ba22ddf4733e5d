"""Tables that 02_verification shows and shares."""

from pathlib import Path

import pandas as pd

from labkit import tables
from labkit.verification.accuracy import ALL_FINDINGS, ALL_SITES

__all__ = ["export", "headline", "summary", "uncertain_test_labels"]

SHOWN = (
    "label_accuracy",
    "label_accuracy_wilson",
    "all_false_accuracy",
    "balanced_accuracy",
    "macro_f1",
    "exact_match",
    *(f"{figure}_{value}" for value in ("true", "uncertain", "false") for figure in ("precision", "recall", "f1")),
)


def _with_interval(row: pd.Series, digits: int = 3) -> str:
    if pd.isna(row["value"]):
        return "–"
    if pd.isna(row["low"]):
        return f"{row['value']:.{digits}f}"
    return f"{row['value']:.{digits}f} ({row['low']:.{digits}f}–{row['high']:.{digits}f})"


def summary(metrics: pd.DataFrame) -> pd.DataFrame:
    """Over all findings, one column per site: value with its interval. Empty where nothing is verified."""
    rows = metrics[(metrics.finding == ALL_FINDINGS) & metrics.metric.isin(SHOWN)]
    if rows.empty:
        return pd.DataFrame({"": ["nothing is verified yet"]}, index=["label accuracy"])
    shown = rows.assign(text=rows.apply(_with_interval, axis=1)).pivot(index="metric", columns="site", values="text")
    shown = shown.loc[[m for m in SHOWN if m in shown.index], list(dict.fromkeys(rows.site))]
    return shown.rename(index=lambda metric: metric.replace("_", " ")).rename_axis(columns=None)


def headline(metrics: pd.DataFrame) -> dict[str, str]:
    """Label accuracy for the index page."""
    overall = metrics[(metrics.finding == ALL_FINDINGS) & (metrics.site == ALL_SITES)].set_index("metric")
    if overall.empty:
        return {"Label accuracy": "not verified"}
    return {
        "Label accuracy": f"{overall.loc['label_accuracy', 'value']:.1%}",
        "F1 of uncertain": f"{overall.loc['f1_uncertain', 'value']:.2f}",
    }


def export(metrics: pd.DataFrame, folder: str | Path) -> list[Path]:
    """The accuracy table for the supplement."""
    return [tables.write(metrics, Path(folder) / "label_accuracy.csv", tables.METRICS)]


def uncertain_test_labels(labels: pd.DataFrame) -> pd.DataFrame:
    """Test labels that the report leaves uncertain, by what is there: true, false, or still uncertain (left out)."""
    chosen = labels[labels.split.isin(["test", "external"]) & (labels.value == "uncertain")]
    counted = pd.crosstab(chosen["site"], chosen["reference"])
    return counted.reindex(columns=["true", "false", "uncertain"], fill_value=0).rename(
        columns={"true": "follow-up: true", "false": "follow-up: false", "uncertain": "left out"}
    )
