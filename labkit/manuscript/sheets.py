"""A table of a manuscript before it becomes HTML, CSV, LaTeX or Word: texts only; used by 05_figures."""

from dataclasses import dataclass

import pandas as pd

from labkit.manuscript.numbers import GAP

__all__ = ["HEADING", "INDENTED", "PLAIN", "Row", "Sheet", "frame"]

# What a row is: a line of its own over those below, a row, or one that belongs to the row above.
HEADING, PLAIN, INDENTED = "heading", "plain", "indented"


@dataclass(frozen=True)
class Row:
    """Texts of the cells; a heading has one, which spans all columns."""

    cells: tuple[str, ...]
    kind: str = PLAIN


@dataclass(frozen=True)
class Sheet:
    """A table with its title, notes and abbreviations; `number` 0 = it has none; `widths` of the columns are in cm."""

    number: int
    name: str
    title: str
    head: tuple[str, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...]
    widths: tuple[float, ...]
    landscape: bool = False

    def __post_init__(self):
        assert len(self.head) == len(self.widths), "a width per column"
        wrong = [row for row in self.rows if len(row.cells) != (1 if row.kind == HEADING else len(self.head))]
        assert not wrong, "a text per column"

    @property
    def stem(self) -> str:
        """The name of its files: `table_1_cohort`."""
        return f"table_{self.number}_{self.name}"

    @property
    def caption(self) -> str:
        return f"Table {self.number}. {self.title}" if self.number else self.title


def frame(sheet: Sheet) -> pd.DataFrame:
    """The sheet as a table of texts; headings stand in a first column `part`, in each row below them."""
    part, rows = "", []
    for row in sheet.rows:
        if row.kind == HEADING:
            part = row.cells[0]
        else:
            rows.append([part, *row.cells])
    made = pd.DataFrame(rows, columns=["part", *sheet.head], dtype=str)
    return made.map(lambda text: text.replace(GAP, " "))
