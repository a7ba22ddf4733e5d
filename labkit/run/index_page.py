"""The first page: `reports/index.html`, the matrix of anatomy and policy of every study, with its headline figures.

Written at the end of every run, also after a failure; failed steps are marked and lead to their page. Where the last
look found identifiers of patients, it says on top that nothing may be shared.
"""

from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import jinja2
from markupsafe import Markup

from labkit.run import files, label_table, last_look, overview
from labkit.run.steps import Plan

__all__ = ["build", "is_marked"]

MARK = '<section class="alarm"'
TEMPLATES = Path(__file__).parent / "report"


def build(plan: Plan) -> Path:
    """Write `index.html` in the reports folder for all studies found there; gives its path."""
    studies = overview.gather(plan.reports_dir, plan.build_dir)
    markup = jinja2.Environment(autoescape=True, loader=jinja2.FileSystemLoader(TEMPLATES))
    page = markup.get_template("overview.html.j2").render(
        studies=studies,
        label_lines={
            name: label_table.lines({a.name: a.verification for a in anatomies if a.verification})
            for name, anatomies in studies.items()
        },
        alarms=last_look.alarms(plan),
        style=Markup((TEMPLATES / "style.css").read_text(encoding="utf-8")),
        own_style=Markup((TEMPLATES / "overview.css").read_text(encoding="utf-8")),
        made=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        version=metadata.version("labkit"),
    )
    return files.write_text(plan.reports_dir / "index.html", page)


def is_marked(plan: Plan) -> bool:
    """Whether the page that is there says that nothing may be shared."""
    path = plan.reports_dir / "index.html"
    return path.is_file() and MARK in path.read_text(encoding="utf-8")
