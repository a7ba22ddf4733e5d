"""What the page of 01_extraction shows beyond plain tables: a table where there is something to show, else a sentence.

Used by 01_extraction. Nothing here holds a word of a report; quotes stay in the tables of the build folder.
"""

import html
from collections.abc import Iterable
from pathlib import Path

import pandas as pd
from IPython.display import HTML

from labkit.extraction import agreement as pairs
from labkit.extraction import summaries

__all__ = ["agreement", "confidence", "failures", "methods", "removed"]

LISTED = 50  # rows of a list; the tables in the build folder hold all


def removed(counts: pd.DataFrame) -> HTML:
    """Placeholders by site and type, as `placeholders.Counter.by_site` counts them."""
    if counts.empty:
        return _sentence("No text was sent to an endpoint through the gate, so nothing was replaced.")
    return HTML(_table(counts))


def failures(answers: pd.DataFrame) -> HTML:
    """Reports without labels: counts by status and reason with what may help, then each of them."""
    failed = answers[answers["status"] != "ok"]
    if failed.empty:
        return _sentence("None: every report was labelled.")
    listed = failed[["study_id", "source", "status", "reason"]].head(LISTED)
    retry = (
        "To ask a model for these reports again, and for no other, set <code>extraction.retry_failed: true</code> in "
        "the params and run again."
    )
    more = f"<p>The first {LISTED} of {len(failed):,}; all are in answers.csv.</p>" if len(failed) > LISTED else ""
    asked = set(failed["source"]) - {"rules"}
    return HTML(f"{_table(summaries.failures(answers))}{f'<p>{retry}</p>' if asked else ''}{_table(listed)}{more}")


def confidence(findings: pd.DataFrame) -> HTML:
    """How sure the model was, where the endpoint says so."""
    known = summaries.confidence(findings)
    if known.empty:
        return _sentence("No extractor of this run gives a confidence.")
    return HTML(_table(known, digits=3))


def agreement(findings: pd.DataFrame, disagreements: pd.DataFrame) -> HTML:
    """Agreement per finding, the counts of value against value, and the first disagreements without their quotes."""
    table = pairs.per_finding(findings)
    if table.empty:
        return _sentence("One extractor read the reports, so there is nothing to compare.")
    listed = disagreements.drop(columns=["first", "second", "first_evidence", "second_evidence"])
    first, second = dict.fromkeys(findings["source"])
    listed = listed.rename(columns=lambda c: c.replace("first_", f"{first}: ").replace("second_", f"{second}: "))
    more = f"The first {LISTED} of {len(listed):,} labels that differ" if len(listed) > LISTED else "Labels that differ"
    return HTML(
        f"{_table(pairs.crossed(findings), index=True)}{_table(table, digits=3)}"
        f"<p>{more}; the quotes are in disagreements.csv in the build folder.</p>{_table(listed.head(LISTED))}"
    )


def methods(table: pd.DataFrame, prompt_files: Iterable[Path]) -> HTML:
    """The table of MI-CLEAR-LLM and below it the prompt as it was sent, folded."""
    folded = "".join(
        f'<details class="code"><summary>{html.escape(path.name)}</summary>'
        f"<pre>{html.escape(Path(path).read_text(encoding='utf-8'))}</pre></details>"
        for path in prompt_files
    )
    # pandas' own style in other tables of the page would put the last of several headers of a row in the middle.
    made = _table(table.set_index(["item", "detail"]), index=True).replace("<th>", '<th style="vertical-align:top">')
    return HTML(made + folded)


def _sentence(text: str) -> HTML:
    return HTML(f"<p>{text}</p>")


def _table(frame: pd.DataFrame, *, index: bool = False, digits: int = 2) -> str:
    with pd.option_context("display.max_colwidth", None):
        return frame.to_html(index=index, na_rep="–", float_format=f"{{:.{digits}f}}".format, border=0)
