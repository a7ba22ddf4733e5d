"""Find the report of each image by one shared identifier; what is ambiguous is refused, never guessed."""

import re
from collections import defaultdict

__all__ = ["IDENTIFIERS", "Record", "match", "plain_date"]

# How an identifier is called in a reason.
IDENTIFIERS = {"accession_number": "accession number", "study_uid": "study UID", "patient_id": "patient id"}

Record = dict[str, str]


def match(reports: list[Record], images: list[Record], *, by: str) -> dict[str, str]:
    """Set study_id on each image record, and a reason where none can be given and the record has no reason
    yet.

    Parameters
    ----------
    reports : records with study_id, site, study_date and the identifier.
    images : records with site, study_date, study_uid, reason and the identifier; they are changed in place.

    Returns
    -------
    study_id -> reason, for reports that cannot be linked whatever the images are.
    """
    holders = defaultdict(list)
    refused = {}
    for report in reports:
        if report[by]:
            holders[report["site"], report[by]].append(report)
        else:
            refused[report["study_id"]] = f"the report gives no {IDENTIFIERS[by]}"
    for image in images:
        study_id, reason = "", f"the file gives no {IDENTIFIERS[by]}"
        if image[by]:
            study_id, reason = _choose(holders.get((image["site"], image[by]), []), image, by, refused)
        image["study_id"], image["reason"] = study_id, image["reason"] or reason
    for holding in holders.values():
        if len(holding) > 1 and by != "patient_id":
            for report in holding:
                refused[report["study_id"]] = f"its {IDENTIFIERS[by]} stands in {len(holding)} reports"
    if by == "patient_id":
        refused |= _refuse_mixed_studies(reports, images)
    found = {image["study_id"] for image in images}
    for report in reports:
        if report["study_id"] not in found:
            refused.setdefault(report["study_id"], f"no image has its {IDENTIFIERS[by]}")
    return refused


def plain_date(text: str) -> str:
    """YYYYMMDD from that, from ISO or from a German date; other text is left as it is."""
    text = text.strip()
    german = re.fullmatch(r"(\d{1,2})\.(\d{1,2})\.(\d{4})", text)
    if german:
        return f"{german[3]}{int(german[2]):02d}{int(german[1]):02d}"
    iso = re.match(r"(\d{4})[-./]?(\d{2})[-./]?(\d{2})", text)
    return "".join(iso.groups()) if iso else text


def _choose(holding: list[Record], image: Record, by: str, refused: dict[str, str]) -> tuple[str, str]:
    """study_id and "", or "" and the reason."""
    if not holding:
        return "", f"no report has its {IDENTIFIERS[by]}"
    if by != "patient_id":
        if len(holding) > 1:
            return "", f"its {IDENTIFIERS[by]} stands in {len(holding)} reports"
        return holding[0]["study_id"], ""
    date = plain_date(image["study_date"])
    if len(holding) > 1 and not date:
        return "", f"the patient has {len(holding)} reports and the image no study date"
    dates = [plain_date(report["study_date"]) for report in holding]
    same = [report for report, day in zip(holding, dates) if day == date or (len(holding) == 1 and not (day and date))]
    if not same:
        return "", "no report of the patient has its study date"
    if len(same) > 1:
        for report in same:
            refused[report["study_id"]] = f"the patient has {len(same)} reports of this date"
        return "", f"the patient has {len(same)} reports of its study date"
    return same[0]["study_id"], ""


def _refuse_mixed_studies(reports: list[Record], images: list[Record]) -> dict[str, str]:
    """A report without a date whose patient has images of several studies could belong to any of them."""
    dated = {report["study_id"] for report in reports if report["study_date"]}
    studies = defaultdict(set)
    for image in images:
        if image["study_id"] and image["study_id"] not in dated:
            studies[image["study_id"]].add(image["study_uid"] or image["study_date"])
    refused = {
        study_id: f"the patient's images come from {len(uids)} studies and the report has no date"
        for study_id, uids in studies.items()
        if len(uids) > 1
    }
    for image in images:
        if image["study_id"] in refused:
            image["reason"] = image["reason"] or refused[image["study_id"]]
    return refused
