"""What every page says about where its labels come from: verified by people, by a simulated reader, or not at all."""

import html

import pandas as pd
from IPython.display import HTML

__all__ = ["coverage", "notice"]


def coverage(labels: pd.DataFrame) -> pd.DataFrame:
    """Per site and split: studies, labels, and how many of them people or the simulated reader verified."""
    grouped = labels.groupby(["site", "split"], sort=True)
    table = grouped.agg(studies=("study_id", "nunique"), labels=("finding", "size"))
    for kind in ("human", "simulated", "none"):
        table[{"none": "not verified"}.get(kind, kind)] = grouped["verification"].agg(
            lambda v, k=kind: int((v == k).sum())
        )
    return table.reset_index()


def notice(labels: pd.DataFrame) -> HTML:
    """A notice for the top of a page; the run's pages show it prominently."""
    test = labels[labels.split.isin(["test", "external"])]
    kinds = set(test.verification)
    share = (test.verification != "none").mean() if len(test) else 0.0
    if "simulated" in kinds:
        kind, text = (
            "simulated",
            (
                "SIMULATED reader. No person has verified these labels: a simulated reader stands in for the radiologist, so "
                "numbers here show that the software works and say nothing about patients."
            ),
        )
    elif kinds == {"none"} or not len(test):
        kind, text = "unverified", "Unverified labels. Nobody has checked the extracted labels that this page rests on."
    elif share < 1:
        kind, text = (
            "partly",
            (f"Partly verified labels: people have checked {share:.1%} of the test labels; the rest is as extracted."),
        )
    else:
        kind, text = "verified", "Verified labels: people have checked every test label that this page rests on."
    title, _, rest = text.partition(". " if kind in ("simulated", "unverified") else ": ")
    return HTML(
        f'<div class="labkit-notice labkit-notice-{kind}" role="note"><strong>{html.escape(title)}.</strong> '
        f"{html.escape(rest)}</div>"
    )
