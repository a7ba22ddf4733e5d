"""Counts over the labels of a run: values per finding, what the hierarchy and the quotes say of them, failures, hedges.

Used by 01_extraction and its viewer. None of these tables holds a word of a report.
"""

import pandas as pd

from labkit.extraction.labelling import Labelled

__all__ = ["CONFIDENT", "KINDS", "confidence", "failures", "hedges", "kinds", "overview", "quality"]

# false with a quote is an explicit negation, false without is silence.
KINDS = ("true", "uncertain", "negated", "not mentioned")
CONFIDENT = 0.9
# What may help, by status.
REMEDIES = {
    "refused": "ask another model; the same one rarely changes its mind",
    "filtered": "ask the provider to lift the filter, or ask another model",
    "truncated": "raise max_completion_tokens or the server's context length, then retry",
    "invalid": "set mode to another one (json_schema, tools, json_object), then retry",
    "error": "retry when the server is well again",
    "blocked": "the text could not be de-identified and was not sent; look at the text",
    "skipped": "mend or leave out the report",
}


def kinds(findings: pd.DataFrame) -> pd.Series:
    """Kind of each label, one of KINDS."""
    negated = findings["evidence"].map(lambda quote: "negated" if quote else "not mentioned")
    return findings["value"].where(findings["value"] != "false", negated)


def overview(findings: pd.DataFrame) -> pd.DataFrame:
    """Counts per source and finding: true, uncertain, negated (false with a quote), not mentioned (false without)."""
    counted = pd.crosstab([findings["source"], findings["finding"]], kinds(findings))
    counted = counted.reindex(columns=list(KINDS), fill_value=0)
    order = list(dict.fromkeys(zip(findings["source"], findings["finding"])))
    return counted.loc[order].rename_axis(columns=None)


def failures(answers: pd.DataFrame) -> pd.DataFrame:
    """Reports without labels by source, status and reason, the most frequent first, and what may help."""
    failed = answers[answers["status"] != "ok"]
    counted = failed.groupby(["source", "status", "reason"]).size().rename("reports").reset_index()
    counted = counted.sort_values(["reports", "reason"], ascending=[False, True], kind="stable", ignore_index=True)
    return counted.assign(**{"what may help": counted["status"].map(REMEDIES)})


def quality(labelled: Labelled) -> pd.DataFrame:
    """Facts down, extractors across: labels, values raised by the hierarchy, quotes and those not in the report."""
    columns = {}
    for source, answers in labelled.answers.groupby("source", sort=False):
        labels = labelled.findings[labelled.findings["source"] == source]
        raised = labelled.raised[labelled.raised["source"] == source]
        stated = labels[labels["value"] != "false"]
        quoted = labels[labels["evidence"] != ""]
        columns[source] = {
            "reports": len(answers),
            "reports labelled": int((answers["status"] == "ok").sum()),
            "labels": len(labels),
            "labels true": int((labels["value"] == "true").sum()),
            "labels uncertain": int((labels["value"] == "uncertain").sum()),
            "labels raised by the hierarchy": len(raised),
            "reports with a raised label": raised["study_id"].nunique(),
            "labels with a quote": len(quoted),
            "quotes that are not in the report": int((quoted["grounded"] == "false").sum()),
            "true or uncertain without a quote": int((stated["evidence"] == "").sum()),
        }
    return pd.DataFrame(columns).rename_axis(index="fact")


def confidence(findings: pd.DataFrame) -> pd.DataFrame:
    """Confidence per source and value, where any is known; the last column is the share of labels below CONFIDENT."""
    known = findings[findings["confidence"].notna()]
    grouped = known.groupby(["source", "value"], sort=False)["confidence"]
    table = pd.DataFrame(
        {
            "labels": grouped.size(),
            "lowest": grouped.min(),
            "5 % quantile": grouped.quantile(0.05),
            "median": grouped.median(),
            f"share below {CONFIDENT:g}": grouped.agg(lambda c: float((c < CONFIDENT).mean())),
        }
    )
    return table.reset_index()


def hedges(met: pd.DataFrame, findings: pd.DataFrame) -> pd.DataFrame:
    """Hedge phrases by frequency: reports that hold one, and those of them in which nothing is uncertain all the same.

    met : `Labelled.hedges`. findings : FINDINGS of one source.
    """
    doubtful = set(findings.loc[findings["value"] == "uncertain", "study_id"])
    met = met.drop_duplicates()
    met = met.assign(missed=~met["study_id"].isin(doubtful))
    counted = met.groupby("phrase").agg(reports=("study_id", "size"), missed=("missed", "sum")).reset_index()
    counted = counted.sort_values(["reports", "phrase"], ascending=[False, True], ignore_index=True)
    return counted.rename(columns={"missed": "without an uncertain label"})
