"""Whether maps say anything about the network: sanity check and deletion check; used by 03_training.

Sanity (Adebayo 2018, arXiv 1810.03292): weights are drawn anew, the last layer alone, then from the top downwards, and
each map is compared with its own by rank correlation. Maps that stay alike do not depend on what was learnt. Deletion
(Petsiuk 2018, arXiv 1806.07421): the hottest tenth of the places is blanked, and the fall of the logit is compared
with that when as many places are blanked at random.
"""

import numpy as np
import pandas as pd
import torch

from labkit.training import explaining, losses, networks

__all__ = ["deletion", "randomised", "rank_correlations", "spearman", "summary", "verdict"]

SHARE = 0.1
RANDOM_DRAWS = 2
N_BOOTSTRAP = 1000
HARDLY, CLEARLY = 0.7, 0.5
COLUMNS = ["check", "compared", "value", "low", "high", "n_cases", "n_studies", "what"]


def randomised(network, architecture):
    """Pairs (name, network) with weights drawn anew from torch's generator: last layer, last stage too, all layers."""
    fresh = networks.build(architecture).to(next(network.parameters()).device).eval().state_dict()
    own = network.state_dict()
    stages = [name for name, part in network.trunks[0].named_children() if list(part.parameters())]
    trunk = [key for key in own if key.startswith("trunks.")]
    head = [key for key in own if key not in trunk]
    top = [key for key in trunk if stages and key.split(".")[2] == stages[-1]]
    for name, keys in (("last layer", head), ("last layer and stage", head + top), ("all layers", list(own))):
        other = networks.build(architecture).to(next(network.parameters()).device)
        other.load_state_dict({key: fresh[key] if key in set(keys) else own[key] for key in own})
        yield name, other.eval()


def spearman(first, second):
    """Rank correlation of two sets of numbers (ties share their mean rank); NaN where one of them is constant."""
    first, second = np.ravel(first), np.ravel(second)
    used = ~(np.isnan(first) | np.isnan(second))
    ranks = [pd.Series(values[used]).rank().to_numpy() for values in (first, second)]
    if used.sum() < 2 or any(np.ptp(r) == 0 for r in ranks):
        return float("nan")
    return float(np.corrcoef(*ranks)[0, 1])


def rank_correlations(maps, others):
    """(pairs,) rank correlation of two sets of maps over the places of all views; `Maps` of the same pairs."""
    return np.array([spearman(one, other) for one, other in zip(maps.local(), others.local(), strict=True)])


@torch.no_grad()
def deletion(network, cohort, pairs, maps, *, device, rng):
    """Fall of the logit, (pairs, 2): with the hottest tenth of the places blanked, and with as many random ones.

    A blanked place has the median of its image's border, as padding has.
    """
    falls = []
    for n, (position, finding) in enumerate(pairs):
        images = explaining.images_of(cohort, [position], device)
        present = explaining.present_of(cohort, [position], device)
        heat = maps.local()[n : n + 1, :, 0]  # (1, slots, rows, columns)
        places = np.flatnonzero(~np.isnan(heat))
        k = max(1, round(SHARE * len(places)))
        hottest = places[np.argsort(-heat.ravel()[places], kind="stable")[:k]]
        chosen = [hottest, *(rng.choice(places, k, replace=False) for _ in range(RANDOM_DRAWS))]
        blanked = torch.cat([images, *(_blanked(images, where, heat.shape[1:]) for where in chosen)])
        there = None if present is None else present.expand(len(blanked), -1)
        logits = losses.binary(network(blanked, there).float())[:, finding].cpu().numpy()
        falls.append((logits[0] - logits[1], logits[0] - logits[2:].mean()))
    return np.array(falls, float).reshape(-1, 2)


def _blanked(images, places, shape):
    """A copy of images (1, slots, side, side), places of a grid (slots, rows, columns) in the tone of the border."""
    grid = torch.zeros(shape, device=images.device).flatten()
    grid[torch.from_numpy(places).to(images.device)] = 1
    over = torch.nn.functional.interpolate(grid.view(1, *shape), size=images.shape[-2:], mode="nearest")
    border = torch.cat([images[..., 0, :], images[..., -1, :], images[..., 0], images[..., -1]], dim=-1)
    tone = border.median(dim=-1).values[..., None, None]
    return torch.where(over > 0, tone, images)


def summary(correlations, falls, error, *, studies, method, rng):
    """CHECKS table; interval of 95 % by drawing studies anew.

    correlations : name of what was drawn anew -> (pairs,). falls : of `deletion`. studies : (pairs,) position of each.
    error : largest difference between logit and sum of a map, NaN where a map has no sum.
    """
    rows = []
    for name, found in correlations.items():
        rows.append(_row("rank correlation", name, found, np.nanmedian, studies, rng, "median"))
        rows.append(_row("rank correlation, size", name, np.abs(found), np.nanmedian, studies, rng, "median, no sign"))
    for name, found in (
        ("hottest tenth", falls[:, 0]),
        ("random tenth", falls[:, 1]),
        ("difference", falls[:, 0] - falls[:, 1]),
    ):
        rows.append(_row("fall of the logit", name, found, np.nanmean, studies, rng, "mean"))
    if not np.isnan(error):
        counts = (len(studies), len(np.unique(studies)))
        rows.append(("sum of a map", "logit", error, np.nan, np.nan, *counts, f"largest difference, {method}"))
    return pd.DataFrame(rows, columns=COLUMNS)


def _row(check, compared, values, statistic, studies, rng, what):
    known = ~np.isnan(values)
    values, studies = values[known], np.asarray(studies)[known]
    names = np.unique(studies)
    if not len(names):
        return (check, compared, np.nan, np.nan, np.nan, 0, 0, what)
    members = [np.flatnonzero(studies == name) for name in names]
    drawn = []
    for _ in range(N_BOOTSTRAP):
        drawn.append(statistic(values[np.concatenate([members[n] for n in rng.integers(0, len(names), len(names))])]))
    low, high = np.quantile(drawn, [0.025, 0.975])
    return (check, compared, float(statistic(values)), float(low), float(high), len(values), len(names), what)


def verdict(checks):
    """What the checks say, in a sentence or two."""
    at = checks.set_index(["check", "compared"])
    alike = at.loc[("rank correlation, size", "all layers"), "value"]
    if np.isnan(alike):
        return "The sanity check has no cases."
    if alike >= HARDLY:
        first = "The maps hardly depend on what was learnt: with random weights they look alike. Do not use them."
    elif alike > CLEARLY:
        first = "The maps depend on the weights only in part: with random weights they look somewhat alike."
    else:
        first = "The maps depend on what was learnt: with random weights they look different."
    gap = at.loc[("fall of the logit", "difference")]
    if gap["low"] > 0:
        return f"{first} Blanking what they mark lowers the logit more than blanking random places."
    return f"{first} That what they mark matters more to the logit than random places is not shown."
