"""Performance in subgroups of patients, with counts, small cells hidden; used by 04_evaluation.

Groups have few positives each, so that findings are pooled (`pooled`): the same number with the same meaning in every
group. Whoever looks at many groups will find differences by chance; the intervals are not adjusted for that.
"""

from itertools import pairwise

import numpy as np
import pandas as pd

from labkit.evaluation import cases, metrics, pooled

__all__ = ["characteristics", "subgroups"]

UNKNOWN, SEVERAL = "unknown", "several"


def characteristics(studies, images=None, *, settings):
    """Characteristics of each study by which subgroups are made.

    Parameters
    ----------
    studies : STUDIES, columns sex and age (whole years, empty = unknown).
    images : IMAGES or None; usable views are counted, and the devices that the headers of usable images name.

    Returns
    -------
    DataFrame study_id, sex, age_band and, with images, views and device; texts, "unknown" where nothing is known, and
    "several" devices where the images of a study name more than one.
    """
    found = pd.DataFrame({"study_id": studies["study_id"], "sex": _text(studies["sex"])})
    age = pd.to_numeric(studies["age"], errors="coerce")
    edges = [0, *settings.age_bands]
    names = [f"{low}-{high - 1}" for low, high in pairwise(edges)] + [f"{edges[-1]}+"]
    band = pd.cut(age, [*edges, np.inf], right=False, labels=names)
    found["age_band"] = _text(band.astype(object))
    if images is None:
        return found
    usable = images[images["usable"] == "true"]
    n_views = usable.groupby("study_id")["view"].nunique()
    found["views"] = _text(found["study_id"].map(n_views).map(lambda n: f"{n:.0f}", na_action="ignore"))
    found["device"] = _text(found["study_id"].map(_devices(usable)))
    return found


def _devices(usable):
    """Device by study_id, however its case and spaces are written; studies of unknown devices are left out."""
    named = usable.assign(device=_text(usable["device"]))[["study_id", "device"]]
    named = named[named["device"] != UNKNOWN]
    spelling = named["device"].str.casefold().str.split().str.join(" ")
    # the spelling that comes first in the alphabet stands for all, whatever the order of the images
    named = named.assign(device=named["device"].groupby(spelling).transform("min"))
    return named.groupby("study_id")["device"].agg(lambda names: names.iloc[0] if names.nunique() == 1 else SEVERAL)


def _text(values):
    return values.astype(object).where(values.notna(), "").astype(str).str.strip().replace("", UNKNOWN)


def subgroups(predictions, labels, groups, *, settings):
    """Pooled AUC over the label set in every group of every characteristic, per site and policy.

    Parameters
    ----------
    predictions, labels, settings : as `metrics.evaluate`. groups : DataFrame study_id and one text column per
        characteristic, as `characteristics` gives it; studies without a row are "unknown".

    Returns
    -------
    METRICS table of "All findings", reading "sex: F" and so on: auc_pooled with interval and n_studies. Where a group
    has fewer than settings.min_cell studies, or positive or negative labels, its numbers and counts are NaN; so are
    those of the next smallest group where a single hidden one could be found by subtraction.
    """
    chosen = cases.label_set(cases.with_scores(labels, predictions), settings=settings)
    by_study = groups.drop_duplicates("study_id").set_index("study_id")
    rows = []
    for policy in metrics.in_order(predictions["policy"].unique()):
        for (split, site), at_site in chosen.groupby(["split", "site"], sort=False):
            found = cases.select(predictions, labels, split=split, policy=policy, site=site)
            evaluated = list(at_site.loc[at_site["evaluated"], "finding"])
            if not len(found.study_ids) or not evaluated:
                continue
            for name in by_study.columns:
                of_study = _text(by_study[name].reindex(found.study_ids)).to_numpy()
                rows += _characteristic(found, evaluated, name, of_study, {"site": site, "policy": policy}, settings)
    return pd.DataFrame(rows, columns=metrics.COLUMNS)


def _characteristic(found, evaluated, name, of_study, place, settings):
    y, score = found.matrices(evaluated)
    counts = []
    for group in np.unique(of_study):
        inside = of_study == group
        smallest = min(inside.sum(), (y[inside] == 1).sum(), (y[inside] == 0).sum())
        counts.append((group, inside, int(smallest)))
    hidden = _hidden([smallest for _, _, smallest in counts], [int(i.sum()) for _, i, _ in counts], settings.min_cell)
    rows = []
    for (group, inside, _), is_hidden in zip(counts, hidden, strict=True):
        reading = {"reading": f"{name}: {group}", **place}
        if is_hidden:
            reason = {"method": f"hidden, a cell is below {settings.min_cell} or follows from one that is"}
            rows.append(metrics.row(cases.POOLED, "auc_pooled", np.nan, **reading, **reason))
            continue
        area = pooled.pooled_auc(y[inside], score[inside], patients=found.patients[inside], level=settings.level)
        limits = {"low": area.ci[0], "high": area.ci[1], "level": settings.level}
        counted = {"n": area.n, "n_positive": area.n_positive, **reading}
        method = f"pairs within {area.n_findings} findings, robust, by patients"
        rows.append(metrics.row(cases.POOLED, "auc_pooled", area.auc, method=method, **limits, **counted))
        rows.append(metrics.row(cases.POOLED, "n_studies", int(inside.sum()), **counted))
    return rows


def _hidden(smallest, sizes, min_cell):
    """Which groups are hidden: small ones, and one more where a single one could be subtracted from the whole."""
    hidden = [cell < min_cell for cell in smallest]
    shown = [n for n, is_hidden in enumerate(hidden) if not is_hidden]
    if sum(hidden) == 1 and shown:
        hidden[min(shown, key=lambda n: sizes[n])] = True
    return hidden
