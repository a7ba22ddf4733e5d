"""The log of a training while it runs: a CSV with a row per epoch, and TensorBoard's format where asked for."""

import importlib
import shutil
from pathlib import Path

import pandas as pd

from labkit import tables
from labkit.errors import TrainingError

__all__ = ["Logbook"]


class Logbook:
    """Writes `log.csv` (losses, macro AUC, learning rate, AUC per finding) after each epoch, whole or not at all.

    anew : whether this training starts now; TensorBoard's files of an earlier one are removed.
    """

    def __init__(self, folder, *, tensorboard=False, anew=True):
        self.path = Path(folder) / "log.csv"
        if anew:
            shutil.rmtree(Path(folder) / "tensorboard", ignore_errors=True)
        self.events = _writer(Path(folder) / "tensorboard") if tensorboard else None

    def write(self, history, areas):
        """history, areas : one dict per epoch so far."""
        rows = [row | {f"AUC {name}": area for name, area in own.items()} for row, own in zip(history, areas)]
        tables.write_csv(pd.DataFrame(rows), self.path)
        if self.events is not None and rows:
            for name, value in rows[-1].items():
                if name not in ("epoch", "best"):
                    self.events.add_scalar(name.replace("_", " "), value, rows[-1]["epoch"])
            self.events.flush()

    def close(self):
        """Let go of TensorBoard's file."""
        if self.events is not None:
            self.events.close()


def _writer(folder):
    try:
        return importlib.import_module("torch.utils.tensorboard").SummaryWriter(folder)
    except ImportError as error:
        raise TrainingError(
            "tensorboard: true needs the optional package tensorboard; install it, or set tensorboard: false (log.csv "
            "is written in any case)."
        ) from error
