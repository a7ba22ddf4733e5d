"""What a report says of each finding: stated, hedged or nothing, and how often, so that wanted shares come out.

A hedge is likelier where the image is equivocal. Two numbers rule it, one for what is there and one for what is not; a
pilot cohort finds them from the share of uncertain labels and the share of these that are true.
"""

from dataclasses import dataclass

import numpy as np

from labkit.errors import ParamsError
from labkit.synthetic import truth as truths
from labkit.synthetic.truth import Structure

__all__ = ["FALSE", "N_UNIFORMS", "TRUE", "UNCERTAIN", "Doubt", "Latent", "Roles", "calibrate", "say"]

FALSE, UNCERTAIN, TRUE = 0, 1, 2
N_UNIFORMS = 6  # truth, visibility, hedge, missed, mimic, strength of the mimic
N_PILOT = 2000
MEAN_EQUIVOCALITY = 0.9 * (1 - 1 / 1.6)  # of 1 - visibility
TOLERANCE = 0.1


@dataclass(frozen=True)
class Roles:
    """Which findings have sentences of their own, which only colour another's, which are only ever hedged."""

    entities: tuple[int, ...]
    modifiers: dict[int, tuple[int, ...]]  # column -> the columns that it may colour
    hedge_only: frozenset[int]


@dataclass(frozen=True)
class Doubt:
    """Rates of hedging what is there and what is not, before the image's equivocality and the finding's frequency."""

    present: float
    absent: float


@dataclass(frozen=True)
class Latent:
    """Latent truth of n studies and what their reports say, all (n, n_findings)."""

    truth: np.ndarray
    visibility: np.ndarray
    said: np.ndarray  # FALSE, UNCERTAIN, TRUE as worded, parents not raised
    value: np.ndarray  # the report's own label: parents raised
    strength: np.ndarray  # conspicuity of the drawn sign in [0, 1], mimics of absent findings included


def say(structure: Structure, roles: Roles, *, truth, uniforms, doubt: Doubt, missed_share: float) -> Latent:
    """Decide what the reports say; `truth` (n, n_findings) bool, `uniforms` (6, n, n_findings) in [0, 1)."""
    _, u_visible, u_hedge, u_missed, u_mimic, u_strength = uniforms
    visible = truths.visibility(u_visible)
    equivocal = (1 - visible) / MEAN_EQUIVOCALITY
    hedge = u_hedge < np.minimum(0.95, doubt.present * equivocal)
    missed = u_missed < missed_share * equivocal
    said = np.zeros(truth.shape, dtype=np.int8)
    own = truth.copy()  # there by itself, not through a narrower finding that has words and signs of its own
    for k in (k for k in structure.children_first if k in roles.entities):
        own[:, k] &= ~truth[:, [c for c in structure.children[k] if c not in roles.modifiers]].any(axis=1)
        if k not in roles.hedge_only:
            said[own[:, k] & ~missed[:, k], k] = TRUE
            said[own[:, k] & hedge[:, k], k] = UNCERTAIN
        if doubt.absent > 0:
            chance = u_hedge[:, k] / doubt.absent
            vain = _hedged_in_vain(structure, roles, k, truth=truth, said=said, chance=chance)
            said[vain, k] = UNCERTAIN
    for k, leads in roles.modifiers.items():
        lead = said[:, list(leads)].max(axis=1)
        said[:, k] = np.where(truth[:, k], np.where(hedge[:, k], np.minimum(lead, UNCERTAIN), lead), FALSE)
        vain = ~truth[:, k] & (lead == TRUE) & (u_hedge[:, k] < np.minimum(0.5, doubt.absent))
        said[vain, k] = UNCERTAIN
    strength = np.where(own, visible, 0.0)
    for k in roles.entities:
        doubtful = ~truth[:, k] & (said[:, k] == UNCERTAIN)
        mimic = ~truth[:, k] & (u_mimic[:, k] < np.where(doubtful, 0.75, 0.03))
        strength[mimic, k] = 0.1 + 0.35 * u_strength[mimic, k]
    return Latent(truth, visible, said, structure.raise_parents(said), strength)


def _hedged_in_vain(structure, roles: Roles, k: int, *, truth, said, chance) -> np.ndarray:
    """Studies whose report doubts the absent finding `k`: frequent findings are thought of more often."""
    odds = structure.profile.truth
    finding_id = structure.template.ids[k]
    # A fracture that no view shows is what reporters doubt most
    frequency = 1.5 if k in roles.hedge_only else min(3.0, max(0.25, odds[finding_id].prevalence / 0.1))
    vain = ~truth[:, k] & (chance < frequency)
    rivals = {structure.column[i] for i in odds[finding_id].not_with}
    rivals |= {structure.column[i] for i, o in odds.items() if finding_id in o.not_with}
    rivals |= set(structure.children[k])
    for rival in rivals:
        vain &= ~truth[:, rival] & (said[:, rival] == FALSE)
    return vain


def calibrate(structure: Structure, roles: Roles, settings, site, *, rng: np.random.Generator) -> Doubt:
    """Rates of hedging that give the wanted share of uncertain labels, and of true ones among them.

    Raises
    ------
    ParamsError : the template's findings are too rare or too few for the wanted shares.
    """
    if settings.uncertain_share == 0:
        return Doubt(0.0, 0.0)
    uniforms = rng.random((N_UNIFORMS, N_PILOT, len(structure.template.ids)))
    truth = truths.draw(structure, uniforms[0], odds_factor=site.prevalence_odds_factor)
    later = 1.5 * settings.repeat_patient_share / (1 + 1.5 * settings.repeat_patient_share)
    for row in range(int(later * N_PILOT)):
        truth[row] = truths.follow_up(structure, truth[row], stays=row % 2 == 0)

    def shares(present: float, absent: float) -> tuple[float, float]:
        doubt = Doubt(present, absent)
        latent = say(structure, roles, truth=truth, uniforms=uniforms, doubt=doubt, missed_share=settings.missed_share)
        uncertain = latent.value == UNCERTAIN
        return (uncertain & truth).mean(), (uncertain & ~truth).mean()

    wanted_true = settings.uncertain_share * settings.hedge_true_share
    wanted_false = settings.uncertain_share - wanted_true
    present, absent = 0.1, 0.05
    for _ in range(2):  # the two hardly depend on each other
        present = _bisect(lambda x, y=absent: shares(x, y)[0], wanted_true, high=20.0)
        absent = _bisect(lambda x, y=present: shares(y, x)[1], wanted_false, high=2.0)
    reached = shares(present, absent)
    for got, wanted in zip(reached, (wanted_true, wanted_false), strict=True):
        if abs(got - wanted) > TOLERANCE * settings.uncertain_share:
            raise ParamsError(
                f"synthetic: uncertain_share {settings.uncertain_share} with hedge_true_share "
                f"{settings.hedge_true_share} cannot be reached for '{structure.template.anatomy}' (at most "
                f"{reached[0]:.3f} true and {reached[1]:.3f} false uncertain labels); lower uncertain_share."
            )
    return Doubt(present, absent)


def _bisect(share, wanted: float, *, high: float) -> float:
    """Smallest rate at which the rising `share` reaches what is wanted."""
    if wanted == 0:
        return 0.0
    low = 0.0
    for _ in range(13):
        middle = (low + high) / 2
        low, high = (low, middle) if share(middle) >= wanted else (middle, high)
    return high
