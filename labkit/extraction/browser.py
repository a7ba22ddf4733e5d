"""The report viewer of 01_extraction in JupyterLab: choose a report, see what was read in it and by which words.

Core ipywidgets only. Report text is in the live session alone: it is first sent to the page when a person chooses a
report, it stands inside a widget and in no output, so neither a saved notebook nor a run without a person holds it.
"""

import html
import os
from functools import partial

import ipywidgets as widgets
import pandas as pd

from labkit.deidentification import Gate
from labkit.extraction import agreement, summaries, viewing
from labkit.extraction.labelling import Labelled
from labkit.extraction.selection import ANY, STATUSES, Choice, Selection
from labkit.layout import HEADLESS_VARIABLE
from labkit.silent import Silent
from labkit.templates import Template

__all__ = ["Browser", "browse"]

NOTE = (
    "Report text is shown in this live session only; it is not saved in the notebook file "
    "(as long as <i>Save Widget State</i> stays off, as JupyterLab has it)."
)
HEDGES = (
    "Hedges that the language files know, in the reports of the list. The last column counts reports in which nothing "
    "is uncertain all the same."
)
WIDE = {"width": "100%"}


class Browser:
    """The state of the viewer; `widget` shows it.

    Parameters
    ----------
    texts : report text by study_id.
    sites : site by study_id, in the order in which reports are shown.
    gate : masks identifiers in what is shown, unless a person asks for the text as it is.
    """

    def __init__(
        self, labelled: Labelled, texts: dict[str, str], sites: dict[str, str], *, template: Template, gate: Gate
    ):
        self.texts, self.template, self.gate = texts, template, gate
        self.selection = Selection(labelled, sites, agreement.disagreements(labelled.findings))
        self._hedges = labelled.hedges
        self._filling = False
        self._controls = self._make_controls()
        self.chosen = widgets.Select(options=[], rows=14, layout={"width": "12em"}).add_class("labkit-reports")
        self._count, self._report, self._findings = widgets.HTML(), widgets.HTML(layout=WIDE), widgets.HTML(layout=WIDE)
        self._distribution, self._phrases, self._failures = (widgets.HTML(layout=WIDE) for _ in range(3))
        self.widget = self._lay_out()
        self.chosen.observe(self._on_choice, "value")
        for control in self._controls.values():
            control.observe(self._on_filter, "value")
        self.refresh()

    # -- what a person does ---------------------------------------------------------------------------------------
    def filter(self, **choices: str | bool) -> None:
        """Set controls by name: site, search, finding, kind, source, status, masked."""
        for name, value in choices.items():
            self._controls[name].value = value

    def next(self) -> None:
        """The report after the one shown, or the first."""
        self._step(1)

    def back(self) -> None:
        """The report before the one shown."""
        self._step(-1)

    def refresh(self) -> None:
        """Apply the filter: the list of reports and what is counted over it; a report that still fits stays chosen."""
        found = self.selection.find(self._choice())
        kept = self.chosen.value if self.chosen.value in found else None
        self._filling = True
        self.chosen.options = found
        self.chosen.value = kept
        self._filling = False
        self._count.value = f"<b>{len(found):,}</b> of {len(self.selection.sites):,} reports"
        self._show_counts(found)
        self._show_report()

    # -- controls -------------------------------------------------------------------------------------------------
    def _make_controls(self) -> dict[str, widgets.Widget]:
        def menu(name: str, options: list, width: str = "15em") -> widgets.Dropdown:
            pairs = [option if isinstance(option, tuple) else (option, option) for option in (ANY, *options)]
            made = widgets.Dropdown(options=pairs, description=name, layout={"width": width})
            made.style.description_width = "5em"
            return made

        selection = self.selection
        controls = {
            "site": menu("site", sorted(set(selection.sites.values()))),
            "source": menu("extractor", selection.sources),
            "finding": menu("finding", list(self.template.names), "24em"),
            "kind": menu("value", list(summaries.KINDS)),
            "status": menu("status", [(words, name) for name, words in STATUSES.items()], "20em"),
            "search": widgets.Text(placeholder="S-0001", description="search", layout={"width": "15em"}),
            "masked": widgets.Checkbox(value=True, description="mask identifiers", indent=False),
        }
        controls["search"].style.description_width = "5em"
        for name, control in controls.items():
            control.add_class(f"labkit-{name}")
        return controls

    def _lay_out(self) -> Silent:
        wrap = {"flex_flow": "row wrap", "width": "100%"}
        steps = []
        for name, words, act in (("back", "Previous", self.back), ("next", "Next", self.next)):
            button = widgets.Button(description=words, layout={"width": "5.8em"}).add_class(f"labkit-{name}")
            button.on_click(partial(_ignore_button, act))
            steps.append(button)
        left = widgets.VBox([self._count, self.chosen, widgets.HBox(steps)], layout={"flex": "0 0 13em"})
        text = widgets.VBox([self._report], layout={"flex": "3 1 24em", "padding": "0 1em"})
        found = widgets.VBox([self._findings], layout={"flex": "2 1 22em"})
        reading = widgets.HBox([left, text, found], layout=wrap)
        tabs = widgets.Tab([reading, self._distribution, self._phrases, self._failures])
        tabs.titles = ("Report", "Labels", "Hedges", "Failures")
        note = widgets.HTML(f"<small>{NOTE}</small>")
        filters = widgets.HBox(list(self._controls.values()), layout=wrap)
        return Silent([filters, tabs, note], words="Report viewer").add_class("labkit-browser")

    def _choice(self) -> Choice:
        values = {name: control.value for name, control in self._controls.items() if name != "masked"}
        return Choice(**values)

    def _on_filter(self, change) -> None:
        if change["owner"] is self._controls["masked"]:
            self._show_report()
        else:
            self.refresh()

    def _on_choice(self, _change) -> None:
        if not self._filling:
            self._show_report()

    def _step(self, by: int) -> None:
        options = list(self.chosen.options)
        if options:
            at = options.index(self.chosen.value) + by if self.chosen.value in options else 0
            self.chosen.value = options[min(max(at, 0), len(options) - 1)]

    # -- what is shown --------------------------------------------------------------------------------------------
    def _show_report(self) -> None:
        study_id = self.chosen.value
        if study_id is None:
            self._report.value = "<p>Choose a report in the list, or press Next.</p>"
            self._findings.value = ""
            return
        choice, labels = self._choice(), self.selection.of(study_id)
        shown = labels if choice.finding == ANY else labels[labels["finding"] == choice.finding]
        if choice.source != ANY:
            shown = shown[shown["source"] == choice.source]
        elif len(self.selection.sources) > 1:
            shown = shown.assign(finding=shown["finding"] + " (" + shown["source"] + ")")
        gate = self.gate if self._controls["masked"].value else None
        text = viewing.painted(self.texts[study_id], shown, gate=gate)
        self._report.value = (
            f'<h4 style="margin:.2em 0">{html.escape(study_id)} · {html.escape(self.selection.sites[study_id])}</h4>'
            f"<small>Evidence of {viewing.legend()}</small>"
            f'<p style="line-height:1.7;max-width:44em;white-space:normal">{text}</p>'
        )
        self._findings.value = self._answers(study_id) + self._tree(labels)

    def _answers(self, study_id: str) -> str:
        """Sentences on extractors that could not label the report."""
        answers = self.selection.answers_of(study_id)
        failed = answers[answers["status"] != "ok"]
        return "".join(
            f"<p><b>{html.escape(a.source)}: {html.escape(a.status)}</b> {html.escape(a.reason)}</p>"
            for a in failed.itertuples()
        )

    def _tree(self, labels: pd.DataFrame) -> str:
        if labels.empty:
            return "<p>No extractor could label this report.</p>"
        kinds = {source: dict(zip(own["finding"], own["kind"])) for source, own in labels.groupby("source", sort=False)}
        notes: dict[str, list[str]] = {}
        for flag, words in (("differs", "differs"), ("raised", "raised"), ("ungrounded", "quote not in the report")):
            for finding in dict.fromkeys(labels.loc[labels[flag], "finding"]):
                notes.setdefault(finding, []).append(words)
        return viewing.tree(kinds, self.template, notes={name: ", ".join(words) for name, words in notes.items()})

    def _show_counts(self, found: list[str]) -> None:
        choice, chosen = self._choice(), set(found)
        sources = self.selection.sources if choice.source == ANY else [choice.source]
        columns = "".join(
            f'<div style="flex:1 1 30em"><h4 style="margin:.2em 0">{html.escape(source)}</h4>'
            f"{viewing.bars(self.selection.counts(found, source), n=len(found))}</div>"
            for source in sources
        )
        self._distribution.value = f'<div style="display:flex;flex-wrap:wrap">{columns}</div>'
        labels = self.selection.labels
        first = labels[(labels["source"] == sources[0]) & labels["study_id"].isin(chosen)]
        phrases = summaries.hedges(self._hedges[self._hedges["study_id"].isin(chosen)], first)
        self._phrases.value = (
            f"<p>{HEDGES}</p>{viewing.listing(phrases)}"
            if len(phrases)
            else "<p>No hedge was met in these reports.</p>"
        )
        answers = self.selection.answers
        failed = answers[(answers["status"] != "ok") & answers["study_id"].isin(chosen)]
        columns = ["study_id", "source", "status", "reason"]
        self._failures.value = (
            viewing.listing(failed[columns]) if len(failed) else "<p>Every report here was labelled.</p>"
        )


def _ignore_button(act, _button) -> None:
    act()


def browse(
    reports: list[tuple[str, str]],
    labelled: Labelled,
    sites: dict[str, str],
    *,
    template: Template,
    gate: Gate,
    show_text: bool,
):
    """The viewer; in a run without a person, examples of marked reports where `show_text` allows it.

    Parameters
    ----------
    reports : (study_id, text) pairs.
    sites : site by study_id.
    """
    if HEADLESS_VARIABLE in os.environ:
        findings = labelled.findings
        first = findings[findings["source"] == findings["source"].iloc[0]] if len(findings) else findings
        return viewing.examples(reports, first, gate=gate, show_text=show_text)
    return Browser(
        labelled, dict(reports), {study_id: sites[study_id] for study_id, _ in reports}, template=template, gate=gate
    ).widget
