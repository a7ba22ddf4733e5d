"""The signs that are drawn onto a picture rather than made by breaking or shifting bones.

Each takes the canvas of `drawing`, the sign, its strength in (0, 1] and 16 numbers in [-1, 1) that make it irregular.
"""

import numpy as np
from PIL import ImageDraw

from labkit.synthetic import scene as scenes
from labkit.synthetic.profiles import Sign

__all__ = ["MARKS"]


def _placed(sign: Sign, jitter, spread: float = 0.015) -> np.ndarray:
    return np.asarray(sign.at) + spread * jitter[:2]


def _arthrosis(canvas, sign: Sign, amount, jitter) -> None:
    """Subchondral sclerosis along the joint, inside the bones only, and beaks that point away from it."""
    start, end = np.asarray(sign.joint)
    middle, half = (start + end) / 2, np.hypot(*(end - start)) / 2
    angle = float(np.arctan2(*(end - start)[::-1]))
    band = scenes.ellipse(middle, (half * 1.1, 0.035 + 0.02 * amount), angle=angle)
    canvas.blend(canvas.bones, band, 112 + 120 * amount, soft=0.01, inside=70)
    draw = ImageDraw.Draw(canvas.bones)
    for i, at in enumerate(sign.spurs):
        base = np.asarray(at) + 0.004 * jitter[i]
        away = (base - middle) / max(np.hypot(*(base - middle)), 1e-9)
        across = np.array([-away[1], away[0]]) * (0.008 + 0.016 * amount)
        length = (0.002 + 0.032 * amount) * (1 + 0.3 * jitter[4 + i])
        beak = [base - across - away * 0.035, base + away * length, base + across - away * 0.035]
        draw.polygon(canvas.points(beak), fill=int(110 + 80 * amount))


def _bulge(canvas, sign: Sign, amount, jitter) -> None:
    radius = np.asarray(sign.radius) * (0.55 + 0.45 * amount)
    canvas.blend(canvas.soft, scenes.ellipse(_placed(sign, jitter), radius), 170 + 26 * amount, soft=0.02)


def _mass(canvas, sign: Sign, amount, jitter) -> None:
    radius = np.asarray(sign.radius) * (0.6 + 0.4 * amount)
    canvas.blend(canvas.soft, scenes.ellipse(_placed(sign, jitter, 0.03), radius), 172 + 65 * amount)


def _specks(canvas, sign: Sign, amount, jitter) -> None:
    draw, centre = ImageDraw.Draw(canvas.bones), _placed(sign, jitter)
    for i in range(6):
        at = centre + np.asarray(sign.radius) * jitter[2 + 2 * i : 4 + 2 * i] * 0.9
        radius = 0.008 + 0.014 * amount
        draw.polygon(
            canvas.points(scenes.ellipse(at, (radius, radius * 0.7), angle=i, corners=7)), fill=int(50 + 160 * amount)
        )


def _metal(canvas, sign: Sign, amount, jitter) -> None:
    centre = _placed(sign, jitter, 0.03)
    along = np.array([np.cos(jitter[2] * 3), np.sin(jitter[2] * 3)]) * (0.015 + 0.045 * amount)
    draw = ImageDraw.Draw(canvas.metal)
    draw.line(canvas.points([centre - along, centre + along]), fill=255, width=canvas.width(0.012 + 0.012 * amount))


def _ossicle(canvas, sign: Sign, amount, jitter) -> None:
    radius = np.asarray(sign.radius) * (0.4 + 0.7 * amount)
    canvas.bone(scenes.ellipse(_placed(sign, jitter, 0.01), radius, angle=float(jitter[2])))


def _spur(canvas, sign: Sign, amount, jitter) -> None:
    base, tip = np.asarray(sign.at), np.asarray(sign.tip)
    tip = base + (tip - base) * (0.6 + 0.4 * amount) + 0.01 * jitter[:2]
    across = np.array([tip[1] - base[1], base[0] - tip[0]]) * 0.3
    canvas.bone(np.array([base - across * 1.4, tip - across, tip + across, base + across * 1.4]))


def _blob(canvas, sign: Sign, amount, jitter) -> None:
    level = 105 + sign.tone * (150 if sign.tone > 0 else 85) * amount
    radius = np.asarray(sign.radius) * (0.7 + 0.4 * amount)
    canvas.blend(canvas.bones, scenes.ellipse(_placed(sign, jitter, 0.01), radius, angle=float(jitter[2]) * 0.4), level)


def _fat_pad(canvas, sign: Sign, amount, jitter) -> None:
    """Dark sails in front of and behind the humerus, on soft tissue made denser by the effusion."""
    middle = (np.mean(sign.anterior, axis=0) + np.mean(sign.posterior, axis=0)) / 2
    canvas.blend(canvas.soft, scenes.ellipse(middle + (0, 0.1), (0.2, 0.16)), 170 + 50 * amount, soft=0.02)
    for outline in (sign.anterior, sign.posterior):
        sail = np.asarray(outline) + 0.01 * jitter[:2]
        centre = sail.mean(axis=0)
        canvas.blend(canvas.soft, centre + (sail - centre) * (0.7 + 0.4 * amount), 165 - 130 * amount, soft=0.008)


MARKS = {
    "arthrosis": _arthrosis,
    "blob": _blob,
    "bulge": _bulge,
    "fat_pad": _fat_pad,
    "mass": _mass,
    "metal": _metal,
    "ossicle": _ossicle,
    "specks": _specks,
    "spur": _spur,
}
