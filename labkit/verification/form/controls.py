"""What stands above and below the report: where one is, what to show, comments, and buttons for what keys do."""

from typing import TYPE_CHECKING

import ipywidgets as widgets

from labkit.verification.form import words
from labkit.verification.form.cases import ORDERS
from labkit.verification.form.filters import FILTERS, TELLING
from labkit.verification.form.modes import SOURCES, Adjudication
from labkit.verification.form.session import Session

if TYPE_CHECKING:
    from labkit.verification.form.page import Page

__all__ = ["Controls"]

ORDER = "Suggested: what another reader asks about, then the sample, the queue, the rest."


class Controls:
    """The bars of a page: `top` and `bottom`."""

    def __init__(self, session: Session, *, page: "Page"):
        self.session, self._page, self._filling = session, page, False
        self._where = widgets.HTML().add_class("labkit-where")
        self._said = widgets.HTML().add_class("labkit-said")
        self.fields = self._make_fields()
        self.buttons = self._make_buttons()
        fields, buttons = self.fields, self.buttons
        steering = [self._where, fields["order"], fields["shown"], fields["goto"], buttons["back"], buttons["next"]]
        self.top = widgets.HBox(steering).add_class("labkit-bar").add_class("labkit-top")
        first = [buttons["accept"], buttons["undo"], buttons["ask"]]
        first += [fields["source"]] if session.mode.needs_source else []
        first += [fields["names"]] if isinstance(session.mode, Adjudication) else []
        first.append(widgets.HTML(words.LEGEND))
        second = [fields["finding"], fields["comment"], fields["case_comment"]]
        rows = [widgets.HBox(row).add_class("labkit-bar") for row in ([*first, self._said], second)]
        self.bottom = widgets.VBox(rows).add_class("labkit-bottom")

    def _make_fields(self) -> dict[str, widgets.Widget]:
        def menu(options: list[tuple[str, str]], width: str, **more) -> widgets.Dropdown:
            return widgets.Dropdown(options=options, layout={"width": width}, **more)

        names = self.session.cases.names
        blind = self.session.mode.first_action == "blind"
        shown = [(text, name) for name, text in FILTERS.items() if not (blind and name in TELLING)]
        shown += [] if blind else [(f"finding: {name}", name) for name in names]
        text = {"continuous_update": False}
        made = {
            "order": menu([(text, name) for name, text in ORDERS.items()], "11em", tooltip=ORDER),
            "shown": menu(shown, "11em", tooltip="which cases"),
            "goto": widgets.Text(placeholder="go to case (g)", layout={"width": "8.5em"}, **text),
            "source": menu([("– choose a source –", ""), *((s, s) for s in SOURCES)], "13em"),
            "names": widgets.Checkbox(value=True, description="name the readers", indent=False),
            "finding": menu([(name, name) for name in names], "20em", tooltip="finding under the cursor"),
            "comment": widgets.Text(placeholder="comment on this finding (c)", layout={"flex": "1 1 14em"}, **text),
            "case_comment": widgets.Text(placeholder="comment on the case (C)", layout={"flex": "1 1 14em"}, **text),
        }
        made["names"].layout.width = "auto"
        for name, field in made.items():
            field.add_class(f"labkit-{name.replace('_', '-')}")
            field.observe(lambda change, name=name: self._changed(name, change["new"]), "value")
        return made

    def _make_buttons(self) -> dict[str, widgets.Button]:
        accepts = self.session.mode.accepts
        kinds = {
            "back": ("◀", "previous case (p)", lambda: self._page.turn(-1)),
            "next": ("▶", "next case (n)", lambda: self._page.turn(1)),
            "accept": (accepts, "space", lambda: self._page.accept()),
            "undo": ("Undo", "z", lambda: self._page.undo()),
            "ask": ("Unsure, ask second reader", "q", lambda: self._page.ask()),
        }
        made = {}
        for name, (text, tip, act) in kinds.items():
            made[name] = widgets.Button(description=text, tooltip=tip).add_class(f"labkit-{name}")
            made[name].on_click(lambda _button, act=act: act())
        made["accept"].button_style = "primary"
        return made

    def _changed(self, name: str, value) -> None:
        if self._filling:
            return
        page = self._page
        if name in ("order", "shown"):
            page.choose(self.fields["order"].value, self.fields["shown"].value)
        elif name == "goto" and value:
            self._fill("goto", "")
            page.go(value)
        elif name == "source":
            self.session.source = value
        elif name == "names":
            page.names = value
            page.draw()
        elif name == "finding" and value:
            page.point(value)
        elif name == "comment":
            page.comment(value, page.sheet.current)
        elif name == "case_comment":
            page.comment(value)

    def _fill(self, name: str, value) -> None:
        self._filling = True
        try:
            if self.fields[name].value != value:
                self.fields[name].value = value
        finally:
            self._filling = False

    def next_source(self) -> None:
        """Choose the next source of a follow-up, after the last the first."""
        if self.session.mode.needs_source:
            chosen = self.fields["source"].value
            self.fields["source"].value = SOURCES[(SOURCES.index(chosen) + 1) % len(SOURCES) if chosen else 0]

    def say(self, text: str) -> None:
        """A sentence beside the buttons, in place of the one before."""
        self._said.value = words.said(text)

    def point(self, finding: str) -> None:
        """Show the comment on the finding under the cursor."""
        self._fill("finding", finding)
        self._fill("comment", self.session.journal.comment(self.session.study_id, finding))

    def draw(self) -> None:
        """Show where one is and how far."""
        self._where.value = words.where(self.session)
        if self.session.study_id is not None:
            self._fill("case_comment", self.session.journal.comment(self.session.study_id, ""))
            accepts = words.accepts(self.session)
            if self.buttons["accept"].description != accepts:
                self.buttons["accept"].description = accepts
