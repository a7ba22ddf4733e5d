"""The flow of the cohort: from the reports that came in to the splits, and why studies were left out; used by
05_figures.
"""

import re
from typing import NamedTuple

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes

from labkit.errors import TableError
from labkit.figures.saving import Picture
from labkit.figures.style import COLUMN_IN, GREY, SMALLEST_PT, WIDTH_IN, site_order, wrapped

__all__ = ["OF_VIEWS", "cohort_flow", "flow_chart"]

COLUMNS = ["site", "step", "kind", "reason", "n", "patients"]
ALL_SITES = "all sites"
MOST_SITES = 3
MOST_REASONS = 3
# How a study that lacks views is described by `radiographs.link`; every other reason concerns the linking.
OF_VIEWS = ("no usable ", "none of its ")
SPLITS = ("train", "validation", "test", "external")
STEPS = {
    "reports": "Reports received",
    "studies": "Reports that can be read",
    "linked": "Linked to radiographs",
    "usable": "All views usable",
    "labelled": "Labelled",
}


def cohort_flow(
    studies: pd.DataFrame,
    excluded: pd.DataFrame,
    answers: pd.DataFrame,
    labels: pd.DataFrame,
    *,
    has_images: bool = True,
) -> pd.DataFrame:
    """Count what is left after every step, and what was left out by reason.

    Parameters
    ----------
    studies, excluded, answers, labels : tables of these names; of several extractors the first one's answers count.
    has_images : whether radiographs were linked at all.

    Returns
    -------
    DataFrame site, step, kind, reason, n, patients (NaN where unknown). kind "left": n studies after a step; "out":
    left out between this step and the next, by reason; "split": labelled studies by split (in `reason`). At each site
    a step's n is that of the next one and all that is left out between.

    Raises
    ------
    TableError : a labelled study is not among the usable ones, so that the tables are of different runs.
    """
    known = set(studies.loc[studies.usable == "true", "study_id"])
    strange = set(labels.study_id) - known
    if strange:
        raise TableError(
            f"labels: {len(strange)} studies are not usable ones of studies, first {min(strange)}; run 01 and 02 again."
        )
    rows = []
    for site in dict.fromkeys([*site_order(labels), *studies["site"]]):
        own = studies[studies.site == site]
        broken = excluded[(excluded.site == site) & (excluded.kind == "report") & ~excluded.item.isin(own.study_id)]
        rows += _of_site(own, broken, answers, labels[labels.site == site], site, has_images=has_images)
    return pd.DataFrame(rows, columns=COLUMNS)


def _of_site(own, broken, answers, labels, site, *, has_images):
    rows = [(site, "reports", "left", "", len(own) + len(broken), float("nan"))]
    rows += _reasons(site, "reports", broken["reason"])
    rows.append((site, "studies", "left", "", len(own), own.patient.nunique()))
    unusable = own[own.usable == "false"]
    of_views = unusable.reason.str.startswith(OF_VIEWS)
    left = own
    if has_images:
        for before, step, gone in (
            ("studies", "linked", unusable[~of_views]),
            ("linked", "usable", unusable[of_views]),
        ):
            rows += _reasons(site, before, gone.reason)
            left = left[~left.study_id.isin(gone.study_id)]
            rows.append((site, step, "left", "", len(left), left.patient.nunique()))
    last = "usable" if has_images else "studies"
    rows += _reasons(site, last, _unlabelled(left[~left.study_id.isin(labels.study_id)], answers))
    labelled = labels.drop_duplicates("study_id")
    rows.append((site, "labelled", "left", "", len(labelled), labelled.patient.nunique()))
    for split in SPLITS:
        part = labelled[labelled.split == split]
        if len(part):
            rows.append((site, "labelled", "split", split, len(part), part.patient.nunique()))
    return rows


def _unlabelled(gone: pd.DataFrame, answers: pd.DataFrame) -> pd.Series:
    """Why the first extractor labelled a study not."""
    first = answers[answers.source == answers.source.iloc[0]] if len(answers) else answers
    status = first.drop_duplicates("study_id").set_index("study_id").status
    return gone.study_id.map(status).fillna("not asked").map(lambda s: f"no labels: {s if s != 'ok' else 'not kept'}")


def _reasons(site, step, reasons):
    """One row per reason, frequent first; ids and numbers of single items taken out."""
    plain = reasons.map(_plain) if len(reasons) else reasons
    counts = plain.value_counts()
    order = sorted(counts.index, key=lambda reason: (-counts[reason], reason))
    return [(site, step, "out", reason, int(counts[reason]), float("nan")) for reason in order]


def _plain(reason: str) -> str:
    reason = reason.split(", the first because")[0]
    reason = re.sub(r"\b[A-Za-z0-9_]+(?:-[A-Za-z0-9_]+)*-\d+\b", "…", reason)
    return re.sub(r"\d[\d,.]*", "n", reason).removesuffix(": …") or "no reason given"


class Box(NamedTuple):
    """A text in a frame; places and sizes in inches from the upper left corner."""

    left: float
    top: float
    width: float
    lines: list[str]

    @property
    def height(self) -> float:
        return 0.128 * len(self.lines) + 0.1


def flow_chart(flow: pd.DataFrame) -> Picture:
    """Draw the flow, one column per site; more than three sites are drawn as one.

    flow : table of `cohort_flow`.
    """
    drawn_flow = flow
    if flow.site.nunique() > MOST_SITES:
        keys = ["step", "kind", "reason"]
        summed = flow.groupby(keys, sort=False)[["n", "patients"]].sum(min_count=1).reset_index()
        drawn_flow = summed.assign(site=ALL_SITES)[COLUMNS]
    sites = list(dict.fromkeys(drawn_flow.site))
    width = WIDTH_IN if len(sites) > 1 else COLUMN_IN
    each = width / max(len(sites), 1)
    columns = [_column(drawn_flow[drawn_flow.site == site], n * each, each) for n, site in enumerate(sites)]
    height = max([box.top + box.height for boxes, _ in columns for box in boxes], default=1.0) + 0.06
    drawn = plt.figure(figsize=(width, height))
    ax = drawn.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, width), ylim=(height, 0))
    ax.axis("off")
    for n, (site, (boxes, arrows)) in enumerate(zip(sites, columns)):
        ax.text(n * each + 0.04, 0.05, f"{site} site" if site != ALL_SITES else site, va="top", fontsize=8.5)
        _draw(boxes, arrows, ax)
    left = flow[flow.kind == "left"].groupby("step").n.sum()
    gone = (flow.kind == "out").any()
    caption = (
        f"Flow of the cohort: {int(left['reports']):,} reports received, {int(left['labelled']):,} studies labelled "
        f"({flow.site.nunique()} {'site' if flow.site.nunique() == 1 else 'sites'}). n: studies; in brackets patients. "
        + ("On the right, studies that were left out, by reason." if gone else "No study was left out.")
    )
    return Picture(drawn, flow, caption)


def _column(own: pd.DataFrame, left: float, width: float) -> tuple[list[Box], list[tuple]]:
    """Boxes and arrows (their corners) of one site, from the top down."""
    main_in, side_in = 0.46 * width, 0.44 * width
    if not (own.kind == "out").any():
        main_in = width - 0.1  # nothing stands beside
    letters = int((side_in - 0.1) / 0.062)
    boxes, arrows, top = [], [], 0.26
    steps = [step for step in STEPS if (own.step == step).any()]
    middle = left + 0.04 + main_in / 2
    for step in steps:
        at_step = own[own.step == step]
        row = at_step[at_step.kind == "left"].iloc[0]
        box = Box(left + 0.04, top, main_in, [*wrapped(STEPS[step], int(main_in / 0.062)).split("\n"), _counted(row)])
        boxes.append(box)
        bottom = top + box.height
        out = _left_out(at_step[at_step.kind == "out"], letters)
        if out:
            side = Box(left + width - side_in - 0.06, bottom + 0.06, side_in, out)
            boxes.append(side)
            arrows.append(((middle, side.top + side.height / 2), (side.left, side.top + side.height / 2)))
        gap = 0.2 if not out else side.height + 0.14
        if step != steps[-1]:
            arrows.append(((middle, bottom), (middle, bottom + gap)))
        top = bottom + gap
    split = own[own.kind == "split"]
    part_in = (width - 0.1) / max(len(split), 1)
    for n, row in enumerate(split.itertuples()):
        wide = part_in - 0.05 if len(split) > 1 else main_in
        names = [row.reason.capitalize(), _counted(row)]
        boxes.append(Box(left + 0.04 + n * part_in, top, wide, names))
        x = boxes[-1].left + wide / 2
        arrows.append(((middle, top - 0.2), (middle, top - 0.1), (x, top - 0.1), (x, top)))
    return boxes, arrows


def _counted(row) -> str:
    patients = "" if pd.isna(row.patients) else f" ({int(row.patients):,})"
    return f"n = {int(row.n):,}{patients}"


def _left_out(out: pd.DataFrame, letters: int) -> list[str]:
    """Lines of a box of reasons; rare ones are counted together."""
    if out.empty:
        return []
    out = out.sort_values("n", ascending=False, kind="stable")
    lines = [f"Left out: n = {int(out.n.sum()):,}"]
    shown = out if len(out) <= MOST_REASONS + 1 else out[:MOST_REASONS]
    for row in shown.itertuples():
        lines += wrapped(f"{row.reason} ({row.n:,})", letters).split("\n")
    rest = int(out.n.sum() - shown.n.sum())
    return lines if not rest else [*lines, f"other reasons ({rest:,})"]


def _draw(boxes: list[Box], arrows: list[tuple], ax: Axes) -> None:
    for box in boxes:
        frame = plt.Rectangle((box.left, box.top), box.width, box.height, fc="white", ec=GREY, lw=0.8)
        ax.add_patch(frame)
        text = {"fontsize": SMALLEST_PT + 0.5, "linespacing": 1.2, "va": "center"}
        ax.text(box.left + 0.06, box.top + box.height / 2, "\n".join(box.lines), **text)
    for *corners, before, last in arrows:
        for (x0, y0), (x1, y1) in zip(corners, [*corners[1:], before]):
            ax.plot([x0, x1], [y0, y1], color=GREY, lw=0.8)
        style = {"arrowstyle": "-|>", "color": GREY, "lw": 0.8, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 7}
        ax.annotate("", last, before, arrowprops=style)
