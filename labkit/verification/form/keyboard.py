"""Keys for the review form, where anywidget is installed; without it the form works by mouse alone."""

from collections.abc import Callable
from pathlib import Path

import ipywidgets as widgets

__all__ = ["HELP", "keyboard"]

# Keys and what they do, as the form lists them.
HELP = (
    ("t f u", "true, false, uncertain"),
    ("↑ ↓", "finding"),
    ("← →", "value"),
    ("Enter", "next not false"),
    ("space", "accept all"),
    ("n p", "next, previous"),
    ("z", "undo"),
    ("q", "ask second reader"),
    ("c ⇧c", "comment: finding, case"),
    ("g", "go to"),
)
SCRIPT = Path(__file__).with_name("keyboard.js")


def keyboard(on_key: Callable[[str], None], on_finding: Callable[[str], None]) -> widgets.Widget | None:
    """A widget without a face that hands on keys, and clicks on a finding's name; None without anywidget."""
    try:
        import anywidget
    except ImportError:
        return None

    class Keyboard(anywidget.AnyWidget):
        _esm = SCRIPT.read_text(encoding="utf-8")

    made = Keyboard()

    def told(_widget, content: dict, _buffers) -> None:
        if "key" in content:
            on_key(str(content["key"]))
        elif "finding" in content:
            on_finding(str(content["finding"]))

    made.on_msg(told)
    return made
