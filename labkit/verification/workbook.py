"""A table as an Excel workbook of one sheet, for people who review errors there; nothing else is written this way.

Every cell is text, so that neither 0012 nor a date nor "=A1" is turned into something else. The same table gives the
same bytes. Format: ECMA-376 part 1, SpreadsheetML, with inline strings.
"""

import io
import re
import zipfile
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import pandas as pd

from labkit import tables
from labkit.errors import TableError

__all__ = ["write_workbook"]

MOST_ROWS, MOST_LETTERS = 1_048_576, 32_767  # Excel's own limits
NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"
HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'


def write_workbook(frame: pd.DataFrame, path: str | Path, *, sheet: str) -> Path:
    """Write a table, header on top, all or nothing.

    Raises
    ------
    TableError : more rows than a sheet holds.
    """
    if len(frame) >= MOST_ROWS:
        raise TableError(f"{Path(path).name}: {len(frame):,} rows; a sheet holds {MOST_ROWS - 1:,}, use the CSV.")
    texts = frame.astype("object").where(frame.notna(), "").astype(str)
    lines = [list(texts.columns), *texts.itertuples(index=False, name=None)]
    rows = "".join(f"<row>{''.join(map(_cell, line))}</row>" for line in lines)
    frozen = '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>'
    view = f'<sheetViews><sheetView workbookViewId="0">{frozen}</sheetView></sheetViews>'
    parts = _frame_of_files(sheet)
    parts["xl/worksheets/sheet1.xml"] = f'<worksheet xmlns="{MAIN}">{view}<sheetData>{rows}</sheetData></worksheet>'
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as package:
        for name, text in parts.items():
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            package.writestr(entry, (HEAD + text).encode("utf-8"))
    return tables.atomic_write(path, content.getvalue())


def _cell(text: str) -> str:
    kept = escape(NOT_XML.sub("", text)[:MOST_LETTERS])
    return f'<c t="inlineStr"><is><t xml:space="preserve">{kept}</t></is></c>'


def _frame_of_files(sheet: str) -> dict[str, str]:
    """The files of a workbook besides its sheet."""
    relations = f"{PACKAGE}/relationships"
    types = {"/xl/workbook.xml": "sheet.main", "/xl/worksheets/sheet1.xml": "worksheet"}
    overrides = "".join(f'<Override PartName="{part}" ContentType="{KIND}.{k}+xml"/>' for part, k in types.items())
    default = '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    return {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types">{default}{overrides}</Types>',
        "_rels/.rels": (
            f'<Relationships xmlns="{relations}"><Relationship Id="rId1" Type="{OFFICE}/officeDocument" '
            'Target="xl/workbook.xml"/></Relationships>'
        ),
        "xl/workbook.xml": (
            f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>'
            f'<sheet name={quoteattr(sheet[:31])} sheetId="1" r:id="rId1"/></sheets></workbook>'
        ),
        "xl/_rels/workbook.xml.rels": (
            f'<Relationships xmlns="{relations}"><Relationship Id="rId1" Type="{OFFICE}/worksheet" '
            'Target="worksheets/sheet1.xml"/></Relationships>'
        ),
    }
