"""Declared columns of every file that crosses a step: checked when written and when read.

Used by every notebook. All tables are long, one fact per row; ids and label values are text, so `0012` stays `0012` and
`true` stays a word, also after a German Excel wrote WAHR. Label values are those of `templates.LabelValue`.
"""

import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from labkit import delimited
from labkit.errors import TableError

__all__ = [
    "ANSWERS",
    "CURVES",
    "EXCLUDED",
    "FINDINGS",
    "IMAGES",
    "KEYS",
    "LABELS",
    "METRICS",
    "PREDICTIONS",
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

VALUES = ("true", "false", "uncertain")
FLAGS = ("true", "false")
SPLIT_NAMES = ("train", "validation", "test", "external")
# What spreadsheet programs make of the words true and false.
SPREADSHEET_WORDS = {"wahr": "true", "falsch": "false", **dict(zip(VALUES, VALUES))}


@dataclass(frozen=True)
class Table:
    """A contract: which columns a table has, which of them form its key, and what they may hold.

    `numbers` become float64 (empty = NaN), `integers` int64, every other column text; `allowed` closes the values of a
    column (an empty text is allowed only where it is listed).
    """

    name: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    numbers: tuple[str, ...] = ()
    integers: tuple[str, ...] = ()
    allowed: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def all_columns(self) -> tuple[str, ...]:
        return self.key + self.columns


KEYS = Table("KEYS", ("study_id",), ("patient", "site", "report_id", "accession_number", "patient_id", "study_uid"))
STUDIES = Table(
    "STUDIES",
    ("study_id",),
    ("patient", "site", "text_sha256", "usable", "reason", "study_date", "sex", "age", "hardware"),
    allowed={"usable": FLAGS, "hardware": FLAGS},
)
IMAGES = Table(
    "IMAGES",
    ("image_id",),
    ("study_id", "site", "view", "laterality", "path", "frame", "usable", "reason")
    + ("rows", "columns", "transfer_syntax", "file_sha256"),
    integers=("frame", "rows", "columns"),
    allowed={"usable": FLAGS},
)
EXCLUDED = Table("EXCLUDED", ("site", "kind", "item"), ("reason", "detail"), allowed={"kind": ("report", "image")})
FINDINGS = Table(
    "FINDINGS",
    ("study_id", "finding", "source"),
    ("value", "evidence", "start", "end", "grounded", "confidence"),
    numbers=("confidence",),
    integers=("start", "end"),
    allowed={"value": VALUES, "grounded": (*FLAGS, "")},
)
ANSWERS = Table(
    "ANSWERS",
    ("study_id", "source"),
    ("status", "reason", "model", "prompt_tokens", "completion_tokens", "cost", "seconds"),
    numbers=("cost", "seconds"),
    integers=("prompt_tokens", "completion_tokens"),
    allowed={
        "status": ("ok", "refused", "filtered", "truncated", "invalid", "error", "blocked", "skipped"),
    },
)
REVIEWS = Table(
    "REVIEWS",
    ("study_id", "finding", "reader", "sequence"),
    ("value", "previous", "reviewed_at", "seconds", "resolution", "comment", "text_sha256"),
    numbers=("seconds",),
    integers=("sequence",),
    allowed={"value": VALUES, "previous": (*VALUES, ""), "resolution": ("report", "follow_up")},
)
SPLITS = Table("SPLITS", ("patient",), ("split",), allowed={"split": SPLIT_NAMES})
LABELS = Table(
    "LABELS",
    ("study_id", "finding"),
    ("patient", "site", "split", "extracted", "value", "reference", "verification"),
    allowed={
        "split": SPLIT_NAMES,
        "extracted": VALUES,
        "value": VALUES,
        "reference": VALUES,
        "verification": ("none", "human", "simulated"),
    },
)
TARGETS = Table(
    "TARGETS",
    ("study_id", "finding", "policy"),
    ("split", "value", "target", "weight"),
    numbers=("target", "weight"),
    allowed={"value": VALUES, "split": SPLIT_NAMES[:2]},
)
PREDICTIONS = Table(
    "PREDICTIONS",
    ("study_id", "finding", "policy", "seed"),
    ("split", "site", "score"),
    numbers=("score",),
    integers=("seed",),
    allowed={"split": SPLIT_NAMES[1:]},
)
METRICS = Table(
    "METRICS",
    ("finding", "metric", "site", "policy", "reading"),
    ("value", "low", "high", "level", "n", "n_positive", "method"),
    numbers=("value", "low", "high", "level", "n", "n_positive"),
)
CURVES = Table(
    "CURVES",
    ("finding", "curve", "site", "policy", "point"),
    ("x", "y", "threshold"),
    numbers=("x", "y", "threshold"),
    integers=("point",),
)


def check(frame: pd.DataFrame, table: Table, *, name: str | None = None) -> pd.DataFrame:
    """The table's columns in their declared order and types; the input is not changed.

    Raises
    ------
    TableError : a column is missing or not declared, a value is not allowed, a number is unreadable, a key is repeated.
    """
    name = name or table.name
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
