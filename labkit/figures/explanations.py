"""Where a network looks: test radiographs with their maps, one row per finding, one column per outcome.

Cases and maps come from 03_training, thresholds from 04_evaluation. Several policies are shown on the same cases, which
were drawn by lot; of one policy the most certain case of each outcome is shown.
"""

from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from labkit.figures.overlay import colour_bar, enlarged, overlay
from labkit.figures.saving import Picture
from labkit.figures.style import GREY, PAGE_HEIGHT_IN, SMALLEST_PT, WIDTH_IN, look, shown, wrapped

__all__ = ["explanation_panel"]

# Role of a case -> whether its reference is positive, whether its score has to be, and its title.
OUTCOMES = {
    "highest_positive": (True, "True positive"),
    "highest_negative": (True, "False positive"),
    "lowest_negative": (False, "True negative"),
    "lowest_positive": (False, "False negative"),
}
LOTS = {"drawn_positive": "A positive study, by lot", "drawn_negative": "A negative study, by lot"}
NONE = {
    "highest_positive": "none is found",
    "highest_negative": "no false alarm",
    "lowest_negative": "none is below\nthe threshold",
    "lowest_positive": "none is missed",
}
RANDOM = "Random weights"
NAME_IN, GAP_IN, UNDER_IN, TOP_IN, BAR_IN = 1.02, 0.12, 0.17, 0.28, 0.46
MOST_VIEWS = 2


@dataclass(frozen=True)
class _Row:
    """A finding under one policy; cases : role -> rows of CASES, one per view, best first."""

    finding: str
    policy: str
    threshold: float
    cases: dict
    explained: object


def explanation_panel(explained: dict, metrics: pd.DataFrame, *, max_findings: int) -> Picture | None:
    """Maps over test radiographs; None where there is nothing to draw.

    Parameters
    ----------
    explained : policy -> training.explained.Explained. metrics : METRICS, for the thresholds of the operating point.
    max_findings : rows at most, fewer where the page ends; those with most positives.

    Returns
    -------
    Picture; its data has a row per radiograph drawn.
    """
    explained = {policy: found for policy, found in explained.items() if len(found.cases)}
    rows = _rows(explained, metrics)
    if not rows:
        return None
    titles = {role: title for role, (_, title) in OUTCOMES.items()} if len(explained) == 1 else LOTS
    side, n_views = _size(rows, len(titles) + 1)
    tall = side + UNDER_IN
    most = int((PAGE_HEIGHT_IN - TOP_IN - BAR_IN) / (tall + 0.05)) // len(explained)
    findings = list(dict.fromkeys(row.finding for row in rows))[: max(1, min(most, max_findings))]
    rows = [row for row in rows if row.finding in findings]
    height = TOP_IN + BAR_IN + len(rows) * tall
    drawn, data = plt.figure(figsize=(WIDTH_IN, height)), []
    for n, row in enumerate(rows):
        top = height - TOP_IN - n * tall
        _name(drawn, row, top, side, many=len(explained) > 1)
        data += _draw_row(drawn, row, list(titles), top=top, side=side, n_views=n_views)
    for column, title in enumerate([*titles.values(), RANDOM]):
        left = NAME_IN + column * (n_views * side + GAP_IN)
        drawn.text(left / WIDTH_IN, 1 - 0.16 / height, title, fontsize=8, ha="left", va="baseline")
    exact = all(row.explained.cases["method"].iloc[0] == "CAM" for row in rows)
    what = "logit of a place beyond the threshold" if exact else "weight of a place"
    colour_bar(drawn, what, left=NAME_IN / WIDTH_IN, bottom_in=0.3)
    return Picture(drawn, pd.DataFrame(data), _caption(rows, explained, exact))


def _rows(explained, metrics):
    """Findings that have a threshold, in the order of the cases; all policies of one finding together."""
    known = metrics[(metrics.metric == "threshold") & metrics.value.notna()]
    thresholds = known.drop_duplicates(["policy", "finding"]).set_index(["policy", "finding"])["value"].to_dict()
    findings = list(dict.fromkeys(f for found in explained.values() for f in found.cases["finding"]))
    rows = []
    for finding in findings:
        own = [
            _Row(finding, policy, thresholds[policy, finding], _cases(found.cases, finding), found)
            for policy, found in explained.items()
            if (policy, finding) in thresholds and (found.cases["finding"] == finding).any()
        ]
        rows += own if len(own) == len(explained) else []
    return rows


def _cases(cases, finding):
    """Role -> the rows of its views, those with a radiograph to show, in the order of the slots."""
    own = cases[(cases["finding"] == finding) & (cases["tile"] >= 0)]
    return {role: rows.head(MOST_VIEWS) for role, rows in own.groupby("role")}


def _size(rows, n_columns):
    """Side of a radiograph in inches, and radiographs per case."""
    n_views = max(len(views) for row in rows for views in row.cases.values())
    free = WIDTH_IN - NAME_IN - 0.04 - (n_columns - 1) * GAP_IN
    return min(free / n_columns / n_views, 1.3), n_views


def _name(drawn: Figure, row: _Row, top: float, side: float, *, many: bool) -> None:
    height = drawn.get_figheight()
    name = wrapped(row.finding, 17)
    drawn.text(0.02 / WIDTH_IN, (top - 0.02) / height, name, fontsize=7.5, va="top", linespacing=1.1)
    if many:
        low = (top - side + 0.02) / height
        drawn.text(0.02 / WIDTH_IN, low, shown(row.policy), fontsize=7.5, va="bottom", color=look(row.policy).color)


def _draw_row(drawn, row, roles, *, top, side, n_views):
    """The cases of one finding, and the first of them with random weights; returns the rows of the figure's data."""
    kept = {role: row.cases[role] for role in roles if role in row.cases and _is_case(row, role)}
    heats = {role: [_heat(row, n) for n in views.index] for role, views in kept.items()}
    largest = max((float(heat.max()) for many in heats.values() for heat in many), default=0.0)
    height, data = drawn.get_figheight(), []

    def axes(column, view):
        left = NAME_IN + column * (n_views * side + GAP_IN) + view * side
        return drawn.add_axes(
            (left / WIDTH_IN, (top - side) / height, (side - 0.02) / WIDTH_IN, (side - 0.02) / height)
        )

    for column, role in enumerate(roles):
        if role not in kept:
            ax = axes(column, 0)
            ax.axis("off")
            ax.text(0, 0.5, NONE.get(role, "none"), fontsize=SMALLEST_PT, color=GREY, transform=ax.transAxes)
            continue
        for view, (place, heat) in enumerate(zip(kept[role].itertuples(), heats[role])):
            ax = axes(column, view)
            overlay(ax, row.explained.pictures.get(place.image_id), heat / largest if largest > 0 else heat)
            if view == 0:
                said = "" if role in OUTCOMES else f", {_outcome(row, role)}"
                _under(ax, f"{place.study_id}  {place.score:.2f}{said}")
            data.append(_told(row, role, place))
    first = next((role for role in roles if role in kept), None)
    if first is not None:
        of_random = [_heat(row, n, randomised=True) for n in kept[first].index]
        peak = max(float(heat.max()) for heat in of_random)
        for view, (place, heat) in enumerate(zip(kept[first].itertuples(), of_random)):
            ax = axes(len(roles), view)
            overlay(ax, row.explained.pictures.get(place.image_id), heat / peak if peak > 0 else heat)
            if view == 0:
                _under(ax, f"rank corr. {place.rank_correlation:.2f}")
    return data


def _is_case(row, role):
    """Whether an extreme lies on its side of the threshold, which makes it that outcome; a case by lot always is."""
    if role not in OUTCOMES:
        return True
    return (row.cases[role]["score"].iloc[0] >= row.threshold) == OUTCOMES[role][0]


def _heat(row, n, *, randomised=False):
    """(points, points) of 0 and more: what speaks for the finding, beyond the threshold where the map is in logits."""
    values = (row.explained.randomised if randomised else row.explained.maps)[n].astype(float)
    if row.explained.cases["method"].iloc[0] == "CAM":
        edge = np.clip(row.threshold, 1e-9, 1 - 1e-9)
        zero = np.median(values) if randomised else np.log(edge / (1 - edge))
        values = values - zero
    return np.maximum(enlarged(np.nan_to_num(values)), 0.0)


def _under(ax: Axes, text: str) -> None:
    ax.annotate(
        text, (0, 0), xycoords="axes fraction", xytext=(0, -2), textcoords="offset points", va="top",
        fontsize=SMALLEST_PT, annotation_clip=False,
    )  # fmt: skip


def _told(row, role, place):
    """A row of the figure's data."""
    outcome = OUTCOMES[role][1] if role in OUTCOMES else _outcome(row, role)
    return {
        "finding": row.finding,
        "policy": row.policy,
        "outcome": outcome.lower(),
        "chosen": role,
        "study_id": place.study_id,
        "view": place.view,
        "score": place.score,
        "threshold": row.threshold,
        "method": place.method,
        "peak_across": place.peak_across,
        "peak_down": place.peak_down,
        "rank_correlation": place.rank_correlation,
        "picture": place.picture,
    }


def _outcome(row, role):
    called = row.cases[role]["score"].iloc[0] >= row.threshold
    return f"{'true' if called == role.endswith('_positive') else 'false'} {'positive' if called else 'negative'}"


def _caption(rows, explained, exact):
    n = len({view.study_id for row in rows for views in row.cases.values() for view in views.itertuples()})
    method = rows[0].explained.cases["method"].iloc[0]
    grid = " x ".join(map(str, rows[0].explained.maps.shape[1:]))
    cases = "the most certain case of each outcome" if len(explained) == 1 else "the same cases, drawn by lot"
    sums = "what exceeds the logit of the threshold is coloured" if exact else "the colour gives an order of places"
    said = " ".join(
        f"{shown(policy) + ': ' if len(explained) > 1 else ''}{_sanity(found)}" for policy, found in explained.items()
    )
    return (
        f"Where the network looks: {method} ({grid} places) on test radiographs, {cases}, with pseudonym and "
        f"probability; {sums}, the line is half of the row's largest. On the right the first case with random weights, "
        f"on a scale of its own. Candidates come from {n} studies. {said}"
    )


def _sanity(found):
    at = found.checks[found.checks.check == "rank correlation"].set_index("compared")["value"]
    numbers = ", ".join(f"{name} {at[name]:.2f}" for name in at.index)
    return f"Median rank correlation with maps of random weights: {numbers}. {found.note}"
