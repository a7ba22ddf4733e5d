"""A map of heat over a radiograph, so that both can be read; used by `explanations`."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from labkit.figures.style import GREY, SMALLEST_PT

__all__ = ["colour_bar", "enlarged", "overlay"]

SIDE = 96  # points a side that a map is drawn with
COLOURS = "inferno"  # perceptually uniform
STRONGEST = 0.62  # opacity of the largest value: bone stays visible


def enlarged(values):
    """Bilinear, each value in the middle of its place, the outer ones going on to the edge."""
    down, across = (_weights(n) for n in values.shape)
    return down @ values @ across.T


def _weights(n):
    """(SIDE, n): by how much each of n places counts at each point."""
    at = (np.arange(SIDE) + 0.5) / SIDE * n
    return np.stack([np.interp(at, np.arange(n) + 0.5, place) for place in np.eye(n)], axis=1)


def overlay(ax: Axes, picture, heat: np.ndarray) -> None:
    """A radiograph in its aspect, the map over it, and a line where the map is half its row's largest."""
    ax.axis("off")
    if picture is None:
        ax.text(0.5, 0.5, "held back", fontsize=SMALLEST_PT, color=GREY, ha="center", transform=ax.transAxes)
        return
    high, wide = (n / max(picture.shape) for n in picture.shape)
    box = ((1 - wide) / 2, (1 + wide) / 2, (1 + high) / 2, (1 - high) / 2)
    ax.imshow(picture, cmap="gray", vmin=0, vmax=255, extent=box, interpolation="antialiased")
    coloured = plt.get_cmap(COLOURS)(heat)
    coloured[..., 3] = STRONGEST * np.clip(heat, 0, 1) ** 0.6
    ax.imshow(coloured, extent=(0, 1, 1, 0), interpolation="bilinear")
    if heat.max() > 0.5:
        at = (np.arange(SIDE) + 0.5) / SIDE
        ax.contour(at, at, heat, levels=[0.5], colors=["#FFFFFF"], linewidths=0.6)
    ax.set(xlim=box[:2], ylim=box[2:], aspect="equal")


def colour_bar(drawn: Figure, what: str, *, left: float, bottom_in: float) -> None:
    """The scale from 0 to the row's largest, with what it measures beside it."""
    height = drawn.get_figheight()
    ax = drawn.add_axes((left, bottom_in / height, 0.26, 0.07 / height))
    mapped = ScalarMappable(Normalize(0, 1), COLOURS)
    bar = drawn.colorbar(mapped, cax=ax, orientation="horizontal", ticks=[0, 0.5, 1])
    bar.outline.set_linewidth(0.5)
    ax.text(1.06, 0.5, f"{what}, as a share of the row's largest", transform=ax.transAxes, fontsize=7.5, va="center")
