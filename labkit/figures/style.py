"""One look for all figures: colours, marks and lines that colour-blind readers and grey prints tell apart; sizes for
print.

Used by every notebook. Widths are those of journal columns; no text is smaller than `SMALLEST_PT` at that width.
"""

import textwrap
from collections.abc import Iterable
from typing import NamedTuple

import matplotlib.pyplot as plt
import pandas as pd
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from labkit.templates import LabelValue

__all__ = [
    "COLUMN_IN",
    "GREY",
    "PAGE_HEIGHT_IN",
    "SMALLEST_PT",
    "VALUE_COLOURS",
    "WIDTH_IN",
    "Look",
    "figure",
    "in_order",
    "look",
    "row_height",
    "shown",
    "site_order",
    "style",
    "wrapped",
]

WIDTH_IN = 7.2  # two columns of a journal page
COLUMN_IN = 3.5  # one column
PAGE_HEIGHT_IN = 9.2
SMALLEST_PT = 7
GREY = "#6B7177"
# Okabe & Ito 2008: told apart by colour-blind readers, and in grey by lightness.
VALUE_COLOURS = {LabelValue.TRUE: "#0072B2", LabelValue.UNCERTAIN: "#E69F00", LabelValue.FALSE: "#C8CDD2"}


class Look(NamedTuple):
    """How a policy is drawn everywhere: never told apart by colour alone."""

    color: str
    marker: str
    linestyle: object


LOOKS = {
    "inclusive": Look("#0072B2", "o", "-"),
    "exclusive": Look("#D55E00", "s", (0, (4, 1.5))),
    "ignore": Look("#009E73", "^", (0, (6, 1.5, 1, 1.5))),
    "soft": Look("#CC79A7", "D", (0, (1, 1))),
    "graded": Look("#B07800", "v", (0, (4, 1, 1, 1, 1, 1))),
    "multiclass": Look("#3AA0D8", "P", (0, (2, 1))),
    "self_trained": Look("#444444", "X", (0, (8, 2))),
}
OTHER = Look("#000000", "o", "-")


def look(policy: str) -> Look:
    """Colour, marker and line of a policy; one that is not known is black."""
    return LOOKS.get(policy, OTHER)


def shown(name: str) -> str:
    """The name of a policy as it is read: `self-trained`."""
    return name.replace("_", "-")


def in_order(policies: Iterable[str]) -> list[str]:
    """Policies in the order in which they are always drawn, those that are not known last."""
    known = list(LOOKS)
    return sorted(policies, key=lambda name: (known.index(name) if name in known else len(known), name))


def style() -> None:
    """Set fonts and sizes for print, SVG ids that stay, PDF fonts that can be edited; tables show names whole."""
    pd.set_option("display.max_colwidth", 160, "display.max_rows", 120)
    plt.rcParams.update(
        {
            "axes.prop_cycle": cycler(color=[one.color for one in LOOKS.values()]),
            "axes.linewidth": 0.7,
            "lines.linewidth": 1.2,
            "lines.markersize": 3.5,
            # matplotlib brings this font along: the same letters, and the same bytes, on every machine
            "font.family": "sans-serif",
            "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial", "sans-serif"],
            "font.size": 8,
            "axes.titlesize": 8,
            "axes.labelsize": 8,
            "legend.fontsize": 7.5,
            "legend.frameon": False,
            "xtick.labelsize": 7.5,
            "ytick.labelsize": 7.5,
            "xtick.major.size": 2.5,
            "ytick.major.size": 2.5,
            "xtick.major.width": 0.7,
            "ytick.major.width": 0.7,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "hatch.linewidth": 0.6,
            "svg.hashsalt": "labkit",
            "svg.fonttype": "none",
            "pdf.fonttype": 42,
            "figure.dpi": 110,
        }
    )


def figure(*, height_in: float = 4.0, columns: int = 1, width_in: float = WIDTH_IN) -> tuple[Figure, list[Axes]]:
    """A figure with its axes side by side."""
    drawn, axes = plt.subplots(1, columns, figsize=(width_in, height_in), squeeze=False, layout="constrained")
    return drawn, list(axes[0])


def wrapped(name: str, letters: int = 34) -> str:
    """A finding's whole name, in as few lines of so many letters as its words allow, the lines about even."""
    whole = {"break_long_words": False, "break_on_hyphens": False}
    n_lines = len(textwrap.wrap(name, letters, **whole))
    shortest = next((k for k in range(1, letters) if len(textwrap.wrap(name, k, **whole)) <= n_lines), letters)
    return "\n".join(textwrap.wrap(name, shortest, **whole)) or name


def row_height(names: list[str]) -> float:
    """Inches that a row needs for the longest of its names, lines counted."""
    return 0.112 * max([name.count("\n") + 1 for name in names], default=1) + 0.035


def site_order(labels: pd.DataFrame) -> list[str]:
    """Sites of LABELS, those that train and validate before those that only test; without splits as they come."""
    if "split" not in labels:
        return list(dict.fromkeys(labels["site"]))
    order = labels.assign(only=labels["split"] == "external").groupby("site")["only"].min()
    return sorted(order.index, key=lambda site: (bool(order[site]), site))
