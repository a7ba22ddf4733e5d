"""Free-text reports from the files that hospitals have: CSV or JSON lines, any of their encodings and delimiters.

Used by 01_extraction and 02_verification. Every row of the file ends as a report or as a rejected row with a reason.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from labkit import delimited
from labkit.errors import CorpusError

__all__ = ["Columns", "Corpus", "Report", "load", "values"]

JSON_LINES = {".jsonl", ".ndjson"}


class Columns(BaseModel):
    """How the columns of a reports file are called; an empty name says that the file has no such column."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    report_id: str = Field(min_length=1)
    report: str = Field(min_length=1)
    accession_number: str = ""
    study_uid: str = ""
    patient_id: str = ""
    study_date: str = ""
    sex: str = ""
    birth_date: str = ""
    age: str = ""
    patient_name: str = ""


class Report(BaseModel):
    """One free-text report; ids and dates are text as in the file, empty where the file has none."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    row: int
    report_id: str = Field(min_length=1)
    text: str = Field(min_length=1, repr=False)
    accession_number: str = ""
    study_uid: str = ""
    patient_id: str = Field(default="", repr=False)
    study_date: str = ""
    sex: str = ""
    birth_date: str = Field(default="", repr=False)
    age: str = ""
    patient_name: str = Field(default="", repr=False)

    @property
    def text_sha256(self) -> str:
        return hashlib.sha256(self.text.encode("utf-8")).hexdigest()


@dataclass(frozen=True)
class Corpus:
    """The reports of one file and its rejected rows (columns row, report_id, reason)."""

    reports: tuple[Report, ...]
    rejected: pd.DataFrame
    n_rows: int


def load(path: str | Path, columns: Columns) -> Corpus:
    """Read a file of reports; line ends inside a text become `\\n`, everything else stays as it is.

    A row without id or text, a broken row, and every further row of an id are rejected with a reason. An id that stands
    for different texts is not used at all: which of them is right cannot be known.

    Raises
    ------
    CorpusError : the file is missing, lacks a named column, or holds no readable row.
    """
    path = Path(path)
    content = _content(path)
    table = content.table
    named = {field: name for field, name in columns.model_dump().items() if name}
    for field, name in named.items():
        if name not in table.columns:
            raise CorpusError(
                f"{path.name}: the column '{name}' (for {field}) is not there; {_seen(list(table.columns), named)}."
            )
    fields = pd.DataFrame({field: table[name] for field, name in named.items()}, index=table.index)
    for field in fields.columns.drop("report"):
        fields[field] = fields[field].str.strip()
    fields["report"] = fields["report"].str.replace("\r\n", "\n").str.replace("\r", "\n")
    reasons = _reasons(fields)
    kept = fields[reasons == ""]
    rejected = pd.DataFrame(
        {"row": fields.index, "report_id": fields["report_id"].to_numpy(), "reason": reasons.to_numpy()}
    )
    broken = content.rejected.assign(report_id="")
    rejected = pd.concat([rejected[rejected.reason != ""], broken])[["row", "report_id", "reason"]]
    reports = tuple(
        Report(row=row.pop("row"), text=row.pop("report"), **row) for row in kept.reset_index().to_dict("records")
    )
    if not reports:
        raise CorpusError(f"{path.name}: none of {len(fields) + len(broken)} rows holds a report id and a text.")
    return Corpus(reports, rejected.sort_values("row").reset_index(drop=True), len(fields) + len(broken))


def values(path: str | Path, columns: Iterable[str]) -> dict[int, list[str]]:
    """What some columns of a file of reports hold, by row, such as identifiers that its texts may name.

    Raises
    ------
    CorpusError : the file is missing or lacks a column.
    """
    path, columns = Path(path), list(columns)
    table = _content(path).table if columns else pd.DataFrame()
    for name in columns:
        if name not in table.columns:
            raise CorpusError(f"{path.name}: the column '{name}' is not there; {_seen(list(table.columns), {})}.")
    return {row: [value.strip() for value in held] for row, *held in table[columns].itertuples(name=None)}


def _content(path: Path) -> delimited.Delimited:
    if not path.is_file():
        raise CorpusError(f"{path.name}: no such file; give the path of a CSV or JSONL file with reports.")
    return delimited.read_jsonl(path) if path.suffix.lower() in JSON_LINES else delimited.read_csv(path)


def _seen(header: list[str], named: dict[str, str]) -> str:
    """The columns of the file; not where its first line may be a patient's row."""
    if set(named.values()) & set(header) or delimited.is_header(header):
        return f"the file has {', '.join(header)}"
    return "the first line seems to be a row already; put a line with the names of the columns on top"


def _reasons(fields: pd.DataFrame) -> pd.Series:
    """Why a row is not used, empty where it is."""
    reasons = pd.Series("", index=fields.index)
    texts = fields["report"].str.strip()
    reasons[texts == ""] = "the report text is empty"
    reasons[fields["report_id"] == ""] = "the report id is empty"
    usable = fields[reasons == ""]
    n_texts = usable.groupby("report_id")["report"].transform("nunique")
    for row in usable.index[n_texts > 1]:
        reasons[row] = "the report id stands for different texts; none of them is used"
    repeated = usable[(n_texts == 1)].duplicated("report_id")
    reasons[repeated.index[repeated]] = "the row repeats an earlier report with the same id and text"
    return reasons
