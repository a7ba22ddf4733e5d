"""Writes to the store from one thread: whatever waits at that moment becomes one transaction, forced to disk.

Used by `engine`. A worker takes its next report only after its answer is on disk, so a kill repeats at most the calls
in flight; answers that finish together share one wait for the disk.
"""

import asyncio
import queue
import threading

from labkit.extraction.store import Store

__all__ = ["Journal"]


class Journal:
    """Awaitable writes; use it inside a running loop and close it with `close`."""

    def __init__(self, store: Store):
        self.store = store
        self._loop = asyncio.get_running_loop()
        self._queue: queue.SimpleQueue = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write, name="labkit-journal", daemon=True)
        self._thread.start()

    async def do(self, method, *arguments):
        """Run a write of the store and return its result once it is on disk."""
        done = self._loop.create_future()
        self._queue.put(((method, *arguments), done))
        return await done

    def _write(self) -> None:
        ended = False
        while not ended:
            batch = [self._queue.get()]
            while len(batch) < 256 and not self._queue.empty():
                batch.append(self._queue.get())
            ended = None in batch
            batch = [entry for entry in batch if entry is not None]
            if not batch:
                continue
            try:
                results, error = self.store.transaction([action for action, _ in batch]), None
            except Exception as caught:
                results, error = [None] * len(batch), caught
            self._loop.call_soon_threadsafe(self._report, [done for _, done in batch], results, error)

    @staticmethod
    def _report(waiting: list[asyncio.Future], results: list, error: Exception | None) -> None:
        for done, result in zip(waiting, results):
            if done.done():
                continue
            if error is not None:
                done.set_exception(error)
            else:
                done.set_result(result)

    async def close(self) -> None:
        """Write what waits and end the thread."""
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)
