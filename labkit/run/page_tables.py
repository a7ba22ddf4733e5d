"""Dress the tables of a page: a box that scrolls sideways, words to the left, numbers to the right, no row counters.

Works on the markup that pandas writes; other tables only get the box.
"""

import html
import itertools
import re

__all__ = ["dress", "plain"]

TALL_ROWS = 40
# A column of words no longer than this is not broken into lines (ids, dates).
SHORT_LETTERS = 20
TABLE = re.compile(r"<table\b[^>]*>.*?</table>", re.S)
ROW = re.compile(r"<tr\b.*?</tr>", re.S)
HEADER_CELL = re.compile(r"<th\b[^>]*>(.*?)</th>", re.S)
CELL = re.compile(r"<td>(.*?)</td>", re.S)
TAG = re.compile(r"<[^>]+>")
NUMBER = re.compile(r"[\s<>≥≤=~±+\-−–%.,:/()\[\]\d]*|nan|NaN|inf|None|e")


def dress(body: str) -> str:
    """The page's body with every table dressed."""
    return TABLE.sub(lambda match: _dress(match.group(0)), body)


def plain(markup: str) -> str:
    """The text of some markup, in one line."""
    return html.unescape(" ".join(TAG.sub("", markup).split()))


def _dress(markup: str) -> str:
    markup = markup.replace(' border="1"', "")
    head, split, body = markup.partition("<tbody>")
    if split and 'class="dataframe"' in head:
        if not ROW.search(body):
            return '<p class="empty">No rows.</p>'
        head, body = _without_counter(_one_line(head), body)
        markup = _align(head, body)
    tall = " tall" if markup.count("<tr") > TALL_ROWS else ""
    return f'<div class="table-scroll{tall}" tabindex="0" role="region" aria-label="Table">{markup}</div>'


def _one_line(head: str) -> str:
    """pandas puts the names of an index on a line of their own; they fit into the empty cells above."""
    rows = ROW.findall(head)
    if len(rows) != 2:
        return head
    upper, lower = ([plain(cell) for cell in HEADER_CELL.findall(row)] for row in rows)
    if len(upper) != len(lower) or any(u and low for u, low in zip(upper, lower)):
        return head
    cells = "".join(f"<th>{html.escape(u or low)}</th>" for u, low in zip(upper, lower))
    return head.replace(rows[1], "").replace(rows[0], f"<tr>{cells}</tr>")


def _without_counter(head: str, body: str) -> tuple[str, str]:
    """Leave out an index that only counts the rows."""
    counters = [[plain(cell) for cell in HEADER_CELL.findall(row)] for row in ROW.findall(body)]
    titles = [plain(cell) for cell in HEADER_CELL.findall(head)]
    if not counters or counters != [[str(n)] for n in range(len(counters))] or not titles or titles[0]:
        return head, body

    def shorten(match: re.Match[str]) -> str:
        return HEADER_CELL.sub("", match.group(0), count=1)

    return ROW.sub(shorten, head), ROW.sub(shorten, body)


def _align(head: str, body: str) -> str:
    rows = [[plain(cell) for cell in CELL.findall(row)] for row in ROW.findall(body)]
    width = max((len(row) for row in rows), default=0)
    columns = [[row[i] for row in rows if i < len(row)] for i in range(width)]
    kinds = ["" if all(NUMBER.fullmatch(cell) for cell in column) else "words" for column in columns]
    for i, column in enumerate(columns):
        if kinds[i] and max(map(len, column)) <= SHORT_LETTERS:
            kinds[i] += " short"

    def mark(tag: str, index: int) -> str:
        kind = "words" if index < 0 else kinds[index] if index < width else ""
        return f'<{tag} class="{kind}">' if kind else f"<{tag}>"

    def row(match: re.Match[str]) -> str:
        place = itertools.count()
        return re.sub(r"<td>", lambda _: mark("td", next(place)), match.group(0))

    def titles(match: re.Match[str]) -> str:
        place = itertools.count(width - match.group(0).count("<th>"))
        return re.sub(r"<th>", lambda _: mark("th", next(place)), match.group(0))

    return ROW.sub(titles, head) + "<tbody>" + ROW.sub(row, body)
