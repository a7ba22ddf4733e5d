"""A progress bar for terminal and notebook: done, rate, failures, cost so far, time left.

Used by `chat`. Without a terminal, and in a run that nobody watches, it writes a line every ten seconds instead.
"""

import os
import sys
from typing import Any

from labkit.layout import HEADLESS_VARIABLE

__all__ = ["Bar"]


class Bar:
    """Shows a `Tally`; use it as context manager and call `show` often."""

    def __init__(self, total: int | None, *, shown: bool, label: str):
        self._bar: Any = None
        if shown:
            import tqdm
            import tqdm.auto

            # The bar of a notebook lives in the browser; a rendered page would show how it looked at the start.
            headless = HEADLESS_VARIABLE in os.environ
            watched = not headless and (sys.stderr.isatty() or "ipykernel" in sys.modules)
            interval, kind = 0.2 if watched else 10.0, tqdm.tqdm if headless else tqdm.auto.tqdm
            self._bar = kind(total=total, desc=label, unit="report", mininterval=interval, smoothing=0.1)

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
