"""What a person sees of a run: a line per finished step and a living line with bar, running steps and time left.

Without a terminal (a log file, CI) only the lines are printed.
"""

import shutil
import time
from dataclasses import dataclass, field
from typing import TextIO

from labkit.run.provenance import duration
from labkit.run.steps import Step

__all__ = ["Progress", "say"]

# Seconds that a step takes in a small study; only their ratios matter, until a step of that kind was timed.
TYPICAL = {"synthetic": 10, "extraction": 8, "verification": 8, "training": 45, "evaluation": 10, "figures": 12}
BAR_CELLS = 20


@dataclass
class Progress:
    """Display of a run of `steps` on `jobs` cores; `known` holds seconds that steps took in earlier runs, by id."""

    console: TextIO
    steps: list[Step]
    jobs: int
    known: dict[str, float] = field(default_factory=dict)

    def __post_init__(self):
        self.began = time.monotonic()
        self.running: dict[str, float] = {}
        self.ended: dict[str, float] = {}
        self.failed: set[str] = set()
        self.live = bool(getattr(self.console, "isatty", lambda: False)())
        self.fancy = (getattr(self.console, "encoding", "") or "").lower().replace("-", "") == "utf8"
        self.width = max((len(step.label) for step in self.steps), default=0)
        self.drawn = False

    def start(self, step: Step) -> None:
        if step.id not in self.running and step.id not in self.ended:
            self.running[step.id] = time.monotonic()

    def end(self, step: Step, seconds: float, *, failed: str = "") -> None:
        """Print the step's line; `failed` is why it failed."""
        if step.id in self.ended:
            return
        self.running.pop(step.id, None)
        self.ended[step.id] = seconds
        if failed:
            self.failed.add(step.id)
        count = f"[{len(self.ended):>{len(str(self.total))}}/{self.total}]"
        word = "FAILED after" if failed else "done in"
        self._print(f"{count} {step.label:<{self.width}}  {word} {duration(seconds)}")

    @property
    def total(self) -> int:
        return max(len(self.steps), len(self.ended))

    def left_s(self) -> float | None:
        """Seconds until the end, None while nothing allows a guess."""
        timed = {**self.known, **{i: s for i, s in self.ended.items() if i not in self.failed}}
        by_id = {step.id: step for step in self.steps}
        pairs = [(seconds, TYPICAL.get(by_id[i].name, 10)) for i, seconds in timed.items() if i in by_id]
        if not pairs:
            return None
        scale = sum(seconds for seconds, _ in pairs) / sum(typical for _, typical in pairs)
        now, rest, longest = time.monotonic(), 0.0, 0.0
        for step in self.steps:
            if step.id in self.ended:
                continue
            seconds = timed.get(step.id, TYPICAL.get(step.name, 10) * scale)
            if step.id in self.running:
                seconds = max(1.0, seconds - (now - self.running[step.id]))
            rest += seconds
            longest = max(longest, seconds)
        return max(rest / self.jobs, longest)

    def draw(self) -> None:
        """Redraw the living line; nothing without a terminal."""
        if not self.live:
            return
        share = len(self.ended) / max(self.total, 1)
        full = round(share * BAR_CELLS)
        cells = ("█" * full + "░" * (BAR_CELLS - full)) if self.fancy else "#" * full + "." * (BAR_CELLS - full)
        left = self.left_s()
        parts = [f"{cells} {len(self.ended)}/{self.total}", f"{duration(time.monotonic() - self.began)} elapsed"]
        if left is not None and len(self.ended) < self.total:
            parts.append(f"about {duration(left)} left")
        names = {step.id: step.label for step in self.steps}
        now = time.monotonic()
        parts += [f"{names[i]} ({duration(now - began)})" for i, began in self.running.items() if i in names]
        line = " | ".join(parts)
        columns = shutil.get_terminal_size((100, 24)).columns - 1
        self._clear()
        self.console.write(line if len(line) <= columns else line[: columns - 1] + "…")
        self.console.flush()
        self.drawn = True

    def close(self) -> None:
        self._clear()

    def _print(self, line: str) -> None:
        self._clear()
        say(self.console, line)

    def _clear(self) -> None:
        if self.drawn:
            self.console.write("\r\033[2K")
            self.drawn = False


def say(console: TextIO, line: str) -> None:
    """Print a line, with the marks that a console's encoding lacks replaced."""
    encoding = getattr(console, "encoding", None) or "utf-8"
    console.write(line.encode(encoding, "replace").decode(encoding) + "\n")
    console.flush()
