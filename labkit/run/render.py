"""Turn an executed notebook into one self-contained page that looks the same offline, wide, narrow and on paper.

nbconvert renders the body with the template in `report/`; the frame adds contents, notices, parameters and
provenance. The page forbids itself every request (Content-Security-Policy) and carries no script of a
notebook's output.
"""

import html
import itertools
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

import jinja2
import nbformat
from markupsafe import Markup
from nbconvert import HTMLExporter
from pygments.formatters import HtmlFormatter
from traitlets.config import Config

__all__ = ["Link", "Page", "to_html"]

HIDDEN_TAGS = ("parameters", "injected-parameters", "no-report")
TALL_TABLE_ROWS = 40
FIGURE_TYPES = ("image/png", "image/svg+xml", "image/jpeg")
HEADING = re.compile(r"<h([1-4])([^>]*)>(.*?)</h\1>", re.S)
TABLE = re.compile(r"<table\b[^>]*>.*?</table>", re.S)
NOTICE = re.compile(r'<(div|p|section|aside)\b[^>]*class="[^"]*\blabkit-notice\b[^"]*"[^>]*>(.*?)</\1>', re.S)
SCRIPT = re.compile(r"<script\b.*?</script\s*>|<link\b[^>]*>|<iframe\b.*?</iframe\s*>", re.S | re.I)
EMPTY_ALT = re.compile(r'(<img\b[^>]*?)\salt=""', re.S)
TAG = re.compile(r"<[^>]+>")
NUMBER = re.compile(r"^[\s<>≥≤=~±+\-−–%.,:/()\[\]\d]*$|^(nan|NaN|inf|None)$")


@dataclass(frozen=True)
class Link:
    """A step in the bar on top; the current one bears no address."""

    label: str
    href: str
    current: bool = False


@dataclass(frozen=True)
class Page:
    """What the frame shows around a notebook's content; `parameters` and `provenance` are pairs (what, value)."""

    title: str
    kicker: str
    study: str
    home: str = "index.html"
    links: tuple[Link, ...] = ()
    parameters: tuple[tuple[str, str], ...] = ()
    provenance: tuple[tuple[str, str], ...] = ()


def to_html(executed: nbformat.NotebookNode, *, page: Page, failed: str = "") -> tuple[str, list[str]]:
    """The page and the texts of its notices.

    Parameters
    ----------
    failed : why the step failed, shown in a red banner; empty for a whole run.
    """
    body, _ = _exporter().from_notebook_node(_tidy(executed))
    body = SCRIPT.sub("", body)
    body, notices = _take_notices(body)
    body, contents = _contents(body)
    body = TABLE.sub(lambda match: _table(match.group(0)), _fill_alt(body))
    if page.parameters:
        contents.append({"level": 2, "id": "parameters", "text": "Parameters"})
    if page.provenance:
        contents.append({"level": 2, "id": "provenance", "text": "Provenance"})
    markup = jinja2.Environment(autoescape=True, loader=jinja2.FileSystemLoader(_folder()))
    rendered = markup.get_template("frame.html.j2").render(
        page=page,
        failed=failed,
        has_failed_cell='id="failed-cell"' in body,
        notices=[Markup(notice) for notice in notices],
        contents=contents,
        body=Markup(body),
        style=Markup(style()),
    )
    return rendered, [_plain(notice) for notice in notices]


@cache
def style() -> str:
    """The style sheet of every page, with the colours of folded code."""
    own = (Path(_folder()) / "style.css").read_text(encoding="utf-8")
    return own + "\n" + HtmlFormatter(style="friendly").get_style_defs(".highlight")


@cache
def _folder() -> str:
    return str(resources.files("labkit.run") / "report")


def _exporter() -> HTMLExporter:
    settings = Config()
    settings.HTMLExporter.exclude_anchor_links = True
    # Beautiful Soup would rewrite inline markup; figures are data addresses anyway.
    settings.HTMLExporter.embed_images = False
    settings.TagRemovePreprocessor.enabled = True
    settings.TagRemovePreprocessor.remove_cell_tags = set(HIDDEN_TAGS)
    folder = Path(_folder())
    return HTMLExporter(
        config=settings, extra_template_basedirs=[str(folder.parent)], template_name=folder.name, language="en"
    )


def _tidy(executed: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """A copy in which progress bars left only their last state and empty cells are gone."""
    tidy = nbformat.from_dict(executed)
    for cell in tidy.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "stream":
                lines = [line.split("\r")[-1] for line in output.text.replace("\r\n", "\n").split("\n")]
                output.text = "\n".join(lines)
            elif any(kind in output.get("data", {}) for kind in FIGURE_TYPES):
                # A figure's own repr ("<Axes: ...>") is no result; a figure wins over other forms.
                for kind in ("text/plain", "text/html"):
                    output.data.pop(kind, None)
    return tidy


def _take_notices(body: str) -> tuple[str, list[str]]:
    """Move notices to the top of the page, each once."""
    found = [match.group(2).strip() for match in NOTICE.finditer(body)]
    return NOTICE.sub("", body), list(dict.fromkeys(found))


def _contents(body: str) -> tuple[str, list[dict]]:
    """Give every heading an address and list those of the second and third level (also those that code displayed)."""
    entries: list[dict] = []
    used = {"parameters", "provenance", "failed-cell"}

    def mark(match: re.Match[str]) -> str:
        level, inner = int(match.group(1)), match.group(3)
        shown = _plain(inner)
        base = re.sub(r"[^\w]+", "-", shown.lower()).strip("-") or "section"
        address, count = base, 1
        while address in used:
            count += 1
            address = f"{base}-{count}"
        used.add(address)
        if level in (2, 3):
            entries.append({"level": level, "id": address, "text": shown})
        return f'<h{level} id="{address}">{inner}</h{level}>'

    return HEADING.sub(mark, body), entries


def _fill_alt(body: str) -> str:
    """Describe a figure that brings no text of its own by the heading above it."""
    headings = [(match.start(), _plain(match.group(3))) for match in HEADING.finditer(body)]

    def describe(match: re.Match[str]) -> str:
        above = [text for place, text in headings if place < match.start()]
        return f'{match.group(1)} alt="Figure: {html.escape(above[-1] if above else "result", quote=True)}"'

    return EMPTY_ALT.sub(describe, body)


def _table(markup: str) -> str:
    """A table in a box that scrolls sideways, its columns of words aligned left and of numbers right."""
    rows = markup.count("<tr")
    markup = markup.replace(' border="1"', "")
    if 'class="dataframe"' in markup:
        markup = _align(markup)
    tall = " tall" if rows > TALL_TABLE_ROWS else ""
    return f'<div class="table-scroll{tall}" tabindex="0" role="region" aria-label="Table">{markup}</div>'


def _align(markup: str) -> str:
    head, split, body = markup.partition("<tbody>")
    if not split:
        return markup
    rows = [re.findall(r"<td>(.*?)</td>", row, re.S) for row in re.findall(r"<tr\b.*?</tr>", body, re.S)]
    width = max((len(row) for row in rows), default=0)
    words = {
        i
        for i in range(width)
        if not all(NUMBER.match(_plain(row[i])) for row in rows if i < len(row) and row[i].strip())
    }

    def row(match: re.Match[str]) -> str:
        place = itertools.count()
        return re.sub(r"<td>", lambda _: '<td class="words">' if next(place) in words else "<td>", match.group(0))

    body = re.sub(r"<tr\b.*?</tr>", row, body, flags=re.S)
    return _align_head(head, words, width) + split + body


def _align_head(head: str, words: set[int], width: int) -> str:
    """Column titles follow their columns; titles over the index (the first ones) are words."""

    def row(match: re.Match[str]) -> str:
        first = match.group(0).count("<th>") - width
        place = itertools.count(-first)

        def cell(_: re.Match[str]) -> str:
            column = next(place)
            return '<th class="words">' if column < 0 or column in words else "<th>"

        return re.sub(r"<th>", cell, match.group(0))

    return re.sub(r"<tr\b.*?</tr>", row, head, flags=re.S)


def _plain(markup: str) -> str:
    return html.unescape(" ".join(TAG.sub("", markup).split()))
