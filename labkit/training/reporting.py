"""What 03_training shows and hands over besides scores: progress, the learning curves, the exported labels."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path

import pandas as pd

from labkit import tables
from labkit.training import live

__all__ = ["epoch_line", "export_targets", "live_chart", "overview", "progress", "save_history"]


def progress() -> Callable[[dict], None]:
    """What `fit` calls after each epoch: a chart for a person in JupyterLab, a line per epoch anywhere else."""
    return live_chart() if _someone_watches() else epoch_line()


def epoch_line() -> Callable[[dict], None]:
    """A callback that prints one line per epoch, for the terminal and the notebook alike."""
    said = []

    def show(row: dict) -> None:
        print(
            f"epoch {row['epoch']:>3}  training loss {row['train_loss']:.4f}  validation loss "
            f"{row['validation_loss']:.4f}  validation macro AUC {row['validation_auc']:.3f}",
            flush=True,
        )
        for note in row.get("notes", ())[len(said) :]:
            said.append(note)
            print(note, flush=True)

    return show


def live_chart() -> Callable[[dict], None]:
    """A callback that shows losses, macro AUC and the AUC of each finding, drawn anew after each epoch."""
    from IPython.display import HTML, display

    rows, shown = [], []

    def show(row: dict) -> None:
        rows.append(row)
        notes = "".join(f"<p>{note}</p>" for note in row.get("notes", ()))
        content = HTML(f"{live.chart(rows)}{live.findings_table(rows)}{notes}")
        if shown:
            shown[0].update(content)
        else:
            shown.append(display(content, display_id=True))

    return show


def _someone_watches() -> bool:
    """Whether this is a notebook that a person runs; labkit's own run sets a variable for its kernels."""
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    return hasattr(get_ipython(), "kernel") and "LABKIT_BASE_DIR" not in os.environ


def overview(runs: Iterable) -> pd.DataFrame:
    """A row per training: seed, epochs, the chosen one, its macro AUC, and what it was computed with."""
    rows = []
    for run in runs:
        best = run.history.set_index("epoch").loc[run.best_epoch]
        rows.append(
            {
                "seed": run.seed,
                "epochs": len(run.history),
                "best epoch": run.best_epoch,
                "validation macro AUC": round(float(best["validation_auc"]), 3),
                **{name.replace("_", " "): _word(value) for name, value in run.means.items()},
                "notes": " ".join(run.notes),
            }
        )
    found = pd.DataFrame(rows)
    return found if found["notes"].any() else found.drop(columns="notes")


def _word(value) -> str:
    return {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)


def save_history(epochs: pd.DataFrame, path: str | Path) -> Path:
    """Write the history of all seeds as CSV."""
    return tables.write_csv(epochs, path)


def export_targets(targets: pd.DataFrame, folder: str | Path) -> list[Path]:
    """The labels that a policy makes for training and validation, as a partner site can use them.

    `training_labels.csv` has one row per study and one column per finding (0 to 1; empty = not used; under multiclass
    0.5 = the class uncertain), with pseudonyms; `targets.csv` is the long TARGETS table with the value that each target
    was made from.
    """
    folder = Path(folder)
    used = targets.assign(target=targets["target"].where(targets["weight"] > 0))
    order = list(dict.fromkeys(targets["finding"]))
    wide = used.pivot(index=["study_id", "split"], columns="finding", values="target")[order].reset_index()
    return [
        tables.write_csv(wide, folder / "training_labels.csv"),
        tables.write(targets, folder / "targets.csv", tables.TARGETS),
    ]
