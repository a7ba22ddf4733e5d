"""What every run shares: its own thread and event loop, the store's writer, the connection, and how it ends early.

Used by `engine` (calls in flight) and `batch` (Batch API).
"""

import asyncio
import hashlib
import json
import math
import random
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterable
from typing import Any

from labkit.extraction.gate import Gate
from labkit.extraction.jobs import Job, Tally
from labkit.extraction.journal import Journal
from labkit.extraction.outcomes import StopRun
from labkit.extraction.prices import Budget
from labkit.extraction.spool import Spool
from labkit.extraction.store import owner_name

__all__ = ["Run"]

PROBE_AGE_S = 24 * 3600.0


class Run:
    """One run over one iterable of reports; a subclass says in `_report_all` how they are asked."""

    def __init__(self, job: Job, *, gate: Gate | None = None):
        self.job, self.spool, self.tally = job, Spool(), Tally()
        self.gate = gate or Gate(job.settings.concurrency)
        self.stopped: str | None = None
        self.error: BaseException | None = None
        self.ended = threading.Event()
        self.found: Any = None
        # Of this run: two runs of one process do not take each other's claims for their own.
        self.owner = f"{owner_name()}|{secrets.token_hex(4)}"
        self.started_at = time.time()
        self.loop: asyncio.AbstractEventLoop | None = None
        self._budget = Budget(job.settings.budget)
        self._lease_s = 2 * job.settings.timeout_s + 30
        digest = job.settings.digest(job.prompt.sha256) + job.settings.base_url.encode()
        self._probe_key = hashlib.sha256(digest).hexdigest()
        self._stale = False
        self._sender: Any = None
        self._asker: Any = None
        self._clients: list = []

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

    def close_files(self) -> None:
        """Close store and spool of a run that gives no result, once its thread has ended."""
        if self.ended.is_set():
            self.spool.close()
            self.job.store.close()

    def capabilities(self) -> dict[str, Any] | None:
        """What the endpoint was found to honour, by this run or the last that asked it; None where nobody did."""
        if self.found is not None:
            return self.found.model_dump(mode="json")
        kept = self.job.store.probe(self._probe_key, younger_than_s=math.inf)
        return json.loads(kept) if kept else None

    # -- inside the loop --------------------------------------------------------------------------------------------
    async def _report_all(self, reports: Iterable[tuple[str, str]]) -> None:
        raise NotImplementedError

    def _stop(self, sentence: str) -> None:
        self.stopped = self.stopped or sentence
        if self._sender:
            self._sender.halted = self.stopped

    def _cut(self) -> None:
        self._stop("the run was ended")

    async def _main(self, reports: Iterable[tuple[str, str]]) -> None:
        self.loop = asyncio.get_running_loop()
        self._journal = Journal(self.job.store)
        renewal = asyncio.create_task(self._renew())
        limit = self.job.settings.run_timeout_s
        if limit:
            sentence = f"The run's time of {limit:g} s is over; run again to go on, answers so far are kept."
            self.loop.call_later(limit, lambda: (self._stop(sentence), self._cut()))
        try:
            await self._report_all(reports)
        finally:
            renewal.cancel()
            await self._close()

    async def _close(self) -> None:
        try:
            # A set-up that failed is looked at afresh by the next run.
            if self._stale:
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

    async def _ready(self) -> bool:
        """Connect and find out what the endpoint honours; False when the run has to stop."""
        # Imported here: a run that finds every answer in the store starts a second sooner without the client.
        from labkit.extraction import asking, endpoint, sending

        job, settings = self.job, self.job.settings
        try:
            self._clients = sending.connect(settings)
            sender = self._sender = sending.Sender(self._clients, settings, self.gate, rng=random.Random())
            sender.halted = self.stopped
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
        if self.found.slots:
            self.gate.at_most(endpoint.SLOTS_FILLED * self.found.slots)
        self._asker = asking.Asker(sender, settings=settings, prompt=job.prompt, template=job.template,
                                   found=self.found, money=(job.price, self._budget))  # fmt: skip
        return not self.stopped
