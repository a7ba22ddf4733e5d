"""What training makes of doubt: label values to targets and weights, one policy at a time.

Used by 03_training. LABELS go in, a TARGETS table comes out, of training and validation labels only: a test
label never passes a policy.

    inclusive     uncertain -> true           the study; CheXpert's U-Ones (Irvin 2019, arXiv 1901.07031)
    exclusive     uncertain -> false          the study; CheXpert's U-Zeros
    ignore        uncertain -> weight 0       CheXpert's U-Ignore
    soft          uncertain -> a probability  fixed, or drawn from a range (Pham 2019, arXiv 1911.06475)
    graded        uncertain -> a probability  by the hedge ("am ehesten" says more than "nicht ausgeschlossen"), see
                                              `certainty`
    multiclass    uncertain -> a third class  target 0.5; three outputs per finding, scored p(true) / (p(true) +
                                              p(false)), CheXpert's U-MultiClass
    self_trained  uncertain -> a probability  what a network trained with ignore says, CheXpert's U-SelfTrained
"""

from enum import StrEnum

import numpy as np
import pandas as pd

from labkit import certainty
from labkit.errors import ParamsError, TableError
from labkit.templates import LabelValue

__all__ = ["SOFT", "Policy", "to_targets"]

SPLITS = ("train", "validation")
KEY = ["study_id", "finding"]
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


# target of an uncertain label and its weight, where neither depends on the label
UNCERTAIN = {
    Policy.INCLUSIVE: (1.0, 1.0),
    Policy.EXCLUSIVE: (0.0, 1.0),
    Policy.IGNORE: (0.5, 0.0),
    Policy.MULTICLASS: (0.5, 1.0),
}


def to_targets(labels, *, policy, soft=SOFT, hedges=None, teacher=None, rng=None):
    """Targets that one policy makes of the labels of train and validation.

    Parameters
    ----------
    labels : LABELS table; `value` is used (what the report says), rows of other splits are left out.
    policy : a `Policy` or its name.
    soft : (low, high) in [0, 1] for the policy soft; equal limits or one number give a fixed probability.
    hedges : for the policy graded: DataFrame study_id, finding, hedge (the phrase, or the sentence that holds it); a
        column `hedge` of the labels serves as well. What has no row or no known phrase gets the table's `otherwise`.
    teacher : for the policy self_trained: DataFrame study_id, finding, score in [0, 1] of a network that was trained
        with ignore; an uncertain label without a score is not used.
    rng : numpy Generator, for the policy soft with a range only; drawn in the order of study_id and finding.

    Returns
    -------
    TARGETS table: study_id, finding, policy, split, value, target in [0, 1], weight (0 = not used).

    Raises
    ------
    ParamsError : an unknown policy, a wrong range, or what the policy needs was not given. TableError : a value that is
    none of the three, or two values of one finding.
    """
    policy = _known(policy)
    used = labels[labels["split"].isin(SPLITS)].sort_values(KEY, ignore_index=True)
    if (twice := used.duplicated(KEY)).any():
        first = used[twice].iloc[0]
        raise TableError(
            f"labels, study {first['study_id']}: {int(twice.sum())} findings stand twice; one value each is "
            "allowed, mend the table."
        )
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
    doubtful = used[uncertain]
    if policy is Policy.SOFT:
        target[uncertain] = _soft(len(doubtful), soft, rng)
    elif policy is Policy.GRADED:
        target[uncertain] = _graded(doubtful, hedges)
    elif policy is Policy.SELF_TRAINED:
        target[uncertain], weight[uncertain] = _taught(doubtful, teacher)
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
    try:
        return Policy(policy)
    except ValueError as error:
        allowed = ", ".join(Policy)
        raise ParamsError(f"policy '{policy}' is not known; allowed here are {allowed}. Mend the params.") from error


def _soft(n, limits, rng):
    low, high = (limits, limits) if isinstance(limits, int | float) else limits
    if not 0 <= low <= high <= 1:
        raise ParamsError(f"policy 'soft': range {low} to {high}; allowed is 0 <= low <= high <= 1. Mend the params.")
    if low == high:
        return np.full(n, low)
    if rng is None:
        raise ParamsError("policy 'soft' draws from a range and needs a random generator; pass rng, or equal limits.")
    return rng.uniform(low, high, n)


def _graded(doubtful, hedges):
    """Probability of each uncertain label by its hedge, (rows,)."""
    if hedges is None and "hedge" not in doubtful:
        raise ParamsError(
            "policy 'graded' needs to know how a label was hedged; pass hedges (study_id, finding, hedge), or labels "
            "with a column hedge."
        )
    if hedges is None:
        phrases = doubtful["hedge"]
    else:
        by_label = hedges.drop_duplicates(KEY).set_index(KEY)["hedge"]
        phrases = by_label.reindex(pd.MultiIndex.from_frame(doubtful[KEY]))
    return phrases.fillna("").astype(str).map(certainty.probability).to_numpy(float)


def _taught(doubtful, teacher):
    """Target and weight of each uncertain label by the scores of a teacher, (rows,) each."""
    if teacher is None:
        raise ParamsError(
            "policy 'self_trained' needs the scores of a network trained with ignore; pass teacher (study_id, finding, "
            "score), or use training.targets_of, which trains it."
        )
    by_label = teacher.drop_duplicates(KEY).set_index(KEY)["score"]
    score = by_label.reindex(pd.MultiIndex.from_frame(doubtful[KEY])).to_numpy(float)
    known = ~np.isnan(score)
    if (score[known] < 0).any() or (score[known] > 1).any():
        raise TableError("teacher: a score lies outside 0 to 1; pass probabilities, as training.predict gives them.")
    return np.where(known, score, UNCERTAIN[Policy.IGNORE][0]), known.astype(float)
