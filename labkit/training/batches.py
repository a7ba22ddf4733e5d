"""Studies as tensors: targets and weights in the cohort's order, batches of pixels; used by 03_training.

Nothing here waits for a GPU: what goes there is copied from pinned memory while it still computes, and the pixels of
the next steps are read by a thread of their own meanwhile.
"""

from collections import deque
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

__all__ = ["ahead", "images", "matrix", "moved", "parts", "present", "scaled"]

STEPS_AHEAD = 2


def matrix(targets, column, cohort, findings):
    """(studies, findings) float32 in the cohort's order, 0 where a study has no target."""
    table = targets.pivot(index="study_id", columns="finding", values=column)
    table = table.reindex(index=cohort.studies["study_id"], columns=list(findings)).fillna(0.0)
    return table.to_numpy(np.float32, copy=True)


def parts(order, size):
    """Near-equal parts of at most `size`: no last batch of one, which batch normalisation cannot use."""
    return np.array_split(order, -(-len(order) // size)) if len(order) else []


def ahead(cohort, groups):
    """Each group of positions with its pixels, (positions, pixels); those of the next groups are read meanwhile.

    Pixels are (studies, slots, rows, columns) of the cache's type, as of `Cohort.batch`.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="pixels") as reader:
        waiting = deque()
        for group in groups:
            waiting.append((group, reader.submit(cohort.batch, group)))
            if len(waiting) > STEPS_AHEAD:
                first, read = waiting.popleft()
                yield first, read.result()
        while waiting:
            first, read = waiting.popleft()
            yield first, read.result()


def images(cohort, positions, device):
    """(studies, slots, rows, columns) float32 in [0, 1] on the device."""
    return scaled(cohort.batch(positions), device)


def scaled(pixels, device):
    """(studies, slots, rows, columns) float32 in [0, 1] on the device, of pixels uint8 or uint16."""
    if pixels.dtype == np.uint16:  # torch reckons little in uint16, and int32 holds it whole
        return moved(torch.from_numpy(pixels.astype(np.int32)), device).float() / 65535
    # uint8 until the device: a quarter of the transfer
    return moved(torch.from_numpy(pixels), device).float() / 255


def present(cohort, positions, device=None):
    """(studies, slots) bool, None where no image can be missing; without a device on the CPU, where a network reads it
    without waiting for a GPU.
    """
    found = cohort.present(positions)
    return None if found is None else moved(torch.from_numpy(found), device or torch.device("cpu"))


def moved(tensor, device):
    """The tensor on the device; a copy to a GPU does not wait for what that still computes."""
    if device.type != "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)
