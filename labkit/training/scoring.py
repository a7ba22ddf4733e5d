"""What a trained network says of each study; used by 03_training. A `Cohort` goes in, a PREDICTIONS table
comes out.
"""

import numpy as np
import pandas as pd
import torch

from labkit.errors import TrainingError
from labkit.training import batches, checkpoints, devices, networks

__all__ = ["logits", "predict"]

PREDICTED_SPLITS = ("validation", "test", "external")
SCORE_DIGITS = 9  # steady in CSV; far finer than any difference that counts
STUDIES_AT_ONCE = 32  # without gradients there is room for more than a training batch


def predict(run, cohort, *, split_names=PREDICTED_SPLITS, progress=None):
    """Score the studies of a cohort with a trained network.

    run : TrainingRun; cohort : training.Cohort with the same views; progress : called with (studies done,
        studies in all).

    Returns
    -------
    PREDICTIONS table: study_id, finding, policy, seed, split, site, score in [0, 1], rounded to 9 digits.

    Raises
    ------
    TrainingError : other views, or the network's file is missing or damaged.
    """
    if cohort.views != run.views:
        raise TrainingError(f"The network reads the views {run.views}, these studies have {cohort.views}.")
    settings, device = run.settings, devices.choose(run.settings.device)
    positions = cohort.positions(*split_names)
    with devices.exact(cpu_threads=settings.cpu_threads, seed=run.seed, device=device):
        network = networks.build(
            n_views=len(cohort.views),
            n_findings=len(run.findings),
            backbone=settings.backbone,
            shared_trunks=settings.shared_trunks,
        )
        network.load_state_dict(checkpoints.load(run.checkpoint)["network"])
        found = logits(network.to(device), cohort, positions, settings=settings, progress=progress)
    score = np.round(1 / (1 + np.exp(-found.astype(np.float64))), SCORE_DIGITS)  # (studies, findings)
    table = cohort.studies.loc[positions].loc[lambda t: t.index.repeat(len(run.findings))].reset_index(drop=True)
    return pd.DataFrame(
        {
            "study_id": table["study_id"],
            "finding": np.tile(np.array(run.findings, dtype=object), len(positions)),
            "policy": run.policy,
            "seed": run.seed,
            "split": table["split"],
            "site": table["site"],
            "score": score.ravel(),
        }
    )


@torch.inference_mode()
def logits(network, cohort, positions, *, settings, progress=None):
    """(studies, findings) float32 in evaluation mode."""
    network.eval()
    device = next(network.parameters()).device
    found = []
    for part in batches.parts(positions, STUDIES_AT_ONCE) if len(positions) else []:
        with devices.autocast(device, settings.precision):
            found.append(network(batches.images(cohort, part, device)).float().cpu())
        if progress is not None:
            progress(sum(len(batch) for batch in found), len(positions))
    return torch.cat(found).numpy() if found else np.empty((0, network.head.out_features), np.float32)
