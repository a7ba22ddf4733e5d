"""Patients to train, validation and test, or to k folds, stratified over labels.

LABELS rows (study_id, patient, finding, value) go in, a SPLITS table comes out. No patient is in two splits.
Algorithm: iterative stratification (Sechidis 2011) over whole patients: the rarest label first, its patients,
largest first, each to the split that still wants that label most; then single moves that lower chi-square.
"""

import numpy as np
import pandas as pd

from labkit.errors import ParamsError, TableError
from labkit.templates import LabelValue

__all__ = ["FRACTIONS", "assign"]

FRACTIONS = {"train": 0.64, "validation": 0.16, "test": 0.20}  # the study's
STRATA = (LabelValue.TRUE, LabelValue.UNCERTAIN)
PASSES = 10
TOLERANCE = 1e-9  # float sums of wants: what differs by less is equal


def assign(labels, *, fractions=FRACTIONS, seed, external_sites=()):
    """Give every patient one split, the same whatever the order of the rows.

    Parameters
    ----------
    labels : DataFrame with study_id, patient, finding, value (and site where `external_sites` is given).
    fractions : shares of the studies by split name, in sum 1; k equal shares make k folds.
    seed : decides among patients that are alike.
    external_sites : patients with a study at one of these go to the split "external", which is test only.

    Returns
    -------
    SPLITS table: patient, split; sorted by patient.

    Raises
    ------
    ParamsError : fractions that are not positive or do not add up to 1.
    TableError : a patient has studies at an internal and at an external site.
    """
    if any(share <= 0 for share in fractions.values()) or abs(sum(fractions.values()) - 1) > 1e-6:
        raise ParamsError(f"split fractions {dict(fractions)}: each must be above 0 and their sum 1; mend the params.")
    outside = set(labels.loc[labels["site"].isin(external_sites), "patient"]) if len(external_sites) else set()
    if outside:
        inside = set(labels.loc[~labels["site"].isin(external_sites), "patient"])
        for patient in sorted(outside & inside):
            raise TableError(
                f"labels: patient {patient} is at an internal and at an external site; give it one id per site."
            )
    internal = labels[~labels["patient"].isin(outside)]
    patients, positives, sizes = _patients(internal)
    shares, rng = np.array(list(fractions.values())), np.random.default_rng(seed)
    chosen = _greedy(positives, sizes, shares, rng)
    chosen = _refine(chosen, np.column_stack([positives, sizes]), shares, rng)
    split_names = np.array(list(fractions), dtype=object)[chosen]
    table = pd.DataFrame(
        {
            "patient": [*patients, *sorted(outside)],
            "split": [*split_names, *["external"] * len(outside)],
        }
    )
    return table.sort_values("patient", ignore_index=True)


def _patients(labels):
    """Sorted patients, their positives (patients, labels) and numbers of studies (patients,)."""
    unique = labels.drop_duplicates(["study_id", "finding", "value"])
    sizes = unique.groupby("patient", sort=True)["study_id"].nunique()
    stratified = unique[unique["value"].isin([str(value) for value in STRATA])]
    columns = stratified["finding"] + "\n" + stratified["value"]
    positives = pd.crosstab(stratified["patient"], columns).reindex(sizes.index, fill_value=0)
    positives = positives[sorted(positives.columns)]
    return list(sizes.index), positives.to_numpy(float).reshape(len(sizes), -1), sizes.to_numpy(float)


def _greedy(positives, sizes, shares, rng):
    """Split position of each patient (patients,); see the module docstring."""
    wants = shares[:, None] * positives.sum(axis=0)  # (splits, labels), positives still wanted
    wants_studies = shares * sizes.sum()  # (splits,)
    luck = rng.permutation(len(sizes))  # order among equal patients
    chosen = np.full(len(sizes), -1)
    remaining = positives.sum(axis=0)
    while (remaining > 0).any():
        label = int(np.argmin(np.where(remaining > 0, remaining, np.inf)))
        waiting = np.flatnonzero((chosen < 0) & (positives[:, label] > 0))
        for patient in waiting[np.lexsort((luck[waiting], -sizes[waiting], -positives[waiting, label]))]:
            chosen[patient] = side = _side(wants[:, label], wants_studies, rng)
            wants[side] -= positives[patient]
            wants_studies[side] -= sizes[patient]
        remaining = remaining - positives[waiting].sum(axis=0)
    waiting = np.flatnonzero(chosen < 0)
    for patient in waiting[np.lexsort((luck[waiting], -sizes[waiting]))]:
        chosen[patient] = side = _side(wants_studies, wants_studies, rng)
        wants_studies[side] -= sizes[patient]
    return chosen


def _refine(chosen, amounts, shares, rng):
    """Move single patients while that lowers chi-square, the sum of (wanted - got)^2 / wanted over splits and
    columns.

    The greedy's early choices for rare labels fix the common ones; some moves mend these. amounts :
    (patients, columns), the last column numbers of studies.
    """
    wanted = shares[:, None] * amounts.sum(axis=0)  # (splits, columns)
    weight = 1 / np.maximum(wanted, TOLERANCE)
    missing = wanted - np.stack([amounts[chosen == side].sum(axis=0) for side in range(len(shares))])
    for _ in range(PASSES):
        moved = False
        for patient in rng.permutation(len(chosen)):
            here, amount = chosen[patient], amounts[patient]
            left = wanted[here] - missing[here] - amount
            if (left[amount > 0] < 0.5).any():  # no split loses its last positive, or its last study
                continue
            gain_of_leaving = -(weight[here] * amount * (2 * missing[here] + amount)).sum()
            gain_of_joining = (weight * amount * (2 * missing - amount)).sum(axis=1)  # (splits,)
            gain_of_joining[here] = -gain_of_leaving
            there = int(np.argmax(gain_of_joining))
            if gain_of_joining[there] + gain_of_leaving > TOLERANCE:
                missing[here] += amount
                missing[there] -= amount
                chosen[patient], moved = there, True
        if not moved:
            break
    return chosen


def _side(wants, wants_studies, rng):
    best = np.flatnonzero(wants >= wants.max() - TOLERANCE)
    best = best[wants_studies[best] >= wants_studies[best].max() - TOLERANCE]
    return int(best[0]) if len(best) == 1 else int(rng.choice(best))
