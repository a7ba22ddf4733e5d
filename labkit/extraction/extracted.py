"""The result of a run: one answer per report as a stream, counts by status, and the record for the methods section.

Used by `chat` and `batch`; nothing is held in memory, rows are read from the store in the order of the reports.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from labkit.errors import ExtractionError
from labkit.extraction import record
from labkit.extraction.answers import STATUSES, Answer, Original, combine
from labkit.extraction.jobs import sample_key
from labkit.extraction.runs import Run
from labkit.extraction.spool import Row

__all__ = ["Extracted"]

COUNTED = (
    "answers", "labels", "true", "uncertain", "negated", "violations", "answers_with_violations", "raised", "quotes",
    "ungrounded", "quotes_not_found", "quotes_missing", "with_confidence",
)  # fmt: skip


class Extracted:
    """Iterate it for one `Answer` per report; `len` is the number of reports. Close it, or use it in a `with`."""

    def __init__(self, run: Run, *, seconds: float):
        self.job, self.stopped = run.job, run.stopped
        self._spool = run.spool
        self._quality: dict[str, int] | None = None
        used = record.Used()
        self.counts = self._statuses(used)
        # Our own promise, not the user's mistake: every report has exactly one status.
        assert sum(self.counts.values()) == self._spool.n, "rows out differ from rows in"
        self.record = record.of_run(run, used, counts=self.counts, seconds=seconds)

    def __len__(self) -> int:
        return self._spool.n

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self) -> None:
        self._spool.close()
        self.job.store.close()

    def __iter__(self) -> Iterator[Answer]:
        totals = Counter(dict.fromkeys(COUNTED, 0))
        for rows in self._spool.chunks():
            found = self.job.store.fetch({key for row in rows for key in self._keys(row)})
            for row in rows:
                answer = self._answer(row, [found.get(key) for key in self._keys(row)])
                _count(answer, totals)
                yield answer
        self._quality = dict(totals)

    def failed(self) -> Iterator[Answer]:
        """Answers that are not ok, each with its reason."""
        return (answer for answer in self if answer.status != "ok")

    def check(self) -> None:
        """Raise where the run ended early.

        Raises
        ------
        ExtractionError : with the sentence in `stopped`.
        """
        if self.stopped:
            raise ExtractionError(self.stopped)

    def quality(self) -> dict[str, int]:
        """Counts over all good answers; free once the answers were read to their end.

        Returns
        -------
        answers, labels; true, uncertain, negated (false with a quote): labels as answered; violations: pairs in which
        a child was above its parent, answers_with_violations, raised: labels that the hierarchy rule changed; quotes,
        ungrounded: quotes_not_found (not in the report) and quotes_missing (true or uncertain without one);
        with_confidence.
        """
        if self._quality is None:
            for _ in self:
                pass
        return dict(self._quality)

    # -- rows ---------------------------------------------------------------------------------------------------
    def _keys(self, row: Row) -> list[str]:
        """Store keys of a report's answers; none where it was not sent."""
        return [sample_key(row.key, i) for i in range(self.job.settings.samples)] if row.key else []

    def _answer(self, row: Row, found: list[tuple | None]) -> Answer:
        if row.key is None:
            return Answer(row.report_id, row.status, row.reason, model=self.job.settings.model)
        answered = [entry for entry in found if entry is not None]
        if not answered:
            return Answer(row.report_id, "skipped", self.stopped or "not asked", model=self.job.settings.model)
        good = [payload for status, _, payload in answered if status == "ok"]
        status, reason, _ = answered[0]
        facts = self._facts([payload for _, _, payload in answered], row)
        if not good:
            return Answer(row.report_id, status, reason, **facts)
        original = Original(row.original, row.cleaned) if row.cleaned is not None else None
        labels, violations = combine(good, self.job.template, original)
        missing = len(found) - len(good)
        reason = f"{missing} of {len(found)} answers missing" if missing else ""
        return Answer(row.report_id, "ok", reason, labels, violations, **facts)

    def _facts(self, payloads: list[dict], row: Row) -> dict[str, Any]:
        """Model, tokens, cost and time of the calls for a report; a repeated text costs nothing more."""
        first = payloads[0]
        tokens = [sum(column) for column in zip(*(p["tokens"] for p in payloads))]
        costs = [p["cost"] for p in payloads]
        cost = None if None in costs else sum(costs)
        if row.repeated:
            tokens, cost = [0, 0, 0], None if cost is None else 0.0
        return {
            "model": first["model"], "snapshot": first["snapshot"], "fingerprint": first["fingerprint"],
            "prompt_tokens": tokens[0], "cached_tokens": tokens[1], "completion_tokens": tokens[2], "cost": cost,
            "seconds": 0.0 if row.repeated else round(sum(p["seconds"] for p in payloads), 4),
            "attempts": sum(p["attempts"] for p in payloads), "asked_at": first["asked_at"],
        }  # fmt: skip

    def _statuses(self, used: record.Used) -> dict[str, int]:
        """Reports by status; on the way the answers are counted into `used`."""
        counts = Counter(dict.fromkeys(STATUSES, 0))
        for rows in self._spool.chunks():
            found = self.job.store.facts({key for row in rows for key in self._keys(row)})
            for row in rows:
                answers = [found[key] for key in self._keys(row) if key in found]
                if not row.repeated:
                    for _, facts in answers:
                        used.add(facts)
                seen = [status for status, _ in answers] if row.key else [row.status]
                counts["ok" if "ok" in seen else (seen[0] if seen else "skipped")] += 1
        return dict(counts)


def _count(answer: Answer, totals: Counter) -> None:
    if answer.status != "ok":
        return
    totals["answers"] += 1
    totals["labels"] += len(answer.labels)
    totals["violations"] += len(answer.violations)
    totals["answers_with_violations"] += bool(answer.violations)
    for label in answer.labels.values():
        if label.value != "false":
            totals[label.value.value] += 1
        totals["raised"] += label.raised != label.value
        totals["with_confidence"] += label.confidence is not None
        if label.evidence:
            totals["quotes"] += 1
            totals["negated"] += label.raised == "false"
            totals["quotes_not_found"] += not label.grounded
        else:
            totals["quotes_missing"] += not label.grounded
        totals["ungrounded"] += not label.grounded
