"""Small panels side by side, one per finding, placed by the inch: the same size and distance on every page."""

import math
from dataclasses import dataclass

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from labkit.evaluation import MACRO
from labkit.figures.style import COLUMN_IN, PAGE_HEIGHT_IN, SMALLEST_PT, WIDTH_IN, look, shown, wrapped

__all__ = ["MOST_BARS", "Panels", "chosen_findings", "legend_rows", "note", "panels", "policy_legend"]

TITLE_PT = 7.5
LINE_IN = 0.125
LETTER_IN = 0.062  # of a title
TICKS_IN = 0.2  # below a panel that bears numbers
LEGEND_COLUMNS = 4
LEFT_IN, RIGHT_IN, BOTTOM_IN, LEGEND_IN = 0.52, 0.1, 0.46, 0.2
NAMED_IN = 1.8  # width of a panel above which the name of a policy fits before its numbers
MOST_BARS = 3  # policies up to which bands and bars do not hide each other


@dataclass(frozen=True)
class Panels:
    """The figure, its main axes in the order of the titles, and under each a low strip, where asked for."""

    figure: Figure
    axes: list[Axes]
    strips: list[Axes]


def chosen_findings(metrics: pd.DataFrame, metric: str, *, most: int) -> list[str]:
    """Findings that have a value at a site, those with most positives first; metrics : METRICS of one site."""
    rows = metrics[(metrics.metric == metric) & (metrics.reading == "primary") & metrics.value.notna()]
    rows = rows[~rows.finding.isin([MACRO, "All findings"])].drop_duplicates("finding")
    return list(rows.sort_values(["n_positive", "finding"], ascending=[False, True]).finding[:most])


def panels(
    titles: list[str],
    *,
    labels: tuple[str, str],
    legend_rows: int = 1,
    shared: bool = True,
    strip_in: float = 0.0,
    notes: int = 0,
) -> Panels:
    """Empty panels under their titles.

    Parameters
    ----------
    titles : of the panels; long ones are broken into lines.
    labels : of the x and y axis, written once.
    legend_rows : lines kept free on top.
    shared : numbers only on the left and below; else on every panel.
    strip_in : height of the strip under each panel, 0 = none.
    notes : lines kept free between title and panel, for `note`.
    """
    n = len(titles)
    columns = n if n <= 3 else 3 if n <= 9 else 4 if n <= 16 else 5 if n <= 25 else 6
    rows = math.ceil(n / columns)
    width = WIDTH_IN if columns > 1 else COLUMN_IN
    beside = 0.14 if shared else 0.42
    side = (width - LEFT_IN - RIGHT_IN - (columns - 1) * beside) / columns
    names = [wrapped(title, int(side / LETTER_IN)) for title in titles]
    over = LINE_IN * (max(name.count("\n") + 1 for name in names) + notes) + 0.09
    below = strip_in + 0.06 if strip_in else 0.0 if shared else TICKS_IN
    top = LEGEND_IN * legend_rows
    free = PAGE_HEIGHT_IN - top - BOTTOM_IN - rows * (over + below)
    tall = min(side if columns > 1 else 2.7, 2.4 if columns < 3 else side, free / rows)
    height = top + BOTTOM_IN + rows * (tall + over + below) - (0 if strip_in or shared else TICKS_IN)
    drawn = plt.figure(figsize=(width, height))
    axes, strips = [], []
    for place, name in enumerate(names):
        row, column = divmod(place, columns)
        left = (LEFT_IN + column * (side + beside)) / width
        bottom = height - top - row * (tall + over + below) - over - tall
        ax = drawn.add_axes((left, bottom / height, side / width, tall / height))
        ax.set_title(name, loc="left", fontsize=TITLE_PT, pad=3 + 72 * LINE_IN * notes, linespacing=1.1)
        strip = drawn.add_axes((left, (bottom - below) / height, side / width, strip_in / height)) if strip_in else None
        lowest = strip or ax
        if strip:
            ax.tick_params(labelbottom=False)
            strip.tick_params(labelleft=column == 0)
            strips.append(strip)
        lowest.tick_params(labelbottom=not shared or place + columns >= n)
        ax.tick_params(labelleft=not shared or column == 0)
        axes.append(ax)
    middle = LEFT_IN / width + (1 - (LEFT_IN + RIGHT_IN) / width) / 2
    drawn.text(middle, 0.06 / height, labels[0], ha="center", va="bottom", fontsize=8)
    high = (BOTTOM_IN + (height - top - BOTTOM_IN) / 2) / height
    drawn.text(0.06 / width, high, labels[1], rotation=90, ha="left", va="center", fontsize=8)
    return Panels(drawn, axes, strips)


def note(text: str, policy: str, ax: Axes, *, line: int) -> None:
    """Write numbers of a policy above a panel, in its colour, with its name where that fits; `line` counts upwards."""
    wide = ax.get_position().width * ax.figure.get_figwidth() > NAMED_IN
    marked = f"{shown(policy)} {text}" if wide else text
    lift = {"xytext": (0, 3 + 72 * LINE_IN * line), "textcoords": "offset points"}
    ax.annotate(marked, (0, 1), xycoords="axes fraction", fontsize=SMALLEST_PT, color=look(policy).color, **lift)


def legend_rows(n: int) -> int:
    """Rows that a legend of n entries takes."""
    return -(-n // LEGEND_COLUMNS)


def policy_legend(made: Figure, policies: list[str], *, marks: bool = True, extra: tuple[Line2D, ...] = ()) -> None:
    """Name the lines of the policies on top of a figure, in rows of four."""
    handles = [
        Line2D(
            [], [], color=look(p).color, ls=look(p).linestyle, marker=look(p).marker if marks else "", label=shown(p)
        )
        for p in policies
    ]
    made.legend(
        handles=[*handles, *extra],
        loc="upper left",
        ncols=LEGEND_COLUMNS,
        borderaxespad=0.2,
        handlelength=2.6,
        columnspacing=1.4,
    )
