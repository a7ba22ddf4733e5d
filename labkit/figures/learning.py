"""Learning curves: loss and macro AUC over the epochs; used by 03_training and 05_figures."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from labkit.figures.panels import legend_rows, panels
from labkit.figures.saving import Picture
from labkit.figures.style import GREY, look, shown

__all__ = ["history", "learning_curves"]

CHOSEN = "#111111"


def history(epochs: pd.DataFrame, *, ax: Axes, policy: str = "inclusive") -> Axes:
    """Loss of training and validation per epoch, one line per part and seed; the chosen epoch is marked.

    epochs : columns seed, epoch, train_loss, validation_loss, best.
    """
    colour = look(policy).color
    several = epochs["seed"].nunique() > 1
    for seed, rows in epochs.groupby("seed"):
        name = f", seed {seed}" if several else ""
        ax.plot(rows.epoch, rows.train_loss, color=GREY, ls=(0, (3, 1.5)), label=f"training{name}")
        ax.plot(rows.epoch, rows.validation_loss, color=colour, label=f"validation{name}")
        best = _chosen(rows)
        ax.plot(best.epoch, best.validation_loss, "o", color=CHOSEN, ms=4.5, label="chosen epoch")
    ax.set(xlabel="epoch", ylabel="loss (binary cross-entropy)")
    ax.xaxis.get_major_locator().set_params(integer=True)
    handles, names = ax.get_legend_handles_labels()
    once = dict(zip(names, handles))
    ax.legend(once.values(), once, ncols=1 + len(once) // 7)
    return ax


def _chosen(rows: pd.DataFrame) -> pd.DataFrame:
    """The last of the epochs that were best so far."""
    return rows[rows.best.astype(str).str.lower() == "true"].tail(1)


def learning_curves(histories: dict[str, pd.DataFrame]) -> Picture:
    """A panel of losses per policy, then the macro AUC on validation of all of them.

    histories : by policy columns seed, epoch, train_loss, validation_loss, validation_auc, best.
    """
    epochs = pd.concat([own.assign(policy=policy) for policy, own in histories.items()], ignore_index=True)
    policies = list(dict.fromkeys(epochs.policy))
    titles = [f"loss, {shown(policy)}" for policy in policies]
    made = panels(
        [*titles, "macro AUC on validation"],
        labels=("epoch", ""),
        legend_rows=legend_rows(len(policies) + 2),
        shared=False,
    )
    highest = 1.05 * epochs[["train_loss", "validation_loss"]].max(axis=None)
    for policy, ax in zip(policies, made.axes):
        own = epochs[epochs.policy == policy]
        history(own, ax=ax, policy=policy).get_legend().remove()
        ax.set(xlabel="", ylabel="", ylim=(0, highest))
        for seed, rows in own.groupby("seed"):
            seen, last = look(policy), made.axes[-1]
            last.plot(rows.epoch, rows.validation_auc, color=seen.color, ls=seen.linestyle, label=f"{policy} {seed}")
            best = _chosen(rows)
            last.plot(best.epoch, best.validation_auc, "o", color=CHOSEN, ms=4.5)
    for ax in made.axes:
        ax.xaxis.get_major_locator().set_params(integer=True)
    _legend(made.figure, policies)
    n_seeds = epochs.groupby("policy")["seed"].nunique().max()
    several = f"{n_seeds} seeds" if n_seeds > 1 else "one seed"
    caption = (
        f"Learning curves, {several} per policy, {int(epochs.epoch.max())} epochs at most: binary cross-entropy of "
        "training and validation, and macro AUC on validation, by which the epoch is chosen (dot)."
    )
    return Picture(made.figure, epochs, caption)


def _legend(drawn, policies: list[str]) -> None:
    handles = [
        Line2D([], [], color=look(p).color, ls=look(p).linestyle, label=f"validation, {shown(p)}") for p in policies
    ]
    handles.append(Line2D([], [], color=GREY, ls=(0, (3, 1.5)), label="training"))
    handles.append(Line2D([], [], color=CHOSEN, marker="o", ls="", ms=4.5, label="chosen epoch"))
    drawn.legend(handles=handles, loc="upper left", ncols=4, borderaxespad=0.2, columnspacing=1.2)
