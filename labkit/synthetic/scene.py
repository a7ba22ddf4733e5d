"""The geometry of one radiograph: bones as outlines that break, shift and open, before anything is drawn.

Points are (n, 2) float arrays in the unit square of a right limb, x to the right and y down.
"""

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from labkit.synthetic.profiles import Sign, View

__all__ = ["Scene", "build", "ellipse", "smooth"]

GAP = 0.012  # width of an undisplaced fracture gap of full visibility, as a share of the side


@dataclass
class Scene:
    """Outlines to draw, each list in drawing order."""

    bones: list[tuple[str, np.ndarray, list[np.ndarray]]] = field(default_factory=list)  # name, outline, holes in it
    lines: list[tuple[np.ndarray, float]] = field(default_factory=list)  # dark lines on bone and their width
    moved: set[str] = field(default_factory=set)  # bones out of their place


@lru_cache(maxsize=64)
def smooth(outline: tuple) -> np.ndarray:
    """A closed outline with its corners cut twice (Chaikin)."""
    points = np.asarray(outline, dtype=float)
    for _ in range(2):
        after = np.roll(points, -1, axis=0)
        points = np.stack([0.75 * points + 0.25 * after, 0.25 * points + 0.75 * after], axis=1).reshape(-1, 2)
    return points


def build(view: View, signs: list[tuple[Sign, float]], strength: dict[str, float], *, rng) -> Scene:
    """Break and shift the bones of a view.

    Parameters
    ----------
    signs : pairs (sign of this view, strength in [0, 1]); only `fracture` and `shift` act here.
    strength : finding id -> strength, for what a fracture is coloured by.
    rng : for the irregularities of a break.
    """
    scene = Scene()
    pieces = {name: [smooth(outline)] for name, outline in view.bones.items()}
    chips: dict[str, list[np.ndarray]] = {name: [] for name in pieces}
    holes: dict[str, list[np.ndarray]] = {name: [] for name in pieces}
    for sign, amount in signs:
        jitter = rng.uniform(-1, 1, 12)  # drawn for every sign, whatever its kind
        if sign.kind != "fracture" or amount <= 0 or sign.bone not in pieces:
            continue
        if sign.chip:
            holes[sign.bone].append(np.asarray(sign.chip))
            chips[sign.bone].append(_chipped(sign, amount, strength, jitter))
        else:
            pieces[sign.bone] = _broken(pieces[sign.bone], sign, amount, strength, jitter, scene)
    for sign, amount in signs:
        if sign.kind == "shift" and amount > 0:
            shift = np.asarray(sign.move) * (0.1 + 0.9 * amount)
            scene.moved.update(sign.bones)
            for outlines in (pieces, chips, holes):
                outlines.update({bone: [o + shift for o in outlines[bone]] for bone in sign.bones if bone in outlines})
    for name, parts in pieces.items():
        scene.bones += [(name, part, holes[name]) for part in parts] + [(name, chip, []) for chip in chips[name]]
    return scene


def _broken(parts, sign: Sign, amount: float, strength, jitter, scene: Scene) -> list[np.ndarray]:
    """The bone in fragments: a gap, a displacement by visibility, loose pieces and a line into the joint."""
    start, end = (np.asarray(p) + 0.012 * jitter[i * 2 : i * 2 + 2] for i, p in enumerate(sign.line))
    displaced = strength.get(sign.displaced, 0.0) if sign.displaced else sign.always_moved * amount
    comminuted = strength.get(sign.comminuted, 0.0) if sign.comminuted else 0.0
    articular = strength.get(sign.articular, 0.0) if sign.articular else 0.0
    inside = _side(np.asarray(sign.side), start, end)
    normal = np.array([end[1] - start[1], start[0] - end[0]])
    normal *= inside / max(np.hypot(*normal), 1e-9)
    gap = normal * GAP * (0.4 + 0.9 * amount + 1.2 * comminuted)
    move = np.asarray(sign.move) * displaced * (1 + 0.2 * jitter[4])
    angle = np.deg2rad(14) * displaced * (1 + 0.3 * jitter[5]) * (1 if sign.move[0] >= 0 else -1)
    whole, broken = [], []
    for part in parts:
        whole += _half(part, start, end, -inside)
        broken += [
            _turned(piece, np.asarray(sign.side), angle) + move + gap for piece in _half(part, start, end, inside)
        ]
    if not whole or not broken:
        return parts
    if displaced < 0.45:  # the fragments do not overlap: a lucent gap between them
        scene.lines.append((_gap_line(whole, start, end, jitter) + gap / 2, 0.006 + 0.012 * amount))
    if articular > 0 and sign.articular_line:
        scene.lines.append((np.asarray(sign.articular_line) + 0.01 * jitter[6:8] + move, 0.012))
    loose = []
    for i in range(3 if comminuted > 0 else 0):
        centre = start + (end - start) * (0.3 + 0.2 * i) + gap / 2 + 0.02 * jitter[6 + i : 8 + i]
        radius = 0.02 + 0.022 * comminuted
        loose.append(ellipse(centre, (radius, radius * 0.6), angle=float(jitter[9]) * 1.5 + i, corners=5))
        offset = normal * 0.05 * (0.5 + comminuted) * (1 if i % 2 else -1)
        scene.lines.append((np.array([centre, centre + offset + 0.02 * jitter[7:9]]), 0.008))
    return whole + broken + loose


def _chipped(sign: Sign, amount: float, strength, jitter) -> np.ndarray:
    """The corner that broke off, beside the hole that it leaves."""
    chip = np.asarray(sign.chip)
    displaced = strength.get(sign.displaced, 0.0) if sign.displaced else sign.always_moved * amount
    move = np.asarray(sign.move) * (0.25 * amount + displaced) * (1 + 0.2 * jitter[4])
    return _turned(chip, chip.mean(axis=0), 0.3 * displaced * jitter[5]) + move


def _side(point, start, end) -> float:
    along = end - start
    return 1.0 if along[0] * (point[1] - start[1]) - along[1] * (point[0] - start[0]) >= 0 else -1.0


def _half(part: np.ndarray, start, end, side: float) -> list[np.ndarray]:
    """The part of an outline on one side of a line (Sutherland and Hodgman); none where it has no area."""
    along = end - start
    height = side * (along[0] * (part[:, 1] - start[1]) - along[1] * (part[:, 0] - start[0]))
    after, next_height = np.roll(part, -1, axis=0), np.roll(height, -1)
    crosses = (height >= 0) != (next_height >= 0)
    share = np.divide(height, height - next_height, out=np.zeros_like(height), where=crosses)
    cut = part + share[:, None] * (after - part)
    stacked = np.stack([part, cut], axis=1).reshape(-1, 2)
    kept = stacked[np.stack([height >= 0, crosses], axis=1).reshape(-1)]
    return [kept] if len(kept) >= 3 else []


def _gap_line(parts, start, end, jitter) -> np.ndarray:
    """The break inside the bone as a jagged line (5, 2), from cortex to cortex."""
    along = end - start
    corners = np.concatenate(parts) - start
    height = along[0] * corners[:, 1] - along[1] * corners[:, 0]
    shares = (corners @ along / max(along @ along, 1e-9))[np.abs(height) < 1e-9]
    low, high = (shares.min(), shares.max()) if len(shares) else (0.0, 1.0)
    points = start + np.linspace(low, high, 5)[:, None] * along
    points[1:4] += 0.012 * jitter[[[6, 7], [8, 9], [10, 11]]]
    return points


def _turned(points: np.ndarray, centre: np.ndarray, angle: float) -> np.ndarray:
    sin, cos = np.sin(angle), np.cos(angle)
    return (points - centre) @ np.array([[cos, sin], [-sin, cos]]) + centre


def ellipse(centre, radius, *, angle: float = 0.0, corners: int = 20) -> np.ndarray:
    """Outline (corners, 2) of an ellipse."""
    turn = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    points = np.stack([np.cos(turn) * radius[0], np.sin(turn) * radius[1]], axis=1)
    return _turned(points, np.zeros(2), angle) + np.asarray(centre)
