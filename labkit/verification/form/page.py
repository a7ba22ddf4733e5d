"""The review form as a person sees it: report, radiographs, template, and what keys and clicks do.

Core ipywidgets; keys come through `keyboard`. Widgets are made once and a step changes what they hold. Report text is
in the live session alone, see `silent`.
"""

from collections.abc import Callable
from pathlib import Path

import ipywidgets as widgets

from labkit.errors import LabkitError
from labkit.radiographs.panel import Panel
from labkit.silent import Silent
from labkit.verification.form import words
from labkit.verification.form.cases import ORDERS
from labkit.verification.form.controls import Controls
from labkit.verification.form.filters import FILTERS
from labkit.verification.form.keyboard import keyboard
from labkit.verification.form.session import Session
from labkit.verification.form.sheet import VALUES, Line, Sheet

__all__ = ["STYLE", "Page"]

STYLE = f"<style>{Path(__file__).with_name('look.css').read_text(encoding='utf-8')}</style>"
SET = {"t": "true", "f": "false", "u": "uncertain"}
ALSO = 3  # findings that are named where others change along


class Page:
    """The form of one session; `widget` shows it, `press` does what a key does.

    Parameters
    ----------
    pictures : the panel of radiographs, None where a study has none.
    """

    def __init__(self, session: Session, *, pictures: Panel | None = None):
        self.session, self.pictures = session, pictures
        self.names = True  # whether readers are named in adjudication
        self.sheet = Sheet(session.cases.outline, on_value=self.set)
        self.controls = Controls(session, page=self)
        self._text = widgets.HTML().add_class("labkit-text")
        self.keyboard = keyboard(key=self.press, finding=self.point)
        self._texts: dict[tuple[str, bool], str] = {}
        reading = [self._text]
        if pictures is not None:
            reading.append(widgets.VBox([pictures.widget]).add_class("labkit-pictures"))
        left = widgets.HBox(reading).add_class("labkit-reading")
        self._main = widgets.HBox([left, self.sheet.widget]).add_class("labkit-main")
        parts = [widgets.HTML(STYLE), self.controls.top, self._main, self.controls.bottom]
        with_keys = {"pictures": pictures is not None, "source": session.mode.needs_source}
        parts += [widgets.HTML(words.keys(bool(self.keyboard), **with_keys))]
        parts += [self.keyboard] if self.keyboard else []
        self.widget = Silent(parts, words="Review form").add_class("labkit-review")
        self._acts: dict[str, Callable[[], None]] = {
            "accept": self.accept,
            "n": lambda: self.turn(1),
            "p": lambda: self.turn(-1),
            "z": self.undo,
            "q": self.ask,
            "up": lambda: self._move(-1),
            "down": lambda: self._move(1),
            "first": lambda: self.point(self.sheet.outline[0][0]),
            "last": lambda: self.point(self.sheet.outline[-1][0]),
            "stated": self._next_stated,
            "left": lambda: self._shift(-1),
            "right": lambda: self._shift(1),
            "s": self.controls.next_source,
        }
        self.show()
        if session.journal.cut:
            self.controls.say(words.CUT)

    # -- what a person does ---------------------------------------------------------------------------------------
    def press(self, key: str) -> None:
        """What a key does, by its name: t, f, u, those of `_acts`, those of the panel."""
        if key in SET:
            self.set(self.sheet.current, SET[key])
        elif key in self._acts:
            self._acts[key]()
        elif self.pictures is not None:
            self.pictures.press(key)

    def set(self, finding: str, value: str) -> None:
        """Give a finding of the case shown a value, and show what follows."""

        def act() -> None:
            changed = self.session.set(finding, value)
            others = [name for name in changed if name != finding]
            more = f" and {len(others) - ALSO} more" if len(others) > ALSO else ""
            said = f"Also {value}: {', '.join(others[:ALSO])}{more} (z undoes)." if others else ""
            self.controls.say(said)

        self.point(finding)
        self._do(act)

    def accept(self) -> None:
        """Decide what is left of the case, and go on."""

        def act() -> None:
            here = self.session.study_id
            self.session.accept()
            if self.session.study_id != here or self.session.is_done():
                self.show()
                if self.session.study_id == here:
                    self.controls.say("This is the last case of the list.")
            else:
                self._show_text()
                self.controls.say(words.COMPARE if self.session.mode.first_action == "blind" else "")

        self._do(act)

    def undo(self) -> None:
        """Take the last step back, in whichever case."""

        def act() -> None:
            here = self.session.study_id
            if not self.session.undo():
                self.controls.say("There is nothing to undo.")
                return
            if here != self.session.study_id:
                self.show()
            self._show_text()
            self.controls.say("Undone.")

        self._do(act)

    def ask(self) -> None:
        """Ask a second reader about the finding under the cursor, or no longer."""
        finding = self.sheet.current

        def act() -> None:
            asks = self.session.ask(finding)
            self.controls.say(f"A second reader {'is' if asks else 'is no longer'} asked: {finding}.")

        self._do(act)

    def comment(self, text: str, finding: str = "") -> None:
        """Remark on a finding, or on the case."""
        self._do(lambda: self.session.comment(text, finding))

    def turn(self, by: int) -> None:
        """To the next case or the one before."""
        self.session.step(by)
        self.show()

    def go(self, where: str) -> None:
        """To a case by pseudonym or number."""
        if self.session.go(where):
            self.show()
        else:
            self.controls.say("There is no such case in this list.")

    def choose(self, order: str, shown: str) -> None:
        """Another order, or only some of the cases."""
        self.session.choose(order if order in ORDERS else "suggested", shown if shown else next(iter(FILTERS)))
        self.show()

    def point(self, finding: str) -> None:
        """Move the cursor to a finding."""
        if finding in self.session.cases.names:
            self.sheet.point(finding)
            self.controls.point(finding)
            if self.keyboard:
                self.keyboard.send({"finding": finding})

    # -- what is shown --------------------------------------------------------------------------------------------
    def show(self) -> None:
        """Show the case at hand."""
        session = self.session
        self.controls.say("")
        self._main.layout.display = "" if session.study_id else "none"
        if session.study_id is None:
            self.controls.draw()
            return
        self._show_text()
        stated = [name for name, value in session.values().items() if value not in (None, "false")]
        items = session.items()
        self.point(next((n for n in stated if n in items), next(iter(items), session.cases.names[0])))
        self.draw()
        if self.pictures is not None:
            self.pictures.show(session.study_id)
            following = session.position + 1
            if following < len(session.order):
                self.pictures.prefetch(session.order[following])

    def draw(self) -> None:
        """Show values, marks and progress as they are now."""
        if self.session.study_id is not None:
            self.sheet.show(self._lines())
        self.controls.draw()

    def _lines(self) -> dict[str, Line]:
        session = self.session
        study_id, items, alone = session.study_id, session.items(), session.alone()
        notes = session.mode.notes(study_id, names=self.names)
        reasons = {} if alone else session.cases.reasons.get(study_id, {})
        extracted = session.cases.extracted[study_id]
        lines = {}
        for name, value in session.values().items():
            own = session.own(name)
            marks = words.marks(
                was="" if alone or not own or own.value == extracted.get(name) else extracted.get(name, ""),
                reason=reasons.get(name, ""),
                asks=session.journal.asked(study_id, name),
                comment=session.journal.comment(study_id, name),
            )
            source = f"({own.source})" if own and own.source else ""
            note = "; ".join(part for part in (notes.get(name, ""), source) if part)
            lines[name] = Line(value, own is not None, name not in items, marks, note)
        return lines

    def _show_text(self) -> None:
        """The report; evidence is marked once the extracted values may be seen."""
        key = (self.session.study_id, not self.session.alone())
        if key not in self._texts:
            if len(self._texts) > 50:
                self._texts.clear()
            self._texts[key] = f"<p>{self.session.cases.text(key[0], evidence=key[1])}</p>"
        self._text.value = self._texts[key]

    # -- within ---------------------------------------------------------------------------------------------------
    def _do(self, act: Callable[[], None]) -> None:
        """Do something that writes; what could not be written is said, and the form shows what is on disk."""
        if self.session.study_id is None:
            return
        try:
            act()
        except (LabkitError, OSError) as error:
            self.controls.say(words.not_written(error))
        self.draw()

    def _move(self, by: int) -> None:
        names = self.session.cases.names
        at = names.index(self.sheet.current) if self.sheet.current in names else 0
        self.point(names[min(max(at + by, 0), len(names) - 1)])

    def _next_stated(self) -> None:
        names, values, items = self.session.cases.names, self.session.values(), self.session.items()
        at = names.index(self.sheet.current)
        turned = [*names[at + 1 :], *names[: at + 1]]
        wanted = items if self.session.mode.studies() is not None else [n for n in turned if values[n] != "false"]
        self.point(next((name for name in turned if name in wanted), self.sheet.current))

    def _shift(self, by: int) -> None:
        value = self.session.values().get(self.sheet.current)
        at = (-1 if by > 0 else 0) if value is None else min(max(VALUES.index(value) + by, 0), len(VALUES) - 1)
        if VALUES[at] != value:
            self.set(self.sheet.current, VALUES[at])
