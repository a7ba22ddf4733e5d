"""Networks on disk: written whole or not at all, tied to what they were trained from; used by 03_training.

A training leaves one file of tensors, `network.pt`; while it runs, `resume.pt` holds the state after the last
epoch. Both carry a fingerprint of all that determines the weights, so that a file of other data, settings or
code is never taken for this training's.
"""

import functools
import hashlib
import json
import os
import tempfile
from pathlib import Path

import numpy as np
import torch
import torchvision

from labkit.errors import TrainingError

__all__ = ["fingerprint", "load", "load_if_same", "remove_parts", "save"]

PART = ".part-"
# What the weights and the choice among epochs follow from; a chart or a card may change without a new training.
CODE = ("augmentation", "batches", "cohort", "devices", "epochs", "loop", "losses", "networks", "recipes", "scoring")
CODE += ("team", "trunks")


def fingerprint(cohort, targets, *, settings, seed, device):
    """SHA-256 over settings, seed, targets, reference, pixels of train and validation, library versions and
    the modules that compute.
    """
    digest = hashlib.sha256(_code())
    versions = [torch.__version__, torchvision.__version__, np.__version__, str(device.type)]
    chosen = cohort.positions("train", "validation")
    facts = [settings.determining(), seed, versions, cohort.views, cohort.slots, cohort.studies.loc[chosen].to_csv()]
    digest.update(json.dumps(facts, sort_keys=True, default=str).encode())
    if Path(settings.weights).is_file():
        digest.update(hashlib.sha256(Path(settings.weights).read_bytes()).digest())
    ordered = targets.sort_values(["study_id", "finding"])
    digest.update(ordered[["study_id", "finding", "policy", "target", "weight"]].to_csv(index=False).encode())
    digest.update(cohort.validation.to_csv().encode())
    for position in chosen:
        digest.update(cohort.batch([position]).tobytes())
        digest.update(b"" if not cohort.masked else cohort.present([position]).tobytes())
    return digest.hexdigest()


@functools.cache
def _code():
    """Of the modules as they were when this process first asked: later changes are not what it runs."""
    folder = Path(__file__).parent
    return b"".join(hashlib.sha256((folder / f"{name}.py").read_bytes()).digest() for name in CODE)


def save(state, path):
    """Write a dict of tensors and plain values so that another process sees the old file or the new one,
    never a part.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, part = tempfile.mkstemp(prefix=PART, dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise


def load(path):
    """Read what `save` wrote, onto the CPU.

    Raises
    ------
    TrainingError : missing or damaged.
    """
    path = Path(path)
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise TrainingError(f"{path.name}: no such network; train it first.") from error
    except Exception as error:  # torch names no single family for damaged files
        raise TrainingError(f"{path.name}: this file is damaged; delete it and train again.") from error


def load_if_same(path, expected):
    """The state in `path` where it exists, is whole and carries the fingerprint `expected`; else None."""
    try:
        state = load(path)
    except TrainingError:
        return None
    return state if isinstance(state, dict) and state.get("fingerprint") == expected else None


def remove_parts(folder):
    """Delete what a killed process left half-written in the folder of its training."""
    for part in Path(folder).glob(f"{PART}*"):
        part.unlink(missing_ok=True)
