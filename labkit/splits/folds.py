"""k folds of patients, each one once the test set: drawn once, and turned by one for each training."""

from labkit.errors import ParamsError
from labkit.splits.assigning import assign

__all__ = ["folds", "of_fold"]

FEWEST = 3  # train, validation and test need one each
PREFIX = "fold "


def folds(labels, k, *, seed, external_sites=()):
    """Give every patient one of k folds, stratified over labels as by `assign`.

    Returns
    -------
    DataFrame patient, split, where split is "fold 0" to "fold k-1", or "external"; sorted by patient.

    Raises
    ------
    ParamsError : fewer than three folds.
    """
    if k < FEWEST:
        raise ParamsError(f"folds {k}: at least {FEWEST} are needed, one each for train, validation and test.")
    shares = {f"{PREFIX}{n}": 1 / k for n in range(k)}
    return assign(labels, fractions=shares, seed=seed, external_sites=external_sites)


def of_fold(table, fold):
    """The SPLITS in which this fold is the test set and the next one validation; external patients stay so.

    Over all folds, each patient is tested once and validated with once.

    Raises
    ------
    ParamsError : there is no such fold.
    """
    numbers = table["split"].str.removeprefix(PREFIX)
    inside = table["split"].str.startswith(PREFIX)
    k = int(numbers[inside].astype(int).max()) + 1 if inside.any() else 0
    if not 0 <= fold < k:
        raise ParamsError(f"fold {fold} does not exist; there are {k}, counted from 0.")
    parts = {str(n): "train" for n in range(k)} | {str(fold): "test", str((fold + 1) % k): "validation"}
    return table.assign(split=numbers.map(parts).where(inside, table["split"]))
