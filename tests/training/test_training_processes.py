"""Trainings in processes of their own: killed for good, or two that work as one."""

import os
import pickle
import signal
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from labkit import training
from labkit.errors import TrainingError
from labkit.training.team import Team

SCRIPT = Path(__file__).with_name("own_process.py")


@pytest.fixture(scope="module")
def recipes(settings):
    strong = {"recipe": "strong", "strong": training.Strong(ema_decay=0.9, warm_up_epochs=0.5, positive_weights=True)}
    short, stepped = {"epochs": 2, "batch_size": 24}, {"accumulate": 2, "batch_size": 12}
    # a deep network with random weights and a large rate would make much of the last bit
    calm = {"backbone": "resnet18", "learning_rate": 1e-4}
    return {
        "study": settings.model_copy(update=short),
        "strong": settings.model_copy(update=short | strong | stepped),
        "calm": settings.model_copy(update=short | calm),
        "calm_strong": settings.model_copy(update=short | calm | strong | stepped),
    }


@pytest.fixture(scope="module")
def given(cohort, targets, recipes, tmp_path_factory):
    """A folder with all that a process needs; pixels are copied, since a memory map of another process is none."""
    folder = tmp_path_factory.mktemp("given")
    own = training.Cohort(**vars(cohort) | {"pixels": np.array(cohort.pixels)})
    (folder / "given.pickle").write_bytes(pickle.dumps((own, targets, recipes)))
    return folder


def fit(name, cohort, targets, recipes, folder, progress=None):
    return training.fit(cohort, targets, settings=recipes[name], seed=3, out_dir=folder / name, progress=progress)


def start(*arguments, **variables):
    command = [sys.executable, str(SCRIPT), *map(str, arguments)]
    return subprocess.Popen(command, env=os.environ | {"OMP_NUM_THREADS": "1"} | variables, stderr=subprocess.PIPE)


def network(path):
    return torch.load(path, weights_only=True)["network"]


@pytest.mark.parametrize("recipe", ["study", "strong"])
def test_a_killed_process_is_gone_on_from_with_the_same_bits(given, recipe, cohort, targets, recipes, tmp_path):
    killed = start(given, tmp_path, recipe, 1)
    killed.communicate(timeout=300)
    assert killed.returncode == -signal.SIGKILL
    assert (tmp_path / recipe / "resume.pt").exists() and not (tmp_path / recipe / "network.pt").exists()
    seen = []
    run = fit(recipe, cohort, targets, recipes, tmp_path, seen.append)
    assert [row["epoch"] for row in seen] == [2]
    whole = fit(recipe, cohort, targets, recipes, tmp_path / "undisturbed")
    assert run.history.equals(whole.history)
    first, second = network(run.checkpoint), network(whole.checkpoint)
    assert first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def test_two_processes_give_the_losses_of_one(given, cohort, targets, recipes, tmp_path):
    place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()), "WORLD_SIZE": "2"}
    both = [
        start(given, tmp_path, "calm,calm_strong", **place, RANK=str(rank), LOCAL_RANK=str(rank)) for rank in range(2)
    ]
    for process in both:
        _, said = process.communicate(timeout=300)
        assert process.returncode == 0, said.decode()[-2000:]
    for name in ("calm", "calm_strong"):
        run = training.read(tmp_path / name / "network.pt")
        assert run.means["processes"] == 2
        alone = fit(name, cohort, targets, recipes, tmp_path / "alone").history
        for column in ("train_loss", "validation_loss"):
            assert run.history[column].to_numpy() == pytest.approx(alone[column].to_numpy(), rel=2e-3), column
        assert sorted(path.name for path in (tmp_path / name).iterdir()) == ["log.csv", "network.pt"]


def test_processes_share_a_step_so_that_every_study_counts_once():
    for n, size, at_once in [(12, 2, 6), (9, 2, 1), (7, 4, 2), (5, 5, 3)]:
        dealt = [Team(rank, size).deal(n, at_once) for rank in range(size)]
        assert len({len(parts) for parts in dealt}) == 1  # none waits for another
        counted = [own[counts] for parts in dealt for own, counts in parts]
        assert sorted(np.concatenate(counted)) == list(range(n))
        assert all(0 < len(own) <= at_once for parts in dealt for own, _ in parts)


def test_more_processes_than_studies_of_a_step_are_refused():
    with pytest.raises(TrainingError, match="A step has 3 studies for 4 processes"):
        Team(0, 4).deal(3, 2)
