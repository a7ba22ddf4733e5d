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
    kind, title, text = _wording(labels)
    return HTML(
        f'<div class="labkit-notice labkit-notice-{kind}" role="note"><strong>{html.escape(title)}.</strong> '
        f"{html.escape(text)}</div>"
    )


def _wording(labels: pd.DataFrame) -> tuple[str, str, str]:
    """Kind, title and text; simulated readings are named first, since they make every number a demonstration."""
    test = labels[labels.split.isin(["test", "external"])]
    share = {kind: float((test.verification == kind).mean()) if len(test) else 0.0 for kind in ("human", "simulated")}
    shown = "Numbers show that the software works, not how patients are."
    if share["simulated"] and share["human"]:
        text = f"People have checked {_percent(share['human'])} of the test labels; for {_percent(share['simulated'])} "
        return "simulated", "SIMULATED reader and people", f"{text}a simulated reader stands in. {shown}"
    if share["simulated"]:
        text = "No person has verified these labels: a simulated reader stands in for the radiologist"
        part = f" and has read {_percent(share['simulated'])} of the test labels" if share["simulated"] < 1 else ""
        return "simulated", "SIMULATED reader", f"{text}{part}. {shown}"
    elsewhere = int((labels.verification == "human").sum())
    if not share["human"] and elsewhere:
        text = f"Nobody has checked the test labels; people have checked {elsewhere:,} labels of other splits."
        return "unverified", "Unverified test labels", text
    if not share["human"]:
        return "unverified", "Unverified labels", "Nobody has checked the extracted labels that this page rests on."
    if share["human"] < 1:
        text = f"People have checked {_percent(share['human'])} of the test labels; the others are as extracted."
        return "partly", "Partly verified labels", text
    return "verified", "Verified labels", "People have checked every test label that this page rests on."


def _percent(share: float) -> str:
    """A share for people; never 0 % of something or 100 % of a part."""
    return f"{min(max(share, 0.001), 0.999):.1%}" if 0 < share < 1 else f"{share:.0%}"
