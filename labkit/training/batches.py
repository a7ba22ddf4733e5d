"""Studies as tensors: targets and weights in the cohort's order, batches of pixels; used by 03_training."""

import numpy as np
import torch

__all__ = ["images", "matrix", "parts"]


def matrix(targets, column, cohort, findings):
    """(studies, findings) float32 in the cohort's order, 0 where a study has no target."""
    table = targets.pivot(index="study_id", columns="finding", values=column)
    table = table.reindex(index=cohort.studies["study_id"], columns=list(findings)).fillna(0.0)
    return table.to_numpy(np.float32)


def parts(order, size):
    """Near-equal parts of at most `size`: no last batch of one, which batch normalisation cannot use."""
    return np.array_split(order, -(-len(order) // size))


def images(cohort, positions, device):
    """(studies, views, rows, columns) float32 in [0, 1] on the device."""
    # uint8 until the device: a quarter of the transfer
    return torch.from_numpy(cohort.batch(positions)).to(device).float() / 255
