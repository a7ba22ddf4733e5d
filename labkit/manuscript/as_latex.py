r"""Tables of a manuscript as LaTeX documents that compile alone (booktabs, longtable); used by 05_figures.

Between the two comment lines stands the table itself, for a manuscript's own file.
"""

import unicodedata

from labkit.manuscript.sheets import HEADING, INDENTED, Row, Sheet

__all__ = ["document", "escape", "table"]

SPECIAL = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "\u00a0": "~", "–": "--", "—": "---", "−": "$-$", "±": r"$\pm$", "×": r"$\times$", "≥": r"$\geq$", "≤": r"$\leq$",
    "…": r"\dots{}", "’": "'", "‘": "`", "“": "``", "”": "''", "„": r"\quotedblbase{}", "·": r"$\cdot$",
    "κ": r"$\kappa$", "α": r"$\alpha$", "µ": r"$\mu$", "°": r"\textdegree{}", "→": r"$\rightarrow$", "\n": " ",
    "\t": " ", "[": "{[}", "]": "{]}", '"': "''", "|": r"\textbar{}", "`": r"\textasciigrave{}",
}  # fmt: skip
LATIN = 0x17F  # letters up to here are in the font encoding T1
PREAMBLE = r"""\documentclass[10pt]{article}
\usepackage[T1]{fontenc}
\usepackage[utf8]{inputenc}
\usepackage{lmodern}
\usepackage{textcomp}
\usepackage[a4paper%(shape)s,margin=1.5cm]{geometry}
\usepackage{array,booktabs,longtable}
\setlength{\tabcolsep}{%(gap)s}
\setlength{\LTcapwidth}{\linewidth}
\pagestyle{empty}
\begin{document}
"""
BEGIN, END = "% --- begin of the table", "% --- end of the table"


def escape(text: str) -> str:
    """Text for LaTeX; a character that no font of the document has becomes its base letters, or a question mark."""
    return "".join(SPECIAL.get(letter) or _letter(letter) for letter in text)


def _letter(letter: str) -> str:
    if ord(letter) <= LATIN and unicodedata.category(letter)[0] != "C":
        return letter
    base = unicodedata.normalize("NFKD", letter).encode("ascii", "ignore").decode()
    return "".join(SPECIAL.get(sign, sign) for sign in base) or "?"


def document(sheet: Sheet) -> str:
    """A whole document with one table."""
    settings = {"gap": "2pt", "shape": ",landscape"} if sheet.landscape else {"gap": "3pt", "shape": ""}
    return f"{PREAMBLE % settings}{BEGIN}\n{table(sheet)}{END}\n\\end{{document}}\n"


def table(sheet: Sheet) -> str:
    """The longtable, its notes below; needs the packages array, booktabs and longtable."""
    first, *others = sheet.widths
    columns = rf">{{\raggedright\hangindent=1.8em\arraybackslash}}p{{{first:g}cm}}"
    columns += "".join(rf">{{\raggedleft\arraybackslash}}p{{{width:g}cm}}" for width in others)
    head = " & ".join(escape(title) for title in sheet.head)
    rows = "".join(_row(row, len(sheet.head)) for row in sheet.rows)
    if not sheet.rows:
        rows = rf"\multicolumn{{{len(sheet.head)}}}{{l}}{{No rows.}} \\" + "\n"
    notes = "".join(rf"\noindent {escape(note)}\par" + "\n" for note in sheet.notes)
    size = r"\footnotesize" if not sheet.landscape else r"\scriptsize"
    title = escape(sheet.title)
    return (
        f"{{{size}\n\\setcounter{{table}}{{{sheet.number - 1}}}\n\\begin{{longtable}}{{@{{}}{columns}@{{}}}}\n"
        f"\\caption{{{title}}}\\label{{tab:{sheet.name}}}\\\\\n\\toprule\n{head} \\\\\n\\midrule\n\\endfirsthead\n"
        f"\\multicolumn{{{len(sheet.head)}}}{{@{{}}l}}{{Table {sheet.number}, continued}} \\\\\n"
        f"\\toprule\n{head} \\\\\n\\midrule\n\\endhead\n\\bottomrule\n\\endfoot\n{rows}\\end{{longtable}}\n{notes}}}\n"
    )


def _row(row: Row, width: int) -> str:
    if row.kind == HEADING:
        return rf"\addlinespace\multicolumn{{{width}}}{{@{{}}l}}{{\textbf{{{escape(row.cells[0])}}}}} \\*" + "\n"
    name = (r"\hspace{1em}" if row.kind == INDENTED else "") + escape(row.cells[0])
    return " & ".join([name, *map(escape, row.cells[1:])]) + r" \\" + "\n"
