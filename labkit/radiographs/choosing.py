"""One image per view: duplicates, older takes, views the template does not have, and views that are
missing."""

from collections import defaultdict
from collections.abc import Sequence

from labkit.radiographs.matching import Record
from labkit.radiographs.merit import steps
from labkit.radiographs.syntaxes import LOSSY

__all__ = ["choose_views", "complete_views", "newness", "quality", "refuse_duplicates"]

# What makes two files the same image, in the order in which it is looked at.
SAMENESS = {"sop_uid": "SOP Instance UID", "pixel_sha256": "pixels", "file_sha256": "file"}


def refuse_duplicates(records: list[Record]) -> None:
    """Of records that are the same image, keep the first by site and path; the others get a reason."""
    first: dict[tuple[str, str], Record] = {}
    for record in records:
        if record["reason"]:
            continue
        for column, word in SAMENESS.items():
            value = record.get(column, "")
            other = first.setdefault((column, value), record) if value else record
            if other is not record:
                elsewhere = "" if other["study_id"] == record["study_id"] else " of another study"
                record["reason"] = f"a duplicate: same {word} as image {other['image_id']}{elsewhere}"
                break


def choose_views(records: list[Record], views: Sequence[str], several_images: str) -> None:
    """Keep the newest or the best image of each study and view, or all; the others, and views that the template
    lacks, get a reason."""
    candidates = defaultdict(list)
    for record in records:
        if record["reason"]:
            continue
        if not record["view"]:
            record["reason"] = "its view is not known: no ViewPosition, and no view rule matches"
        elif record["view"] not in views:
            record["reason"] = f"view {record['view']} is not used; used: {', '.join(views)}"
        else:
            candidates[record["study_id"], record["view"]].append(record)
    if several_images == "all":
        return
    for same_view in candidates.values():
        chosen = max(same_view, key=quality if several_images == "best" else newness)
        for record in same_view:
            if record is not chosen:
                record["reason"] = f"another image of this view is used: {chosen['image_id']}"


def complete_views(
    own: list[Record], views: Sequence[str], missing_view: str, reason: str
) -> tuple[str, str, list[Record]]:
    """Judge a study by its images.

    Returns
    -------
    The reason against the study, a note on a study that is used, and records that stand in for a missing
    view. Images of a study that is not used get its reason.
    """
    used = {record["view"]: record for record in own if not record["reason"]}
    missing, note, stand_ins = [view for view in views if view not in used], "", []
    if not reason and not used:
        reason = f"none of its {len(own)} images can be used, the first because: {own[0]['reason']}"
    elif not reason and missing and missing_view == "mask":
        note = f"{' and '.join(missing)} missing: the network is told so"
    elif not reason and missing and missing_view == "duplicate":
        source = next(used[view] for view in views if view in used)
        note = f"{' and '.join(missing)} missing: {source['view']} stands in"
        stand_ins = [_stand_in(source, view) for view in missing]
    elif not reason and missing:
        reason = f"no usable {' and no '.join(missing)} image"
    if reason:
        for record in used.values():
            record["reason"] = f"its study is not used: {reason}"
    return reason, note, stand_ins


def _stand_in(source: Record, view: str) -> Record:
    note = f"{source['image_id']} stands in for a missing view"
    return source | {"image_id": f"{source['study_id']}-{view}-0", "view": view, "note": note}


def newness(record: Record) -> tuple:
    """Sort key: for presentation before for processing, one frame before many, then time, instance number, path."""
    number = record["instance_number"]
    return (
        record["presentation_intent"] != "FOR PROCESSING",
        record["frames"] in ("", "1"),
        record["acquired"],
        int(number) if number.lstrip("-").isdecimal() else 0,
        record["path"],
    )


def quality(record: Record) -> tuple:
    """Sort key: as `newness`, but the pixels go before time: no burnt-in text, lossless compression, merit (where
    it was measured, see `merit`), number of pixels, bits."""
    intent, single_frame, *time = newness(record)
    rows, columns, bits = (_number(record[name]) for name in ("rows", "columns", "bits_stored"))
    clean, lossless = record["burned_in"].upper() != "YES", record["transfer_syntax"] not in LOSSY
    return (intent, single_frame, clean, lossless, steps(record.get("merit", "")), rows * columns, bits, *time)


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else 0
