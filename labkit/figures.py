"""Ink only, one style: tables go in, axes come out; nothing is computed here that a table does not hold.

Used by every notebook. `save` writes a figure as SVG and PNG with its data as CSV beside it and shows it.
"""

import io
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from cycler import cycler
from IPython.display import display
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from labkit import tables
from labkit.evaluation import MACRO
from labkit.templates import LabelValue

__all__ = [
    "accuracy_bars",
    "agreement_map",
    "auc_forest",
    "curve_panels",
    "curves",
    "figure",
    "history",
    "label_distribution",
    "save",
    "style",
]

# Okabe & Ito 2008: told apart by colour-blind readers, and in grey by lightness.
VALUE_COLOURS = {LabelValue.TRUE: "#0072B2", LabelValue.UNCERTAIN: "#E69F00", LabelValue.FALSE: "#C8CDD2"}
POLICY_COLOURS = {
    "inclusive": "#0072B2",
    "exclusive": "#D55E00",
    "ignore": "#009E73",
    "soft": "#CC79A7",
    "graded": "#E69F00",
    "multiclass": "#56B4E9",
    "self_trained": "#555555",
}
WIDTH_IN = 7.2  # two columns of a journal page
LABEL_CHARS = 46
AREA_NAMES = {"roc": "area under the curve", "pr": "average precision"}


def style() -> None:
    """One look for all figures and tables: fonts for print, thin lines, SVG ids that stay, names shown whole."""
    pd.set_option("display.max_colwidth", 160, "display.max_rows", 120)
    plt.rcParams.update(
        {
            "axes.prop_cycle": cycler(color=list(POLICY_COLOURS.values())),
            "axes.linewidth": 0.8,
            "lines.linewidth": 1.2,
            "legend.fontsize": 7.5,
            "xtick.labelsize": 7.5,
            "ytick.labelsize": 7.5,
            "font.family": "DejaVu Sans",
            "font.size": 8,
            "axes.titlesize": 9,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "svg.hashsalt": "labkit",
            "svg.fonttype": "none",
            "figure.dpi": 110,
        }
    )


def figure(*, height_in: float = 4.0, columns: int = 1) -> tuple[Figure, list[Axes]]:
    """A figure of the one width, with its axes side by side."""
    drawn, axes = plt.subplots(1, columns, figsize=(WIDTH_IN, height_in), squeeze=False, layout="constrained")
    return drawn, list(axes[0])


def save(drawn: Figure, data: pd.DataFrame, path: str | Path, *, caption: str, dpi: int = 300) -> list[Path]:
    """Write `path`.svg, .png and .csv (the data drawn), show the figure with its caption as alternative text.

    Returns the three paths. The same figure gives the same SVG and CSV bytes.
    """
    path, written = Path(path), []
    drawn.draw_without_rendering()
    drawn.set_layout_engine("none")  # the layout is settled; solving it again for each file takes most of the time
    for kind in ("svg", "png"):
        buffer = io.BytesIO()
        metadata = {"Date": None} if kind == "svg" else {"Software": None}
        drawn.savefig(buffer, format=kind, dpi=dpi, metadata=metadata)
        written.append(tables.atomic_write(path.with_suffix(f".{kind}"), buffer.getvalue()))
    written.append(tables.write_csv(data, path.with_suffix(".csv")))
    display(drawn, metadata={"image/png": {"alt": caption}})
    plt.close(drawn)
    return written


def _short(name: str) -> str:
    name = name.replace("(All Locations)", "(all)")
    return name if len(name) <= LABEL_CHARS else name[: LABEL_CHARS - 1] + "…"


def label_distribution(labels: pd.DataFrame, *, column: str = "value", ax: Axes) -> Axes:
    """Share of true and uncertain labels per finding, one bar each; the rest is false.

    labels : LABELS or FINDINGS with finding and the column of values.
    """
    shares = pd.crosstab(labels["finding"], labels[column], normalize="index")
    shares = shares.reindex(index=list(dict.fromkeys(labels["finding"])), fill_value=0.0)
    left = pd.Series(0.0, index=shares.index)
    for value in (LabelValue.TRUE, LabelValue.UNCERTAIN):
        share = shares[value.value] if value.value in shares else left * 0
        ax.barh([_short(f) for f in shares.index], share, left=left, color=VALUE_COLOURS[value], label=value.value)
        left = left + share
    ax.invert_yaxis()
    ax.set_xlabel(f"share of studies (n = {labels.study_id.nunique()})")
    ax.xaxis.set_major_formatter(lambda x, _: f"{x:.0%}")
    ax.legend(title="report says", frameon=False, loc="lower right")
    return ax


def agreement_map(counts: pd.DataFrame, *, ax: Axes) -> Axes:
    """The 3 x 3 table of verified against extracted values, coloured by the share of each row."""
    import seaborn as sns  # brings scipy.stats, seconds that most notebooks need not wait for

    shares = counts.div(counts.sum(axis=1).where(lambda n: n > 0), axis=0)
    sns.heatmap(
        shares, annot=counts, fmt=",d", cmap="Blues", vmin=0, vmax=1, cbar_kws={"label": "share of the row"}, ax=ax
    )
    ax.set(xlabel="extracted", ylabel="verified")
    ax.tick_params(rotation=0)
    return ax


def accuracy_bars(metrics: pd.DataFrame, *, ax: Axes) -> Axes:
    """Label accuracy with its interval per site; hollow marks are what an answer of false everywhere would reach.

    metrics : METRICS of `verification.accuracy`; empty where nothing is verified.
    """
    rows = metrics[metrics.finding == "All findings"]
    accuracy, baseline = (rows[rows.metric == m] for m in ("label_accuracy", "all_false_accuracy"))
    errors = [accuracy.value - accuracy.low, accuracy.high - accuracy.value]
    colour = POLICY_COLOURS["inclusive"]
    ax.errorbar(accuracy.value, accuracy.site, xerr=errors, fmt="o", color=colour, capsize=3, label="extraction")
    ax.plot(baseline.value, baseline.site, "o", mfc="none", color="#555555", label="false everywhere")
    ax.set(xlabel="share of labels that are right", ylim=(-0.6, max(len(accuracy), 1) - 0.4))
    ax.xaxis.set_major_formatter(lambda x, _: f"{x:.1%}")
    ax.legend(frameon=False, loc="upper left", bbox_to_anchor=(0, -0.22), ncols=2)
    return ax


def history(epochs: pd.DataFrame, *, ax: Axes) -> Axes:
    """Loss of training and validation per epoch, one line per part and seed; the chosen epoch is marked.

    epochs : columns seed, epoch, train_loss, validation_loss, best.
    """
    for seed, rows in epochs.groupby("seed"):
        ax.plot(rows.epoch, rows.train_loss, color="#888888", label=f"training, seed {seed}")
        ax.plot(rows.epoch, rows.validation_loss, color=POLICY_COLOURS["inclusive"], label=f"validation, seed {seed}")
        best = rows[rows.best.astype(bool)].tail(1)  # the last of the epochs that were best so far
        ax.plot(best.epoch, best.validation_loss, "o", color=POLICY_COLOURS["exclusive"], label="chosen epoch")
    ax.set(xlabel="epoch", ylabel="loss (binary cross-entropy)")
    ax.legend(frameon=False)
    return ax


def curves(points: pd.DataFrame, metrics: pd.DataFrame, *, kind: str, max_findings: int = 8, ax: Axes) -> Axes:
    """ROC or precision-recall curves of one site and one policy, findings with most positives first.

    points : CURVES of one site; metrics : METRICS, for the areas that name each line. kind : "roc" or "pr".
    """
    import seaborn as sns  # see agreement_map

    metric = "auc" if kind == "roc" else "average_precision"
    areas = metrics[(metrics.metric == metric) & (metrics.reading == "primary")].set_index("finding")
    drawn = [f for f in areas.sort_values("n_positive", ascending=False).index if f != MACRO][:max_findings]
    colours = sns.color_palette("colorblind", len(drawn))
    for finding, colour in zip(drawn, colours):
        line = points[(points.finding == finding) & (points.curve == kind)]
        area = areas.loc[finding]
        ax.plot(line.x, line.y, color=colour, lw=1.1, label=f"{_short(finding)}: {area.value:.2f}")
    macro = points[(points.finding == MACRO) & (points.curve == kind)]
    if len(macro):
        ax.plot(macro.x, macro.y, color="black", lw=2, label=f"{MACRO}: {areas.loc[MACRO].value:.2f}")
    if kind == "roc":
        ax.plot([0, 1], [0, 1], ls="--", lw=0.8, color="#888888")
    axes = ("1 - specificity", "sensitivity") if kind == "roc" else ("recall (sensitivity)", "precision")
    ax.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), xlabel=axes[0], ylabel=axes[1], aspect="equal")
    return ax


def curve_panels(points: pd.DataFrame, metrics: pd.DataFrame, *, site: str, kind: str, max_findings: int = 8) -> Figure:
    """ROC (`kind` "roc") or precision-recall ("pr") curves at one site, one panel per policy."""
    points, metrics = points[points.site == site], metrics[metrics.site == site]
    policies = list(dict.fromkeys(points.policy))
    side_by_side = len(policies) > 1
    drawn, axes = figure(height_in=5.6 if side_by_side else 3.6, columns=max(len(policies), 2))
    for policy, ax in zip(policies, axes):
        own = metrics[metrics.policy == policy]
        curves(points[points.policy == policy], own, kind=kind, max_findings=max_findings, ax=ax).set_title(
            f"{site} site, {policy}"
        )
        place = {"loc": "upper left", "bbox_to_anchor": (0, -0.16)} if side_by_side else {"loc": "center left"}
        legend = ax if side_by_side else axes[1]
        legend.legend(*ax.get_legend_handles_labels(), title=AREA_NAMES[kind], frameon=False, fontsize=7, **place)
    for ax in axes[len(policies) :]:
        ax.axis("off")
    return drawn


def auc_forest(metrics: pd.DataFrame, *, ax: Axes) -> Axes:
    """AUC with its interval per finding, one colour per policy; findings with the highest area on top."""
    rows = metrics[(metrics.metric == "auc") & (metrics.reading == "primary") & metrics.value.notna()]
    order = rows.groupby("finding")["value"].mean().sort_values(ascending=False)
    places = {finding: n for n, finding in enumerate([MACRO, *order.index.drop(MACRO, errors="ignore")])}
    policies = list(dict.fromkeys(rows.policy))
    for n, policy in enumerate(policies):
        own = rows[rows.policy == policy]
        at = own.finding.map(places) + (n - (len(policies) - 1) / 2) * 0.24
        errors = [own.value - own.low, own.high - own.value]
        colour = POLICY_COLOURS.get(policy, "#333333")
        ax.errorbar(own.value, at, xerr=errors, fmt="o", ms=3.5, lw=1.1, color=colour, label=policy)
    ax.axvline(0.5, color="#888888", lw=0.8, ls="--")
    ax.set_yticks(list(places.values()), [_short(finding) for finding in places])
    level = f"{100 * rows.level.iloc[0]:g} % interval" if len(rows) else "nothing to show"
    ax.set(xlim=(0, 1.02), xlabel=f"area under the ROC curve, {level}")
    ax.invert_yaxis()
    if policies:
        ax.legend(frameon=False, loc="lower left", title="policy")
    return ax
