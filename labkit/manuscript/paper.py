"""Tables, text and checklists of a manuscript together: shown in 05_figures, and written for authors."""

import html
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from IPython.display import HTML

from labkit import tables
from labkit.manuscript import as_html, as_latex, checklists, references
from labkit.manuscript.as_word import WordFile
from labkit.manuscript.checklists import Checklist
from labkit.manuscript.cohort_table import cohort_table
from labkit.manuscript.extraction_table import extraction_table
from labkit.manuscript.material import Material
from labkit.manuscript.methods import Text, sentences, written
from labkit.manuscript.performance_table import performance_table
from labkit.manuscript.sheets import Sheet, frame

__all__ = ["Paper", "show", "show_checklists", "show_text", "typeset", "write"]

WORDS = (1, 2, 3, 4, 5)  # columns of a checklist that hold words
CHECKLIST_PT = 8


@dataclass(frozen=True)
class Paper:
    """Tables 1 to 3, the methods text, and the four checklists."""

    sheets: tuple[Sheet, ...]
    text: Text
    checklists: tuple[Checklist, ...]

    @property
    def cohort(self) -> Sheet:
        return self.sheets[0]

    @property
    def extraction(self) -> Sheet:
        return self.sheets[1]

    @property
    def performance(self) -> Sheet:
        return self.sheets[2]


def typeset(material: Material) -> Paper:
    """Everything that a manuscript takes over; nothing is estimated, every number is one of the tables'."""
    told = sentences(material)
    return Paper(
        sheets=(cohort_table(material), extraction_table(material), performance_table(material)),
        text=written(material, told),
        checklists=tuple(checklists.filled(material, told)),
    )


def show(*sheets: Sheet) -> HTML:
    """Tables for a notebook."""
    return HTML(as_html.shown(sheets))


def show_text(text: Text) -> HTML:
    """The methods text for a notebook."""
    return HTML("".join(_parts(text, level=4)))


def show_checklists(paper: Paper) -> pd.DataFrame:
    """How far each checklist is filled."""
    rows = [
        {
            "checklist": own.name,
            "items": len(own.items),
            **{state: own.count(state) for state in (checklists.FILLED, checklists.AUTHOR, checklists.NONE)},
        }
        for own in paper.checklists
    ]
    return pd.DataFrame(rows).set_index("checklist")


def write(paper: Paper, folder: Path) -> list[Path]:
    """Write all of it to a folder.

    Returns
    -------
    Paths: each table as HTML, CSV, LaTeX and Word; methods and each checklist as HTML and Word; references as BibTeX.
    The same paper gives the same bytes.
    """
    folder, notice = Path(folder), paper.text.notice
    files: list[Path] = []
    for sheet in paper.sheets:
        file = WordFile(sheet.caption)
        file.notice(notice)
        file.sheet(sheet)
        page = as_html.document(f"Table {sheet.number}", [as_html.fragment(sheet)], notice=notice)
        files += [
            _write(folder / f"{sheet.stem}.html", page),
            tables.write_csv(frame(sheet), folder / f"{sheet.stem}.csv"),
            _write(folder / f"{sheet.stem}.tex", as_latex.document(sheet)),
            tables.atomic_write(folder / f"{sheet.stem}.docx", file.bytes()),
        ]
    files += _write_text(paper.text, folder)
    for own in paper.checklists:
        files += _write_checklist(own, folder, notice)
    return files


def _write(path: Path, text: str) -> Path:
    return tables.atomic_write(path, text.encode("utf-8"))


def _write_text(text: Text, folder: Path) -> list[Path]:
    file = WordFile(text.title)
    file.heading(text.title, level=0)
    file.notice(text.notice)
    for heading, paragraph in text.paragraphs:
        file.heading(heading)
        file.paragraph(paragraph)
    file.heading("References")
    for number, reference in enumerate(text.references, start=1):
        file.paragraph(f"{number}. {reference}")
    page = as_html.document(text.title, _parts(text, level=2), notice=text.notice)
    return [
        _write(folder / "methods.html", page),
        tables.atomic_write(folder / "methods.docx", file.bytes()),
        _write(folder / "references.bib", references.bibtex(text.keys)),
    ]


def _parts(text: Text, *, level: int) -> Iterable[str]:
    for heading, paragraph in text.paragraphs:
        yield f"<h{level}>{html.escape(heading)}</h{level}>{as_html.paragraph(paragraph)}"
    listed = "".join(f"<li>{html.escape(reference)}</li>" for reference in text.references)
    yield f'<h{level}>References</h{level}><ol class="references">{listed}</ol>'


def _write_checklist(own: Checklist, folder: Path, notice: str) -> list[Path]:
    sheet = checklists.sheet(own)
    file = WordFile(own.name)
    file.notice(notice)
    file.sheet(sheet, words=WORDS, points=CHECKLIST_PT)
    page = as_html.document(own.name, [as_html.fragment(sheet, words=WORDS)], notice=notice)
    return [
        _write(folder / f"{own.stem}.html", page),
        tables.atomic_write(folder / f"{own.stem}.docx", file.bytes()),
    ]
