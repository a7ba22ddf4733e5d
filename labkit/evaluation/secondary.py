"""Tables of secondary results that 04_evaluation shows, made from METRICS; nothing is estimated here."""

import pandas as pd

from labkit.evaluation import endpoint
from labkit.evaluation.cases import MACRO, POOLED
from labkit.evaluation.reporting import estimate, interval_name, p_text, signed

__all__ = [
    "calibration_table",
    "doubt_table",
    "extracted_table",
    "finding_differences",
    "points_table",
    "subgroup_table",
]

KEY = ["site", "policy"]
CALIBRATION = ("brier", "ece", "calibration_slope", "calibration_intercept")
REPORT_READINGS = {"report_uncertain": "uncertain", "report_certain": "certain"}
EXTRACTED = {
    "extracted": "against extracted labels",
    "extracted_corrected": "corrected for label error",
    "verified_same": "against verified labels",
}


def _wide(rows, index, columns):
    """One row per index in the order found, one column per metric, estimates as text."""
    order = list(dict.fromkeys(rows[index].itertuples(index=False, name=None)))
    shown = rows.assign(text=rows.apply(estimate, axis=1)).pivot(index=index, columns="metric", values="text")
    shown = shown.reindex(columns=[c for c in columns if c in shown]).fillna("–")
    return shown.loc[order].reset_index().rename(columns=lambda c: c.replace("_", " ")).rename_axis(columns=None)


def points_table(metrics):
    """Threshold, sensitivity, specificity, ppv and npv per finding at the points that are not the declared one."""
    names = metrics.loc[metrics["metric"].str.startswith("threshold_at_"), "metric"].unique()
    parts = []
    for ending in [name.removeprefix("threshold_at_") for name in names]:
        columns = [f"{m}_at_{ending}" for m in ("threshold", "sensitivity", "specificity", "ppv", "npv")]
        shown = _wide(metrics[metrics["metric"].isin(columns)], [*KEY, "finding"], columns)
        shown.columns = [c.split(" at ")[0] for c in shown.columns]
        shown.insert(2, "point", ending.replace("_", " "))
        parts.append(shown)
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=[*KEY, "point", "finding"])


def calibration_table(metrics):
    """Calibration of all labels together per site and policy, as scored and at the temperature of validation."""
    rows = metrics[(metrics["finding"] == POOLED) & (metrics["reading"] == "primary")]
    temperatures = rows[rows["metric"] == "temperature"].set_index(KEY)["value"]
    parts = []
    for name, ending in (("as scored", ""), ("tempered", "_tempered")):
        columns = [f"{metric}{ending}" for metric in CALIBRATION]
        own = rows[rows["metric"].isin(columns)]
        if own.empty:
            continue
        shown = _wide(own, KEY, columns)
        shown.columns = [c.removesuffix(" tempered") for c in shown.columns]
        shown.insert(2, "scores", name)
        warm = [
            f"{temperatures.get(place, float('nan')):.2f}" for place in shown[KEY].itertuples(index=False, name=None)
        ]
        shown.insert(3, "temperature", "1" if not ending else warm)
        parts.append(shown)
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=[*KEY, "scores", "temperature"])


def doubt_table(by_report, *, settings):
    """Labels whose report was uncertain and those it was sure of: counts, pooled AUC, mean scores, and verdicts."""
    rows = []
    for (site, policy, reading), own in by_report.groupby(["site", "policy", "reading"], sort=False):
        found = own.set_index("metric")
        compared = "auc_pooled_difference" in found.index
        area = found.loc["auc_pooled_difference" if compared else "auc_pooled"]
        told = {"site": site, "policy": policy, "report": REPORT_READINGS[reading], "labels": _count(area["n"])}
        told["true"] = _count(area["n_positive"])
        if compared:
            values = found["value"].rename(lambda name: name.replace("auc_pooled_", "auc_"))
            detectable = values["auc_difference_detectable"]
            told |= {"pooled AUC": signed(area), "p": p_text(values["auc_difference_p"])}
            told |= {"detectable": "–" if pd.isna(detectable) else f"{detectable:.3f}"}
            told |= {"verdict": endpoint.verdict(values, settings)}
        else:
            told |= {"pooled AUC": estimate(area), "no follow-up": _count(found.loc["n_left_out", "value"])}
            for name in ("true", "false"):
                told[f"mean score if {name}"] = estimate(found.loc[f"mean_score_{name}"])
        rows.append(told)
    return pd.DataFrame(rows).fillna("")


def extracted_table(against):
    """Macro AUC against extracted labels, corrected, and against verified ones, over the same findings."""
    rows = against[(against["finding"] == MACRO) & against["reading"].isin(EXTRACTED)]
    if rows.empty:
        return against.loc[against["value"].isna(), ["site", "method"]].rename(columns={"method": "reason"})
    shown = rows.assign(metric=rows["reading"].map(EXTRACTED))
    shown = _wide(shown, KEY, list(EXTRACTED.values()))
    for name in ("sensitivity", "specificity"):
        of_site = against[against["metric"] == f"extractor_{name}"].drop_duplicates("site").set_index("site")
        shown[f"extractor {name}"] = shown["site"].map(of_site.apply(estimate, axis=1))
    return shown


def subgroup_table(found):
    """Pooled AUC per group, with counts; hidden groups say so."""
    areas = found[found["metric"] == "auc_pooled"]
    studies = found[found["metric"] == "n_studies"].set_index([*KEY, "reading"])["value"]
    rows = []
    for row in areas.itertuples():
        group = {"site": row.site, "policy": row.policy, "group": row.reading}
        group["studies"] = _count(studies.get((row.site, row.policy, row.reading), float("nan")))
        group |= {"labels": _count(row.n), "positive": _count(row.n_positive)}
        group |= {"pooled AUC": "hidden" if pd.isna(row.low) and "hidden" in row.method else estimate(row)}
        rows.append(group)
    return pd.DataFrame(rows, columns=["site", "policy", "group", "studies", "labels", "positive", "pooled AUC"])


def finding_differences(differences, *, settings):
    """Per finding: difference with interval, p raw and adjusted, detectable difference, verdict by Holm's p."""
    own = differences[differences["policy"].str.contains(" - ") & (differences["finding"] != MACRO)]
    rows = []
    for (site, pair, finding), found in own.groupby(["site", "policy", "finding"], sort=False):
        found = found.set_index("metric")
        values = found["value"]
        # among many findings one is below 0.05 by chance
        adjusted = {"auc_difference_p": values["auc_difference_p_holm"], "equivalent": values["equivalent"]}
        rows.append(
            {
                "site": site,
                "compared": pair,
                "finding": finding,
                f"difference ({interval_name(own)})": signed(found.loc["auc_difference"]),
                "p": p_text(values["auc_difference_p"]),
                "p (permutation)": p_text(values["auc_difference_p_permutation"]),
                "p (Holm)": p_text(values["auc_difference_p_holm"]),
                "p (Benjamini-Hochberg)": p_text(values["auc_difference_p_bh"]),
                "detectable": f"{values['auc_difference_detectable']:.3f}",
                "verdict (Holm)": endpoint.verdict(adjusted, settings),
            }
        )
    return pd.DataFrame(rows)


def _count(number):
    return "–" if pd.isna(number) else f"{number:,.0f}"
