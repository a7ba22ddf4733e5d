"""Studies as tensors: targets and weights in the cohort's order, batches of pixels; used by 03_training."""

import numpy as np
import torch

__all__ = ["images", "matrix", "parts", "present"]


def matrix(targets, column, cohort, findings):
    """(studies, findings) float32 in the cohort's order, 0 where a study has no target."""
    table = targets.pivot(index="study_id", columns="finding", values=column)
    table = table.reindex(index=cohort.studies["study_id"], columns=list(findings)).fillna(0.0)
    return table.to_numpy(np.float32)


def parts(order, size):
    """Near-equal parts of at most `size`: no last batch of one, which batch normalisation cannot use."""
    return np.array_split(order, -(-len(order) // size)) if len(order) else []


def images(cohort, positions, device):
    """(studies, slots, rows, columns) float32 in [0, 1] on the device."""
    found = cohort.batch(positions)
    if found.dtype == np.uint16:  # torch reckons little in uint16, and int32 holds it whole
        return _moved(torch.from_numpy(found.astype(np.int32)), device).float() / 65535
    # uint8 until the device: a quarter of the transfer
    return _moved(torch.from_numpy(found), device).float() / 255


def present(cohort, positions, device):
    """(studies, slots) bool on the device, None where no image can be missing."""
    found = cohort.present(positions)
    return None if found is None else _moved(torch.from_numpy(found), device)


def _moved(tensor, device):
    if device.type != "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)  # while the last step still runs
