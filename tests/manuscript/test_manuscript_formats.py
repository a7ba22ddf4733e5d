"""The formats hold the same texts: HTML that is accessible, LaTeX that compiles alone, Word with its own tables."""

import io
import re
import shutil
import subprocess
from html.parser import HTMLParser

import docx
import pytest
from docx.enum.section import WD_ORIENT
from docx.oxml.ns import qn

from labkit import tables
from labkit.manuscript import as_html, as_latex
from labkit.manuscript.as_word import WordFile
from labkit.manuscript.performance_table import performance_table
from labkit.manuscript.sheets import HEADING, INDENTED, Row, Sheet, frame

HOSTILE = '50 % & $x_1$ #2 {a} ~ ^ \\n <b>"Größe" Łódź 膝 −0.5 ≥10 [0.1,\u00a00.2] „ab“'


def hostile(*, landscape=False):
    rows = (Row((HOSTILE,), HEADING), Row((HOSTILE, "<10", HOSTILE)), Row(("", "–", ""), INDENTED))
    return Sheet(1, "hostile", HOSTILE, ("Name", HOSTILE, "%"), rows, (HOSTILE,), (6.0, 4.0, 4.0), landscape)


class Tags(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.open, self.found, self.wrong = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))
        if tag not in ("meta", "col"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


def test_html_is_whole_accessible_and_needs_nothing_else(material):
    sheet = performance_table(material)
    text = as_html.document("Table 3", [as_html.fragment(sheet)], notice="Read <this> first.")
    tags = Tags(text)
    assert (tags.open, tags.wrong) == ([], [])
    scopes = [attributes.get("scope") for tag, attributes in tags.found if tag == "th"]
    assert set(scopes) == {"col", "row", "rowgroup"} and scopes.count("col") == len(sheet.head)
    assert ("html", {"lang": "en"}) in tags.found and "<caption>Table 3." in text
    assert not re.search(r"<(script|img|link)|https?://(?!doi)|url\(|@import", text)
    assert "Read &lt;this&gt; first." in text


def test_html_escapes_what_it_shows():
    text = as_html.fragment(hostile())
    assert "<b>" not in text and "&lt;b&gt;" in text
    assert as_html.paragraph("See <https://doi.org/10.1/x>.") == "<p>See &lt;https://doi.org/10.1/x&gt;.</p>"


@pytest.mark.parametrize("sign", list('&%$#_{}~^\\<>[]|`"') + ["−", "≥", "–", "„"])
def test_latex_has_no_bare_special_sign(sign):
    made = as_latex.escape(f"a{sign}b")
    assert made != f"a{sign}b" and made[0] == "a" and made[-1] == "b"
    bare = re.sub(r"\\[a-zA-Z]+\{\}|\$[^$]*\$|\\[&%$#_{}]|\{[\[\]]\}", "", made)
    assert not set(bare) & set("&%$#_{}^\\")


def test_latex_keeps_letters_and_braces_balance():
    assert as_latex.escape("Größe Łódź") == "Größe Łódź"
    assert as_latex.escape("膝α") == r"?$\alpha$"
    text = re.sub(r"\\[{}\\]", "", as_latex.document(hostile()))
    assert text.count("{") == text.count("}")
    for name in ("document", "longtable"):
        assert text.count(rf"\begin{{{name}}}") == text.count(rf"\end{{{name}}}") == 1


def test_latex_rows_have_as_many_cells_as_the_head(material):
    sheet = performance_table(material)
    body = as_latex.table(sheet).partition(r"\endfoot")[2].partition(r"\end{longtable}")[0]
    lines = [line for line in body.splitlines() if line.endswith(r" \\")]
    assert len(lines) == sum(row.kind != HEADING for row in sheet.rows)
    assert {len(re.split(r"(?<!\\)&", line)) for line in lines} == {len(sheet.head)}


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
@pytest.mark.parametrize("landscape", [False, True])
def test_latex_compiles_alone(tmp_path, landscape):
    (tmp_path / "table.tex").write_text(as_latex.document(hostile(landscape=landscape)), encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "table.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace", timeout=120)
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "table.pdf").stat().st_size > 1000


def reopened(file):
    return docx.Document(io.BytesIO(file.bytes()))


def test_word_reopens_with_a_table_of_its_own(material):
    sheet = performance_table(material)
    file = WordFile(sheet.caption)
    file.notice("Read this first.")
    file.sheet(sheet)
    made = reopened(file)
    [table] = made.tables
    assert [cell.text for cell in table.rows[0].cells] == list(sheet.head)
    assert len(table.rows) == 1 + len(sheet.rows)
    last = [cell.text for cell in table.rows[-1].cells]
    assert last == list(sheet.rows[-1].cells)
    paragraphs = [paragraph.text for paragraph in made.paragraphs]
    assert paragraphs[0] == "Read this first." and sheet.caption in paragraphs and sheet.notes[-1] in paragraphs


def test_words_header_row_repeats_and_rows_do_not_break(material):
    file = WordFile("x")
    file.sheet(performance_table(material))
    rows = reopened(file).tables[0].rows
    assert [row._tr.trPr.find(qn("w:tblHeader")) is not None for row in rows[:3]] == [True, False, False]
    assert all(row._tr.trPr.find(qn("w:cantSplit")) is not None for row in rows)


def test_word_turns_the_page_for_a_wide_table_and_back():
    file = WordFile("x")
    file.paragraph("Text before.")
    file.sheet(hostile(landscape=True))
    file.sheet(hostile())
    turned = [section.orientation for section in reopened(file).sections]
    assert turned == [WD_ORIENT.PORTRAIT, WD_ORIENT.LANDSCAPE, WD_ORIENT.PORTRAIT]
    alone = WordFile("x")
    alone.sheet(hostile(landscape=True))
    [section] = reopened(alone).sections
    assert section.page_width > section.page_height


def test_word_columns_have_their_widths_and_one_font(material):
    sheet = performance_table(material)
    file = WordFile("x")
    file.sheet(sheet)
    made = reopened(file)
    widths = [column.width.cm for column in made.tables[0].columns]
    assert widths == pytest.approx(sheet.widths, abs=0.01)
    assert made.styles["Normal"].font.name == "Times New Roman"


def test_word_gives_the_same_bytes_and_names_nobody(material):
    sheet = performance_table(material)
    made = []
    for _ in range(2):
        file = WordFile(sheet.caption)
        file.sheet(sheet)
        made.append(file.bytes())
    assert made[0] == made[1]
    core = docx.Document(io.BytesIO(made[0])).core_properties
    assert (core.author, core.last_modified_by, core.comments) == ("", "", "")
    assert core.created.year == core.modified.year == 2000


def test_a_table_without_rows_is_still_a_table():
    sheet = Sheet(2, "empty", "Nothing", ("A", "B"), (), ("Why.",), (3.0, 3.0))
    file = WordFile("x")
    file.sheet(sheet)
    assert len(reopened(file).tables[0].rows) == 1
    assert "No rows." in as_html.fragment(sheet) and "No rows." in as_latex.table(sheet)
    assert list(frame(sheet).columns) == ["part", "A", "B"]


def test_the_csv_holds_the_same_texts_without_signs_for_print(material, tmp_path):
    sheet = performance_table(material)
    path = tables.write_csv(frame(sheet), tmp_path / "x.csv")
    text = path.read_text(encoding="utf-8")
    assert "\u00a0" not in text and text.count("\n") == 1 + sum(row.kind != HEADING for row in sheet.rows)
