"""The state of one reader's review without any widget: which case, which values, and what each step writes."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from statistics import median
from typing import NamedTuple

from labkit.errors import TableError
from labkit.verification.form.cases import Cases
from labkit.verification.form.filters import is_shown
from labkit.verification.form.following import follow
from labkit.verification.form.journal import Decision, Journal
from labkit.verification.form.modes import MODES, mode_of
from labkit.verification.reviews import read_all, review_file

__all__ = ["Progress", "Session"]

RECENT = 20  # cases whose pace counts


class Progress(NamedTuple):
    """Cases read, of how many; seconds per case (median of the last ones) and seconds left, None while unknown."""

    done: int
    of: int
    pace_s: float | None
    left_s: float | None


class Session:
    """One reader in one mode.

    Parameters
    ----------
    clock : seconds, for the time that a decision takes; now : the time that is written.

    Raises
    ------
    TableError : a name that is no file name, an unknown mode, or a reader's file that cannot be read.
    """

    def __init__(
        self,
        cases: Cases,
        *,
        reader: str,
        mode: str = "",
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ):
        if mode and mode not in MODES:
            raise TableError(f"mode '{mode[:40]}': unknown; choose one of {', '.join(MODES)}.")
        self.cases, self.reader, self._clock = cases, reader, clock
        path = review_file(cases.folder, reader)
        self.journal = Journal(path, texts=cases.hashes, now=now)
        self.mode = mode_of(mode, cases, read_all(cases.folder), reader=reader)
        among = self.mode.studies()
        self._among = None if among is None else set(among)
        self._judge_all()
        self.source = ""
        self.order: list[str] = []
        self.position = 0
        self.choose("suggested")

    # -- where one is ---------------------------------------------------------------------------------------------
    @property
    def study_id(self) -> str | None:
        """The case shown; None where there is none."""
        return self.order[self.position] if self.order else None

    def choose(self, order: str, shown: str = "all") -> None:
        """Cases in another order (`ORDERS`), or only some (`FILTERS`, or the name of a finding that is not false)."""
        here = self.study_id if self.order else None
        found = self.cases.ordered(order, first=self.mode.first(), among=self._among)
        fits = partial(is_shown, shown, cases=self.cases, journal=self.journal, done=self._done)
        self.order = [study_id for study_id in found if fits(study_id)]
        start = next((n for n, s in enumerate(self.order) if s not in self._done), max(len(self.order) - 1, 0))
        self.position = self.order.index(here) if here in self.order and shown == "all" and here else start
        self._begin()

    def go(self, study_id: str) -> bool:
        """Show a case of the list by its pseudonym or its number in the list; whether there is one."""
        wanted = study_id.strip()
        if wanted in self.order:
            self.position = self.order.index(wanted)
        elif wanted.isdecimal() and 0 < int(wanted) <= len(self.order):
            self.position = int(wanted) - 1
        else:
            return False
        self._begin()
        return True

    def step(self, by: int) -> None:
        """To the next case (1) or the one before (-1)."""
        self.position = min(max(self.position + by, 0), max(len(self.order) - 1, 0))
        self._begin()

    # -- what is shown --------------------------------------------------------------------------------------------
    def items(self) -> dict[str, str]:
        """Resolution by finding of the labels of this case that may be set."""
        return self.mode.items(self.study_id)

    def values(self) -> dict[str, str | None]:
        """Values of the case shown by finding: the reader's own, else what the mode shows at first."""
        initial, items = self.mode.initial(self.study_id), self.items()
        shown = {name: initial.get(name) for name in self.cases.names}
        for finding, resolution in items.items():
            own = self.journal.own(self.study_id, finding, resolution)
            if own:
                shown[finding] = own.value
        return shown

    def own(self, finding: str):
        """The reader's own value of a label of this case, None where there is none."""
        resolution = self.items().get(finding)
        return self.journal.own(self.study_id, finding, resolution) if resolution else None

    def alone(self) -> bool:
        """Whether the extracted values are still hidden (blinded, and the case not yet read)."""
        return self.mode.first_action == "blind" and any(self.own(finding) is None for finding in self.items())

    def is_done(self, study_id: str | None = None) -> bool:
        return (study_id or self.study_id) in self._done

    def progress(self) -> Progress:
        done = sum(study_id in self._done for study_id in self.order)
        times = [s for study, s in self.journal.seconds().items() if study in self._done and s > 0][-RECENT:]
        pace = median(times) if times else None
        return Progress(done, len(self.order), pace, None if pace is None else pace * (len(self.order) - done))

    # -- what is decided ------------------------------------------------------------------------------------------
    def set(self, finding: str, value: str) -> list[str]:
        """Give a label a value; the findings that changed, those that follow included. It is on disk on return."""
        self._look()
        items = self.items()
        if finding not in items:
            return []
        if self.mode.needs_source and not self.source and value != "uncertain":
            raise TableError("source: none is chosen; choose what the follow-up rests on first.")
        alone, shown = self.alone(), self.values()
        action = "blind" if alone else "read"
        own = self.own(finding)
        if own and own.value == value and own.action == action and own.source == self._source(value):
            return []
        changed = follow(self.cases.template, shown, finding, value, among=items)
        spent = self._spent()
        self._write(
            Decision(
                self.study_id, name, new, shown.get(name) or "", items[name], how, seconds, source=self._source(new)
            )
            for name, new in changed.items()
            for how, seconds in [(action, spent) if name == finding else (action if alone else "implied", 0.0)]
        )
        return list(changed)

    def accept(self) -> bool:
        """Decide all labels that are left as the mode says; whether the case is done, and the next one shown."""
        self._look()
        items, shown, alone = self.items(), self.values(), self.alone()
        left = []
        for finding, resolution in items.items():
            own = self.own(finding)
            if own and (alone or own.action != "blind"):
                continue
            value = own.value if own else self.mode.filled(self.study_id, finding)
            if value:
                left.append((finding, resolution, value))
        action = "blind" if alone else "read"
        each = self._spent() / max(len(left), 1)
        self._write(
            Decision(self.study_id, finding, value, shown.get(finding) or "", resolution, action, each)
            for finding, resolution, value in left
        )
        if alone:
            return False
        self.step(1)
        return True

    def undo(self) -> bool:
        """Take the last step back, also of an earlier case, which is then shown; whether there was one."""
        study_id = self.journal.undo()
        if study_id is None:
            return False
        self._judge(study_id)
        if study_id not in self.order:
            self.order.insert(self.position, study_id)
        self.position = self.order.index(study_id)
        self._begin()
        return True

    def ask(self, finding: str) -> bool:
        """Ask a second reader about a label, or no longer; whether one is asked now."""
        asks = not self.journal.asked(self.study_id, finding)
        value = self.values().get(finding) or ""
        self._write([Decision(self.study_id, finding, value, action="ask" if asks else "unask")])
        return asks

    def comment(self, text: str, finding: str = "") -> None:
        """Remark on a label, or on the case; the last remark counts."""
        text = " ".join(text.split())
        if text != self.journal.comment(self.study_id, finding):
            value = (self.values().get(finding) or "") if finding else ""
            self._write([Decision(self.study_id, finding, value, action="comment", comment=text)])

    # -- within ---------------------------------------------------------------------------------------------------
    def _source(self, value: str) -> str:
        return self.source if self.mode.needs_source and value != "uncertain" else ""

    def _write(self, decisions) -> None:
        self.journal.add(decisions)
        self._judge(self.study_id)

    def _look(self) -> None:
        """Take in what another window of the same reader has written since."""
        if self.journal.refresh():
            self._judge_all()

    def _judge_all(self) -> None:
        cases = self.cases.ordered("listed", first=[], among=self._among)
        self._done = {study_id for study_id in cases if self._is_done(study_id)}

    def _judge(self, study_id: str) -> None:
        (self._done.add if self._is_done(study_id) else self._done.discard)(study_id)

    def _is_done(self, study_id: str) -> bool:
        items = self.mode.items(study_id)
        found = (self.journal.own(study_id, finding, resolution) for finding, resolution in items.items())
        return bool(items) and all(own is not None and own.action != "blind" for own in found)

    def _begin(self) -> None:
        self._look()
        self._since = self._clock()

    def _spent(self) -> float:
        before, self._since = self._since, self._clock()
        return self._since - before
