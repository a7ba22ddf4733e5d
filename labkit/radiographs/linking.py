"""Which images belong to which report: every report and every image comes out, used or with the reason why
not."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Literal, NamedTuple

import pandas as pd

from labkit.errors import ImageError
from labkit.radiographs.choosing import choose_views, complete_views, newness, quality, refuse_duplicates
from labkit.radiographs.matching import IDENTIFIERS, Record, match
from labkit.radiographs.rules import DEFAULT_VIEW_RULES, ViewRule
from labkit.radiographs.viewing import name_views
from labkit.radiographs.views import side_in

__all__ = ["Linked", "link"]

REPORT_COLUMNS = ("study_id", "site", "accession_number", "study_uid", "patient_id", "study_date")
STUDY_COLUMNS = ("study_id", "site", "patient_id", "study_date", "usable", "reason", "n_images")
IMAGE_COLUMNS = ("image_id", "study_id", "site", "view", "laterality", "path", "frame", "usable", "reason") + (
    "rows",
    "columns",
    "transfer_syntax",
    "file_sha256",
    "view_source",
    "burned_in",
    "device",
)
DESCRIPTIONS = ("series_description", "protocol_name", "study_description")
MISSING_VIEW, SEVERAL_IMAGES = ("drop", "duplicate", "mask"), ("newest", "best", "all")


class Linked(NamedTuple):
    """Studies (study_id, site, patient_id, study_date, usable, reason, n_images) and an IMAGES table, both
    complete."""

    studies: pd.DataFrame
    images: pd.DataFrame


def link(
    reports: pd.DataFrame,
    images: pd.DataFrame,
    *,
    by: Literal["accession_number", "study_uid", "patient_id"],
    views: Sequence[str],
    view_rules: Sequence[ViewRule] = DEFAULT_VIEW_RULES,
    missing_view: Literal["drop", "duplicate", "mask"] = "drop",
    several_images: Literal["newest", "best", "all"] = "newest",
) -> Linked:
    """Link reports and images of the same site, choose the images of each view, and say why anything is left out.

    Parameters
    ----------
    reports : study_id, site, accession_number, study_uid, patient_id, study_date; "" where unknown.
    images : one or more indexes (see `radiographs.index`), with a column `site` where there are several
        sites, and with the measures that view rules ask for (see `radiographs.measure`).
    by : the identifier that both sides hold. With patient_id, a patient's studies are told apart by
        study_date.
    views : the template's views; a study needs one image of each.
    view_rules : fall-backs for images without a ViewPosition, first match wins.
    missing_view : what becomes of a study that lacks a view: drop it, let its first other view stand in (both rows
        say so), or keep it without a row for that view, for a network that is told what is missing (mask).
    several_images : of several images of one view the newest (for presentation before for processing, one frame
        before many, then acquisition time, instance number, path), the best (lossless, sharpest and best exposed where
        `measure` looked, most pixels and bits before newer) or all of them, the newest with the first id.

    Returns
    -------
    Linked; `reason` of a study that is used may hold a note. A patient id or study date that the report lacks
    is taken from its images where these agree. `view_source` of an image says what gave its view.

    Raises
    ------
    ImageError : a column is missing, a study_id is repeated, or `by`, `missing_view` or `several_images` is not known.
    """
    _check(reports, images)
    for name, value, known in (
        ("by", by, tuple(IDENTIFIERS)),
        ("missing_view", missing_view, MISSING_VIEW),
        ("several_images", several_images, SEVERAL_IMAGES),
    ):
        if value not in known:
            raise ImageError(f"{name} '{value}' is not known; known: {', '.join(known)}.")
    report_records = reports.loc[:, list(REPORT_COLUMNS)].fillna("").astype(str).to_dict("records")
    records = _records(images, report_records, views, view_rules)
    refused = match(report_records, records, by=by)
    _compare_patients(report_records, records)
    if several_images != "newest":
        records.sort(key=quality if several_images == "best" else newness, reverse=True)
    _name(records)
    refuse_duplicates(records)
    choose_views(records, views, several_images)
    studies = _judge(report_records, records, refused, views, missing_view)
    return Linked(pd.DataFrame(studies, columns=list(STUDY_COLUMNS)), _image_table(records))


def _check(reports: pd.DataFrame, images: pd.DataFrame) -> None:
    missing = [c for c in REPORT_COLUMNS if c not in reports.columns]
    if missing:
        raise ImageError(f"the reports lack the column '{missing[0]}'; needed: {', '.join(REPORT_COLUMNS)}.")
    if "path" not in images.columns or "usable" not in images.columns:
        raise ImageError("the images lack the columns of an index; make them with radiographs.index.")
    repeated = reports["study_id"].duplicated()
    if repeated.any():
        raise ImageError(
            f"study_id {reports['study_id'][repeated].iloc[0]} stands in two reports; one row per study is allowed."
        )
    if "site" not in images.columns and reports["site"].nunique() > 1:
        raise ImageError(
            "the reports come from several sites and the images have no column 'site'; add it to each index."
        )


def _records(
    images: pd.DataFrame, reports: list[Record], views: Sequence[str], rules: Sequence[ViewRule]
) -> list[Record]:
    """The index rows as records in the order of site and path, with site, view, frame and an empty study."""
    images = images.fillna("").astype(str)
    if "site" not in images.columns:
        images["site"] = reports[0]["site"] if reports else ""
    images = images.sort_values(["site", "path"], kind="stable", ignore_index=True)
    images[["view", "view_source"]] = name_views(images, views=views, view_rules=rules)
    records = images.to_dict("records")
    for record in records:
        record["frame"] = 0  # of a multi-frame image the first frame is used
        record["study_id"] = ""
        record.setdefault("device", "")  # an index made before there was such a column
        # Where the header gives no side, its descriptions may.
        told = (side_in(record.get(name, "")) for name in DESCRIPTIONS)
        record["laterality"] = record.get("laterality", "") or next((side for side in told if side), "")
    return records


def _compare_patients(reports: list[Record], records: list[Record]) -> None:
    """An image whose patient id contradicts the report's is not used: it may be another person's."""
    patients = {report["study_id"]: report["patient_id"] for report in reports}
    for record in records:
        expected, given = (
            text.strip().lstrip("0").casefold() for text in (patients.get(record["study_id"], ""), record["patient_id"])
        )
        if expected and given and expected != given:
            record["reason"] = record["reason"] or "its patient id is not the report's"


def _name(records: list[Record]) -> None:
    """Ids that a person can place: study, view and a number."""
    counts = Counter()
    for record in records:
        stem = f"{record['study_id']}-{record['view'] or 'X'}" if record["study_id"] else f"{record['site']}-unlinked"
        counts[stem] += 1
        record["image_id"] = f"{stem}-{counts[stem]}"


def _judge(
    reports: list[Record], records: list[Record], refused: dict, views: Sequence[str], missing_view: str
) -> list[dict]:
    """One row per study, by study_id; records of images that stand in for a missing view are added."""
    of_study = defaultdict(list)
    for record in records:
        of_study[record["study_id"]].append(record)
    studies = []
    for report in sorted(reports, key=lambda report: report["study_id"]):
        own = of_study[report["study_id"]]
        reason = refused.get(report["study_id"], "")
        reason, note, stand_ins = complete_views(own, views, missing_view, reason)
        records += stand_ins
        studies.append(_study(report, own, reason, note))
    return studies


def _study(report: Record, own: list[Record], reason: str, note: str) -> dict:
    patient_id = report["patient_id"] or _agreed(own, "patient_id")
    unknown = "" if patient_id else "no patient id, so it cannot be grouped with other studies of the patient"
    return {
        "study_id": report["study_id"],
        "site": report["site"],
        "patient_id": patient_id,
        "study_date": report["study_date"] or _agreed(own, "study_date"),
        "usable": "false" if reason else "true",
        "reason": reason or "; ".join(text for text in (note, unknown) if text),
        "n_images": sum(not record["reason"] for record in own),
    }


def _agreed(records: list[Record], column: str) -> str:
    values = {record[column] for record in records if record[column]}
    return values.pop() if len(values) == 1 else ""


def _image_table(records: list[Record]) -> pd.DataFrame:
    for record in records:
        record["usable"] = "false" if record["reason"] else "true"
        record["reason"] = record["reason"] or record.get("note", "")
        record["burned_in"] = record["burned_in"].lower() if record["burned_in"].upper() in ("YES", "NO") else ""
    table = pd.DataFrame(records, columns=list(IMAGE_COLUMNS)).sort_values("image_id", kind="stable", ignore_index=True)
    for number in ("rows", "columns", "frame"):
        table[number] = pd.to_numeric(table[number], errors="coerce").fillna(0).astype("int64")
    return table
