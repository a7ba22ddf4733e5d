"""Label accuracy as the study's own table gives it, one line per anatomy and one of all, for the index page.

Gathered from METRICS files of 02. The interval of all anatomies is put together from theirs (MOVER: Zou & Donner 2008,
Statistics in Medicine 27, 1693-1702), since their reports are drawn apart: nothing is drawn anew.
"""

import csv
from dataclasses import dataclass
from math import nan, sqrt
from pathlib import Path

__all__ = ["Line", "lines", "verified_by"]

OVERALL = {"finding": "All findings", "site": "all", "reading": "report"}
ALL = "All anatomies"
NOBODY = "nobody"
VALUES = ("true", "uncertain", "false")
# Who verified, recognised in the notice of 02; the first that fits.
READERS = {
    "simulated reader and people": "people and a simulated reader",
    "simulated": "a simulated reader",
    "partly verified": "people, in part",
    "unverified": NOBODY,
    "verified": "people",
}


@dataclass(frozen=True)
class Line:
    """One line of the table; texts as shown, empty where nothing is verified."""

    anatomy: str
    verified_by: str
    reports: str = ""
    labels: str = ""
    right: str = ""
    accuracy: str = ""
    wilson: str = ""
    all_false: str = ""
    balanced: str = ""
    f1_true: str = ""
    f1_uncertain: str = ""
    exact: str = ""
    method: str = ""


@dataclass(frozen=True)
class _Figure:
    """A row of METRICS in numbers."""

    value: float
    low: float
    high: float
    n: float
    hits: float
    level: float
    method: str


def verified_by(notices: list[str]) -> str:
    """Who verified the labels, by the notices of the page of 02."""
    told = " ".join(notices).lower()
    return next((who for words, who in READERS.items() if words in told), NOBODY)


def lines(found: dict[str, tuple[Path, str]]) -> list[Line]:
    """The table of a study: METRICS file and words on who verified by anatomy.

    The line of all anatomies follows where two or more have verified labels; balanced accuracy and F1 have no interval
    there.
    """
    figures = {name: _figures(path) for name, (path, _) in found.items()}
    made = [
        _line(name, who, figures[name]) if figures[name] else Line(name, NOBODY) for name, (_, who) in found.items()
    ]
    known = {name: own for name, own in figures.items() if own}
    if len(known) > 1:
        who = ", ".join(dict.fromkeys(found[name][1] for name in known))
        made.append(_line(ALL, who, _together(list(known.values()))))
    return made


def _figures(path: Path) -> dict[str, _Figure]:
    """Figures over all findings and sites by metric; empty where nothing is verified."""
    if not path.is_file():
        return {}
    with open(path, encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if all(row[key] == word for key, word in OVERALL.items())]
    return {
        row["metric"]: _Figure(
            *(float(row[key] or "nan") for key in ("value", "low", "high", "n", "n_positive", "level")), row["method"]
        )
        for row in rows
    }


def _together(parts: list[dict[str, _Figure]]) -> dict[str, _Figure]:
    """The figures that counts of several anatomies give together."""
    from labkit.evaluation import wilson  # late: a start of the run must not wait for scipy

    made = {}
    for metric in ("label_accuracy", "all_false_accuracy", "exact_match"):
        own = [part[metric] for part in parts if metric in part]
        n, hits, level = sum(f.n for f in own), sum(f.hits for f in own), own[0].level
        value = hits / n
        below, above = (
            sqrt(sum((f.n / n * (limit - f.value)) ** 2 for f, limit in zip(own, limits)))
            for limits in ([f.low for f in own], [f.high for f in own])
        )
        made[metric] = _Figure(value, value - below, value + above, n, hits, level, _methods(own))
    for value in VALUES:
        precision, recall = ([part[f"{name}_{value}"] for part in parts] for name in ("precision", "recall"))
        both, said, there = sum(f.hits for f in recall), sum(f.n for f in precision), sum(f.n for f in recall)
        made[f"recall_{value}"] = _alone(both, there)
        made[f"f1_{value}"] = _alone(2 * both, said + there)
    recalls = [figure.value for value in VALUES if (figure := made[f"recall_{value}"]).n]
    made["balanced_accuracy"] = _alone(sum(recalls), len(recalls))
    share = made["label_accuracy"]
    naive = wilson(share.hits, share.n, level=share.level)
    made["label_accuracy_wilson"] = _Figure(share.value, naive.low, naive.high, share.n, share.hits, share.level, "")
    return made


def _alone(hits: float, n: float) -> _Figure:
    """A figure of pooled counts without an interval, since the anatomies' intervals do not tell it."""
    return _Figure(hits / n if n else nan, nan, nan, n, hits, nan, "")


def _methods(own: list[_Figure]) -> str:
    return ", ".join(dict.fromkeys(figure.method for figure in own))


def _line(name: str, who: str, own: dict[str, _Figure]) -> Line:
    share, exact = own["label_accuracy"], own.get("exact_match")
    return Line(
        name,
        who,
        reports=f"{exact.n:,.0f}" if exact else "",
        labels=f"{share.n:,.0f}",
        right=f"{share.hits:,.0f}",
        accuracy=_percent(share, digits=2),
        wilson=_range(own.get("label_accuracy_wilson")),
        all_false=_percent(own.get("all_false_accuracy"), whole=False),
        balanced=_percent(own.get("balanced_accuracy")),
        f1_true=_decimal(own.get("f1_true")),
        f1_uncertain=_decimal(own.get("f1_uncertain")),
        exact=_percent(exact),
        method=f"{share.level:.0%}, {share.method}",
    )


def _percent(figure: _Figure | None, *, digits: int = 1, whole: bool = True) -> str:
    if figure is None or figure.value != figure.value:
        return "–"
    shown = f"{100 * figure.value:.{digits}f} %"
    return shown + f" ({_range(figure, digits)})" if whole and figure.low == figure.low else shown


def _range(figure: _Figure | None, digits: int = 2) -> str:
    return f"{100 * figure.low:.{digits}f}–{100 * figure.high:.{digits}f}" if figure else "–"


def _decimal(figure: _Figure | None) -> str:
    if figure is None or figure.value != figure.value:
        return "–"
    shown = f"{figure.value:.2f}"
    return shown + f" ({figure.low:.2f}–{figure.high:.2f})" if figure.low == figure.low else shown
