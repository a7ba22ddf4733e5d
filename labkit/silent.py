"""A box of widgets whose content is in the live session alone: the saved output of a cell holds one word for it.

Used by the viewers of reports and radiographs: what stands inside widgets is in no output, so a saved notebook holds
none of it as long as JupyterLab's "Save Widget State" stays off, as it is by default.
"""

import ipywidgets as widgets

__all__ = ["Silent"]


class Silent(widgets.VBox):
    """A column of widgets that says nothing of its content where only text is shown.

    Parameters
    ----------
    children : widgets, from top to bottom.
    words : what is said in their place, such as "Report viewer".
    """

    def __init__(self, children: list[widgets.Widget], *, words: str, **options):
        self._words = words
        super().__init__(children, **options)

    def __repr__(self) -> str:
        return self._words
