"""One gate in front of an endpoint, shared by all workers: how many calls at once, and how many per second.

Used by `chat`. Concurrency follows additive increase, multiplicative decrease; a server that names a rate limit by
429 with Retry-After is paced at the rate that it was seen to accept, so that hardly a call is rejected. All times are
from `time.monotonic`.
"""

import asyncio
import random
import time
from collections import deque

__all__ = ["Gate"]

START_RATE = 400.0  # calls per second in the first round: a refusal comes back before a whole round is wasted
MARGIN = 0.98  # of the rate that a server was seen to accept
HOLD_S = 30.0  # time at one rate before trying more
GROWTH = 1.02  # per second after the hold
BACKOFF_S, MOST_BACKOFF_S = 0.5, 30.0


class Gate:
    """Admission to an endpoint; `async with gate as ticket:` around each call, then tell it how the call went.

    Parameters
    ----------
    most : largest number of calls in flight.
    rng : jitter of waits without Retry-After.
    """

    def __init__(self, most: int, *, rng: random.Random | None = None):
        self.most, self.limit, self.in_flight = most, float(most), 0
        self.rate: float | None = None
        self.until = 0.0  # nobody passes before
        self.rejections = self.pauses = 0
        self._rng = rng or random.Random()
        self._waiting: deque[asyncio.Future] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._next, self._first_round = 0.0, most
        self._cycle = _Cycle(time.monotonic())
        self._last_cut = 0.0
        self._hold, self._grown_at, self._ceiling = HOLD_S, 0.0, 0.0
        self._silent_pauses = self._successes = 0

    # -- passing ------------------------------------------------------------------------------------------------
    async def __aenter__(self):
        ticket = asyncio.get_running_loop().create_future()
        self._waiting.append(ticket)
        self._pump()
        try:
            return await ticket
        except asyncio.CancelledError:
            if ticket.done() and not ticket.cancelled():
                self._leave()
            raise

    async def __aexit__(self, *_):
        self._leave()

    def _leave(self):
        self.in_flight -= 1
        self._pump()

    def _pump(self):
        """Let in whoever may pass now; otherwise set one timer for the next moment at which somebody may."""
        now = time.monotonic()
        while self._waiting and self.in_flight < int(self.limit):
            if self._cycle.paused and now >= self.until:
                self._resume(now)
            earliest = max(self.until, self._next)
            if now < earliest:
                if self._timer is None:
                    loop = asyncio.get_running_loop()
                    self._timer = loop.call_later(earliest - now, self._ring)
                return
            ticket = self._waiting.popleft()
            if ticket.done():
                continue
            self.in_flight += 1
            if self._cycle.sent == 0:
                self._cycle.began = now
            self._cycle.sent += 1
            # A late timer may be made up for at a known rate, never in the first round: calls that start together keep
            # coming back together, and then wait for one another in every round.
            base = max(self._next, now - 0.05) if self.rate is not None else now
            self._next = base + self._spacing(now)
            ticket.set_result(self._cycle.sent)

    def _ring(self):
        self._timer = None
        self._pump()

    def _spacing(self, now: float) -> float:
        if self.rate is None:
            self._first_round = max(0, self._first_round - 1)
            return 1 / START_RATE if self._first_round else 0.0
        if now - self._cycle.began > self._hold and now - self._grown_at > 1.0:
            self.rate, self._grown_at = self.rate * GROWTH, now
            # Long without a refusal: the limit may have gone, so growth itself grows.
            if now - self._cycle.began > 4 * self._hold:
                self.rate *= 1.2
        return 1 / self.rate

    def at_most(self, most: int) -> None:
        """Lower the largest number of calls in flight."""
        self.most = min(self.most, max(1, most))
        self.limit = min(self.limit, float(self.most))

    # -- how calls went -----------------------------------------------------------------------------------------
    def answered(self) -> None:
        """A call got an answer: one more at once for every ten."""
        self._silent_pauses = 0
        self._successes += 1
        if self._successes >= 10 and self.limit < self.most:
            self._successes, self.limit = 0, min(self.most, self.limit + 1)

    def troubled(self) -> None:
        """A call failed at the server or on the way: half as many at once, at most once in two seconds."""
        now = time.monotonic()
        self._successes -= 5
        if self._successes < 0 and now - self._last_cut > 2.0:
            self._last_cut, self._successes = now, 0
            self.limit = max(1.0, self.limit / 2)

    def rejected(self, retry_after_s: float | None, *, ticket: int = 0) -> None:
        """The server asked to wait: nobody passes for `retry_after_s` seconds; `ticket` is what the gate gave."""
        now = time.monotonic()
        self.rejections += 1
        self._cycle.reject(ticket)
        if retry_after_s is None:
            if not self._cycle.paused:
                self._silent_pauses += 1
                self.limit = max(1.0, self.limit / 2)
            wait = min(MOST_BACKOFF_S, BACKOFF_S * 2 ** (self._silent_pauses - 1))
            retry_after_s = wait * self._rng.uniform(0.75, 1.25)
        if not self._cycle.paused:
            self.pauses += 1
            self._cycle.pause(now, retry_after_s)
        # Calls that were on their way when the pause began do not lengthen it.
        if now <= self._cycle.paused_at + 0.25 or self.rate is None:
            self.until = max(self.until, self._cycle.paused_at + retry_after_s)

    def _resume(self, now: float) -> None:
        """After a pause: learn the accepted rate when the refusals look like a limit, not like chance."""
        cycle, self._cycle = self._cycle, _Cycle(now, before=self._cycle)
        accepted, seen = cycle.accepted, cycle.accepted_rate
        if self.rate is not None:
            near = abs(self.rate - self._ceiling) <= 0.15 * self._ceiling
            self._hold = min(160.0, self._hold * 2) if near else HOLD_S
            self._ceiling = self.rate
            self.rate = max(0.1, min(self.rate * 0.95, max(seen * MARGIN, self.rate * 0.9)))
        elif accepted and cycle.looks_like_a_limit:
            self.rate = self._ceiling = max(0.1, seen * MARGIN)
        self._next = now


class _Cycle:
    """Calls sent and refused between two pauses."""

    def __init__(self, began: float, *, before: "_Cycle | None" = None):
        self.began, self.sent, self.refused = began, 0, 0
        self.paused = False
        self.paused_at = self.wait = 0.0
        self._last = before.accepted if before else None
        self._first_refused = 0

    def reject(self, ticket: int) -> None:
        self.refused += 1
        self._first_refused = min(self._first_refused or ticket, ticket) if ticket <= self.sent else self._first_refused

    def pause(self, now: float, wait: float) -> None:
        self.paused, self.paused_at, self.wait = True, now, wait

    @property
    def accepted(self) -> int:
        return max(0, self.sent - self.refused)

    @property
    def accepted_rate(self) -> float:
        """Calls per second over the window that the server seems to count in (whole seconds, Retry-After is "
        "rounded up)."""
        elapsed = self.paused_at - self.began
        return self.accepted / max(1.0, elapsed, elapsed + self.wait - 1.0)

    @property
    def looks_like_a_limit(self) -> bool:
        """Most calls since the first refused one were refused, or two cycles ended after about as many calls."""
        since = self.sent - self._first_refused + 1
        alike = self._last is not None and abs(self._last - self.accepted) <= 0.2 * max(self._last, self.accepted)
        return (self.refused >= 2 and self.refused >= 0.6 * since) or (alike and self.accepted >= 2)
