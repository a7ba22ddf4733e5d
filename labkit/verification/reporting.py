"""Tables that 02_verification shows and shares."""

import html
from pathlib import Path

import pandas as pd
from IPython.display import HTML

from labkit import tables
from labkit.verification.accuracy import ALL_FINDINGS, ALL_SITES, verified
from labkit.verification.workbook import write_workbook

__all__ = [
    "cases_to_read",
    "export",
    "extractor_table",
    "finding_table",
    "headline",
    "readers_table",
    "sample_table",
    "stacked",
    "study_table",
    "summary",
    "uncertain_test_labels",
    "uncertainty",
]

SHOWN = (
    "label_accuracy",
    "label_accuracy_wilson",
    "all_false_accuracy",
    "balanced_accuracy",
    "macro_f1",
    "exact_match",
    *(f"{figure}_{value}" for value in ("true", "uncertain", "false") for figure in ("precision", "recall", "f1")),
)
OF_FINDING = ("label_accuracy", "all_false_accuracy", "balanced_accuracy", "f1_true", "f1_uncertain")
TEST = ("test", "external")


def _with_interval(row: pd.Series, digits: int = 3) -> str:
    if pd.isna(row["value"]):
        return "–"
    value, low, high = (_number(row[name], digits) for name in ("value", "low", "high"))
    return value if pd.isna(row["low"]) else f"{value} ({low}–{high})"


def _number(number: float, digits: int) -> str:
    """With a minus sign that is none of a dash, and none before a zero."""
    return f"{round(number, digits) + 0.0:.{digits}f}".replace("-", "−")


def cases_to_read(findings: pd.DataFrame, studies: pd.DataFrame, split_table: pd.DataFrame) -> pd.DataFrame:
    """FINDINGS of the test cases of every site: those that people read."""
    placed = studies.merge(split_table, on="patient")
    return findings[findings["study_id"].isin(placed.loc[placed["split"].isin(TEST), "study_id"])]


def sample_table(sample: pd.DataFrame) -> pd.DataFrame:
    """Strata of a SAMPLE: cases there are, cases drawn, and the probability of each."""
    first = sample.drop_duplicates("stratum").sort_values("stratum_size", ascending=False, kind="stable")
    shown = first[["stratum", "stratum_size", "stratum_drawn", "probability"]].round({"probability": 3})
    return shown.set_axis(["stratum", "cases", "drawn", "probability"], axis=1).reset_index(drop=True)


def summary(metrics: pd.DataFrame) -> pd.DataFrame:
    """Over all findings, one column per site: value with its interval. Empty where nothing is verified."""
    rows = metrics[(metrics.finding == ALL_FINDINGS) & metrics.metric.isin(SHOWN)]
    if rows.empty:
        return pd.DataFrame({"": ["nothing is verified yet"]}, index=["label accuracy"])
    shown = rows.assign(text=rows.apply(_with_interval, axis=1)).pivot(index="metric", columns="site", values="text")
    shown = shown.loc[[m for m in SHOWN if m in shown.index], list(dict.fromkeys(rows.site))]
    return shown.rename(index=lambda metric: metric.replace("_", " ")).rename_axis(columns=None)


def finding_table(metrics: pd.DataFrame) -> pd.DataFrame:
    """One line per finding over all sites: label accuracy beside always false, and what easy negatives cannot raise.

    metrics : of `accuracy`. Columns labels, true, uncertain (verified ones), then figures with their intervals.
    """
    rows = metrics[(metrics.site == ALL_SITES) & (metrics.reading == "report") & (metrics.finding != ALL_FINDINGS)]
    if rows.empty:
        return pd.DataFrame()
    wide = rows.assign(text=rows.apply(_with_interval, axis=1)).pivot(index="finding", columns="metric", values="text")
    wide = wide.loc[list(dict.fromkeys(rows.finding)), list(OF_FINDING)]
    wide["all_false_accuracy"] = wide["all_false_accuracy"].str.partition(" ")[0]
    counts = rows.pivot(index="finding", columns="metric", values="n")[["label_accuracy", "recall_true"]]
    counts["recall_uncertain"] = rows[rows.metric == "recall_uncertain"].set_index("finding")["n"]
    counts = counts.astype(int).set_axis(["labels", "true", "uncertain"], axis=1)
    return counts.join(wide).loc[wide.index].rename(columns=lambda name: name.replace("_", " ")).rename_axis(index=None)


def study_table(counted: pd.DataFrame) -> pd.DataFrame:
    """`by_anatomy` for people, in per cent: one line per anatomy as the study gives it, both intervals beside."""
    shown = counted[["anatomy", "reports", "labels", "right"]].copy()
    percent = counted.drop(columns=list(shown)).mul(100).round(2)
    for title, low, high in (("label accuracy, %", "low", "high"), ("Wilson, %", "wilson_low", "wilson_high")):
        limits = [f"{a:.2f}–{b:.2f}" for a, b in zip(percent[low], percent[high])]
        values = [f"{value:.2f} (" for value in percent["label_accuracy"]] if low == "low" else [""] * len(limits)
        shown[title] = [f"{value}{both})" if value else both for value, both in zip(values, limits)]
    return shown.assign(**{"always false, %": percent["all_false_accuracy"]})


def uncertainty(labels: pd.DataFrame, metrics: pd.DataFrame) -> pd.DataFrame:
    """How well uncertain labels are found, a task of its own: all findings on top, then those with any.

    Counts of verified uncertain labels by what the extraction made of them, of false alarms by what they are, and
    precision and recall with their intervals from METRICS of `accuracy`.
    """
    own = verified(labels)
    told = own[(own["value"] == "uncertain") | (own["extracted"] == "uncertain")]
    rates = metrics[(metrics["site"] == ALL_SITES) & metrics["metric"].str.endswith("_uncertain")]
    rates = rates.assign(text=rates.apply(_with_interval, axis=1)) if len(rates) else rates.assign(text="")
    by_finding = rates.pivot(index="finding", columns="metric", values="text")
    groups = [(ALL_FINDINGS, told), *told.groupby("finding", sort=False)] if len(told) else []
    rows = []
    for finding, group in groups:
        pairs = group.groupby(["value", "extracted"]).size()
        row = {"finding": finding, "uncertain": int((group["value"] == "uncertain").sum())}
        row |= {f"read as {word}": int(pairs.get(("uncertain", word), 0)) for word in ("uncertain", "true", "false")}
        row |= {f"alarm, is {word}": int(pairs.get((word, "uncertain"), 0)) for word in ("true", "false")}
        rows.append(row | {n: by_finding.loc[finding, f"{n}_uncertain"] for n in ("recall", "precision", "f1")})
    return pd.DataFrame(rows)


def readers_table(metrics: pd.DataFrame) -> pd.DataFrame:
    """Agreement of readers, all findings on top, then those on which they differ; a sentence if nobody read twice."""
    if metrics.empty:
        return pd.DataFrame({"": ["no label has been read by two people"]}, index=["agreement"])
    shown = metrics[(metrics["finding"] == ALL_FINDINGS) | (metrics["n_positive"] < metrics["n"])]
    texts = shown.apply(_with_interval, axis=1).mask(shown["method"].str.startswith("too few"), "too few")
    shown = shown.assign(text=texts)
    wide = shown.pivot(index="finding", columns="metric", values="text").loc[list(dict.fromkeys(shown["finding"]))]
    wide.insert(0, "labels", shown.drop_duplicates("finding").set_index("finding")["n"].astype(int))
    return wide.fillna("–").rename(columns=lambda name: name.replace("_", " ")).rename_axis(columns=None)


def extractor_table(compared: pd.DataFrame) -> pd.DataFrame:
    """`compare_extractors` for people, findings on which the two differ; a sentence where nothing is to compare."""
    if compared.empty:
        return pd.DataFrame({"": ["there is one extractor, or nothing is verified"]}, index=["comparison"])
    first, second = compared.attrs["sources"]
    shown = compared[(compared["only_first"] + compared["only_second"] > 0) | (compared["finding"] == ALL_FINDINGS)]
    between = shown.apply(lambda r: f"{r['difference']:+.4f} ({r['low']:+.4f} to {r['high']:+.4f})", axis=1)
    made = shown[["finding", "labels"]].assign(
        **{f"right: {first}": shown["first_right"], f"right: {second}": shown["second_right"]},
        **{f"only {first}": shown["only_first"], f"only {second}": shown["only_second"]},
        **{f"{first} minus {second}": between},
    )
    for name, title in (("p", "p (McNemar, exact)"), ("p_holm", "p (Holm)")):
        made[title] = shown[name].map(lambda p: "–" if pd.isna(p) else "<0.001" if p < 0.001 else f"{p:.3f}")
    return made.reset_index(drop=True)


def stacked(named: dict[str, pd.DataFrame]) -> HTML:
    """Several tables below each other, each with its title; one that is empty says so."""
    parts = []
    for title, table in named.items():
        body = (
            table.to_html(border=0, index=not isinstance(table.index, pd.RangeIndex)) if len(table) else "<p>None.</p>"
        )
        parts.append(f"<h4>{html.escape(title)}</h4>{body}")
    return HTML("".join(parts))


def headline(metrics: pd.DataFrame) -> dict[str, str]:
    """Label accuracy for the index page."""
    overall = metrics[(metrics.finding == ALL_FINDINGS) & (metrics.site == ALL_SITES)].set_index("metric")
    if overall.empty:
        return {"Label accuracy": "not verified"}
    return {
        "Label accuracy": f"{overall.loc['label_accuracy', 'value']:.1%}",
        "F1 of uncertain": f"{overall.loc['f1_uncertain', 'value']:.2f}",
    }


def export(
    metrics: pd.DataFrame,
    reports: str | Path,
    *,
    confusions: pd.DataFrame,
    mistakes: pd.DataFrame,
    compared: pd.DataFrame,
) -> list[Path]:
    """The tables for the supplement: accuracy, confusions, extractors, and errors as they may be shared."""
    folder = Path(reports) / "tables"
    files = [
        tables.write(metrics, folder / "label_accuracy.csv", tables.METRICS),
        tables.write_csv(confusions, folder / "label_confusions.csv"),
        tables.write_csv(mistakes, folder / "label_errors.csv"),
        write_workbook(mistakes, folder / "label_errors.xlsx", sheet="label errors"),
    ]
    return files if compared.empty else [*files, tables.write_csv(compared, folder / "extractors_compared.csv")]


def uncertain_test_labels(labels: pd.DataFrame) -> pd.DataFrame:
    """Test labels that the report leaves uncertain, by what is there: true, false, or still uncertain (left out)."""
    chosen = labels[labels.split.isin(TEST) & (labels.value == "uncertain")]
    counted = pd.crosstab(chosen["site"], chosen["reference"])
    words = {"true": "follow-up: true", "false": "follow-up: false", "uncertain": "left out"}
    return (
        counted.reindex(columns=list(words), fill_value=0).rename(columns=words).rename_axis(columns=None).reset_index()
    )
