"""The last look of a run: whether anything under reports/ names a patient.

Only what is new or changed since it was found clean is read: `last_look.json` in the build folder of each anatomy keeps
the SHA-256 of every file and of the identifiers that were looked for. Where something is found the run fails, and the
first page says that nothing may be shared until a later look finds nothing.
"""

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labkit.layout import ROOT
from labkit.run import files, sources
from labkit.run.steps import Plan, Step

__all__ = ["Alarm", "alarms", "look", "sentence"]

RECORD = "last_look.json"
WORDS = {
    "NAME": ("name", "names"),
    "DATE": ("birth date", "birth dates"),
    "ID": ("number", "numbers"),
    "PHONE": ("phone number", "phone numbers"),
    "EMAIL": ("e-mail address", "e-mail addresses"),
    "ADDRESS": ("address", "addresses"),
}


@dataclass(frozen=True)
class Alarm:
    """A file that names somebody: its path from the reports folder, made fit to show, and how often by kind."""

    path: str
    kinds: dict[str, int]

    @property
    def words(self) -> str:
        """`2 names, 1 birth date`."""
        return ", ".join(f"{n} {WORDS[kind][n != 1]}" for kind, n in sorted(self.kinds.items()))


def look(plan: Plan) -> tuple[list[Alarm], int]:
    """Scan what is new in the folders of a plan's anatomies and in the first page.

    Returns
    -------
    What is wrong now, old and new, and the number of files that were read.

    Raises
    ------
    LabkitError : the reports of a site cannot be read, so that their identifiers are not known.
    """
    found, n_read = [], 0
    for step in plan.steps:
        if step.name == "extraction" and "cohort" in step.parameters:
            record, n = _look_at(plan, step)
            found += _read_alarms(record)
            n_read += n
    return list({alarm.path: alarm for alarm in found}.values()), n_read


def alarms(plan: Plan) -> list[Alarm]:
    """What the last looks at all anatomies of the build folder found in files that are still there."""
    found = []
    for path in sorted(plan.build_dir.glob(f"*/*/{RECORD}")):
        record = _record(path)
        record["files"] = {n: e for n, e in record["files"].items() if (plan.reports_dir / n).is_file()}
        found += _read_alarms(record)
    return list({alarm.path: alarm for alarm in found}.values())


def sentence(found: list[Alarm]) -> str:
    """What a run says of its alarms: one sentence that names file and kind."""
    count = "1 file" if len(found) == 1 else f"{len(found)} files"
    return (
        f"Do not share the reports: identifiers of patients stand in {count}, first {found[0].path} "
        f"({found[0].words}); the first page lists all, mend their cause and run again."
    )


def _look_at(plan: Plan, step: Step) -> tuple[dict[str, Any], int]:
    """The new record of an anatomy, and how many files were read for it."""
    path = _build(step) / RECORD
    before, against = _record(path), _against(step)
    known = before["files"] if before["against"] == against else {}
    now: dict[str, dict[str, Any]] = {}
    unread = []
    for name in _names(plan, step):
        place = plan.reports_dir / name
        digest = files.sha256(place)
        if known.get(name, {}).get("sha256") == digest:
            now[name] = known[name]
        else:
            unread.append((name, digest))
    if unread:
        scanner = _scanner(step)
        for name, digest in unread:
            shown, counts = scanner.look(Path(name), (plan.reports_dir / name).read_bytes())
            now[name] = {"sha256": digest, "shown": shown, "kinds": dict(counts)}
    record = {"against": against, "files": now}
    if record != before:
        files.write_json(path, record)
    return record, len(unread)


def _names(plan: Plan, step: Step) -> list[str]:
    """Files of an anatomy and the first page, as seen from the reports folder."""
    found = [path for path in step.html.parent.rglob("*") if path.is_file()]
    index = plan.reports_dir / "index.html"
    return sorted(path.relative_to(plan.reports_dir).as_posix() for path in [*found, *([index] * index.is_file())])


def _against(step: Step) -> str:
    """Digest of what is looked for, and how."""
    places = [*_reports(step).values(), _build(step) / "keys.csv", *(ROOT / "params" / "deidentification").glob("*")]
    return files.digest(
        {
            "cohort": step.parameters["cohort"],
            "files": {str(place): files.sha256(place) for place in places if place.is_file()},
            "rules": sources.digest_of_modules("labkit.deidentification.scan", "labkit.corpus"),
        }
    )


def _scanner(step: Step):
    """Scanner for the identifiers of all reports at hand, and of those of earlier runs."""
    from labkit import corpus, identities, tables  # heavy, and wanted only where something is new
    from labkit.deidentification import KnownIdentifiers
    from labkit.deidentification.scan import Scanner
    from labkit.params import CohortSection

    section = CohortSection.model_validate(step.parameters["cohort"])
    reports = {}
    for name, place in _reports(step).items():
        if place.is_file():
            read = corpus.load(place, section.sites[name].columns)
            reports |= {f"{name} {report.row}": report for report in read.reports}
    keys = _build(step) / "keys.csv"
    columns = ["report_id", "accession_number", "patient_id", "study_uid"]
    earlier = tables.read(keys, tables.KEYS)[columns].to_numpy().ravel() if keys.is_file() else []
    return Scanner(identities.known_identifiers(reports) | KnownIdentifiers(ids=list(earlier)))


def _reports(step: Step) -> dict[str, Path]:
    return {name: step.base / site["reports"] for name, site in step.parameters["cohort"]["sites"].items()}


def _build(step: Step) -> Path:
    return step.receipt.parent.parent


def _record(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {"against": content["against"], "files": dict(content["files"])}
    except (OSError, ValueError, KeyError, TypeError):
        return {"against": "", "files": {}}


def _read_alarms(record: dict[str, Any]) -> list[Alarm]:
    """Alarms of a record, those with most finds first."""
    found = [Alarm(entry["shown"], entry["kinds"]) for entry in record["files"].values() if entry["kinds"]]
    return sorted(found, key=lambda alarm: (-Counter(alarm.kinds).total(), alarm.path))
