"""Move the threshold of a finding and see what follows; shown by 04_evaluation in JupyterLab, in its page and on paper.

The page needs no kernel and no network. Without JavaScript, and in print, it shows the ROC curve and the counts at the
declared threshold of the finding with most positives.
"""

import hashlib
import json
import os
from dataclasses import dataclass
from importlib import resources

import jinja2
import numpy as np
from markupsafe import Markup
from scipy import special

from labkit.evaluation import curves, explored, operating, thresholds
from labkit.layout import HEADLESS_VARIABLE

__all__ = ["RATES", "Explorer", "explore"]

RATES = {"sensitivity": "Sensitivity", "specificity": "Specificity", "ppv": "PPV", "npv": "NPV", "f1": "F1"}
FRAME = (44, 12, 344, 312)  # left, top, right, bottom of the ROC axes, in pixels of the drawing


@dataclass(frozen=True)
class Explorer:
    """HTML of the explorer; `data` is what its page holds."""

    data: dict
    html: str

    def _repr_html_(self):
        return self.html

    def __repr__(self):
        shown = "studies and counts" if self.data["cases"] else "counts"
        return f"Explorer of thresholds: {len(self.data['groups'])} groups, {shown}"


def explore(predictions, labels, *, settings):
    """The explorer of all policies, of each test site and of validation.

    Studies are listed by pseudonym with score, reference and whether their report was uncertain where
    `settings.show_cases` allows it, and also where a person runs the notebook; else there are only counts, at
    thresholds with `settings.min_cell` or more studies between two. Of the report itself nothing is shown.

    predictions, labels, settings : as `evaluate`.

    Raises
    ------
    TableError : as `evaluate`.
    """
    found = explored.groups(predictions, labels, settings=settings)
    by_hand = not os.environ.get(HEADLESS_VARIABLE)
    data = explored.pack(found, show_cases=settings.show_cases or by_hand, min_cell=settings.min_cell)
    point = thresholds.point_name(settings.operating_point, settings.target(settings.operating_point))
    point = point.replace("_", " ").replace("youden", "Youden")
    data |= {
        "level": settings.level,
        "z2": float(special.ndtri(0.5 + settings.level / 2)) ** 2,
        "point": f"{point} on validation",
        "frame": FRAME,
    }
    return Explorer(data, _html(found, data, settings, private=by_hand and not settings.show_cases))


def _html(found, data, settings, *, private):
    folder = resources.files("labkit.evaluation") / "interactive"
    markup = jinja2.Environment(autoescape=True, loader=jinja2.FileSystemLoader(str(folder)), trim_blocks=True)
    if not found:
        return '<p class="empty">No finding is evaluated, so there is no threshold to move.</p>'
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False).replace("<", "\\u003c")
    return markup.get_template("explorer.html.j2").render(
        id=hashlib.sha256(text.encode()).hexdigest()[:8],
        data=Markup(text),
        style=Markup((folder / "explorer.css").read_text(encoding="utf-8")),
        script=Markup((folder / "explorer.js").read_text(encoding="utf-8")),
        still=_still(found[0], settings),
        frame=FRAME,
        point=data["point"],
        level=f"{100 * settings.level:g}",
        cases=data["cases"],
        private=private and data["cases"],
    )


def _still(group, settings):
    """The figure for paper: the finding with most positives at its declared threshold."""
    column = max(group.columns, key=lambda c: c.n_positive)
    used = ~np.isnan(column.reference)
    y, score = column.reference[used], column.score[used]
    counts = operating.confusion(y, score, threshold=column.threshold)
    known = not np.isnan(column.threshold)
    rates = operating.rates(counts, level=settings.level)
    x, height, _ = curves.roc(y, score)
    return {
        "finding": column.finding,
        "site": group.site,
        "split": group.split,
        "policy": group.policy,
        "n": len(y),
        "positives": column.n_positive,
        "threshold": f"{column.threshold:.4g}" if known else "",
        "counts": counts if known else None,
        "rates": [(RATES[name], _text(rates[name])) for name in RATES] if known else [],
        "path": "M" + "L".join("{:.1f} {:.1f}".format(*_place(a, b)) for a, b in zip(x, height)),
        "dot": _place(1 - rates["specificity"].value, rates["sensitivity"].value) if known else None,
        "ticks": [(f"{t:g}", *_place(t, t)) for t in (0, 0.25, 0.5, 0.75, 1)],
    }


def _place(x, y):
    left, top, right, bottom = FRAME
    return left + x * (right - left), bottom - y * (bottom - top)


def _text(rate):
    return "–" if np.isnan(rate.value) else f"{rate.value:.3f} ({rate.low:.3f}–{rate.high:.3f})"
