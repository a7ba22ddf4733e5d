"""One training from targets to the best epoch, resumable; used by 03_training.

TARGETS and a `Cohort` go in; a `TrainingRun` comes out. Recipe "study": binary cross-entropy over all entries
of weight above 0, AdamW, learning rate falling in steps, the epoch with the best macro AUC on validation.
"""

import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from labkit.errors import TrainingError
from labkit.training import checkpoints, devices, epochs
from labkit.training.settings import Settings

__all__ = ["TrainingRun", "fit"]


@dataclass(frozen=True)
class TrainingRun:
    """A finished training. history : DataFrame, one row per epoch; best_epoch counts from 1; seconds is this
    call's time.
    """

    policy: str
    seed: int
    settings: Settings
    findings: tuple[str, ...]
    views: tuple[str, ...]
    selected_on: tuple[str, ...]
    best_epoch: int
    history: pd.DataFrame = field(repr=False)
    checkpoint: Path
    device: str
    seconds: float = field(compare=False)


def fit(cohort, targets, *, settings, seed, out_dir, progress=None):
    """Train one network for one policy.

    Parameters
    ----------
    cohort : training.Cohort.
    targets : TARGETS table of one policy, train and validation.
    settings : training.Settings.
    seed : decides initial weights of new layers, order of studies and augmentation.
    out_dir : folder of this training alone; `network.pt` is written there, a killed training goes on from
        `resume.pt`.
    progress : called with one row of the history (a dict) after each epoch.

    Returns
    -------
    TrainingRun; history has epoch, learning_rate, train_loss, validation_loss, validation_auc (macro, NaN
    where no finding has `settings.min_positives`; then the lowest validation loss chooses), best. The same
    call on finished, unchanged work reads it back.

    Raises
    ------
    TrainingError : targets of several policies, no weight above 0, a device or weights that are not there, a
    loss that is not finite.
    """
    started = time.monotonic()
    device = devices.choose(settings.device)
    policy = _one_policy(targets)
    if cohort.pixels.shape[-1] != settings.image_size_px:
        raise TrainingError(
            f"The cache holds {cohort.pixels.shape[-1]} px, image_size_px is {settings.image_size_px}; "
            "build it at that size."
        )
    with devices.exact(cpu_threads=settings.cpu_threads, seed=seed, device=device):
        marker = checkpoints.fingerprint(cohort, targets, settings=settings, seed=seed, device=device)
        finished = checkpoints.load_if_same(Path(out_dir) / "network.pt", marker)
        if finished is None:
            training = epochs.Training(cohort, targets, settings=settings, seed=seed, device=device)
            finished = _run(training, Path(out_dir), marker, progress)
    return TrainingRun(
        policy=policy,
        seed=seed,
        settings=settings,
        findings=tuple(finished["findings"]),
        views=cohort.views,
        selected_on=tuple(finished["selected_on"]),
        best_epoch=finished["best_epoch"],
        history=pd.DataFrame(finished["history"]),
        checkpoint=Path(out_dir) / "network.pt",
        device=device.type,
        seconds=time.monotonic() - started,
    )


def _run(training, out_dir, marker, progress):
    """All epochs from the start or from the last resume point; writes and returns the finished state."""
    checkpoints.remove_parts(out_dir)
    state = checkpoints.load_if_same(out_dir / "resume.pt", marker)
    history, best = [], None
    if state is not None:
        training.network.load_state_dict(state["network"])
        training.optimiser.load_state_dict(state["optimiser"])
        training.schedule.load_state_dict(state["schedule"])
        history, best = state["history"], state["best"]
    settings = training.settings
    for number in range(len(history) + 1, settings.epochs + 1):
        row = training.epoch(number)
        row["best"] = _is_better(row, history)
        history.append(row)
        if row["best"]:
            best = _copied(training.network)
        if settings.checkpoint_every and number % settings.checkpoint_every == 0 and number < settings.epochs:
            checkpoints.save(_resume_point(training, marker, history, best), out_dir / "resume.pt")
        if progress is not None:
            progress(row)
    finished = {
        "fingerprint": marker,
        "network": best,
        "findings": list(training.findings),
        "views": list(training.cohort.views),
        "selected_on": list(training.selected_on),
        "best_epoch": max(row["epoch"] for row in history if row["best"]),
        "settings": settings.model_dump(mode="json"),
        "history": history,
    }
    checkpoints.save(finished, out_dir / "network.pt")
    (out_dir / "resume.pt").unlink(missing_ok=True)
    return finished


def _resume_point(training, marker, history, best):
    return {
        "fingerprint": marker,
        "network": training.network.state_dict(),
        "optimiser": training.optimiser.state_dict(),
        "schedule": training.schedule.state_dict(),
        "history": history,
        "best": best,
    }


def _copied(network):
    """A state dict on the CPU that further steps leave alone; changed in place, since it carries layer versions."""
    state = network.state_dict()
    for name, tensor in state.items():
        state[name] = tensor.detach().cpu().clone()
    return state


def _is_better(row, history):
    """Better macro AUC; of equal ones the earlier epoch stays; without a finding to choose on, a lower
    validation loss.
    """
    if not history:
        return True
    if np.isnan(row["validation_auc"]):
        return row["validation_loss"] < min(earlier["validation_loss"] for earlier in history)
    return row["validation_auc"] > max(earlier["validation_auc"] for earlier in history)


def _one_policy(targets):
    names = sorted(targets["policy"].unique())
    if len(names) != 1:
        raise TrainingError(f"targets: policies {names}; one training has one policy, pass one table of targets.")
    return names[0]
