"""One training from targets to the best epoch, resumable; used by 03_training.

TARGETS and a `Cohort` go in; a `TrainingRun` comes out: the loss over all entries of weight above 0, the recipe's
optimiser, and of all epochs the one with the best macro AUC on validation.
"""

import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from labkit.errors import TrainingError
from labkit.training import checkpoints, devices, epochs, logbook
from labkit.training import team as teams
from labkit.training.settings import Settings

__all__ = ["TrainingRun", "fit", "read"]

NETWORK, RESUME = "network.pt", "resume.pt"


@dataclass(frozen=True)
class TrainingRun:
    """A finished training. history : DataFrame, one row per epoch; best_epoch counts from 1; seconds is this
    call's time. areas : validation AUC per finding in the best epoch. means : what it was computed with. notes : what
    was changed on the way, such as fewer studies at once. fingerprint : SHA-256 of all that decides the weights.
    """

    policy: str
    seed: int
    settings: Settings
    findings: tuple[str, ...]
    views: tuple[str, ...]
    selected_on: tuple[str, ...]
    best_epoch: int
    history: pd.DataFrame = field(repr=False)
    areas: dict = field(repr=False)
    checkpoint: Path
    means: dict
    notes: tuple[str, ...]
    seconds: float = field(compare=False)
    fingerprint: str = ""


def fit(cohort, targets, *, settings, seed, out_dir, progress=None):
    """Train one network for one policy; under torchrun with all its processes together.

    Parameters
    ----------
    cohort : training.Cohort.
    targets : TARGETS table of one policy, train and validation.
    settings : training.Settings.
    seed : decides initial weights of new layers, order of studies and augmentation.
    out_dir : folder of this training alone; `network.pt` is written there, a killed training goes on from
        `resume.pt`; `log.csv` has a row per epoch.
    progress : called after each epoch with one row of the history (a dict), `areas` (AUC per finding), `notes` and
        `of` (epochs planned).

    Returns
    -------
    TrainingRun; history has epoch, learning_rate, train_loss, validation_loss, validation_auc (macro, NaN
    where no finding has `settings.min_positives`; then the lowest validation loss chooses), best. The same
    call on finished, unchanged work reads it back.

    Raises
    ------
    TrainingError : targets of several policies, no weight above 0, a device or weights that are not there, a
    loss that is not finite, too little memory for one study, a normalisation that several processes cannot share.
    """
    started = time.monotonic()
    out_dir, policy = Path(out_dir), _one_policy(targets)
    team = teams.join(devices.choose(settings.device))
    means = devices.means(settings, processes=team.size)
    _check(cohort, settings)
    with devices.exact(
        cpu_threads=settings.cpu_threads, seed=seed, device=means.device, deterministic=settings.deterministic
    ):
        marker = checkpoints.fingerprint(cohort, targets, settings=settings, seed=seed, device=means.device)
        finished = checkpoints.load_if_same(out_dir / NETWORK, marker)
        team.wait()  # before the first process may write what the others are to decide on
        if finished is None:
            training = epochs.Training(cohort, targets, settings=settings, seed=seed, means=means, team=team)
            finished = _run(training, out_dir, marker, policy, progress if team.leads else None)
    return _as_run(finished, out_dir / NETWORK, settings=settings, seconds=time.monotonic() - started)


def read(checkpoint):
    """The finished training in a file `network.pt`, to predict with.

    Raises
    ------
    TrainingError : missing, damaged, or no finished training.
    """
    state = checkpoints.load(checkpoint)
    if not isinstance(state, dict) or "architecture" not in state:
        raise TrainingError(f"{Path(checkpoint).name}: this file holds no finished training; give a network.pt.")
    return _as_run(state, Path(checkpoint), settings=Settings(**state["settings"]), seconds=0.0)


def _as_run(state, checkpoint, *, settings, seconds):
    return TrainingRun(
        policy=state["policy"],
        seed=state["seed"],
        settings=settings,
        findings=tuple(state["findings"]),
        views=tuple(state["views"]),
        selected_on=tuple(state["selected_on"]),
        best_epoch=state["best_epoch"],
        history=pd.DataFrame(state["history"]),
        areas=state["areas"][state["best_epoch"] - 1],
        checkpoint=checkpoint,
        means=state["means"],
        notes=tuple(state["notes"]),
        seconds=seconds,
        fingerprint=state["fingerprint"],
    )


def _run(training, out_dir, marker, policy, progress):
    """All epochs from the start or from the last resume point; writes and returns the finished state."""
    settings, leads = training.settings, training.team.leads
    if leads:
        checkpoints.remove_parts(out_dir)
    history, areas, best = _resume(training, out_dir / RESUME, marker)
    log = logbook.Logbook(out_dir, tensorboard=settings.tensorboard, anew=not history) if leads else None
    while len(history) < settings.epochs and not training.recipe.is_over(history):
        row, own = training.epoch(len(history) + 1)
        row["best"] = _is_better(row, history)
        history.append(row)
        areas.append(own)
        if row["best"]:
            best = _copied(training.scored)
        due = settings.checkpoint_every and row["epoch"] % settings.checkpoint_every == 0
        if leads and due and row["epoch"] < settings.epochs:
            state = training.state_dict() | {"history": history, "areas": areas, "best": best}
            checkpoints.save({"fingerprint": marker, **state}, out_dir / RESUME)
        if leads:
            log.write(history, areas)
        if progress is not None:
            progress(row | {"areas": own, "notes": tuple(training.notes), "of": settings.epochs})
    finished = _finished(training, marker, policy, history, areas, best)
    if leads:
        log.close()
        checkpoints.save(finished, out_dir / NETWORK)
        (out_dir / RESUME).unlink(missing_ok=True)
    training.team.wait()
    return finished


def _resume(training, path, marker):
    """History, areas and best weights so far, with the training's state put back; nothing where there is none."""
    state = checkpoints.load_if_same(path, marker)
    training.team.wait()
    if state is None:
        return [], [], None
    training.load_state_dict(state)
    return state["history"], state["areas"], state["best"]


def _finished(training, marker, policy, history, areas, best):
    return {
        "fingerprint": marker,
        "policy": policy,
        "seed": training.seed,
        "network": best,
        "architecture": training.architecture.plain(),
        "findings": list(training.findings),
        "views": list(training.cohort.views),
        "selected_on": list(training.selected_on),
        "best_epoch": max(row["epoch"] for row in history if row["best"]),
        "settings": Settings(**_plain(training.settings)).model_dump(mode="json"),
        "history": history,
        "areas": areas,
        "means": training.means.plain(),
        "notes": list(training.notes),
        "prepared": dict(training.cohort.prepared),
    }


def _plain(settings):
    """The training's own settings, without the seeds that a params file adds and the folder of a file of weights."""
    own = {name: value for name, value in settings.model_dump(mode="json").items() if name in Settings.model_fields}
    return own | {"weights": Path(settings.weights).name}


def _check(cohort, settings):
    if cohort.pixels.shape[-1] != settings.image_size_px:
        raise TrainingError(
            f"The cache holds {cohort.pixels.shape[-1]} px, image_size_px is {settings.image_size_px}; "
            "build it at that size."
        )


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
