"""How a call can end without a completion; raised by `sending`, handled by `asking`, `endpoint` and `engine`."""

from dataclasses import dataclass

__all__ = ["Rejected", "StopRun", "Unanswered"]


class StopRun(Exception):
    """Nothing further can succeed; the message is one sentence for the user.

    `stale` says that what the probe found no longer holds, so that the next run looks afresh.
    """

    def __init__(self, sentence: str, *, stale: bool = False):
        super().__init__(sentence)
        self.stale = stale


class Unanswered(Exception):
    """One call got no answer after its retries; the message says why."""


@dataclass
class Rejected(Exception):
    """The server refuses this request as it is (400, 413, 422, 501)."""

    status: int
    code: str
    param: str
    hint: str  # lower-case message, for matching only; never shown
