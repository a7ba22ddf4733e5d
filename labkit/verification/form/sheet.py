"""The template as a compact form: one line per finding, parts under their whole, a value as a colour and a sign.

The widgets are made once; a case changes what they hold. Core ipywidgets only.
"""

import html
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import ipywidgets as widgets

__all__ = ["SIGNS", "VALUES", "Line", "Sheet"]

VALUES = ("true", "uncertain", "false")
SIGNS = {"true": "✓", "uncertain": "?", "false": "✕"}
CLASSES = {"own": "labkit-own", "locked": "labkit-locked", "current": "labkit-current"}


@dataclass(frozen=True)
class Line:
    """What a line shows of a label.

    own : whether the value is the reader's. locked : whether it cannot be set. marks : signs with their meaning.
    note : words below the name, such as what readers said.
    """

    value: str | None
    own: bool = False
    locked: bool = False
    marks: tuple[tuple[str, str], ...] = field(default=())
    note: str = ""


class Sheet:
    """The lines of all findings in two columns; `widget` shows them.

    Parameters
    ----------
    outline : (name, depth, short name) of each finding in order.
    on_value : called with finding and value when a person clicks a value.
    """

    def __init__(self, outline: list[tuple[str, int, str]], *, on_value: Callable[[str, str], None]):
        self.outline, self._on_value = outline, on_value
        self._filling = False
        self._names: dict[str, widgets.HTML] = {}
        self._choices: dict[str, widgets.ToggleButtons] = {}
        self._rows: dict[str, widgets.HBox] = {}
        self._shown: dict[str, Line] = {}
        for name, _, _ in outline:
            self._make(name)
        cut = _cut([depth for _, depth, _ in outline])
        rows = list(self._rows.values())
        columns = [widgets.VBox(part).add_class("labkit-column") for part in (rows[:cut], rows[cut:]) if part]
        self.widget = widgets.HBox(columns).add_class("labkit-sheet")
        self.current = ""

    def _make(self, name: str) -> None:
        choice = widgets.ToggleButtons(
            options=[(SIGNS[value], value) for value in VALUES],
            value=None,
            tooltips=[f"{name}: {value}" for value in VALUES],
            style={"button_width": "24px", "description_width": "0"},
        )
        choice.observe(partial(self._clicked, name), "value")
        self._names[name] = widgets.HTML().add_class("labkit-name")
        self._choices[name] = choice
        self._rows[name] = widgets.HBox([choice, self._names[name]]).add_class("labkit-line")

    def _clicked(self, name: str, change: dict) -> None:
        if not self._filling and change["new"] is not None:
            self._on_value(name, change["new"])

    def show(self, lines: Mapping[str, Line]) -> None:
        """Show what each finding's line holds; only what differs from before is sent to the page."""
        self._filling = True
        try:
            for name, depth, short in self.outline:
                line, before = lines[name], self._shown.get(name)
                choice = self._choices[name]
                if choice.value != line.value:
                    choice.value = line.value
                if line == before:
                    continue
                if choice.disabled != line.locked:
                    choice.disabled = line.locked
                self._mark(name, "own", line.own)
                self._mark(name, "locked", line.locked)
                text = _name(name, short, depth, line)
                if self._names[name].value != text:
                    self._names[name].value = text
                self._shown[name] = line
        finally:
            self._filling = False

    def point(self, name: str) -> None:
        """Move the cursor, which keys and comments go by."""
        if self.current and self.current != name:
            self._mark(self.current, "current", False)
        self._mark(name, "current", True)
        self.current = name

    def _mark(self, name: str, kind: str, on: bool) -> None:
        row, cls = self._rows[name], CLASSES[kind]
        if on != (cls in row._dom_classes):
            (row.add_class if on else row.remove_class)(cls)


def _cut(depths: list[int]) -> int:
    """Where the second column begins: as near to the middle as a finding of the two upper levels allows."""
    half = len(depths) / 2
    places = [n for n, depth in enumerate(depths) if n and depth == 0]
    return min(places, key=lambda n: abs(n - half)) if places else len(depths)


def _name(name: str, short: str, depth: int, line: Line) -> str:
    marks = "".join(f' <span class="labkit-mark" title="{html.escape(t)}">{sign}</span>' for sign, t in line.marks)
    said = html.escape(line.note)
    note = f' <span class="labkit-note" title="{said}">{said}</span>' if line.note else ""
    value = f": {line.value}" if line.value else ""
    return (
        f'<span class="labkit-finding" data-finding="{html.escape(name)}" style="padding-left:{depth * 0.8:.1f}em" '
        f'title="{html.escape(name + value)}"><span class="labkit-word">{html.escape(short)}</span>{marks}{note}</span>'
    )
