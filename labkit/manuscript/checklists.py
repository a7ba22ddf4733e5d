"""Reporting checklists, filled as far as the software can know; the rest is marked for the author; used by 05_figures.

CLAIM 2024, TRIPOD+AI, and STARD-AI are YAML files beside this module; MI-CLEAR-LLM is the table that 01 makes of the
extraction (`extraction.methods`). An answer is made of sentences of the methods, so that both say the same.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field

from labkit.manuscript.limits_text import sentences as limits
from labkit.manuscript.material import Material
from labkit.manuscript.methods import LIMITATIONS, PARTS
from labkit.manuscript.numbers import listed
from labkit.manuscript.references import load, plain
from labkit.manuscript.sheets import HEADING, Row, Sheet

__all__ = ["AUTHOR", "FILLED", "NONE", "Checklist", "Item", "filled", "sheet"]

FILLED, AUTHOR, NONE = "filled", "for the author", "not applicable"
FILES = ("claim_2024", "tripod_ai_2024", "stard_ai_2025")
FOLDER = Path(__file__).parent
HEAD = ("Item", "What is asked", "Answer", "For the author", "Where", "State")
WIDTHS = (1.1, 4.2, 10.0, 5.0, 3.6, 2.2)
MI_CLEAR = "MI-CLEAR-LLM"
FIRST, UPDATED = "park2024", "park2025"  # six items in 2024; the eight filled here are those of 2025


class Asked(BaseModel):
    """An item of a checklist's file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: str
    part: str
    asks: str
    told: tuple[str, ...] = ()
    tables: tuple[int, ...] = ()
    pages: tuple[str, ...] = ()
    author: str = ""
    otherwise: str = Field(default="", description="what is said, as not applicable, where no sentence is known")
    none: str = ""


@dataclass(frozen=True)
class Item:
    """An item with its answer, what the author has to add, where it stands, and its state."""

    number: str
    part: str
    asks: str
    answer: str
    author: str
    where: str
    state: str


@dataclass(frozen=True)
class Checklist:
    """A checklist with its answers; `stem` is the name of its files."""

    stem: str
    name: str
    title: str
    doi: str
    items: tuple[Item, ...]

    def count(self, state: str) -> int:
        return sum(item.state == state for item in self.items)

    @property
    def summary(self) -> str:
        """How far it is."""
        states = [f"{self.count(state)} {state}" for state in (FILLED, AUTHOR, NONE)]
        return f"{len(self.items)} items and parts of items: {listed(states)}."


def filled(material: Material, told: dict[str, str]) -> list[Checklist]:
    """All four checklists; `told` are the sentences of `methods.sentences`."""
    told = told | {"limitations": " ".join(limits(material).values())}
    made = [_from_file(stem, told) for stem in FILES]
    return [*made, _mi_clear(material)]


def _from_file(stem: str, told: dict[str, str]) -> Checklist:
    content: dict[str, Any] = yaml.safe_load((FOLDER / f"{stem}.yaml").read_text(encoding="utf-8"))
    items = tuple(_answered(Asked.model_validate(given), told) for given in content["items"])
    doi = load()[content["reference"]]["doi"]
    return Checklist(f"checklist_{stem}", content["name"], content["title"], doi, items)


def _answered(asked: Asked, told: dict[str, str]) -> Item:
    """An item without a hint for the author is filled by what is known; where nothing is known it is the author's."""
    given = (asked.number, asked.part, asked.asks)
    if asked.none:
        return Item(*given, asked.none, "", "", NONE)
    known = [name for name in asked.told if told[name]]
    answer, where = plain(" ".join(told[name] for name in known)), _where(asked, known)
    if asked.author:
        return Item(*given, answer, asked.author, where, AUTHOR)
    if known:
        return Item(*given, answer, "", where, FILLED)
    if asked.otherwise:
        return Item(*given, asked.otherwise, "", where, NONE)
    return Item(*given, "", "State it; the software does not know it.", where, AUTHOR)


def _where(asked: Asked, known: list[str]) -> str:
    headings = [heading for heading, names in PARTS.items() if set(names) & set(known)]
    headings += [LIMITATIONS] if "limitations" in known else []
    parts = [f"Text: {', '.join(headings)}"] if headings else []
    parts += [f"Table{'s' if len(asked.tables) > 1 else ''} {listed(list(map(str, asked.tables)))}"] * bool(
        asked.tables
    )
    parts += [f"page{'s' if len(asked.pages) > 1 else ''} {listed(asked.pages)}"] * bool(asked.pages)
    return "; ".join(parts)


def _mi_clear(material: Material) -> Checklist:
    """The items that 01 fills, for the extractor that is a model; without one the checklist does not apply."""
    from labkit.extraction import methods  # reads prompts and schemas: wanted here only
    from labkit.extraction.labelling import Labelled

    models = {source: record for source, record in material.record.items() if source != "rules"}
    shown = models or material.record
    rows = []
    if shown:
        answers = material.answers[material.answers["source"].isin(shown)]
        rows = methods.table(
            Labelled(answers.iloc[:0], answers, dict(list(shown.items())[:1])), template=material.template
        )
        source = next(iter(shown))
        rows = [row for row in rows.to_dict("records") if row["item"][0].isdigit()]
    items = []
    for row in rows:
        answer, number, part = str(row[source]), *row["item"].split(" ", 1)
        state = NONE if not models else AUTHOR if methods.AUTHOR in answer else FILLED
        hint = "State what the answer leaves to you." if state == AUTHOR else ""
        items.append(Item(number, part, row["detail"], answer, hint, "page 01", state))
    title = "Minimum reporting items for accuracy reports of large language models in healthcare, update of 2025"
    return Checklist("checklist_mi_clear_llm_2025", MI_CLEAR, title, load()[UPDATED]["doi"], tuple(items))


def sheet(checklist: Checklist) -> Sheet:
    """The checklist as a table; its count stands in the title."""
    rows, part = [], None
    for item in checklist.items:
        if item.part != part:
            part = item.part
            rows.append(Row((part,), HEADING))
        rows.append(Row((item.number, item.asks, item.answer, item.author, item.where, item.state)))
    notes = [
        f"After {checklist.name}, https://doi.org/{checklist.doi}, in the words of this software; the binding text is "
        "that of the publication. Answers marked “for the author” hold what the software knows and what only the "
        "author can add.",
    ]
    if checklist.name == MI_CLEAR:
        notes[0] += f" It replaces the list of 2024, https://doi.org/{load()[FIRST]['doi']}, whose six items it holds."
    if checklist.name == MI_CLEAR and checklist.count(NONE) == len(checklist.items):
        notes.insert(0, "Labels were extracted without a language model, so that this checklist does not apply.")
    title = f"{checklist.name}: {checklist.title}. {checklist.summary}"
    return Sheet(0, checklist.stem.removeprefix("checklist_"), title, HEAD, tuple(rows), tuple(notes), WIDTHS, True)
