"""The reports of one run in their order, in a temporary file: id, key and what is known before a call.

Used by `engine` and `batch`; it lets results be read as a stream, whatever the number of reports, and is gone with
the process.
"""

import pickle
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from labkit.errors import ExtractionError

__all__ = ["Row", "Spool"]


@dataclass(frozen=True, slots=True)
class Row:
    """One report: `key` is None where the status is settled without a call."""

    report_id: str
    key: str | None = None
    status: str = ""
    reason: str = ""
    cleaned: Any = None  # offset map of a de-identified text, None where nothing was replaced
    original: str = field(default="", repr=False)  # the text before it; empty where nothing was replaced
    repeated: bool = False


class Spool:
    """Rows in the order of the reports."""

    def __init__(self):
        # An empty name is SQLite's own temporary file: private, and removed by the system when the process ends.
        self._db = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._db.execute(
            "CREATE TABLE rows (position INTEGER PRIMARY KEY, report_id TEXT, key TEXT, status TEXT, reason TEXT, "
            "cleaned BLOB, original TEXT)"
        )
        self._db.execute("CREATE TABLE firsts (key TEXT PRIMARY KEY, position INTEGER) WITHOUT ROWID")
        self._lock = threading.Lock()
        self.n = self.n_cleaned = 0
        self.placeholders: Counter[str] = Counter()  # by type, over all reports

    def add(self, rows: list[Row]) -> None:
        """Append rows.

        Raises
        ------
        ExtractionError : the temporary folder is full.
        """
        try:
            self._add(rows)
        except sqlite3.Error as error:
            raise ExtractionError(
                f"The rows of this run do not fit into the temporary folder ({error}); free its disk or set "
                "SQLITE_TMPDIR to another, then run again, answers so far are kept."
            ) from error

    def _add(self, rows: list[Row]) -> None:
        with self._lock:
            self._db.execute("BEGIN")
            for row in rows:
                cleaned = None
                if row.cleaned is not None:
                    cleaned = pickle.dumps(row.cleaned)
                    self.n_cleaned += 1
                    self.placeholders.update(getattr(row.cleaned, "counts", {}))
                values = (self.n, row.report_id, row.key, row.status, row.reason, cleaned, row.original)
                self._db.execute("INSERT INTO rows VALUES (?, ?, ?, ?, ?, ?, ?)", values)
                if row.key is not None:
                    self._db.execute("INSERT OR IGNORE INTO firsts VALUES (?, ?)", (row.key, self.n))
                self.n += 1
            self._db.execute("COMMIT")

    def chunks(self, size: int = 500) -> Iterator[list[Row]]:
        """Rows in order, in lists of at most `size`."""
        query = (
            "SELECT r.position, r.report_id, r.key, r.status, r.reason, r.cleaned, r.original, "
            "f.position FROM rows r "
            "LEFT JOIN firsts f ON f.key = r.key WHERE r.position >= ? AND r.position < ? ORDER BY r.position"
        )
        for start in range(0, self.n, size):
            with self._lock:
                found = self._db.execute(query, (start, start + size)).fetchall()
            yield [
                Row(
                    report_id,
                    key,
                    status,
                    reason,
                    pickle.loads(cleaned) if cleaned else None,
                    original,
                    key is not None and first < position,
                )
                for position, report_id, key, status, reason, cleaned, original, first in found
            ]

    def close(self) -> None:
        with self._lock:
            self._db.close()
