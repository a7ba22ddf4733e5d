"""Maps of the test cases that tell most: chosen, computed and checked; used by 03_training.

The reference of the test cases decides which of them are drawn, and nothing else; no score is judged here. Of each
finding these cases are taken (`explained.ROLES`): the positive and the negative one with the highest score, those with
the lowest (of equal ones by lot), and one of each by lot alone, the same for every policy. Whatever the threshold, the
most certain true positive is the highest positive, the most certain false negative the lowest, and so on; so the
operating point need not be known.
"""

import numpy as np
import pandas as pd

from labkit.errors import TrainingError
from labkit.evaluation import cases as evaluated
from labkit.training import checkpoints, devices, explained, explaining, faithfulness, networks, scoring

__all__ = ["MAX_FINDINGS", "choose", "explain"]

MAX_FINDINGS = 5
FINEST = 7  # places a side from which a map can point at something: what 224 px give a ResNet
LOT = 20_260  # the seed of all that is drawn by lot, the same for every policy


def explain(fitted, cohort, predictions, labels, *, max_findings=MAX_FINDINGS):
    """Maps of chosen test cases by all networks of one policy (the mean over seeds), checked with the first.

    Parameters
    ----------
    fitted : list of TrainingRun of one policy. cohort : training.Cohort. predictions : PREDICTIONS of them.
    labels : LABELS; only the reference of test studies is read. max_findings : those with most positives.

    Returns
    -------
    Explained without pictures; empty with a note where there are no test cases, or the network has no maps.
    """
    first = fitted[0]
    chosen = choose(predictions, labels, cohort, policy=first.policy, max_findings=max_findings)
    if not len(chosen):
        return _nothing("No finding has both a positive and a negative test study, so there is nothing to explain.")
    number = {finding: n for n, finding in enumerate(first.findings)}
    pairs = np.stack([chosen["position"], chosen["finding"].map(number)], axis=1)
    means = devices.means(first.settings)
    with devices.exact(
        cpu_threads=first.settings.cpu_threads,
        seed=LOT,
        device=means.device,
        deterministic=first.settings.deterministic,
    ):
        try:
            maps = explaining.mean_of([_maps(run, cohort, pairs, means.device) for run in fitted])
        except TrainingError as error:
            return _nothing(str(error))
        is_own = len(fitted) == 1 and not first.settings.flips_at_test
        return _checked(first, cohort, chosen, pairs, maps, device=means.device, is_own=is_own)


def choose(predictions, labels, cohort, *, policy, max_findings):
    """DataFrame finding, role, study_id, position (in the cohort), score: a row per case."""
    if not ((predictions["split"] == "test") & (predictions["policy"] == policy)).any():
        return pd.DataFrame(columns=["finding", "role", "study_id", "position", "score"])
    found = evaluated.select(predictions, labels, split="test", policy=policy)
    reference = found.read()  # (studies, findings) of 0, 1 and NaN
    n_positive, n_negative = (reference == 1).sum(axis=0), (reference == 0).sum(axis=0)
    in_order = {finding: n for n, finding in enumerate(dict.fromkeys(labels["finding"]))}
    usable = [c for c in range(len(found.findings)) if n_positive[c] and n_negative[c]]
    usable.sort(key=lambda c: (-n_positive[c], in_order[found.findings[c]]))
    place = pd.Series(range(len(cohort.studies)), index=cohort.studies["study_id"])
    rows = []
    for c in usable[:max_findings]:
        rng = np.random.default_rng([LOT, in_order[found.findings[c]]])
        drawn = rng.permutation(len(found.study_ids))  # the same whatever the scores, so the same for every policy
        for role in explained.ROLES:
            way, kind = role.split("_")
            own = drawn[reference[drawn, c] == (1.0 if kind == "positive" else 0.0)]
            score = found.score[own, c]
            best = own[{"highest": np.argmax, "lowest": np.argmin, "drawn": lambda _: 0}[way](score)]
            study = found.study_ids[best]
            rows.append((found.findings[c], role, study, int(place[study]), float(found.score[best, c])))
    return pd.DataFrame(rows, columns=["finding", "role", "study_id", "position", "score"])


def _maps(run, cohort, pairs, device):
    network = scoring.restore(run.checkpoint, slots=cohort.slots, masked=cohort.masked).to(device)
    network.channels_last = False
    ends = _ends(network, cohort, pairs, device, run.settings.backbone)
    return explaining.explain(network, cohort, pairs, device=device, ends=ends, flips=run.settings.flips_at_test)


def _ends(network, cohort, pairs, device, backbone):
    images = explaining.images_of(cohort, pairs[:1, 0], device)
    return explaining.find_taps(network, images, least=FINEST, backbone=backbone)


def _checked(run, cohort, chosen, pairs, maps, *, device, is_own):
    """The checks of the first network, and all as tables and arrays; is_own : the maps are this network's alone."""
    network = scoring.restore(run.checkpoint, slots=cohort.slots, masked=cohort.masked).to(device)
    trained = networks.Architecture.read(checkpoints.load(run.checkpoint)["architecture"])
    architecture = networks.Architecture(**vars(trained) | {"slots": tuple(network.slots), "masked": cohort.masked})
    ends = _ends(network, cohort, pairs, device, run.settings.backbone)
    own = maps if is_own else explaining.explain(network, cohort, pairs, device=device, ends=ends)
    correlations, other = {}, own
    for name, drawn_anew in faithfulness.randomised(network, architecture):
        other = explaining.explain(drawn_anew, cohort, pairs, device=device, ends=ends)
        correlations[name] = faithfulness.rank_correlations(own, other)
    rng = np.random.default_rng(LOT)
    falls = faithfulness.deletion(network, cohort, pairs, own, device=device, rng=rng)
    checks = faithfulness.summary(correlations, falls, maps.error(), studies=pairs[:, 0], method=maps.method, rng=rng)
    chosen = chosen.assign(policy=run.policy, method=maps.method, rank_correlation=correlations["all layers"])
    return explained.Explained(
        cases=_by_slot(chosen, cohort, maps),
        checks=checks,
        maps=_flat(maps),
        randomised=_flat(other),
        note=faithfulness.verdict(checks),
    )


def _by_slot(chosen, cohort, maps):
    """CASES: a row per case and slot, with the place of the map's maximum in shares of the square image."""
    n_slots = len(cohort.slots)
    rows = chosen.loc[chosen.index.repeat(n_slots)].reset_index(drop=True)
    slot = np.tile(np.arange(n_slots), len(chosen))
    heat = _flat(maps)
    peak = np.where(np.isnan(heat), -np.inf, heat).reshape(len(heat), -1).argmax(axis=1)
    down, across = np.divmod(peak, heat.shape[2])
    there = maps.present.ravel()
    rows = rows.assign(
        slot=slot,
        view=[cohort.views[cohort.slots[s]] for s in slot],
        tile=cohort.rows[rows["position"].to_numpy(int), slot],
        peak_across=np.where(there, (across + 0.5) / heat.shape[2], np.nan),
        peak_down=np.where(there, (down + 0.5) / heat.shape[1], np.nan),
        image_id="",
        picture="missing",
    )
    return rows[list(explained.CASES.all_columns)]


def _flat(maps):
    """(cases x slots, rows, columns) float32."""
    heat = maps.local()[:, :, 0]
    return heat.reshape(-1, *heat.shape[2:]).astype(np.float32)


def _nothing(note):
    cases = pd.DataFrame(columns=list(explained.CASES.all_columns))
    checks = pd.DataFrame(columns=list(explained.CHECKS.all_columns))
    none = np.zeros((0, 1, 1), np.float32)
    return explained.Explained(cases, checks, none, none, note=note)
