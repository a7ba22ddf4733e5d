"""What a split must keep, and how many labels of each value it holds."""

import pandas as pd

from labkit.errors import TableError
from labkit.splits.assigning import FRACTIONS
from labkit.templates import LabelValue

__all__ = ["attach", "check_disjoint", "counts", "overview"]


def attach(table, split_table):
    """A copy of `table` (which has a column patient) with the column split.

    Raises
    ------
    TableError : a patient has no split, or two.
    """
    check_disjoint(split_table)
    by_patient = split_table.drop_duplicates("patient").set_index("patient")["split"]
    found = table["patient"].map(by_patient)
    if found.isna().any():
        patient = table.loc[found.isna(), "patient"].iloc[0]
        n = table.loc[found.isna(), "patient"].nunique()
        raise TableError(
            f"splits: {n} patients have no split, first {patient}. Add them to the split file or rebuild it "
            "with splits.assign."
        )
    return table.assign(split=found)


def check_disjoint(table, *, name="splits"):
    """Stop where a patient is in two splits; `table` has the columns patient and split.

    Raises
    ------
    TableError : the message names the first such patient (a pseudonym) and its splits.
    """
    pairs = table[["patient", "split"]].drop_duplicates()
    repeated = pairs[pairs["patient"].duplicated(keep=False)].sort_values(["patient", "split"])
    if len(repeated):
        patient = repeated["patient"].iloc[0]
        where = " and ".join(repeated.loc[repeated["patient"] == patient, "split"])
        raise TableError(
            f"{name}: patient {patient} is in {where}; one split per patient is allowed. Rebuild it with splits.assign."
        )


def counts(labels):
    """Studies by finding, value and split, zeros included: finding, value, split, n_studies, share of the
    split's studies.
    """
    found = labels.groupby(["finding", "value", "split"])["study_id"].nunique()
    levels = [
        sorted(labels["finding"].unique()),
        [str(value) for value in LabelValue],
        _present_splits(labels),
    ]
    full = pd.MultiIndex.from_product(levels, names=["finding", "value", "split"])
    table = found.reindex(full, fill_value=0).rename("n_studies").reset_index()
    table["share"] = table["n_studies"] / table["split"].map(labels.groupby("split")["study_id"].nunique())
    return table


def _present_splits(labels):
    present = set(labels["split"])
    return [split for split in (*FRACTIONS, "external") if split in present] + sorted(
        present - {*FRACTIONS, "external"}
    )


def overview(labels):
    """Studies by finding (rows), and by split and value (columns), findings in the order of `labels`."""
    table = counts(labels).pivot(index="finding", columns=["split", "value"], values="n_studies")
    columns = [(split, str(value)) for split in _present_splits(labels) for value in LabelValue]
    wide = table.reindex(index=list(dict.fromkeys(labels["finding"])), columns=pd.MultiIndex.from_tuples(columns))
    return wide.rename_axis(index=None, columns=[None, None])
