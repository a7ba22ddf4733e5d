"""Read studies in threads before they are asked for, and keep the last few: nobody waits who goes on case by case.

Used by `panel`. Two lanes, each with a thread and a decoding process of its own: what is shown never queues behind what
is read ahead.
"""

import contextlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from labkit.radiographs.isolation import Child

__all__ = ["Ahead"]

KEEP = 5  # studies in memory; two views of 2,500 x 2,500 take 25 MB
IDLE_S = 120  # after which a decoding process that nobody asked ends


class _Lane:
    """One thread that owns a decoding process; the process ends when it is idle and starts again when it is asked."""

    def __init__(self, function: Callable):
        self.child = Child(function)
        self.pool = ThreadPoolExecutor(1, thread_name_prefix="radiographs")
        self.timer: threading.Timer | None = None

    def submit(self, read: Callable, study_id: str) -> Future:
        return self.pool.submit(self._work, read, study_id)

    def _work(self, read: Callable, study_id: str):
        if self.timer:
            self.timer.cancel()
        try:
            return read(study_id, self.child)
        finally:
            self.timer = threading.Timer(IDLE_S, self._rest)
            self.timer.daemon = True
            self.timer.start()

    def _rest(self) -> None:
        with contextlib.suppress(RuntimeError):  # the lane is closed
            self.pool.submit(self.child.stop)

    def close(self) -> None:
        if self.timer:
            self.timer.cancel()
        self.pool.shutdown(wait=False, cancel_futures=True)
        self.child.close()


class Ahead:
    """Studies by id, read by `read(study_id, child)` in a thread; `child` answers with `function` of each job.

    Parameters
    ----------
    function : what a decoding process does with a job, see `isolation.each`.
    """

    def __init__(self, read: Callable[[str, Child], object], function: Callable, *, keep: int = KEEP):
        self._read, self._keep = read, keep
        self._now, self._soon = _Lane(function), _Lane(function)
        self._known: OrderedDict[str, Future] = OrderedDict()

    def get(self, study_id: str) -> Future:
        """What becomes of a study, at once where it is known, before all that is only read ahead."""
        known = self._known.get(study_id)
        if known is None or known.cancel():  # it waited behind others that were read ahead
            known = self._now.submit(self._read, study_id)
        return self._keep_last(study_id, known)

    def prefetch(self, study_id: str) -> None:
        """Read a study when nothing else is to be done."""
        if study_id not in self._known:
            self._keep_last(study_id, self._soon.submit(self._read, study_id))

    def _keep_last(self, study_id: str, future: Future) -> Future:
        self._known[study_id] = future
        self._known.move_to_end(study_id)
        while len(self._known) > self._keep:
            self._known.popitem(last=False)[1].cancel()
        return future

    def close(self) -> None:
        """End threads and processes; nothing can be read afterwards."""
        self._now.close()
        self._soon.close()
