"""Reports as a person reads them: evidence marked by value, identifiers masked; HTML for a notebook.

Used by 01_extraction and 02_verification, and on rendered pages only where the params say `show_text: true`. Colours
are told apart by colour-blind readers (Okabe & Ito 2008), and each value has an underline of its own.
"""

import html
from collections.abc import Iterable

import pandas as pd
from IPython.display import HTML

from labkit.deidentification import Gate
from labkit.templates import Template

__all__ = ["COLOURS", "bars", "chip", "examples", "legend", "listing", "marked", "painted", "tree"]

COLOURS = {"true": "#cfe6f5", "uncertain": "#fbe3b5", "false": "#e7eaec"}
INKS = {"true": "#0072b2", "uncertain": "#b36b00", "false": "#6b7780"}
UNDERLINES = {"true": "solid", "uncertain": "wavy", "false": "dotted"}
COMPACT = "line-height:1.5"  # widgets give every line of text the height of a button
KIND_VALUES = {"true": "true", "uncertain": "uncertain", "negated": "false", "not mentioned": "false"}


def marked(text: str, findings: pd.DataFrame, *, gate: Gate | None, title: str) -> str:
    """One report: evidence of true, uncertain and negated findings on coloured ground, identifiers as their type.

    findings : FINDINGS of one study and source; offsets refer to `text`. gate : None shows identifiers as they are.
    """
    positive = findings[findings.value != "false"]
    listed = "".join(f"<li>{html.escape(r.finding)}: <b>{r.value}</b></li>" for r in positive.itertuples())
    return (
        f'<div class="labkit-report"><h4>{html.escape(title)}</h4><p>{painted(text, findings, gate=gate)}</p>'
        f"<ul>{listed or '<li>every finding is false</li>'}</ul></div>"
    )


def painted(text: str, findings: pd.DataFrame, *, gate: Gate | None) -> str:
    """The text of a report with its evidence marked, as `marked` describes it."""
    colours, names = [""] * len(text), [()] * len(text)
    for value in ("false", "uncertain", "true"):  # the strongest value is painted last
        for row in findings[(findings.value == value) & (findings.evidence != "")].itertuples():
            for at in range(max(row.start, 0), min(row.end, len(text))):
                names[at] = (*names[at], row.finding) if colours[at] == value else (row.finding,)
                colours[at] = value
    parts, at = [], 0
    masks = {span.start: span for span in gate.find(text)} if gate else {}
    while at < len(text):
        if at in masks:
            parts.append(f"<i>[{masks[at].type}]</i>")
            at = masks[at].end
            continue
        until = at + 1
        while until < len(text) and until not in masks and (colours[until], names[until]) == (colours[at], names[at]):
            until += 1
        piece = html.escape(text[at:until]).replace("\n", "<br>")
        parts.append(_mark(piece, colours[at], ", ".join(names[at])) if colours[at] else piece)
        at = until
    return "".join(parts)


def _mark(markup: str, value: str, names: str) -> str:
    line = f"text-decoration:underline {UNDERLINES[value]} {INKS[value]};text-underline-offset:.2em"
    style = f"background:{COLOURS[value]};color:#111;padding:0 .1em;{line}"
    title = f' title="{html.escape(names)}: {value}"' if names else ""
    return f'<mark style="{style}"{title}>{markup}</mark>'


def legend() -> str:
    """What the marks mean."""
    return " ".join(
        _mark(shown, value, "") for value, shown in (("true",) * 2, ("uncertain",) * 2, ("false", "negated"))
    )


def chip(kind: str) -> str:
    """A value as a small coloured label; kind : one of `summaries.KINDS`."""
    if kind == "not mentioned":
        return '<span style="opacity:.6">–</span>'
    value = KIND_VALUES[kind]
    style = (
        f"background:{COLOURS[value]};color:#111;border:1px {UNDERLINES[value].replace('wavy', 'dashed')} {INKS[value]}"
    )
    return f'<span style="{style};border-radius:9px;padding:0 .55em;white-space:nowrap">{kind}</span>'


def tree(kinds: dict[str, dict[str, str]], template: Template, *, notes: dict[str, str] | None = None) -> str:
    """The findings of a report as the hierarchy has them, one column of values per extractor; silent branches folded.

    Parameters
    ----------
    kinds : by source, the kind of each label by finding name.
    notes : by finding name, words to show behind its values (raised, not in the report, differs).
    """
    children: dict[str, list[str]] = {}
    for finding in template.findings:
        parent = template.by_id[finding.parents[0]].name if finding.parents else ""
        children.setdefault(parent, []).append(finding.name)
    rows, silent = [], []

    def walk(name: str, depth: int) -> None:
        values = [found.get(name, "not mentioned") for found in kinds.values()]
        if set(values) == {"not mentioned"}:
            silent.append(name)
        else:
            cells = "".join(f'<td style="text-align:center;padding:.1em .5em">{chip(value)}</td>' for value in values)
            note = f'<td style="opacity:.75">{html.escape((notes or {}).get(name, ""))}</td>'
            indent = f"padding:.1em .5em .1em {depth * 1.1:.1f}em;text-align:left"
            rows.append(f'<tr><td style="{indent}">{html.escape(name)}</td>{cells}{note}</tr>')
        for child in children.get(name, ()):
            walk(child, depth + 1)

    for name in children.get("", ()):
        walk(name, 0)
    heads = "".join(f'<th style="font-weight:600;padding:.1em .5em">{html.escape(source)}</th>' for source in kinds)
    table = (
        f"<table><tr><th></th>{heads}<th></th></tr>{''.join(rows)}</table>" if rows else "<p>No finding is named.</p>"
    )
    return f'<div style="{COMPACT}">{table}{_folded(silent)}</div>'


def bars(counts: pd.DataFrame, *, n: int) -> str:
    """Shares of values per finding as bars; counts : findings down, `summaries.KINDS` across; n : studies."""
    rows, silent = [], []
    stated = ("true", "uncertain", "negated")
    for finding, row in counts.iterrows():
        if not any(row[kind] for kind in stated):
            silent.append(str(finding))
            continue
        pieces = "".join(
            f'<span style="display:inline-block;height:.8em;width:{100 * row[kind] / max(n, 1):.2f}%;'
            f'background:{INKS[KIND_VALUES[kind]]}" title="{kind}: {row[kind]}"></span>'
            for kind in stated
        )
        words = " · ".join(f"{row[kind]} {kind}" for kind in stated if row[kind])
        rows.append(
            f'<tr><td style="text-align:left">{html.escape(str(finding))}</td>'
            f'<td style="width:11em;line-height:1;padding:0 .8em">{pieces}</td>'
            f'<td style="text-align:left">{words}</td></tr>'
        )
    return f'<div style="{COMPACT}"><p>{n:,} reports</p><table>{"".join(rows)}</table>{_folded(silent)}</div>'


def listing(frame: pd.DataFrame) -> str:
    """A table in a box that scrolls, words to the left and numbers to the right."""
    numeric = [pd.api.types.is_numeric_dtype(frame[column]) for column in frame]
    sides = ["right" if is_number else "left" for is_number in numeric]

    def row(tag: str, cells: Iterable) -> str:
        made = "".join(
            f'<{tag} style="text-align:{side};padding:.1em .8em .1em 0">{html.escape(str(cell))}</{tag}>'
            for side, cell in zip(sides, cells)
        )
        return f"<tr>{made}</tr>"

    rows = "".join(row("td", values) for values in frame.itertuples(index=False))
    return f'<div style="{COMPACT};max-height:28em;overflow:auto"><table>{row("th", frame.columns)}{rows}</table></div>'


def _folded(names: list[str]) -> str:
    if not names:
        return ""
    return f"<details><summary>{len(names)} not mentioned</summary>{'; '.join(map(html.escape, names))}</details>"


def examples(
    texts: Iterable[tuple[str, str]], findings: pd.DataFrame, *, gate: Gate, show_text: bool, n: int = 3
) -> HTML:
    """The first reports with most uncertain findings; without `show_text` only a sentence that says so."""
    if not show_text:
        return HTML("<p>Report text is not shown; <code>show_text: true</code> in the params shows examples.</p>")
    counts = findings[findings.value == "uncertain"].groupby("study_id").size()
    chosen = sorted(texts, key=lambda pair: -counts.get(pair[0], 0))[:n]
    pages = [marked(text, findings[findings.study_id == s], gate=gate, title=s) for s, text in chosen]
    return HTML(f"<p>Evidence of {legend()}; identifiers are masked.</p>{''.join(pages)}")
