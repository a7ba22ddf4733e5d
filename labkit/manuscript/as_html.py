"""Tables and text of a manuscript as HTML that needs no other file and no network; used by 05_figures."""

import html
from collections.abc import Iterable, Sequence
from pathlib import Path

from labkit.manuscript.sheets import HEADING, Row, Sheet

__all__ = ["document", "fragment", "paragraph", "shown"]

STYLE = Path(__file__).parent / "page.css"
# What the pages of a run do not style: names to the left, numbers to the right, parts and what belongs to them.
IN_PAGE = (
    "table.paper caption{text-align:left;font-weight:650;padding:.6em .8em}"
    "table.paper td,table.paper thead th{text-align:right}table.paper td{white-space:nowrap}"
    "table.paper th:first-child{text-align:left;min-width:15em}table.paper tbody th{font-weight:400}"
    "table.paper tr.heading th{font-weight:650;padding-top:1em}table.paper tr.indented th{padding-left:1.9em}"
    "div.notes p{font-size:.82em;margin:.15em 0;max-width:60em}"
)


def document(title: str, parts: Iterable[str], *, notice: str = "") -> str:
    """A whole page of parts that are HTML already; `notice` stands on top of it."""
    told = f'<div class="notice" role="note">{html.escape(notice)}</div>\n' if notice else ""
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title)}</title>\n<style>\n{STYLE.read_text(encoding='utf-8')}</style>\n</head>\n<body>\n"
        f"<main>\n<h1>{html.escape(title)}</h1>\n{told}{chr(10).join(parts)}\n</main>\n</body>\n</html>\n"
    )


def fragment(sheet: Sheet, *, words: Sequence[int] = ()) -> str:
    """A table with its notes, in a box that scrolls; `words` are the positions of columns that are set to the left."""
    label = html.escape(sheet.caption)
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{label}">\n{_table(sheet, words)}</div>\n'
        f"{_notes(sheet)}"
    )


def shown(sheets: Iterable[Sheet]) -> str:
    """Tables for the output of a notebook, whose page has boxes and colours of its own."""
    return f"<style>{IN_PAGE}</style>" + "".join(f"{_table(sheet, ())}{_notes(sheet)}" for sheet in sheets)


def _notes(sheet: Sheet) -> str:
    return f'<div class="notes">{"".join(f"<p>{html.escape(note)}</p>" for note in sheet.notes)}</div>'


def _table(sheet: Sheet, words: Sequence[int]) -> str:
    head = "".join(f'<th scope="col"{_kind(n, words)}>{html.escape(title)}</th>' for n, title in enumerate(sheet.head))
    body = "\n".join(_row(row, len(sheet.head), words) for row in sheet.rows)
    if not sheet.rows:
        body = f'<tr><td colspan="{len(sheet.head)}" class="words">No rows.</td></tr>'
    whole = sum(sheet.widths)
    shares = "".join(f'<col style="width:{100 * width / whole:.1f}%">' for width in sheet.widths)
    columns = f"<colgroup>{shares}</colgroup>\n" if words else ""
    return (
        f'<table class="paper{" wordy" if words else ""}">\n<caption>{html.escape(sheet.caption)}</caption>\n{columns}'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>\n"
    )


def _row(row: Row, width: int, words: Sequence[int]) -> str:
    first = html.escape(row.cells[0])
    if row.kind == HEADING:
        return f'<tr class="heading"><th scope="rowgroup" colspan="{width}">{first}</th></tr>'
    cells = "".join(f"<td{_kind(n, words)}>{html.escape(text)}</td>" for n, text in enumerate(row.cells[1:], start=1))
    return f'<tr class="{row.kind}"><th scope="row">{first}</th>{cells}</tr>'


def _kind(position: int, words: Sequence[int]) -> str:
    return ' class="words"' if position in words else ""


def paragraph(text: str) -> str:
    """A paragraph; addresses stay text, since no page of a run points into the network."""
    return f"<p>{html.escape(text)}</p>"
