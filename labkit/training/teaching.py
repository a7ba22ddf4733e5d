"""The targets of one policy for one cohort; for self_trained a teacher is trained first; used by 03_training.

self_trained (CheXpert's U-SelfTrained, Irvin 2019, arXiv 1901.07031): a network is trained without the uncertain
labels until it has converged, and what it says of them becomes their target, as a probability. The teacher of all seeds
is one ensemble, so that the networks of the policy differ by their seed alone.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from labkit import policies
from labkit.policies import Policy
from labkit.training import loop, scoring

__all__ = ["hedges", "targets_of"]

TEACHING_SPLITS = ("train", "validation")


def targets_of(labels, cohort, *, policy, settings, out_dir, findings=None, progress=None):
    """TARGETS that a policy makes of the labels, as `policies.to_targets`.

    Parameters
    ----------
    labels : LABELS table. cohort : training.Cohort, for the teacher of self_trained.
    settings : the params' training section: training.Settings with `seeds`; `soft` is the range of the policy soft.
    out_dir : where the teachers' networks lie (`teacher/seed_n`), like those of `fit` read back where unchanged.
    findings : FINDINGS table, for the policy graded: the column hedge, or else the quoted sentence, is looked up.
    progress : as of `fit`, for the teachers.
    """
    policy = Policy(policy)
    given = {}
    if policy is Policy.GRADED and findings is not None and "hedge" not in labels:
        given["hedges"] = hedges(findings)
    if policy is Policy.SELF_TRAINED:
        taught = policies.to_targets(labels, policy=Policy.IGNORE)
        folder = Path(out_dir) / "teacher"
        runs = [
            loop.fit(cohort, taught, settings=settings, seed=s, out_dir=folder / f"seed_{s}", progress=progress)
            for s in settings.seeds
        ]
        said = [scoring.predict(run, cohort, split_names=TEACHING_SPLITS) for run in runs]
        given["teacher"] = scoring.ensemble(pd.concat(said, ignore_index=True))
    rng = np.random.default_rng(settings.seeds[0])
    return policies.to_targets(labels, policy=policy, soft=settings.soft, rng=rng, **given)


def hedges(findings):
    """study_id, finding, hedge of the uncertain labels: the phrase where FINDINGS has one, else the quoted words."""
    doubtful = findings[findings["value"] == "uncertain"].drop_duplicates(["study_id", "finding"])
    phrase = doubtful["evidence"].astype(str)
    if "hedge" in doubtful:
        phrase = doubtful["hedge"].astype(str).where(doubtful["hedge"].astype(str) != "", phrase)
    return doubtful[["study_id", "finding"]].assign(hedge=phrase)
