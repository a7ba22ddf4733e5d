"""A progress bar for terminal and notebook: done, rate, failures, cost so far, time left.

Used by `chat`. Without a terminal it writes a line every ten seconds instead.
"""

import sys
from typing import Any

__all__ = ["Bar"]


class Bar:
    """Shows a `Tally`; use it as context manager and call `show` often."""

    def __init__(self, total: int | None, *, shown: bool, label: str):
        self._bar: Any = None
        if shown:
            from tqdm.auto import tqdm

            interval = 0.2 if sys.stderr.isatty() or "ipykernel" in sys.modules else 10.0
            self._bar = tqdm(total=total, desc=label, unit="report", mininterval=interval, smoothing=0.1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._bar is not None:
            self._bar.close()

    def show(self, tally: Any) -> None:
        """Bring the bar up to the tally."""
        if self._bar is None:
            return
        said = {"failed": tally.failed, "reused": tally.reused}
        if tally.spent:
            said["cost"] = f"{tally.spent:.2f}"
        elif tally.tokens[0]:
            said["tokens"] = f"{(tally.tokens[0] + tally.tokens[2]) / 1000:,.0f}k"
        self._bar.set_postfix(said, refresh=False)
        # Shares of samples add up to whole reports but for rounding.
        step = int(tally.done + 1e-6) - self._bar.n
        self._bar.update(step)
