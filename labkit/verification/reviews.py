"""Readings as files: one append-only CSV per reader, every decision on disk before the next one.

A reading belongs to the text it was made on (`text_sha256`), so that it is never applied to another report.
"""

import csv
import io
import os
import re
from pathlib import Path

import pandas as pd

from labkit import tables
from labkit.errors import TableError

__all__ = ["SIMULATED", "append", "latest", "read_reviews", "review_file"]

# The name under which the simulated reader's decisions stand.
SIMULATED = "SIMULATED"


def review_file(folder: str | Path, reader: str) -> Path:
    """The file of one reader.

    Raises
    ------
    TableError : a name that is no file name, or the simulated reader's.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}", reader) or reader.upper() == SIMULATED:
        raise TableError(
            f"reader '{reader[:40]}': a reader's name has letters, digits, _ and - and is not {SIMULATED}; "
            "choose another."
        )
    return Path(folder) / f"{reader}.csv"


def append(rows: list[dict], path: Path) -> None:
    """Add decisions to a reader's file and wait until they are on disk; all of them or, on a full disk, none."""
    columns = list(tables.REVIEWS.all_columns)
    path.parent.mkdir(parents=True, exist_ok=True)
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    header = text.getvalue()
    if path.exists() and path.stat().st_size:
        _in_own_form(path, header)
        text.seek(0)
        text.truncate()
    before = path.stat().st_size if path.exists() else 0
    writer.writerows(rows)
    with open(path, "ab") as file:
        try:
            file.write(text.getvalue().encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())
        except BaseException:
            os.truncate(path, before)
            raise


def _in_own_form(path: Path, header: str) -> None:
    """Rewrite a file that a spreadsheet program has saved in its own way, so that rows can be added to it."""
    content = path.read_bytes()
    if not (content.startswith(header.encode()) and content.endswith(b"\n")):
        tables.write(tables.read(path, tables.REVIEWS), path, tables.REVIEWS)


def read_reviews(folder: str | Path) -> pd.DataFrame:
    """All decisions of all readers in a folder, a REVIEWS table; empty where nobody has reviewed."""
    parts = [tables.read(path, tables.REVIEWS) for path in sorted(Path(folder).glob("*.csv"))]
    if not parts:
        return pd.DataFrame(columns=list(tables.REVIEWS.all_columns))
    return pd.concat(parts, ignore_index=True)


def latest(reviews: pd.DataFrame) -> pd.DataFrame:
    """Each reader's last word per study, finding and resolution (the report's value, the follow-up's)."""
    ordered = reviews.sort_values(["study_id", "finding", "resolution", "reader", "sequence"], kind="stable")
    return ordered.drop_duplicates(["study_id", "finding", "resolution", "reader"], keep="last")
