"""Trainings in processes of their own: killed for good, or two that work as one."""

import json
import os
import pickle
import signal
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
    made = {
        "study": short,
        "strong": short | strong | stepped,
        "calm": short | calm | {"epochs": 1},
        "calm_strong": short | calm | strong | stepped,
        "gaps": short | calm | {"epochs": 1},
        "gaps_attention": short | calm | strong | stepped | {"pooling": "attention", "epochs": 1},
    }
    return {name: settings.model_copy(update=own) for name, own in made.items()}


@pytest.fixture(scope="module")
def cohorts(cohort, labels, images, cache, recipes):
    """Pixels are copied, since a memory map of another process is none; half of the lateral views are missing."""
    gone = images["image_id"].isin([f"S-{n:04d}-LATERAL-1" for n in range(0, 96, 2)])
    some = images.assign(usable=images["usable"].mask(gone, "false"))
    gaps = training.assemble(labels, some, cache, views=cohort.views, missing_view="mask")
    own = {name: training.Cohort(**vars(c) | {"pixels": np.array(c.pixels)}) for name, c in [("", cohort), ("g", gaps)]}
    return {name: own["g" if name.startswith("gaps") else ""] for name in recipes}


# of which the killed ones are gone on with; the last starts anew with one process what two left
JOBS = [
    ("killed", ["study"], 1, 1),
    ("killed_strong", ["strong"], 1, 1),
    ("two", ["calm", "calm_strong", "gaps", "gaps_attention"], 2, 0),
    ("killed_two", ["calm_strong"], 2, 1),
    ("killed_two", ["calm_strong"], 2, 0),
    ("step", "gaps", 2, 0),
    ("step", "gaps", 1, 0),
]


@pytest.fixture(scope="module")
def done(cohorts, targets, recipes, tmp_path_factory):
    """The folder in which the jobs were done, and how their processes ended."""
    folder = tmp_path_factory.mktemp("jobs")
    (folder / "given.pickle").write_bytes(pickle.dumps((cohorts, targets, recipes, JOBS)))
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, str(SCRIPT), str(folder)], env=environment, check=True, timeout=600)
    return folder, json.loads((folder / "ended.json").read_text(encoding="utf-8"))


@pytest.fixture
def fit(cohorts, targets, recipes):
    """A training in this process."""

    def fit(name, folder, progress=None):
        own = {"settings": recipes[name], "seed": 3, "out_dir": folder / name, "progress": progress}
        return training.fit(cohorts[name], targets, **own)

    return fit


def same(first, second):
    """Whether two trainings have the same weights, bit for bit."""
    ours, theirs = (torch.load(run.checkpoint, weights_only=True)["network"] for run in (first, second))
    return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.parametrize(("name", "out"), [("study", "killed"), ("strong", "killed_strong")])
def test_a_killed_process_is_gone_on_from_with_the_same_bits(done, name, out, fit, tmp_path):
    folder, ended = done
    assert ended[:2] == [[-signal.SIGKILL]] * 2
    assert (folder / out / name / "resume.pt").exists() and not (folder / out / name / "network.pt").exists()
    seen = []
    run = fit(name, folder / out, seen.append)
    assert [row["epoch"] for row in seen] == [2]
    whole = fit(name, tmp_path)
    assert run.history.equals(whole.history) and same(run, whole)


@pytest.mark.parametrize("name", ["calm", "calm_strong", "gaps", "gaps_attention"])
def test_two_processes_give_the_losses_of_one(done, name, fit, tmp_path):
    folder, ended = done
    assert ended[2] == [0, 0]
    run = training.read(folder / "two" / name / "network.pt")
    assert run.means["processes"] == 2
    alone = fit(name, tmp_path).history
    for column in ("train_loss", "validation_loss"):
        assert run.history[column].to_numpy() == pytest.approx(alone[column].to_numpy(), rel=2e-3), column
    assert sorted(path.name for path in (folder / "two" / name).iterdir()) == ["log.csv", "network.pt"]


def test_a_step_in_which_views_are_missing_has_the_gradient_of_one_process(done):
    """No image of a view, one (whose statistics are the running ones), or all of them with one of two processes."""
    folder, ended = done
    assert ended[5:] == [[0, 0], [0]]
    steps = [torch.load(folder / "step" / f"{size}.pt", weights_only=True) for size in (2, 1)]
    for ours, theirs in zip(*steps, strict=True):
        assert ours.pop("loss").item() == pytest.approx(theirs.pop("loss").item(), rel=1e-5)
        assert ours.keys() == theirs.keys()  # no gradient at all where no process has an image
        apart = [float((ours[n] - theirs[n]).norm() / (theirs[n].norm() + 1e-6)) for n in theirs]
        # statistics of four values, as the last layers have here, make much of the last bit
        assert np.median(apart) < 1e-4 and max(apart) < 0.15


def test_two_killed_processes_go_on_with_the_same_bits_and_one_with_the_same_losses(done, fit):
    folder, ended = done
    assert ended[3][0] == -signal.SIGKILL and ended[3][1] != 0 and ended[4] == [0, 0]
    whole, again = (training.read(folder / out / "calm_strong" / "network.pt") for out in ("two", "killed_two"))
    assert again.history.equals(whole.history) and same(again, whole)
    seen = []
    alone = fit("calm_strong", folder / "killed_two_left", seen.append)
    assert [row["epoch"] for row in seen] == [2]
    assert alone.history["train_loss"].to_numpy() == pytest.approx(whole.history["train_loss"].to_numpy(), rel=2e-3)


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
