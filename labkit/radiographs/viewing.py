"""The view of each image in the template's words, and which rule gave it."""

from collections.abc import Sequence

import pandas as pd

from labkit.radiographs.rules import DEFAULT_VIEW_RULES, ViewRule
from labkit.radiographs.views import normal_view

__all__ = ["name_views"]

# A template that knows one frontal view means either projection by it.
FRONTAL = {"AP": "PA", "PA": "AP"}


def name_views(
    images: pd.DataFrame, *, views: Sequence[str], view_rules: Sequence[ViewRule] = DEFAULT_VIEW_RULES
) -> pd.DataFrame:
    """Give each image of an index a view, first by ViewPosition, then by the first rule that matches.

    Parameters
    ----------
    images : an index, see `radiographs.index`.
    views : the template's views, for instance AP and LATERAL; PA counts as AP where only AP is among them,
        and the other way round.

    Returns
    -------
    view (one of AP, PA, LATERAL, ... or a rule's own word; empty where nothing tells) and view_source
    (`ViewPosition`, the rule, or empty), with the index of `images`.
    """
    known = tuple(view.upper() for view in views)
    named = [_view_of(row, known, view_rules) for row in images.to_dict("records")]
    return pd.DataFrame(named, columns=["view", "view_source"], index=images.index)


def _view_of(row: dict[str, str], known: tuple[str, ...], view_rules: Sequence[ViewRule]) -> tuple[str, str]:
    view = normal_view(row["view"])
    if view:
        return _in_template(view, known, "ViewPosition")
    for rule in view_rules:
        if rule.matches(row.get(rule.field, "")):
            return _in_template(normal_view(rule.view) or rule.view.upper(), known, rule.name)
    return "", ""


def _in_template(view: str, known: tuple[str, ...], source: str) -> tuple[str, str]:
    other = FRONTAL.get(view)
    if view not in known and other in known:
        return other, f"{source} ({view} taken as {other})"
    return view, source
