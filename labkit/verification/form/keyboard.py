"""Keys for the review form, where anywidget is installed; without it the form works by mouse alone."""

from collections.abc import Callable
from pathlib import Path

import ipywidgets as widgets

__all__ = ["HELP", "PICTURE_HELP", "SOURCE_HELP", "keyboard"]

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
PICTURE_HELP = (("i w", "invert, window"), ("+ - 0", "zoom (or wheel and drag)"))
SOURCE_HELP = (("s", "next source"),)
SCRIPT = Path(__file__).with_name("keyboard.js")


def keyboard(**acts: Callable[[str], None]) -> widgets.Widget | None:
    """A widget without a face that hands on what a person does; None without anywidget.

    Parameters
    ----------
    acts : what to do by kind: `key` (a key of the form), `finding` (its name was clicked), `name` (Enter after a
        reader's name).
    """
    try:
        import anywidget
    except ImportError:
        return None

    class Keyboard(anywidget.AnyWidget):
        _esm = SCRIPT.read_text(encoding="utf-8")

    made = Keyboard()

    def told(_widget, content: dict, _buffers) -> None:
        for kind, act in acts.items():
            if kind in content:
                act(str(content[kind]))

    made.on_msg(told)
    return made
