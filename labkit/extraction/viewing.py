"""Reports as a person reads them: evidence marked by value, identifiers masked; HTML for a notebook.

Used by 01_extraction and 02_verification, and only where the params say `show_text: true`.
"""

import html

import pandas as pd
from IPython.display import HTML

from labkit.deidentification import Gate

__all__ = ["examples", "marked"]

COLOURS = {"true": "#cfe6f5", "uncertain": "#fbe3b5", "false": "#e7eaec"}


def marked(text: str, findings: pd.DataFrame, *, gate: Gate, title: str) -> str:
    """One report: evidence of true, uncertain and negated findings on coloured ground, identifiers as their type.

    findings : FINDINGS of one study and source; offsets refer to `text`.
    """
    colours, names = [""] * len(text), [""] * len(text)
    for value in ("false", "uncertain", "true"):  # the strongest value is painted last
        for row in findings[(findings.value == value) & (findings.evidence != "")].itertuples():
            for at in range(row.start, row.end):
                colours[at], names[at] = value, row.finding
    parts, at = [], 0
    masks = {span.start: span for span in gate.find(text)}
    while at < len(text):
        if at in masks:
            parts.append(f"<i>[{masks[at].type}]</i>")
            at = masks[at].end
            continue
        until = at + 1
        while until < len(text) and until not in masks and (colours[until], names[until]) == (colours[at], names[at]):
            until += 1
        piece = html.escape(text[at:until]).replace("\n", "<br>")
        if colours[at]:
            style = f"background:{COLOURS[colours[at]]};color:#111;padding:0 .1em"
            piece = f'<mark style="{style}" title="{html.escape(names[at])}: {colours[at]}">{piece}</mark>'
        parts.append(piece)
        at = until
    positive = findings[findings.value != "false"]
    listed = "".join(f"<li>{html.escape(r.finding)}: <b>{r.value}</b></li>" for r in positive.itertuples())
    return (
        f'<div class="labkit-report"><h4>{html.escape(title)}</h4><p>{"".join(parts)}</p>'
        f"<ul>{listed or '<li>every finding is false</li>'}</ul></div>"
    )


def examples(texts: list[tuple[str, str]], findings: pd.DataFrame, *, gate: Gate, show_text: bool, n: int = 3) -> HTML:
    """The first reports with most uncertain findings; without `show_text` only a sentence that says so."""
    if not show_text:
        return HTML("<p>Report text is not shown; <code>show_text: true</code> in the params shows examples.</p>")
    counts = findings[findings.value == "uncertain"].groupby("study_id").size()
    chosen = sorted(texts, key=lambda pair: -counts.get(pair[0], 0))[:n]
    legend = " ".join(
        f'<mark style="background:{colour};color:#111">{value}</mark>' for value, colour in COLOURS.items()
    )
    pages = [marked(text, findings[findings.study_id == s], gate=gate, title=s) for s, text in chosen]
    return HTML(f"<p>Evidence of {legend}; identifiers are masked.</p>{''.join(pages)}")
