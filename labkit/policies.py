"""What training makes of doubt: label values to targets and weights, one policy at a time.

Used by 03_training. LABELS go in, a TARGETS table comes out, of training and validation labels only: a test
label never passes a policy.

    inclusive   uncertain -> true           the study; CheXpert's U-Ones (Irvin 2019, arXiv 1901.07031)
    exclusive   uncertain -> false          the study; CheXpert's U-Zeros
    ignore      uncertain -> weight 0       CheXpert's U-Ignore
    soft        uncertain -> a probability  fixed, or drawn from a range (Pham 2019, arXiv 1911.06475)
    graded, multiclass, self_trained        need more than these labels hold
"""

from enum import StrEnum

import numpy as np
import pandas as pd

from labkit.errors import ParamsError, TableError
from labkit.templates import LabelValue

__all__ = ["AVAILABLE", "Policy", "to_targets"]

SPLITS = ("train", "validation")
SOFT = (0.55, 0.85)  # Pham 2019, U-Ones with label smoothing


class Policy(StrEnum):
    """The study's words first."""

    INCLUSIVE = "inclusive"
    EXCLUSIVE = "exclusive"
    IGNORE = "ignore"
    SOFT = "soft"
    GRADED = "graded"
    MULTICLASS = "multiclass"
    SELF_TRAINED = "self_trained"


# target of an uncertain label and its weight; soft is drawn
UNCERTAIN = {Policy.INCLUSIVE: (1.0, 1.0), Policy.EXCLUSIVE: (0.0, 1.0), Policy.IGNORE: (0.5, 0.0)}
AVAILABLE = (*UNCERTAIN, Policy.SOFT)


def to_targets(labels, *, policy, soft=SOFT, rng=None):
    """Targets that one policy makes of the labels of train and validation.

    Parameters
    ----------
    labels : LABELS table; `value` is used (what the report says), rows of other splits are left out.
    policy : a `Policy` or its name.
    soft : (low, high) in [0, 1] for the policy soft; equal limits give a fixed probability.
    rng : numpy Generator, for the policy soft with a range only; drawn in the order of study_id and finding.

    Returns
    -------
    TARGETS table: study_id, finding, policy, split, value, target in [0, 1], weight (0 = not used).

    Raises
    ------
    ParamsError : a policy that these labels cannot serve, or a wrong range. TableError : a value that is none
    of the three.
    """
    policy = _known(policy)
    used = labels[labels["split"].isin(SPLITS)].sort_values(["study_id", "finding"], ignore_index=True)
    wrong = ~used["value"].isin([str(value) for value in LabelValue])
    if wrong.any():
        first = used[wrong].iloc[0]
        raise TableError(
            f"labels, study {first['study_id']}: {int(wrong.sum())} values are none of true, false, "
            "uncertain; mend the table."
        )
    uncertain = (used["value"] == LabelValue.UNCERTAIN).to_numpy()
    target = (used["value"] == LabelValue.TRUE).to_numpy(float)
    weight = np.ones(len(used))
    if policy is Policy.SOFT:
        target[uncertain] = _soft(int(uncertain.sum()), soft, rng)
    else:
        target[uncertain], weight[uncertain] = UNCERTAIN[policy]
    return pd.DataFrame(
        {
            "study_id": used["study_id"],
            "finding": used["finding"],
            "policy": str(policy),
            "split": used["split"],
            "value": used["value"],
            "target": target,
            "weight": weight,
        }
    )


def _known(policy):
    allowed = ", ".join(AVAILABLE)
    try:
        policy = Policy(policy)
    except ValueError as error:
        raise ParamsError(f"policy '{policy}' is not known; allowed here are {allowed}. Mend the params.") from error
    if policy not in AVAILABLE:
        raise ParamsError(
            f"policy '{policy}' needs more than label values; allowed here are {allowed}. Choose one of "
            "these in the params."
        )
    return policy


def _soft(n, limits, rng):
    low, high = limits
    if not 0 <= low <= high <= 1:
        raise ParamsError(f"policy 'soft': range {low} to {high}; allowed is 0 <= low <= high <= 1. Mend the params.")
    if low == high:
        return np.full(n, low)
    if rng is None:
        raise ParamsError("policy 'soft' draws from a range and needs a random generator; pass rng, or equal limits.")
    return rng.uniform(low, high, n)
