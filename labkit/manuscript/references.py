"""What methods and checklists cite: numbers in the order of the text, a list for readers, a BibTeX file for authors;
used by 05_figures.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from labkit.errors import ParamsError

__all__ = ["Citations", "bibtex", "cited", "load", "plain"]

PATH = Path(__file__).parent / "references.yaml"
CITED = re.compile(r"\s*\[@([^\]]+)\]")
ETAL, MOST_AUTHORS = "others", 6
BIBTEX = {"&": r"\&", "%": r"\%", "_": r"\_", "#": r"\#"}


def load(path: Path = PATH) -> dict[str, dict[str, Any]]:
    """Publications by key."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def cited(texts: Iterable[str]) -> list[str]:
    """Keys in the order in which texts cite them, each once."""
    keys = [key.strip() for text in texts for found in CITED.findall(text) for key in found.replace("@", "").split(";")]
    return list(dict.fromkeys(keys))


def plain(text: str) -> str:
    """The text without its citations."""
    return CITED.sub("", text)


class Citations:
    """Numbers for the publications that some texts cite, in their order.

    Raises
    ------
    ParamsError : a text cites what references.yaml does not hold.
    """

    def __init__(self, texts: Iterable[str]):
        self._known = load()
        self.keys = cited(texts)
        unknown = [key for key in self.keys if key not in self._known]
        if unknown:
            raise ParamsError(f"references.yaml: '{unknown[0]}' is cited and not in it; add the publication.")

    def numbered(self, text: str) -> str:
        """`[@sun2014; @holm1979]` becomes ` [3, 7]`."""

        def number(found: re.Match) -> str:
            numbers = sorted(self.keys.index(key.strip()) + 1 for key in found.group(1).replace("@", "").split(";"))
            return f" [{', '.join(map(str, numbers))}]"

        return CITED.sub(number, text)

    def listed(self) -> list[str]:
        """The publications as a numbered list prints them."""
        return [_printed(self._known[key]) for key in self.keys]


def _printed(entry: dict[str, Any]) -> str:
    names = [name.replace(", ", " ").replace(". ", "").replace(".", "") for name in entry["authors"] if name != ETAL]
    shown = names[:3] if len(names) > MOST_AUTHORS else names
    more = ", et al" if len(shown) < len(names) or ETAL in entry["authors"] else ""
    place = f" {entry['journal']}." if "journal" in entry else ""
    volume = f";{entry['volume']}" if "volume" in entry else ""
    pages = f":{entry['pages'].replace('--', '–')}" if "pages" in entry else ""
    where = f" https://doi.org/{entry['doi']}" if "doi" in entry else ""
    where = where or (f" arXiv:{entry['eprint']}" if "eprint" in entry else "")
    return f"{', '.join(shown)}{more}. {entry['title']}.{place} {entry['year']}{volume}{pages}.{where}"


def bibtex(keys: Iterable[str]) -> str:
    """The publications as a BibTeX file, in the order of the keys."""
    known = load()
    return "\n".join(_entry(key, known[key]) for key in keys)


def _entry(key: str, entry: dict[str, Any]) -> str:
    fields = {"author": " and ".join(entry["authors"]), "title": f"{{{entry['title']}}}"}
    place = "booktitle" if entry["kind"] == "inproceedings" else "journal"
    for name, ours in {place: "journal", "volume": "volume", "pages": "pages", "year": "year"}.items():
        if ours in entry:
            fields[name] = str(entry[ours])
    lines = [f"  {name} = {{{_escaped(value)}}}," for name, value in fields.items()]
    if "doi" in entry:
        lines.append(f"  doi = {{{entry['doi']}}},")
    if "eprint" in entry:
        lines += [f"  eprint = {{{entry['eprint']}}},", "  archiveprefix = {arXiv},"]
    return f"@{entry['kind']}{{{key},\n" + "\n".join(lines) + "\n}\n"


def _escaped(text: str) -> str:
    return "".join(BIBTEX.get(sign, sign) for sign in text)
