"""The result of a run: one answer per report as a stream, counts by status, and the record for the methods section.

Used by `chat` and `batch`; nothing is held in memory, rows are read from the store in the order of the reports.
"""

import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from labkit.errors import ExtractionError
from labkit.extraction.answers import STATUSES, Answer, combine
from labkit.extraction.jobs import sample_key
from labkit.extraction.runs import Run
from labkit.extraction.spool import Row

__all__ = ["Extracted"]


class Extracted:
    """Iterate it for one `Answer` per report; `len` is the number of reports. Close it, or use it in a `with`."""

    def __init__(self, run: Run, *, seconds: float):
        self.job, self.stopped = run.job, run.stopped
        self._spool = run.spool
        self.counts = self._statuses()
        # Our own promise, not the user's mistake: every report has exactly one status.
        assert sum(self.counts.values()) == self._spool.n, "rows out differ from rows in"
        self.record = self._record(run, seconds)

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
        for rows in self._spool.chunks():
            keys = {sample_key(row.key, i) for row in rows if row.key for i in self._samples}
            found = self.job.store.fetch(keys)
            for row in rows:
                yield self._answer(row, [found.get(sample_key(row.key, i)) for i in self._samples] if row.key else [])

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
        """Over all good answers: labels, hierarchy violations (repaired), values without and quotes not in the "
        "report."""
        totals = Counter(answers=0, labels=0, violations=0, answers_with_violations=0, quotes=0, ungrounded=0)
        for answer in self:
            if answer.status != "ok":
                continue
            totals["answers"] += 1
            totals["labels"] += len(answer.labels)
            totals["violations"] += len(answer.violations)
            totals["answers_with_violations"] += bool(answer.violations)
            totals["quotes"] += sum(bool(label.evidence) for label in answer.labels.values())
            totals["ungrounded"] += sum(not label.grounded for label in answer.labels.values())
        return dict(totals)

    # -- rows ---------------------------------------------------------------------------------------------------
    @property
    def _samples(self) -> range:
        return range(self.job.settings.samples)

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
        original = row.cleaned.to_original if row.cleaned is not None else None
        labels, violations = combine(good, self.job.template, original)
        missing = len(self._samples) - len(good)
        reason = f"{missing} of {len(self._samples)} answers missing" if missing else ""
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

    # -- counts and record ----------------------------------------------------------------------------------------
    def _statuses(self) -> dict[str, int]:
        counts = Counter(dict.fromkeys(STATUSES, 0))
        for rows in self._spool.chunks():
            keys = {sample_key(row.key, i) for row in rows if row.key for i in self._samples}
            found = {key: entry[0] for key, entry in self.job.store.statuses(keys).items()}
            for row in rows:
                seen = [found.get(sample_key(row.key, i)) for i in self._samples] if row.key else [row.status]
                seen = [status for status in seen if status]
                counts["ok" if "ok" in seen else (seen[0] if seen else "skipped")] += 1
        return dict(counts)

    def _record(self, run: Run, seconds: float) -> dict[str, Any]:
        """What a reader needs to repeat the run; no key, no text, no report id."""
        settings, prompt = self.job.settings, self.job.prompt
        return {
            "model": settings.model, "provider": settings.provider, "endpoint": settings.base_url,
            "settings": settings.model_dump(mode="json", exclude={"local_hosts"}),
            "prompt": prompt.name, "prompt_sha256": prompt.sha256,
            "capabilities": run.found.model_dump(mode="json") if run.found else None,
            "started_at": datetime.fromtimestamp(run.started_at, UTC).isoformat(timespec="seconds"),
            "finished_at": datetime.fromtimestamp(time.time(), UTC).isoformat(timespec="seconds"),
            "seconds": round(seconds, 3), "reports": self._spool.n, "statuses": self.counts,
            "calls": run.tally.calls, "reused": run.tally.reused, "tokens": list(run.tally.tokens),
            "cost": round(run.tally.spent, 6) if self.job.price else None,
            "rejected_calls": run.gate.rejections, "pauses": run.gate.pauses, "paced_per_s": run.gate.rate,
            "stopped": self.stopped, "warnings": _warnings(run.found), "deidentified": self.job.deidentify is not None,
        }  # fmt: skip


def _warnings(found: Any) -> list[str]:
    """What a user should know of the endpoint, one sentence each."""
    if found is None:
        return []
    said = list(found.notes)
    if found.shutdown_date:
        said.append(f"the provider announces to switch this model off on {found.shutdown_date}")
    return said
