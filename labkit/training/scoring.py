"""What a trained network says of each study; used by 03_training. A `Cohort` goes in, a PREDICTIONS table
comes out.
"""

import numpy as np
import pandas as pd
import torch

from labkit.errors import TrainingError
from labkit.seeds import SCORE_DIGITS, mean_logit
from labkit.training import batches, checkpoints, devices, losses, networks

__all__ = ["ensemble", "logits", "predict", "restore"]

PREDICTED_SPLITS = ("validation", "test", "external")
STUDIES_AT_ONCE = 32  # without gradients there is room for more than a training batch
ENSEMBLE_SEED = -1  # stands for all seeds together


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
    settings, means = run.settings, devices.means(run.settings)
    positions = cohort.positions(*split_names)
    with devices.exact(
        cpu_threads=settings.cpu_threads, seed=run.seed, device=means.device, deterministic=settings.deterministic
    ):
        network = restore(run.checkpoint, slots=cohort.slots, masked=cohort.masked).to(means.device)
        network.channels_last = means.channels_last
        found = logits(network, cohort, positions, means=means, flips=settings.flips_at_test, progress=progress)
    found = losses.binary(torch.from_numpy(found)).numpy()
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


def restore(checkpoint, *, slots=None, masked=None):
    """The network of a finished training, on the CPU; pooled networks take other images per study than they were
    trained on.

    Raises
    ------
    TrainingError : missing or damaged file, or images that this network has no place for.
    """
    state = checkpoints.load(checkpoint)
    trained = networks.Architecture.read(state["architecture"])
    asked = trained
    if slots is not None and trained.pooling != "concatenate":
        asked = networks.Architecture(**vars(trained) | {"slots": tuple(slots), "masked": masked})
    elif slots is not None and tuple(slots) != (trained.slots or tuple(range(trained.n_views))):
        raise TrainingError(f"The network reads {len(trained.slots)} images per study, these have {len(slots)}.")
    elif masked and not trained.masked:
        raise TrainingError(
            "Views are missing, and the network has not learned what to make of that; drop these studies."
        )
    network = networks.build(asked)
    network.load_state_dict(state["network"])
    return network.eval()


def ensemble(predictions):
    """One score out of the networks of several seeds: the mean logit of each study and finding.

    predictions : PREDICTIONS of one or more policies. The table that comes back has the seed -1.
    """
    key = [column for column in predictions.columns if column not in ("seed", "score")]
    mean = np.round(mean_logit(predictions, key), SCORE_DIGITS).reset_index()
    return mean.assign(seed=ENSEMBLE_SEED)[list(predictions.columns)]


@torch.inference_mode()
def logits(network, cohort, positions, *, means, flips=False, progress=None):
    """(studies, findings[, 3]) float32 in evaluation mode; with flips the mean over each image and its mirror image."""
    network.eval()
    found, done = [], 0
    for part, pixels in batches.ahead(cohort, batches.parts(positions, STUDIES_AT_ONCE)):
        images, present = batches.scaled(pixels, means.device), batches.present(cohort, part)
        with means.autocast():
            given = network(images, present).float()
            if flips:
                given = (given + network(images.flip(-1), present).float()) / 2
        found.append(given)  # fetched at the end: a GPU is not waited for
        done += len(part)
        if progress is not None:
            progress(done, len(positions))
    if found:
        return torch.cat(found).cpu().numpy()
    n_findings = network.head.out_features // network.n_outputs
    shape = (0, n_findings) if network.n_outputs == 1 else (0, n_findings, network.n_outputs)
    return np.empty(shape, np.float32)
