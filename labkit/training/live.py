"""A chart of a training that grows with every epoch, in a notebook: loss, macro AUC, AUC per finding.

Drawn as SVG text, so that it needs no widget and stays readable in a saved notebook; text and axes take the colour of
the page, light or dark. Used by `reporting.progress`.
"""

import html
import math
from collections.abc import Sequence

__all__ = ["chart", "findings_table"]

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 360, 200, 44, 30, 26
GREY, BLUE, RED = "#8c8c8c", "#2f8fd0", "#e0641a"  # told apart on white and on near-black, also by the colour-blind
SPARK_WIDTH, SPARK_HEIGHT = 90, 16
CELL = 'style="text-align:left;padding:1px 12px 1px 0"'


def chart(rows: Sequence[dict]) -> str:
    """SVG of the history so far: losses on the left, macro AUC of validation on the right, the best epoch marked.

    rows : one per epoch, as `fit` gives them to its progress; `of`, where it is there, is the number planned.
    """
    losses = {"training": (GREY, [r["train_loss"] for r in rows])}
    losses["validation"] = (BLUE, [r["validation_loss"] for r in rows])
    areas = {"validation": (BLUE, [r["validation_auc"] for r in rows])}
    best = max((n for n, r in enumerate(rows) if r["best"]), default=None)
    last = max(len(rows), rows[-1].get("of", 0))
    panels = [_panel("Loss", losses, best, 0, last), _panel("Macro AUC", areas, best, WIDTH + 20, last)]
    size = f'width="{2 * WIDTH + 20}" height="{HEIGHT}" viewBox="0 0 {2 * WIDTH + 20} {HEIGHT}"'
    look = 'font-family="sans-serif" font-size="11" fill="currentColor" style="max-width:100%;height:auto"'
    title = f"Loss and macro AUC of {len(rows)} of {last} epochs"
    head = f'<svg class="labkit-live" xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{title}" {size} {look}>'
    return f"{head}{''.join(panels)}</svg>"


def findings_table(rows: Sequence[dict], *, most: int = 12) -> str:
    """HTML table of each finding's AUC: over the epochs as a small line, in the last epoch and its best one, the lowest
    first; what is beyond `most` is folded in.
    """
    last = rows[-1]["areas"]
    ordered = sorted(last, key=last.get)
    if not ordered:
        return "<p>No finding has both a positive and a negative study in validation.</p>"
    parts = [_table([_line(name, rows) for name in ordered[:most]])]
    if rest := ordered[most:]:
        summary = f"<summary>{len(rest)} more findings</summary>"
        parts.append(f"<details>{summary}{_table([_line(name, rows) for name in rest])}</details>")
    return "".join(parts)


def _table(lines: list[str]) -> str:
    names = ("finding (lowest first)", "AUC by epoch", "last", "best")
    head = "".join(f"<th {CELL}>{name}</th>" for name in names)
    look = 'class="labkit-live-findings" style="color:inherit"'
    return f"<table {look}><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


def _line(name: str, rows: Sequence[dict]) -> str:
    values = [row["areas"].get(name, math.nan) for row in rows]
    known = [value for value in values if math.isfinite(value)]
    cells = (html.escape(name), _spark(values), f"{values[-1]:.3f}", f"{max(known):.3f}")
    return "<tr>" + "".join(f"<td {CELL}>{cell}</td>" for cell in cells) + "</tr>"


def _spark(values: list[float]) -> str:
    """A line from 0.4 (below chance) to 1, with chance dashed."""

    def height(value: float) -> float:
        return 1 + (SPARK_HEIGHT - 2) * (1 - (min(max(value, 0.4), 1.0) - 0.4) / 0.6)

    step = (SPARK_WIDTH - 4) / max(len(values) - 1, 1)
    points = [(2 + n * step, height(value)) for n, value in enumerate(values) if math.isfinite(value)]
    listed = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    x, y = points[-1]
    chance = (
        f'<path d="M0 {height(0.5):.1f}H{SPARK_WIDTH}" stroke="currentColor" opacity="0.4" stroke-dasharray="2 2"/>'
    )
    line = f'<polyline points="{listed}" fill="none" stroke="{BLUE}" stroke-width="1.5"/>'
    dot = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2" fill="{BLUE}"/>'
    return f'<svg width="{SPARK_WIDTH}" height="{SPARK_HEIGHT}" aria-hidden="true">{chance}{line}{dot}</svg>'


def _panel(title: str, lines: dict, best: int | None, offset: int, last: int) -> str:
    """One panel with its axes; a value that is not finite is left out."""
    values = [v for _, line in lines.values() for v in line if math.isfinite(v)]
    text = f'<text x="{offset + LEFT}" y="12" font-weight="bold">{title}</text>'
    if not values:
        return text + f'<text x="{offset + LEFT}" y="60">no finding has enough positives</text>'
    low, high = min(values), max(values)
    pad = 0.08 * (high - low) or 0.05
    low, high = low - pad, high + pad
    floor, left, right = HEIGHT - BOTTOM, offset + LEFT, offset + WIDTH - 8

    def place(epoch: int, value: float) -> tuple[float, float]:
        x = left + (right - left) * (epoch / (last - 1) if last > 1 else 0.5)
        return x, TOP + (floor - TOP) * (high - value) / (high - low)

    parts = [text, f'<path d="M{left} {TOP}V{floor}H{right}" fill="none" stroke="currentColor" opacity="0.6"/>']
    for value in {low + pad, high - pad}:
        parts.append(f'<text x="{left - 4}" y="{place(0, value)[1] + 4:.1f}" text-anchor="end">{value:.3f}</text>')
    parts.append(f'<text x="{left}" y="{floor + 16}">epoch 1</text>')
    parts.append(f'<text x="{right}" y="{floor + 16}" text-anchor="end">{last}</text>')
    for number, (name, (colour, line)) in enumerate(lines.items()):
        points = [place(epoch, value) for epoch, value in enumerate(line) if math.isfinite(value)]
        listed = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(f'<polyline points="{listed}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2" fill="{colour}"/>' for x, y in points]
        parts.append(_key(name, colour, right - 90 * (len(lines) - number)))
        if name == "validation" and best is not None and math.isfinite(line[best]):
            x, y = place(best, line[best])
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="none" stroke="{RED}" stroke-width="2"/>')
            parts.append(_key("best", RED, right - 90 * len(lines) - 50))
    return "".join(parts)


def _key(name: str, colour: str, x: float) -> str:
    """A stretch of the line's colour and its name, above the panel."""
    return f'<path d="M{x} 8h14" stroke="{colour}" stroke-width="3"/><text x="{x + 18}" y="12">{name}</text>'
