"""What one reader did, as it stands in the reader's file: values, questions, comments, and what can be undone.

The file is the only memory: a page that is loaded again, a new kernel or a second window of the same reader makes the
same of it. Undoing is one more row.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from labkit.verification.reviews import read_readings, set_aside, write_next

__all__ = ["Decision", "Journal", "Own"]

TIME = "%Y-%m-%dT%H:%M:%S.%f"


class Own(NamedTuple):
    """A reader's value of a label, how it was given, and what it rests on."""

    value: str
    action: str
    source: str = ""


@dataclass(frozen=True)
class Decision:
    """Something to be written on a label (or, with an empty finding, on a case)."""

    study_id: str
    finding: str
    value: str
    previous: str = ""
    resolution: str = "report"
    action: str = "read"
    seconds: float = 0.0
    comment: str = ""
    source: str = ""


class Journal:
    """One reader's file, kept in memory as well, so that no step reads it again.

    Parameters
    ----------
    path : the file; made with the first decision.
    texts : hash of each report's text by study_id; rows on another text do not count.
    now : the time, with its zone.
    """

    def __init__(self, path: Path, *, texts: Mapping[str, str], now: Callable[[], datetime]):
        self.path, self.reader, self._texts, self._now = path, path.stem, texts, now
        self.cut = set_aside(path)
        self._read()

    # -- what stands ----------------------------------------------------------------------------------------------
    def own(self, study_id: str, finding: str, resolution: str) -> Own | None:
        return self._standing.get(("value", study_id, finding, resolution))

    def asked(self, study_id: str, finding: str) -> bool:
        return ("ask", study_id, finding) in self._standing

    def comment(self, study_id: str, finding: str) -> str:
        return self._standing.get(("comment", study_id, finding), "")

    def seconds(self) -> dict[str, float]:
        """Time spent by study_id, the last one that was worked on last."""
        return self._seconds

    # -- what is added --------------------------------------------------------------------------------------------
    def refresh(self) -> bool:
        """Whether another window has written to the file since; if so it was read again."""
        size = self.path.stat().st_size if self.path.exists() else 0
        if size != self._size:
            self._read()
            return True
        return False

    def add(self, decisions: Iterable[Decision]) -> None:
        """Write decisions as one step that is undone as one; on return they are on disk."""
        wanted = list(decisions)
        if wanted:
            self._write(lambda: wanted)

    def undo(self) -> str | None:
        """Take the last step back, whichever case it was in; the case, or None where there is nothing to undo."""
        taken: list[str] = []

        def make() -> list[Decision]:
            if not self._steps:
                return []
            study_id, before = self._steps[-1]
            taken.append(study_id)
            return [self._reverse(key, old) for key, old in before]

        self._write(make)
        return taken[0] if taken else None

    def _write(self, make: Callable[[], list[Decision]]) -> None:
        written: list[dict] = []

        def rows() -> list[dict]:
            self.refresh()
            moment = max(self._now().replace(tzinfo=None), self._last + timedelta(milliseconds=1))
            for n, decision in enumerate(make()):
                at = moment.strftime(TIME)[:-3] + "+00:00"
                own = {"reader": self.reader, "sequence": self._sequence + 1 + n, "reviewed_at": at}
                text = {"text_sha256": self._texts[decision.study_id]}
                written.append(vars(decision) | own | text | {"seconds": round(decision.seconds, 2)})
            return written

        write_next(self.path, rows)
        self._take(written)
        self._size = self.path.stat().st_size

    def _reverse(self, key: tuple, old) -> Decision:
        kind, study_id, finding = key[:3]
        if kind == "value":
            now: Own = self._standing[key]
            made = (old.value, "undo", old.source) if old else (now.value, "withdraw", now.source)
            value, action, source = made
            return Decision(study_id, finding, value, now.value, key[3], action, source=source)
        if kind == "ask":
            return Decision(study_id, finding, "", action="ask" if old else "unask", source="undo")
        return Decision(study_id, finding, "", action="comment", comment=old or "", source="undo")

    # -- from rows to what stands ---------------------------------------------------------------------------------
    def _read(self) -> None:
        self._standing: dict[tuple, object] = {}
        self._steps: list[tuple[str, list[tuple[tuple, object]]]] = []
        self._seconds: dict[str, float] = {}
        self._sequence, self._last, self._size = 0, datetime(1970, 1, 1), 0
        if self.path.exists() and self.path.stat().st_size:
            self._size = os.stat(self.path).st_size
            rows = read_readings(self.path).sort_values("sequence", kind="stable")
            self._take(rows.to_dict("records"))

    def _take(self, rows: list[dict]) -> None:
        for (_, study_id), group in groupby(rows, key=lambda row: (row["reviewed_at"], row["study_id"])):
            step = list(group)
            self._sequence = max(self._sequence, *(int(row["sequence"]) for row in step))
            self._last = max(self._last, _moment(step[0]["reviewed_at"]))
            if study_id in self._texts:
                self._step(study_id, [row for row in step if row["text_sha256"] == self._texts[study_id]])

    def _step(self, study_id: str, rows: list[dict]) -> None:
        if not rows:
            return
        spent = sum(row["seconds"] for row in rows if row["seconds"] == row["seconds"])
        self._seconds[study_id] = self._seconds.pop(study_id, 0.0) + spent
        back = any(row["action"] in ("undo", "withdraw") or row["source"] == "undo" for row in rows)
        if back and self._steps and self._steps[-1][0] == study_id:
            for key, old in self._steps.pop()[1]:
                self._put(key, old)
            return
        before = []
        for row in rows:
            key, new = _meaning(row)
            before.append((key, self._standing.get(key)))
            self._put(key, new)
        self._steps.append((study_id, before))

    def _put(self, key: tuple, value: object) -> None:
        if value:
            self._standing[key] = value
        else:
            self._standing.pop(key, None)


def _meaning(row: dict) -> tuple[tuple, object]:
    """Key and content of what a row says."""
    label = (row["study_id"], row["finding"])
    if row["action"] in ("ask", "unask"):
        return ("ask", *label), row["action"] == "ask"
    if row["action"] == "comment":
        return ("comment", *label), row["comment"]
    gone = row["action"] == "withdraw"
    return ("value", *label, row["resolution"]), None if gone else Own(row["value"], row["action"], row["source"])


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        return datetime(1970, 1, 1)
