"""Tables and text of a manuscript as Word files (docx); used by 05_figures.

Tables are Word's own: the header row repeats on every page, no row breaks over two, columns have their widths. The same
content gives the same bytes: no time, no name and no machine is in the file.
"""

import io
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime

import docx
from docx.enum.section import WD_ORIENT
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt

from labkit.manuscript.sheets import HEADING, INDENTED, Row, Sheet

__all__ = ["WordFile"]

FONT = "Times New Roman"
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)  # Word asks for a time; none of these says when
ZIP_TIME = (1980, 1, 1, 0, 0, 0)
A4_CM, MARGIN_CM = (21.0, 29.7), 1.5
TEXT_PT, NOTE_PT = 11, 8
RULE_EIGHTHS = {"thick": "12", "thin": "4"}


class WordFile:
    """A document that is filled from top to bottom; `bytes` gives the file."""

    def __init__(self, title: str):
        self._file = docx.Document()
        for name in ("Normal", "Title", "Heading 1", "Heading 2", "Caption"):
            _set_font(self._file.styles[name])
        self._file.styles["Normal"].font.size = Pt(TEXT_PT)
        self._file.styles["Normal"].paragraph_format.space_after = Pt(4)
        core = self._file.core_properties
        core.title, core.author, core.last_modified_by, core.comments = title, "", "", ""
        core.created = core.modified = EPOCH
        core.revision = 1
        self._shape(self._file.sections[0], landscape=False)
        self._is_empty = True

    def heading(self, text: str, *, level: int = 1) -> None:
        """A heading; level 0 is the title of the document."""
        self._file.add_heading(text, level=level)
        self._is_empty = False

    def paragraph(self, text: str, *, bold: bool = False, points: float | None = None) -> None:
        run = self._file.add_paragraph().add_run(text)
        run.bold = bold
        if points:
            run.font.size = Pt(points)
        self._is_empty = False

    def notice(self, text: str) -> None:
        """What must be read first, in a paragraph of its own; nothing where there is nothing to say."""
        if text:
            self.paragraph(text, bold=True, points=NOTE_PT + 1)
            self._is_empty = True  # a table below may still turn the page

    def sheet(self, sheet: Sheet, *, words: Sequence[int] = (), points: float | None = None) -> None:
        """A table with caption and notes; `words` are the positions of columns of words, which are set to the left.

        A wide table is on pages of its own, turned; what follows stands upright again.
        """
        turned = sheet.landscape != self._is_landscape
        if turned and self._is_empty:
            self._shape(self._file.sections[0], landscape=sheet.landscape)
        elif turned:
            self._shape(self._file.add_section(), landscape=sheet.landscape)
        caption = self._file.add_paragraph(style="Caption")
        caption.paragraph_format.keep_with_next = True
        caption.add_run(sheet.caption)
        self._table(sheet, set(words), points or (7.5 if sheet.landscape else 9))
        for note in sheet.notes:
            self.paragraph(note, points=NOTE_PT)
        self._is_empty = False

    def bytes(self) -> bytes:
        """The file; equal content gives equal bytes."""
        made = io.BytesIO()
        self._file.save(made)
        fixed = io.BytesIO()
        with zipfile.ZipFile(made) as source, zipfile.ZipFile(fixed, "w") as target:
            for name in sorted(source.namelist(), key=lambda name: (name != "[Content_Types].xml", name)):
                entry = zipfile.ZipInfo(name, ZIP_TIME)
                entry.compress_type, entry.create_system = zipfile.ZIP_DEFLATED, 0
                target.writestr(entry, source.read(name))
        return fixed.getvalue()

    @property
    def _is_landscape(self) -> bool:
        return self._file.sections[-1].orientation == WD_ORIENT.LANDSCAPE

    def _shape(self, section, *, landscape: bool) -> None:
        width, height = A4_CM if not landscape else A4_CM[::-1]
        section.orientation = WD_ORIENT.LANDSCAPE if landscape else WD_ORIENT.PORTRAIT
        section.page_width, section.page_height = Cm(width), Cm(height)
        for side in ("left", "right", "top", "bottom"):
            setattr(section, f"{side}_margin", Cm(MARGIN_CM))

    def _table(self, sheet: Sheet, words: set[int], points: float) -> None:
        n_columns = len(sheet.head)
        table = self._file.add_table(rows=1, cols=n_columns)
        table.alignment = WD_TABLE_ALIGNMENT.LEFT
        table.autofit = False
        _narrow_margins(table)
        for column, width in zip(table.columns, sheet.widths, strict=True):
            column.width = Cm(width)
        rows = [Row(sheet.head), *sheet.rows]
        for _ in sheet.rows:
            table.add_row()
        for position, (line, row) in enumerate(zip(table.rows, rows, strict=True)):
            cells = line.cells  # one look-up per row: python-docx searches the table each time
            _unbroken(line)
            if position == 0:
                _repeated(line)
            if row.kind == HEADING:
                cells = [cells[0].merge(cells[-1])]
            for n, (cell, text) in enumerate(zip(cells, row.cells, strict=True)):
                if row.kind != HEADING:
                    cell.width = Cm(sheet.widths[n])
                is_left = n == 0 or n in words
                _fill(cell, text, row, points=points, left=is_left, bold=position == 0 or row.kind == HEADING)
        _rule(table.rows[0], top="thick", bottom="thin")
        _rule(table.rows[-1], bottom="thick", **({"top": "thick"} if not sheet.rows else {}))


def _narrow_margins(table) -> None:
    """Word leaves 1.9 mm on both sides of every cell, too much for twelve columns."""
    margins = OxmlElement("w:tblCellMar")
    for side in ("left", "right"):
        width = OxmlElement(f"w:{side}")
        width.set(qn("w:w"), "45")
        width.set(qn("w:type"), "dxa")
        margins.append(width)
    table._tbl.tblPr.append(margins)


def _fill(cell, text: str, row: Row, *, points: float, left: bool, bold: bool) -> None:
    paragraph = cell.paragraphs[0]
    style = paragraph.paragraph_format
    style.space_after = style.space_before = Pt(1)
    if row.kind == HEADING:
        style.space_before, style.keep_with_next = Pt(5), True
    if row.kind == INDENTED and cell._tc is cell._tc.getparent().tc_lst[0]:
        style.left_indent = Cm(0.3)
    paragraph.alignment = WD_ALIGN_PARAGRAPH.LEFT if left else WD_ALIGN_PARAGRAPH.RIGHT
    run = paragraph.add_run(text)
    run.bold, run.font.size = bold, Pt(points)


def _repeated(line) -> None:
    """Word repeats this row on top of each page."""
    mark = OxmlElement("w:tblHeader")
    mark.set(qn("w:val"), "true")
    line._tr.get_or_add_trPr().append(mark)


def _unbroken(line) -> None:
    line._tr.get_or_add_trPr().append(OxmlElement("w:cantSplit"))


def _rule(line, **rules: str) -> None:
    """Lines above or below a row, as journals set them: none between columns."""
    for tc in line._tr.tc_lst:
        properties = tc.get_or_add_tcPr()
        borders = properties.find(qn("w:tcBorders"))
        if borders is None:
            borders = OxmlElement("w:tcBorders")
            properties.append(borders)
        for side, weight in sorted(rules.items(), key=lambda item: item[0] != "top"):
            border = OxmlElement(f"w:{side}")
            for name, value in {"val": "single", "sz": RULE_EIGHTHS[weight], "space": "0", "color": "000000"}.items():
                border.set(qn(f"w:{name}"), value)
            borders.append(border)


def _set_font(style) -> None:
    style.font.name = FONT
    fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
    for name in ("ascii", "hAnsi", "eastAsia", "cs"):
        fonts.set(qn(f"w:{name}"), FONT)
    for name in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
        if fonts.get(qn(f"w:{name}")) is not None:
            del fonts.attrib[qn(f"w:{name}")]
    style.font.color.rgb = docx.shared.RGBColor(0, 0, 0)
