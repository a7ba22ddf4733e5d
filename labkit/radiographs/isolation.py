"""Run a function over many items in processes of their own, so that a crash or a hang becomes a result with a
reason.

Plain subprocesses that speak pickle over pipes, rather than multiprocessing: a child imports only what
decoding needs (no torch, no pandas, not the caller's main module), starts in about 0.3 s, works from
notebooks and on Windows, and a child that dies of a native crash is replaced while the others go on.
"""

import contextlib
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

from labkit.errors import RunError

__all__ = ["Child", "each", "serve"]

MEMORY_BYTES = 8 * 2**30
IMPORT_ROOT = Path(__file__).parents[2]
START = f"import sys; sys.path.insert(0, {str(IMPORT_ROOT)!r}); from labkit.radiographs.isolation import serve; serve()"


class _Crashed(Exception):
    """A child ended or was ended before it answered; the message is a reason."""


def each(
    function: Callable, items: Sequence, *, failed: Callable, workers: int, timeout_s: float, batch: int = 1
) -> Iterator:
    """`function(item)` for every item, in order, each in one of `workers` child processes.

    Parameters
    ----------
    function : a function of a light module, or a `functools.partial` of one; it and the items must be picklable.
    failed : failed(item, reason) gives the result of an item whose child crashed or took more than
        `timeout_s`.
    batch : items per message; after a crash the batch is repeated one by one, so only the culprit fails.
    """
    batches = iter([items[i : i + batch] for i in range(0, len(items), batch)])
    children: queue.SimpleQueue = queue.SimpleQueue()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="radiographs")
    opened = [Child(function) for _ in range(min(workers, max(1, -(-len(items) // batch))))]
    for child in opened:
        children.put(child)

    def work(part: Sequence) -> list:
        child = children.get()
        try:
            return child.answers(part, timeout_s, failed)
        finally:
            children.put(child)

    try:
        waiting = deque(pool.submit(work, part) for part in islice(batches, 4 * workers))
        while waiting:
            results = waiting.popleft().result()
            waiting.extend(pool.submit(work, part) for part in islice(batches, 1))
            yield from results
    finally:
        for child in opened:
            child.close()
        pool.shutdown(cancel_futures=True)


class Child:
    """One child process, started when first needed and again after a crash; one thread at a time may ask it."""

    def __init__(self, function: Callable):
        self.function = function
        self.process: subprocess.Popen | None = None
        self.closed = False

    def answers(self, items: Sequence, timeout_s: float, failed: Callable) -> list:
        try:
            return self._ask(items, timeout_s * len(items))
        except _Crashed as crash:
            if len(items) == 1:
                return [failed(items[0], str(crash))]
        return [self.answers([item], timeout_s, failed)[0] for item in items]

    def _ask(self, items: Sequence, timeout_s: float) -> list:
        if self.closed:
            raise _Crashed("decoding was stopped")
        process = self.process = self.process or self._start()
        expired = threading.Event()

        def expire():
            expired.set()
            process.kill()

        timer = threading.Timer(timeout_s + 10, expire)  # 10 s for the child's start
        timer.daemon = True
        timer.start()
        try:
            _send(process.stdin, (timeout_s, list(items)))
            return pickle.load(process.stdout)
        except (OSError, EOFError, pickle.UnpicklingError) as error:
            code = self.stop()
            if expired.is_set() or code == -getattr(signal, "SIGALRM", 0):
                raise _Crashed(f"decoding took longer than {timeout_s:,.0f} s") from error
            raise _Crashed(f"the decoder crashed ({_ending(code)})") from error
        finally:
            timer.cancel()

    def _start(self) -> subprocess.Popen:
        environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        try:
            process = subprocess.Popen(
                [sys.executable, "-c", START],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
            )
        except OSError as error:
            raise RunError(f"a decoding process could not be started ({error.strerror}).") from error
        with contextlib.suppress(OSError):
            _send(process.stdin, self.function)
        return process

    def stop(self) -> int | None:
        process, self.process = self.process, None
        if process is None:
            return None
        with contextlib.suppress(OSError):
            process.stdin.close()
        try:
            process.wait(1)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
        return process.returncode

    def close(self) -> None:
        self.closed = True
        if self.process:
            self.process.kill()
            self.stop()


def _send(stream, message) -> None:
    pickle.dump(message, stream, protocol=pickle.HIGHEST_PROTOCOL)
    stream.flush()


def _ending(code: int | None) -> str:
    if code is not None and code < 0:
        with contextlib.suppress(ValueError):
            return signal.Signals(-code).name
    return f"exit code {code}"


def serve() -> None:
    """The child's side: answer batches on standard output until standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what an interrupt means
    messages, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a native library prints must not end up among the answers
    _limit_memory()
    function = pickle.load(messages)
    alarm = getattr(signal, "setitimer", None)
    with contextlib.suppress(EOFError, BrokenPipeError):
        while True:
            timeout_s, items = pickle.load(messages)
            # Unhandled, SIGALRM ends the process even inside native code, and also when the parent is gone.
            if alarm:
                alarm(signal.ITIMER_REAL, timeout_s)
            results = [function(item) for item in items]
            if alarm:
                alarm(signal.ITIMER_REAL, 0)
            _send(answers, results)


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
