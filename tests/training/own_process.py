"""Trainings in a process of their own: `own_process.py FOLDER OUT RECIPE[,RECIPE] [EPOCH]` dies by SIGKILL after that
epoch."""

import os
import pickle
import signal
import sys
from pathlib import Path

from labkit import training


def main(folder: Path, out: Path, names: str, last: int) -> None:
    cohort, targets, settings = pickle.loads((folder / "given.pickle").read_bytes())

    def progress(row):
        if row["epoch"] == last:
            os.kill(os.getpid(), signal.SIGKILL)

    for name in names.split(","):
        training.fit(cohort, targets, settings=settings[name], seed=3, out_dir=out / name, progress=progress)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]) if len(sys.argv) > 4 else 0)
