"""Declared columns of every file that crosses a step: checked when written and when read.

Used by every notebook. All tables are long, one fact per row; ids and label values are text, so `0012` stays `0012` and
`true` stays a word, also after a German Excel wrote WAHR. Label values are those of `templates.LabelValue`.
"""

import os
import tempfile
from pathlib import Path

import pandas as pd

from labkit import delimited
from labkit.contracts import (
    ANSWERS,
    CURVES,
    DISAGREEMENTS,
    DOSES,
    EXCLUDED,
    FINDINGS,
    FLAGS,
    IMAGES,
    KEYS,
    LABELS,
    METRICS,
    PREDICTIONS,
    RAISED,
    READINGS,
    REVIEWS,
    SPLITS,
    STUDIES,
    TARGETS,
    VALUES,
    Table,
)
from labkit.errors import TableError

__all__ = [
    "ANSWERS",
    "CURVES",
    "DISAGREEMENTS",
    "DOSES",
    "EXCLUDED",
    "FINDINGS",
    "IMAGES",
    "KEYS",
    "LABELS",
    "METRICS",
    "PREDICTIONS",
    "RAISED",
    "READINGS",
    "REVIEWS",
    "SPLITS",
    "STUDIES",
    "TARGETS",
    "Table",
    "atomic_write",
    "check",
    "read",
    "write",
    "write_csv",
]

# What spreadsheet programs make of the words true and false.
SPREADSHEET_WORDS = {"wahr": "true", "falsch": "false", **dict(zip(VALUES, VALUES))}


def check(frame: pd.DataFrame, table: Table, *, name: str | None = None) -> pd.DataFrame:
    """The table's columns in their declared order and types; the input is not changed.

    Raises
    ------
    TableError : a column is missing or not declared, a value is not allowed, a number is unreadable, a key is repeated.
    """
    name = name or table.name
    frame = frame.assign(**{column: value for column, value in table.defaults.items() if column not in frame.columns})
    missing = [c for c in table.all_columns if c not in frame.columns]
    extra = [c for c in frame.columns if c not in table.all_columns]
    if missing or extra:
        problem = f"lacks the column '{missing[0]}'" if missing else f"has the undeclared column '{extra[0]}'"
        raise TableError(f"{name} {problem}; {table.name} has {', '.join(table.all_columns)}.")
    checked = frame.loc[:, list(table.all_columns)].reset_index(drop=True)
    for column in table.all_columns:
        if column in table.numbers or column in table.integers:
            checked[column] = _numbers(checked[column], column, table, name)
        else:
            checked[column] = checked[column].astype("object").where(checked[column].notna(), "").astype("str")
    for column, allowed in table.allowed.items():
        wrong = checked.loc[~checked[column].isin(allowed), column]
        if len(wrong):
            raise TableError(
                f"{name}, column '{column}': {len(wrong)} of {len(checked)} values are not allowed, the first is in "
                f"row {wrong.index[0] + 1}; allowed: {', '.join(v or '(empty)' for v in allowed)}."
            )
    repeated = checked.duplicated(list(table.key))
    if repeated.any():
        raise TableError(
            f"{name}: {int(repeated.sum())} rows repeat the key ({', '.join(table.key)}), first in row "
            f"{int(repeated.idxmax()) + 1}; one row per key is allowed."
        )
    return checked


def _numbers(series: pd.Series, column: str, table: Table, name: str) -> pd.Series:
    texts = series.map(lambda v: v.strip() or None if isinstance(v, str) else v)
    numbers = pd.to_numeric(texts, errors="coerce")
    wrong = numbers.isna() & texts.notna()
    whole = column in table.integers
    if whole:
        wrong |= numbers.isna() | (numbers % 1 != 0)
    if wrong.any():
        kind = "a whole number" if whole else "a number"
        raise TableError(f"{name}, column '{column}', row {int(wrong.idxmax()) + 1}: not {kind}.")
    return numbers.astype("int64" if whole else "float64")


def write(frame: pd.DataFrame, path: str | Path, table: Table) -> Path:
    """Check and write a table as CSV (UTF-8, comma, `\\n`), all or nothing; the same table gives the same bytes."""
    return write_csv(check(frame, table), path)


def write_csv(frame: pd.DataFrame, path: str | Path) -> Path:
    """Write a table that no contract declares (the data of a figure) in the same form, all or nothing."""
    return atomic_write(path, frame.to_csv(index=False, lineterminator="\n").encode("utf-8"))


def atomic_write(path: str | Path, data: bytes) -> Path:
    """Write a file so that a reader, or a run after a kill, sees the old or the whole new content, never a part."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return path


def read(path: str | Path, table: Table) -> pd.DataFrame:
    """Read and check a table, also one that a spreadsheet program has saved (semicolons, cp1252, WAHR, decimal comma).

    Raises
    ------
    TableError : the file is missing, a row is broken, or the content does not keep the contract.
    """
    path = Path(path)
    if not path.is_file():
        raise TableError(f"{path.name}: not found; run the step that writes {table.name} first.")
    content = delimited.read_csv(path)
    if len(content.rejected):
        raise TableError(f"{path.name}: {content.rejected.reason.iloc[0]}; mend or rewrite the file.")
    frame = content.table
    for column, allowed in table.allowed.items():
        if column in frame.columns and set(allowed) & set(FLAGS):
            words = frame[column].str.strip().str.lower().map(SPREADSHEET_WORDS)
            frame[column] = words.where(words.notna(), frame[column])
    if content.delimiter == ";":
        for column in (*table.numbers, *table.integers):
            if column in frame.columns:
                frame[column] = frame[column].str.replace(",", ".", regex=False)
    return check(frame, table, name=path.name)
