"""A chart of a training that grows with every epoch, in a notebook: loss, macro AUC, AUC per finding.

Drawn as SVG text, so that it needs no widget and stays readable in a saved notebook; used by `reporting.progress`.
"""

import html
import math
from collections.abc import Sequence

__all__ = ["chart", "findings_table"]

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 360, 200, 44, 26, 20
GREY, BLUE, RED = "#888888", "#0072b2", "#d55e00"


def chart(rows: Sequence[dict]) -> str:
    """SVG of the history so far: losses on the left, macro AUC of validation on the right, the best epoch marked."""
    losses = {"training": (GREY, [r["train_loss"] for r in rows]), "validation": (BLUE, [_loss(r) for r in rows])}
    areas = {"validation": (BLUE, [r["validation_auc"] for r in rows])}
    best = max((n for n, r in enumerate(rows) if r["best"]), default=None)
    panels = [_panel("Loss", losses, best, 0), _panel("Macro AUC", areas, best, WIDTH + 20)]
    size = f'width="{2 * WIDTH + 20}" height="{HEIGHT}" viewBox="0 0 {2 * WIDTH + 20} {HEIGHT}"'
    font = 'font-family="sans-serif" font-size="11"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {font}>{"".join(panels)}</svg>'


def findings_table(rows: Sequence[dict], *, most: int = 12) -> str:
    """HTML table of the last epoch's AUC of each finding beside its best one, the lowest first."""
    last = rows[-1]["areas"]
    best = {name: max(r["areas"].get(name, -math.inf) for r in rows) for name in last}
    shown = sorted(last, key=last.get)[:most]
    body = "".join(
        f"<tr><td>{html.escape(name)}</td><td>{last[name]:.3f}</td><td>{best[name]:.3f}</td></tr>" for name in shown
    )
    head = "<tr><th>finding (lowest first)</th><th>AUC</th><th>best so far</th></tr>"
    return f"<table><thead>{head}</thead><tbody>{body}</tbody></table>"


def _loss(row: dict) -> float:
    return row["validation_loss"]


def _panel(title: str, lines: dict, best: int | None, offset: int) -> str:
    """One panel with its axes; a value that is not finite is left out."""
    values = [v for _, line in lines.values() for v in line if math.isfinite(v)]
    text = f'<text x="{offset + LEFT}" y="13" font-weight="bold">{title}</text>'
    if not values:
        return text + f'<text x="{offset + LEFT}" y="60">no finding has enough positives</text>'
    low, high = min(values), max(values)
    pad = 0.05 * (high - low) or 0.05
    low, high = low - pad, high + pad
    n = max(len(line) for _, line in lines.values())

    def place(epoch: int, value: float) -> tuple[float, float]:
        x = offset + LEFT + (WIDTH - LEFT - 8) * (epoch / (n - 1) if n > 1 else 0.5)
        return x, TOP + (HEIGHT - TOP - BOTTOM) * (high - value) / (high - low)

    floor, left, right = HEIGHT - BOTTOM, offset + LEFT, offset + WIDTH - 8
    parts = [text, f'<path d="M{left} {TOP}V{floor}H{right}" fill="none" stroke="#444444"/>']
    for value in (low + pad, high - pad):
        parts.append(f'<text x="{left - 4}" y="{place(0, value)[1] + 4:.1f}" text-anchor="end">{value:.3f}</text>')
    parts.append(f'<text x="{left}" y="{HEIGHT - 8}">epoch 1</text>')
    parts.append(f'<text x="{right}" y="{HEIGHT - 8}" text-anchor="end">{n}</text>')
    for number, (name, (colour, line)) in enumerate(lines.items()):
        points = [place(epoch, value) for epoch, value in enumerate(line) if math.isfinite(value)]
        listed = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(f'<polyline points="{listed}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        parts.append(f'<text x="{right}" y="{TOP + 12 * number}" text-anchor="end" fill="{colour}">{name}</text>')
        if name == "validation" and best is not None and math.isfinite(line[best]):
            x, y = place(best, line[best])
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{RED}"/>')
    return "".join(parts)
