"""Turn an executed notebook into one self-contained page that looks the same offline, wide, narrow and on paper.

nbconvert renders the body with the template in `report/`; the frame adds contents, notices, parameters and
provenance. The page forbids itself every request (Content-Security-Policy). Of the scripts in a notebook's output it
carries labkit's own alone, letter by letter, and the data they read.
"""

import html
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

from labkit.run import page_tables

__all__ = ["Link", "Page", "to_html"]

# The last one marks papermill's own remarks on an error, which the banner and the failed cell say better.
HIDDEN_TAGS = ("parameters", "injected-parameters", "no-report", "papermill-error-cell-tag")
FIGURE_TYPES = ("image/png", "image/svg+xml", "image/jpeg")
HEADING = re.compile(r"<h([1-4])([^>]*)>(.*?)</h\1>", re.S)
NOTICE = re.compile(r'<(div|p|section|aside)\b[^>]*class="[^"]*\blabkit-notice\b[^"]*"[^>]*>(.*?)</\1>', re.S)
SCRIPT = re.compile(r"<script\b.*?</script\s*>|<link\b[^>]*>|<iframe\b.*?</iframe\s*>", re.S | re.I)
PUT_ASIDE = re.compile(r"<!--labkit-script-(\d+)-->")
DATA = re.compile(r'<script\b[^>]*\btype="application/json"[^>]*>')  # a browser never runs it
OWN_SCRIPTS = (("labkit.evaluation", "interactive/explorer.js"),)
EMPTY_ALT = re.compile(r'(<img\b[^>]*?)\salt=""', re.S)


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
    body, scripts = _own_scripts(body)
    body, notices = _take_notices(body)
    body, contents = _contents(body)
    body = page_tables.dress(_fill_alt(body))
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
        body=Markup(PUT_ASIDE.sub(lambda match: scripts[int(match.group(1))], body)),
        style=Markup(style()),
    )
    return rendered, [page_tables.plain(notice) for notice in notices]


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
    return HTMLExporter(config=settings, extra_template_basedirs=[str(folder.parent)], template_name=folder.name)


def _tidy(executed: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """A copy in which progress bars left only their last state and empty cells are gone."""
    tidy = nbformat.from_dict(executed)
    for cell in tidy.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "stream":
                lines = [line.split("\r")[-1] for line in output.text.replace("\r\n", "\n").split("\n")]
                output.text = "\n".join(lines)
                continue
            if output.output_type == "execute_result":  # shown like anything displayed, without "Out[3]:"
                output.output_type = "display_data"
                del output["execution_count"]
            if any(kind in output.get("data", {}) for kind in FIGURE_TYPES):
                # A figure's own repr ("<Axes: ...>") is no result; a figure wins over other forms.
                for kind in ("text/plain", "text/html"):
                    output.data.pop(kind, None)
    return tidy


def _own_scripts(body: str) -> tuple[str, list[str]]:
    """Put labkit's own scripts aside, which nothing may change, and drop all others."""
    own, kept = _known_scripts(), []

    def put_aside(match: re.Match[str]) -> str:
        found = match.group(0)
        if not DATA.match(found) and found.removeprefix("<script>").removesuffix("</script>").strip() not in own:
            return ""
        kept.append(found)
        return f"<!--labkit-script-{len(kept) - 1}-->"

    return SCRIPT.sub(put_aside, PUT_ASIDE.sub("", body)), kept


@cache
def _known_scripts() -> frozenset[str]:
    texts = (resources.files(package).joinpath(path).read_text(encoding="utf-8") for package, path in OWN_SCRIPTS)
    return frozenset(text.strip() for text in texts)


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
        shown = page_tables.plain(inner)
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
    headings = [(match.start(), page_tables.plain(match.group(3))) for match in HEADING.finditer(body)]

    def describe(match: re.Match[str]) -> str:
        above = [text for place, text in headings if place < match.start()]
        return f'{match.group(1)} alt="Figure: {html.escape(above[-1] if above else "result", quote=True)}"'

    return EMPTY_ALT.sub(describe, body)
