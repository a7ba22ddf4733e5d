"""Readings as files: one append-only CSV per reader, every decision on disk before the next one.

A file holds everything that its reader did (READINGS); what counts of it is REVIEWS. A reading belongs to the text it
was made on (`text_sha256`), so that it is never applied to another report.
"""

import csv
import io
import os
import re
from collections.abc import Callable
from pathlib import Path

import filelock
import pandas as pd

from labkit import tables
from labkit.errors import TableError

__all__ = [
    "LOCK_S",
    "SIMULATED",
    "append",
    "counted",
    "latest",
    "read_all",
    "read_readings",
    "read_reviews",
    "review_file",
    "set_aside",
    "write_next",
]

# The name under which the simulated reader's decisions stand.
SIMULATED = "SIMULATED"
LOCK_S = 10.0  # how long to wait for another window that is writing to the same file
COLUMNS = list(tables.READINGS.all_columns)
LABEL = ["study_id", "finding", "reader"]
VALUE_ACTIONS = ("read", "blind", "implied", "undo", "withdraw")


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
    with _lock(path):
        if path.exists():
            _set_aside(path)
        _write(rows, path)


def write_next(path: Path, make: Callable[[], list[dict]]) -> list[dict]:
    """Add the rows that `make` gives once no other window writes to the file; it may read the file first.

    Raises
    ------
    TableError : another window or computer has kept the file for longer than `LOCK_S`.
    """
    with _lock(path):
        rows = make()
        _write(rows, path)
    return rows


def set_aside(path: Path) -> bytes:
    """Take the last line out of a reader's file where it was cut off (the computer died while it was written).

    Returns
    -------
    What was taken; it is kept beside the file in `NAME.csv.cut`, so that nothing is lost, and nothing is guessed.
    """
    if not path.exists():
        return b""
    with _lock(path):
        return _set_aside(path)


def read_readings(path: str | Path) -> pd.DataFrame:
    """Everything in a reader's file, READINGS; a last line that is being written, or was cut off, is passed over.

    Raises
    ------
    TableError : the file is missing or holds what no reader wrote.
    """
    path = Path(path)
    content = path.read_bytes() if path.is_file() else b""
    whole = _whole(content)
    if len(whole) == len(content):
        made = tables.read(path, tables.READINGS)
    else:
        texts = (
            pd.read_csv(io.BytesIO(whole), dtype=str, keep_default_na=False)
            if whole
            else pd.DataFrame([], columns=COLUMNS)
        )
        made = tables.check(texts, tables.READINGS, name=path.name)
    bare = (made["value"] == "") & made["action"].isin(["read", "blind", "implied", "undo"])
    if bare.any():
        raise TableError(f"{path.name}, row {int(bare.idxmax()) + 1}: a reading without a value; mend the row.")
    return made


def read_reviews(folder: str | Path) -> pd.DataFrame:
    """What counts of all readers' files in a folder, a REVIEWS table; empty where nobody has reviewed.

    A value whose reader asks for a second one counts once somebody else has read or settled the label.
    """
    readings = read_all(folder)
    values = counted(readings)
    asks = readings[readings["action"].isin(["ask", "unask"])].sort_values("sequence", kind="stable")
    asks = asks.drop_duplicates(LABEL, keep="last")
    asks = asks[asks["action"] == "ask"]
    if asks.empty:
        return values
    unsure = pd.MultiIndex.from_frame(values[LABEL]).isin(pd.MultiIndex.from_frame(asks[LABEL]))
    sure = pd.MultiIndex.from_frame(values.loc[~unsure, LABEL[:2]])
    waits = unsure & ~pd.MultiIndex.from_frame(values[LABEL[:2]]).isin(sure)
    return values[~waits].reset_index(drop=True)


def read_all(folder: str | Path) -> pd.DataFrame:
    """Everything that all readers did, READINGS; a copy of a file beside it says nothing new."""
    parts = [read_readings(path) for path in sorted(Path(folder).glob("*.csv"))]
    if not parts:
        return pd.DataFrame(columns=COLUMNS)
    return pd.concat(parts, ignore_index=True).drop_duplicates(ignore_index=True)


def counted(readings: pd.DataFrame) -> pd.DataFrame:
    """REVIEWS of READINGS: values that were not taken back, each with what its reader last remarked on the label."""
    values = readings[readings["action"].isin(VALUE_ACTIONS)]
    keys = [*LABEL, "resolution"]
    gone = values[values["action"] == "withdraw"].groupby(keys)["sequence"].max()
    if len(gone):
        taken = pd.Series(gone.reindex(pd.MultiIndex.from_frame(values[keys])).to_numpy(), index=values.index)
        values = values[~(values["sequence"] <= taken)]
    remarks = readings[readings["action"] == "comment"]
    if len(remarks):
        values = _remarked(values, remarks)
    return tables.check(values, tables.REVIEWS)


def latest(reviews: pd.DataFrame) -> pd.DataFrame:
    """Each reader's last word per study, finding and resolution (the report's value, the follow-up's)."""
    ordered = reviews.sort_values(["study_id", "finding", "resolution", "reader", "sequence"], kind="stable")
    return ordered.drop_duplicates(["study_id", "finding", "resolution", "reader"], keep="last")


def _remarked(values: pd.DataFrame, remarks: pd.DataFrame) -> pd.DataFrame:
    """Values with the last comment of their reader on the label; a comment on the case stands behind it."""
    last = (
        remarks.sort_values("sequence", kind="stable").drop_duplicates(LABEL, keep="last").set_index(LABEL)["comment"]
    )
    own = last.reindex(pd.MultiIndex.from_frame(values[LABEL])).fillna("").to_numpy()
    of_case = last.reindex(pd.MultiIndex.from_frame(values[LABEL].assign(finding=""))).fillna("").to_numpy()
    texts = [
        " | ".join(dict.fromkeys(text for text in parts if text)) for parts in zip(values["comment"], own, of_case)
    ]
    return values.assign(comment=texts)


def _lock(path: Path) -> filelock.BaseFileLock:
    path.parent.mkdir(parents=True, exist_ok=True)
    return _Waiting(path.with_name(f".{path.name}.lock"), timeout=LOCK_S)


class _Waiting(filelock.FileLock):
    """A lock whose time-out is said in a sentence."""

    def __enter__(self):
        try:
            return super().__enter__()
        except NotImplementedError:  # a network drive without locks: one short write at a time is whole there as well
            return self
        except filelock.Timeout as error:
            name = Path(self.lock_file).name[1:-5]
            raise TableError(
                f"{name}: another window has kept the file for {LOCK_S:.0f} s; close it, then decide again."
            ) from error


def _write(rows: list[dict], path: Path) -> None:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    header = text.getvalue()
    if path.exists() and path.stat().st_size:
        _in_own_form(path, header)
        text.seek(0)
        text.truncate()
    before = path.stat().st_size if path.exists() else 0
    writer.writerows([tables.READINGS.defaults | row for row in rows])
    with open(path, "ab") as file:
        try:
            file.write(text.getvalue().encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())
        except BaseException:
            os.truncate(path, before)
            raise


def _in_own_form(path: Path, header: str) -> None:
    """Make a file ready for more rows: one that a spreadsheet program has saved in its own way, or an older version."""
    with open(path, "rb") as file:
        own = file.read(len(header)) == header.encode()
        file.seek(-1, os.SEEK_END)
        ends = file.read(1) == b"\n"
    if own and ends:
        return
    _set_aside(path)
    if not own:
        tables.write(tables.read(path, tables.READINGS), path, tables.READINGS)


def _set_aside(path: Path) -> bytes:
    content = path.read_bytes()
    whole = _whole(content)
    cut = content[len(whole) :]
    if cut:
        with open(path.with_name(f"{path.name}.cut"), "ab") as file:
            file.write(cut + b"\n")
            file.flush()
            os.fsync(file.fileno())
        os.truncate(path, len(whole))
    return cut


def _whole(content: bytes) -> bytes:
    """The content up to the end of its last whole row; a file in another form than the reader's is taken as whole."""
    first = content.split(b"\n", 1)[0].split(b",")
    if first[:3] != [name.encode() for name in COLUMNS[:3]] or first[-1].endswith(b"\r"):
        return content
    end = len(content)
    while end and (content[end - 1 : end] != b"\n" or content[:end].count(b'"') % 2):
        end = content.rfind(b"\n", 0, end - 1) + 1
    return content[:end]
