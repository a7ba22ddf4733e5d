"""The run itself: read reports as a stream, look up what is answered, ask for the rest with many calls in flight.

Used by `chat`. It lives in its own thread with its own event loop, so it works inside a notebook's running loop and
can be interrupted. Memory does not grow with the number of reports: texts are held only while they wait for a call.
"""

import asyncio
import hashlib
import random
import sqlite3
import threading
import time
from collections.abc import Iterable
from typing import Any

from labkit.extraction.gate import Gate
from labkit.extraction.jobs import Job, Tally, prepare, sample_key
from labkit.extraction.journal import Journal
from labkit.extraction.outcomes import StopRun
from labkit.extraction.prices import Budget
from labkit.extraction.spool import Row, Spool
from labkit.extraction.store import owner_name

__all__ = ["Engine"]

PROBE_AGE_S = 24 * 3600.0


class Engine:
    """One run over one iterable of reports."""

    def __init__(self, job: Job, *, gate: Gate | None = None):
        self.job, self.spool, self.tally = job, Spool(), Tally()
        self.gate = gate or Gate(job.settings.concurrency)
        self.stopped: str | None = None
        self.error: BaseException | None = None
        self.ended = threading.Event()
        self._given_up = False
        self._probe_key = ""
        self.found: Any = None
        self.owner = owner_name()
        self.started_at = time.time()
        self._budget = Budget(job.settings.budget)
        self._lease_s = 2 * job.settings.timeout_s + 30
        self._mine: set[str] = set()
        self._deferred: dict[str, tuple[str, int]] = {}
        self._workers: list[asyncio.Task] = []
        self._asker: Any = None
        self._clients: list = []
        self.loop: asyncio.AbstractEventLoop | None = None

    # -- from other threads ---------------------------------------------------------------------------------------
    def run(self, reports: Iterable[tuple[str, str]]) -> None:
        """Body of the thread; errors are kept in `error`."""
        try:
            asyncio.run(self._main(reports))
        except BaseException as error:
            self.error = self.error or error
        finally:
            self.ended.set()

    def interrupt(self, sentence: str) -> None:
        """Take no new report; calls in flight are let finish."""
        if self.loop and not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self._stop, sentence)

    def cut(self) -> None:
        """Give up the calls in flight."""
        if self.loop and not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self._cut)

    # -- inside the loop --------------------------------------------------------------------------------------------
    def _stop(self, sentence: str) -> None:
        self.stopped = self.stopped or sentence
        if self._asker:
            self._asker.sender.halted = self.stopped

    def _cut(self) -> None:
        self._stop("the run was ended")
        self._given_up = True
        for worker in self._workers:
            worker.cancel()
        while not self._queue.empty():
            self._queue.get_nowait()

    async def _main(self, reports: Iterable[tuple[str, str]]) -> None:
        self.loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue = asyncio.Queue(maxsize=max(1, self.job.settings.concurrency))
        self._journal = Journal(self.job.store)
        renewal = asyncio.create_task(self._renew())
        limit = self.job.settings.run_timeout_s
        if limit:
            sentence = f"The run's time of {limit:g} s is over; run again to go on, answers so far are kept."
            self.loop.call_later(limit, lambda: (self._stop(sentence), self._cut()))
        try:
            await self._intake(reports)
            for _ in self._workers:
                await self._hand(None)
            await asyncio.gather(*self._workers, return_exceptions=True)
        finally:
            renewal.cancel()
            for worker in self._workers:
                worker.cancel()
            await self._close()

    async def _close(self) -> None:
        try:
            # A set-up that failed is looked at afresh by the next run.
            if self.stopped and self._probe_key:
                await self._journal.do(self.job.store.forget_probe, self._probe_key)
            await self._journal.do(self.job.store.release, self.owner)
        except sqlite3.Error as error:
            self._store_failed(error)
        await self._journal.close()
        for client in self._clients:
            await client.close()

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(self._lease_s / 3)
            try:
                await self._journal.do(self.job.store.renew, self.owner, self._lease_s)
            except sqlite3.Error as error:
                self._store_failed(error)

    def _store_failed(self, error: sqlite3.Error) -> None:
        self._stop(
            f"Store {self.job.store.path.name} cannot be written ({error}); mend that and run again, answers so far "
            "are kept."
        )

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

    async def _ready(self) -> bool:
        """Connect and find out what the endpoint honours; False when the run has to stop."""
        # Imported here: a run that finds every answer in the store starts a second sooner without the client.
        from labkit.extraction import asking, endpoint, sending

        job, settings = self.job, self.job.settings
        try:
            self._clients = sending.connect(settings)
            sender = sending.Sender(self._clients, settings, self.gate, rng=random.Random())
            digest = settings.digest(job.prompt.sha256) + settings.base_url.encode()
            self._probe_key = hashlib.sha256(digest).hexdigest()
            kept = job.store.probe(self._probe_key, younger_than_s=PROBE_AGE_S)
            if kept:
                self.found = endpoint.Capabilities.model_validate_json(kept)
            else:
                self.found = await endpoint.probe(sender, settings=settings, prompt=job.prompt, template=job.template)
                await self._journal.do(job.store.put_probe, self._probe_key, self.found.model_dump_json())
        except StopRun as error:
            self._stop(str(error))
            return False
        except sqlite3.Error as error:
            self._store_failed(error)
            return False
        self._asker = asking.Asker(sender, settings=settings, prompt=job.prompt, template=job.template,
                                   found=self.found, money=(job.price, self._budget))  # fmt: skip
        sender.halted = self.stopped
        return not self.stopped

    async def _work(self) -> None:
        while (item := await self._queue.get()) is not None:
            key, text, sample = item
            if self.stopped:
                continue
            try:
                status, reason, payload = await self._asker.ask(text, sample)
                await self._journal.do(self.job.store.put, key, status, reason, payload)
            except StopRun as error:
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
