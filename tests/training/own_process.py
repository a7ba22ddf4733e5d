"""Trainings in processes of their own: `own_process.py FOLDER` does the jobs of FOLDER/given.pickle one after another.

A job is (out, names of settings, number of processes, epoch after which the leader dies by SIGKILL, or 0); one name in
place of several asks for the gradients of single steps. Each runs in forks of this process, so that torch is imported
once; how each fork ended is written to FOLDER/ended.json.
"""

import json
import os
import pickle
import shutil
import signal
import socket
import sys
from pathlib import Path

import numpy as np

from labkit import training


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def fit(given, out, names, last):
    cohorts, targets, settings, _ = given

    def progress(row):
        if row["epoch"] == last:
            os.kill(os.getpid(), signal.SIGKILL)

    for name in names:
        own = {"settings": settings[name], "seed": 3, "out_dir": out / name}
        training.fit(cohorts[name], targets, progress=progress, **own)


def step(given, out, name, rank, size):
    """Loss and gradients of steps of eight studies, of which none, one or four have a second view."""
    import torch

    from labkit.training import augmentation, devices, epochs, team

    cohort, settings = given[0][name], given[2][name].model_copy(update={"batch_size": 8})
    crew, means, found = team.join(torch.device("cpu")), devices.means(settings, processes=size), []
    with devices.exact(cpu_threads=1, seed=3, device=means.device):
        training_ = epochs.Training(cohort, given[1], settings=settings, seed=3, means=means, team=crew)
        training_.network.train()
        whole = cohort.present(training_.train)[:, 1]
        have, lack = training_.train[whole], training_.train[~whole]
        one_sided = np.stack([have[:4], lack[:4]], axis=1).ravel()  # dealt out in turn
        for group in (lack[:8], np.append(have[:1], lack[:7]), np.append(have[:4], lack[:4]), one_sided):
            training_.recipe.optimiser.zero_grad(set_to_none=True)
            drawn = augmentation.draw(16, settings=settings, generator=torch.Generator().manual_seed(1))
            loss = crew.summed(training_._gradients(group, cohort.batch(group[rank::size]), drawn).double())
            own = {n: p.grad.clone() for n, p in training_.network.named_parameters() if p.grad is not None}
            found.append(own | {"loss": loss})
    if rank == 0:
        out.mkdir(exist_ok=True)
        torch.save(found, out / f"{size}.pt")


def forks(given, out, names, size, last):
    """Exit status of each process of a job, negative for a signal."""
    place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()), "WORLD_SIZE": str(size)}
    started = []
    for rank in range(size):
        child = os.fork()
        if child == 0:
            os.environ.update(place | {"RANK": str(rank), "LOCAL_RANK": str(rank)} if size > 1 else {})
            left = 1
            try:
                if isinstance(names, str):
                    step(given, out, names, rank, size)
                else:
                    fit(given, out, names, last)
                left = 0
            finally:  # no farewell of the interpreter, which may wait for threads that a fork does not have
                sys.stderr.flush()
                os._exit(left)
        started.append(child)
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in started]


def main(folder):
    training.fit  # noqa: B018  imports torch, once for all forks
    given, ended = pickle.loads((folder / "given.pickle").read_bytes()), []
    for out, names, size, last in given[-1]:
        ended.append(forks(given, folder / out, names, size, last))
        if last:  # what a kill left, before another job goes on with it
            shutil.copytree(folder / out, folder / f"{out}_left")
    (folder / "ended.json").write_text(json.dumps(ended), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
