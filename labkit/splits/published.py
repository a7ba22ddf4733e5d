"""A split that somebody has published, or that another study used: read, matched to the cohort, checked for leakage."""

from pathlib import Path

import pandas as pd

from labkit import delimited, tables
from labkit.errors import TableError
from labkit.splits.checks import check_disjoint

__all__ = ["published"]

# What people call the three parts.
WORDS = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev", "development", "tune", "tuning"),
    "test": ("test", "testing", "holdout", "internal_test"),
    "external": ("external", "external_test"),
}
SPLIT_OF = {word: split for split, words in WORDS.items() for word in words}
# By which column a row may name its patient or study, in the order in which they are looked for.
IDENTIFIERS = ("patient", "study_id", "patient_id", "accession_number", "study_uid", "report_id")
COLUMNS = ("split", "subset", "partition")


def published(path: str | Path, keys: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """The SPLITS of a file, and a sentence on how it fits the cohort.

    Parameters
    ----------
    path : CSV with a column split (also subset, partition) and one of the identifiers: patient or study_id (this
        cohort's pseudonyms), patient_id, accession_number, study_uid, report_id; and site where an identifier is not
        unique without.
    keys : KEYS of the cohort.

    Raises
    ------
    TableError : a column or a word is not understood, an identifier means several patients, a patient of the file is
        in two splits, or none is in the cohort. Patients are named by their pseudonyms alone.
    """
    path = Path(path)
    rows, identifier = _rows(path)
    on = [identifier, "site"] if "site" in rows else [identifier]
    known = keys[on].assign(whose=keys["patient"])
    known = known[known[identifier] != ""].drop_duplicates()
    unclear = known[known.duplicated(on, keep=False) & known[identifier].isin(rows[identifier])]
    if len(unclear):
        raise TableError(
            f"{path.name}: an {identifier} stands for {unclear['whose'].nunique()} patients, among them "
            f"{unclear['whose'].min()}; add a column site, or name patients by another identifier."
        )
    merged = rows.merge(known, on=on, how="left")
    strangers = int(merged["whose"].isna().sum())
    found = merged.dropna(subset=["whose"])[["whose", "split"]].rename(columns={"whose": "patient"})
    if found.empty:
        raise TableError(
            f"{path.name}: none of its {len(rows)} rows names a patient or study of the cohort by {identifier}; check "
            "that the identifiers are written as in the reports file."
        )
    check_disjoint(found, name=path.name)
    table = tables.check(found.drop_duplicates().sort_values("patient"), tables.SPLITS)
    rest = keys["patient"].nunique() - len(table)
    note = f"taken from a file for {len(table)} patients, by {identifier}"
    note += f"; {rest} patients of the cohort are not in it" if rest else ""
    return table, note + (f"; {strangers} of its rows are not in the cohort" if strangers else "")


def _rows(path: Path) -> tuple[pd.DataFrame, str]:
    """The file's rows with the columns split and an identifier (and site), and which identifier it is."""
    if not path.is_file():
        raise TableError(f"{path.name}: not found; give the path of a CSV with an identifier and a column split.")
    content = delimited.read_csv(path)
    if len(content.rejected):
        raise TableError(f"{path.name}: {content.rejected.reason.iloc[0]}; mend or rewrite the file.")
    frame = content.table
    frame.columns = [str(name).strip().lower() for name in frame.columns]
    splits = [name for name in COLUMNS if name in frame]
    identifiers = [name for name in IDENTIFIERS if name in frame]
    if not splits or not identifiers:
        wanted = "split" if not splits else " or ".join(IDENTIFIERS)
        raise TableError(f"{path.name} lacks the column {wanted}; it needs an identifier and a column split.")
    words = frame[splits[0]].str.strip().str.lower().str.replace(r"[\s-]+", "_", regex=True)
    unknown = ~words.isin(SPLIT_OF)
    if unknown.any():
        raise TableError(
            f"{path.name}, column '{splits[0]}', row {int(unknown.to_numpy().argmax()) + 1}: not the name of a split; "
            f"known: {', '.join(SPLIT_OF)}."
        )
    columns = [identifiers[0], *(["site"] if "site" in frame else [])]
    return frame[columns].apply(lambda column: column.str.strip()).assign(split=words.map(SPLIT_OF)), identifiers[0]
