"""The latent truth: which findings are there, how they come together, and how visible each is.

Everything is vectorised over studies and takes uniform numbers, so that a pilot of thousands and a single study run the
same code and the number of random draws never depends on the outcome.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from labkit.synthetic.profiles import Profile
from labkit.templates import Template

__all__ = ["Structure", "draw", "follow_up", "visibility"]


@dataclass(frozen=True)
class Structure:
    """A template's findings as columns, with the profile's odds and the hierarchy as index arrays."""

    template: Template
    profile: Profile

    @cached_property
    def column(self) -> dict[str, int]:
        return {i: k for k, i in enumerate(self.template.ids)}

    @cached_property
    def parents(self) -> dict[int, tuple[int, ...]]:
        return {self.column[f.id]: tuple(self.column[p] for p in f.parents) for f in self.template.findings}

    @cached_property
    def ancestors(self) -> dict[int, frozenset[int]]:
        """Columns above each column; the template has checked that there is no circle."""
        above: dict[int, frozenset[int]] = {}
        for i in reversed(self.template.children_first):
            k = self.column[i]
            direct = self.parents[k]
            above[k] = frozenset(direct).union(*(above[p] for p in direct))
        return above

    @cached_property
    def children(self) -> dict[int, tuple[int, ...]]:
        below: dict[int, list[int]] = {k: [] for k in range(len(self.template.ids))}
        for k, parents in self.parents.items():
            for parent in parents:
                below[parent].append(k)
        return {k: tuple(v) for k, v in below.items()}

    @cached_property
    def children_first(self) -> tuple[int, ...]:
        return tuple(self.column[i] for i in self.template.children_first)

    @cached_property
    def acute(self) -> np.ndarray:
        """(n_findings,) bool: findings that heal, are reduced or are taken out."""
        return np.array([self.profile.truth[i].acute for i in self.template.ids])

    def raise_parents(self, states: np.ndarray) -> np.ndarray:
        """States (n, n_findings), ordered false < uncertain < true, with each parent at least its children."""
        raised = states.copy()
        for k in self.children_first:
            for parent in self.parents[k]:
                np.maximum(raised[:, parent], raised[:, k], out=raised[:, parent])
        return raised


def draw(structure: Structure, uniforms: np.ndarray, *, odds_factor: float = 1.0) -> np.ndarray:
    """Latent truth of n studies.

    Parameters
    ----------
    uniforms : (n, n_findings) in [0, 1).
    odds_factor : multiplies the odds of every finding that stands by itself (a site's prevalence).

    Returns
    -------
    (n, n_findings) bool, parents true where a child is.
    """
    truth = np.zeros(uniforms.shape, dtype=bool)
    for finding_id, odds in structure.profile.truth.items():
        k = structure.column[finding_id]
        chance = np.full(len(uniforms), _scaled(odds.prevalence, odds_factor if odds.within is None else 1.0))
        for given, share in odds.given.items():
            chance = np.where(truth[:, structure.column[given]], np.maximum(chance, share), chance)
        here = uniforms[:, k] < chance
        if odds.within is not None:
            here &= truth[:, structure.column[odds.within]]
        for other in odds.not_with:
            here &= ~truth[:, structure.column[other]]
        truth[:, k] |= here
        for above in structure.ancestors[k]:
            truth[:, above] |= here
    return truth


def follow_up(structure: Structure, before: np.ndarray, *, stays: bool) -> np.ndarray:
    """Truth (n_findings,) bool of a later study of one patient.

    What is chronic stays; what is acute is either all still there (`stays`) or has healed, been reduced or taken out.
    """
    if stays:
        return before.copy()
    kept = before & ~structure.acute
    for k, below in structure.children.items():
        if below:  # true of itself only; its children raise it again
            kept[k] &= not before[list(below)].any()
    return structure.raise_parents(kept[None])[0]


def visibility(uniforms: np.ndarray) -> np.ndarray:
    """How clearly a true finding shows, in [0.1, 1): most are clear, some are equivocal, a few all but invisible."""
    return 0.1 + 0.9 * uniforms**0.6


def _scaled(share: float, factor: float) -> float:
    return share * factor / (1 - share + share * factor)
