"""What 03_training shows and hands over besides scores: a line per epoch, the learning curves, the exported labels."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from labkit import tables

__all__ = ["epoch_line", "export_targets", "save_history"]


def epoch_line() -> Callable[[dict], None]:
    """A callback that prints one line per epoch, for the terminal and the notebook alike."""

    def show(row: dict) -> None:
        print(
            f"epoch {row['epoch']:>3}  training loss {row['train_loss']:.4f}  validation loss "
            f"{row['validation_loss']:.4f}  validation macro AUC {row['validation_auc']:.3f}",
            flush=True,
        )

    return show


def save_history(epochs: pd.DataFrame, path: str | Path) -> Path:
    """Write the history of all seeds as CSV."""
    return tables.write_csv(epochs, path)


def export_targets(targets: pd.DataFrame, folder: str | Path) -> list[Path]:
    """The labels that a policy makes for training and validation, as a partner site can use them.

    `training_labels.csv` has one row per study and one column per finding (0 to 1; empty = not used), with pseudonyms;
    `targets.csv` is the long TARGETS table with the value that each target was made from.
    """
    folder = Path(folder)
    used = targets.assign(target=targets["target"].where(targets["weight"] > 0))
    order = list(dict.fromkeys(targets["finding"]))
    wide = used.pivot(index=["study_id", "split"], columns="finding", values="target")[order].reset_index()
    return [
        tables.write_csv(wide, folder / "training_labels.csv"),
        tables.write(targets, folder / "targets.csv", tables.TARGETS),
    ]
