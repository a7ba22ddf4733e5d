"""More, or fewer, uncertain labels for training than the reports gave: what a study of dose and response trains on.

Labels of the splits train and validation are turned into uncertain, at random within strata. Doubt falls on findings
in proportion to how often they are stated, and on true and false labels in the proportion in which real doubt turned
out to be true. The turned labels of a smaller share are among those of a larger one, for the same seed. Each label is
turned by itself: that a part implies its whole is not kept.
"""

import numpy as np

from labkit.errors import EvaluationError, ParamsError

__all__ = ["KEY", "doubted", "observed_true_share"]

SPLITS = ("train", "validation")
KEY = ["study_id", "finding"]


def observed_true_share(labels):
    """Share of true among the uncertain labels of LABELS that verification or follow-up resolved.

    Raises
    ------
    ParamsError : none was.
    """
    resolved = labels.loc[(labels["value"] == "uncertain") & labels["reference"].isin(["true", "false"]), "reference"]
    if resolved.empty:
        raise ParamsError(
            "evaluation.dose.true_share: no uncertain label was resolved, so how many are true is not known; give a "
            "number from 0 to 1, such as 0.55."
        )
    return float((resolved == "true").mean())


def doubted(labels, *, share, true_share, seed):
    """LABELS with `share` of the labels of train and of validation uncertain, and the labels that are not to be used.

    Parameters
    ----------
    labels : LABELS table; `reference` follows where nobody has verified it. Test labels stay as they are.
    share : in [0, 1), of all labels of a split. Below the observed share the surplus of uncertain labels, drawn at
        random, is left out instead, under every policy alike; with 0 all policies train on the same.
    true_share : how many of the labels that are turned are true ones.
    seed : whole number; each draws another set.

    Returns
    -------
    (LABELS, left_out): left_out is a DataFrame study_id, finding.

    Raises
    ------
    EvaluationError : a split has too few true (or false) labels for that share.
    """
    rng = np.random.default_rng(seed)
    table = labels.sort_values(KEY, ignore_index=True)
    turned, left_out = [], []
    for split in SPLITS:
        own = table[table["split"] == split]
        uncertain = rng.permutation(np.array(own.index[own["value"] == "uncertain"]))
        pools = {
            (value, finding): rng.permutation(np.array(rows.index))
            for (value, finding), rows in own[own["value"] != "uncertain"].groupby(["value", "finding"], sort=True)
        }
        wanted = round(share * len(own))
        left_out.append(uncertain[wanted:])
        more = wanted - len(uncertain)
        if more > 0:
            turned.append(_turned(pools, more, true_share, split, share, len(own)))
    turned = np.concatenate([*turned, np.array([], int)]).astype(int)
    unverified = turned[(table.loc[turned, "verification"] == "none").to_numpy()]
    table.loc[turned, "value"] = "uncertain"
    table.loc[unverified, "reference"] = "uncertain"
    return table, table.loc[np.concatenate(left_out).astype(int), KEY].reset_index(drop=True)


def _turned(pools, more, true_share, split, share, n):
    """Rows that become uncertain."""
    stated = {finding: len(rows) for (value, finding), rows in pools.items() if value == "true"}
    n_true = round(more * true_share)
    quotas = {"true": _spread(n_true, stated), "false": _spread(more - n_true, stated)}
    chosen = []
    for value, quota in quotas.items():
        for finding, n_wanted in quota.items():
            pool = pools.get((value, finding), np.array([], int))
            if n_wanted > len(pool):
                raise EvaluationError(
                    f"dose: of {n} {split} labels {share:g} uncertain needs {n_wanted} {value} labels of '{finding}', "
                    f"there are {len(pool)}; give a smaller share."
                )
            chosen.append(pool[:n_wanted])
    if sum(map(len, chosen)) < more:
        raise EvaluationError(f"dose: {split} has no true label that could become uncertain; leave the dose out.")
    return np.concatenate(chosen)


def _spread(n, sizes):
    """n by finding in proportion to sizes; what is left over goes to the largest fractions, then by name."""
    total = sum(sizes.values())
    if not total:
        return {}
    exact = {name: n * size / total for name, size in sizes.items()}
    quota = {name: int(value) for name, value in exact.items()}
    order = sorted(exact, key=lambda name: (quota[name] - exact[name], name))
    for name in order[: n - sum(quota.values())]:
        quota[name] += 1
    return quota
