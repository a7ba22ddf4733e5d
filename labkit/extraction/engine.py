"""The run itself: read reports as a stream, look up what is answered, ask for the rest with many calls in flight.

Used by `chat`. It lives in its own thread with its own event loop, so it works inside a notebook's running loop and
can be interrupted. Memory does not grow with the number of reports: texts are held only while they wait for a call.
"""

import asyncio
import sqlite3
import time
from collections.abc import Iterable

from labkit.extraction.gate import Gate
from labkit.extraction.jobs import Job, prepare, sample_key
from labkit.extraction.outcomes import StopRun
from labkit.extraction.runs import Run
from labkit.extraction.spool import Row

__all__ = ["Engine"]


class Engine(Run):
    """One run over one iterable of reports, with many calls in flight."""

    def __init__(self, job: Job, *, gate: Gate | None = None):
        super().__init__(job, gate=gate)
        self._given_up = False
        self._mine: set[str] = set()
        self._deferred: dict[str, tuple[str, int]] = {}
        self._workers: list[asyncio.Task] = []

    async def _report_all(self, reports: Iterable[tuple[str, str]]) -> None:
        self._queue: asyncio.Queue = asyncio.Queue(maxsize=self.job.settings.concurrency)
        try:
            await self._intake(reports)
            for _ in self._workers:
                await self._hand(None)
            await asyncio.gather(*self._workers, return_exceptions=True)
        finally:
            for worker in self._workers:
                worker.cancel()

    def _cut(self) -> None:
        super()._cut()
        self._given_up = True
        for worker in self._workers:
            worker.cancel()
        while not self._queue.empty():
            self._queue.get_nowait()

    # -- reports in -------------------------------------------------------------------------------------------------
    async def _intake(self, reports: Iterable[tuple[str, str]]) -> None:
        digest = self.job.settings.digest(self.job.prompt.sha256)
        size = max(32, min(256, self.job.settings.concurrency))
        chunk: list[tuple[Row, str]] = []
        for report_id, text in reports:
            chunk.append(prepare(str(report_id), text, digest=digest, deidentify=self.job.deidentify))
            if self.job.deidentify is not None:
                await asyncio.sleep(0)  # cleaning takes time; answers must not wait for a whole chunk
            if len(chunk) >= size:
                await self._offer(chunk)
                chunk = []
        await self._offer(chunk)
        while self._deferred and not self.stopped:
            await asyncio.sleep(0.25)
            waiting, self._deferred = self._deferred, {}
            await self._claim(waiting)

    async def _offer(self, chunk: list[tuple[Row, str]]) -> None:
        """Keep the rows; hand on what nobody has answered."""
        self.spool.add([row for row, _ in chunk])
        self.tally.seen += len(chunk)
        wanted: dict[str, tuple[str, int]] = {}
        for row, text in chunk:
            if row.key is None:
                self.tally.done += 1
                self.tally.failed += 1
                continue
            for sample in range(self.job.settings.samples):
                key = sample_key(row.key, sample)
                if key in self._mine or key in wanted:
                    self._count("ok", reused=True)
                else:
                    wanted[key] = (text, sample)
        known = self.job.store.statuses(wanted)
        for key, (status, _, _) in known.items():
            if status == "ok" or not self.job.retry_failed:
                del wanted[key]
                self._count(status, reused=True)
        if wanted and not self.stopped:
            await self._claim(wanted)

    async def _claim(self, wanted: dict[str, tuple[str, int]]) -> None:
        """Queue what this process may ask; put aside what another one is asking."""
        failed_before = self.started_at if self.job.retry_failed else 0.0
        try:
            verdicts = await self._journal.do(
                self.job.store.claim, list(wanted), self.owner, self._lease_s, failed_before
            )
        except sqlite3.Error as error:
            self._store_failed(error)
            return
        if "mine" in verdicts.values():
            await self._begin()
        for key, verdict in verdicts.items():
            if verdict == "answered":
                self._count("ok", reused=True)
            elif verdict == "theirs":
                self._deferred[key] = wanted[key]
            else:
                self._mine.add(key)
                await self._hand((key, *wanted[key]))

    async def _hand(self, item: tuple | None) -> None:
        # Nobody takes from the queue once the workers are cancelled; whoever waits to put is let through by the
        # emptied queue.
        if not self._given_up and (item is None or not self.stopped):
            await self._queue.put(item)

    def _count(self, status: str, *, reused: bool = False) -> None:
        share = 1 / self.job.settings.samples
        self.tally.done += share
        self.tally.reused += reused
        self.tally.failed += status != "ok"

    # -- answers ----------------------------------------------------------------------------------------------------
    async def _begin(self) -> None:
        """Start the workers, once, when there is something to ask."""
        if self._workers or self.stopped or not await self._ready():
            return
        self.tally.first_call = time.monotonic()
        self._workers = [asyncio.create_task(self._work()) for _ in range(self.job.settings.concurrency)]

    async def _work(self) -> None:
        while (item := await self._queue.get()) is not None:
            key, text, sample = item
            if self.stopped:
                continue
            try:
                status, reason, payload = await self._asker.ask(text, sample)
                await self._journal.do(self.job.store.put, key, status, reason, payload)
            except StopRun as error:
                self._stale |= error.stale
                self._stop(str(error))
                continue
            except sqlite3.Error as error:
                self._store_failed(error)
                continue
            except Exception as error:
                self.error = self.error or error
                self._stop("the run met a fault of its own")
                continue
            finally:
                self._mine.discard(key)
            self._count(status)
            self.tally.calls, self.tally.tokens = self._asker.sender.calls, self._asker.tokens
            self.tally.spent = self._budget.spent
