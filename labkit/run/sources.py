"""labkit's own code as an input of a step: after an update, or an edit, what rests on the changed part runs again.

Counted is every module that a notebook reaches by its imports, with the data files beside it. Left out is what decides
no result: `run` orders and renders, and of `params` the values count one by one. Comments, docstrings and layout do not
count either, so that mending a sentence trains nothing anew. A new version of labkit (`labkit.__version__`) runs
everything again.
"""

import ast
import hashlib
import json
import re
from functools import cache
from pathlib import Path

from labkit.layout import ROOT
from labkit.run import files

__all__ = ["digest_of_modules", "digest_of_notebook"]

NOT_FOLLOWED = ("labkit.run", "labkit.params", "labkit.cli", "labkit.checking")
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
CODE_SUFFIXES = {".py", ".pyc"}
DOTTED = re.compile(r"\blabkit(?:\.\w+)+")


def digest_of_notebook(notebook: Path) -> str:
    """Digest of the code that a notebook's cells reach by imports of labkit."""
    names: list[str] = []
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            names += _imported_by_cell("".join(cell["source"]))
    return digest_of_modules(*names)


def _imported_by_cell(source: str) -> list[str]:
    try:
        return _imported(ast.parse(source))
    except SyntaxError:  # a magic of IPython, or a slip that the run will show
        return DOTTED.findall(source)


def digest_of_modules(*names: str, root: Path = ROOT) -> str:
    """Digest of modules by dotted name and of all that they import of labkit, also late."""
    waiting, seen = list(names), {}
    while waiting:
        name = waiting.pop()
        if name in seen or name.startswith(NOT_FOLLOWED):
            continue
        path = _path(name, root)
        if path is None:  # a name within a module, not a module
            continue
        seen[name], imported = _read(path)
        waiting += imported
        waiting += [name.rpartition(".")[0]] if "." in name else []
        if path.name == "__init__.py" and name != "labkit":
            seen[f"{name} data"] = _data(path.parent)
    return files.digest(seen)


def _path(name: str, root: Path) -> Path | None:
    place = root.joinpath(*name.split("."))
    for path in (place / "__init__.py", place.with_suffix(".py")):
        if path.is_file():
            return path
    return None


@cache
def _read(path: Path) -> tuple[str, tuple[str, ...]]:
    """Digest of what a module does, and what it imports of labkit."""
    try:
        tree = ast.parse(path.read_bytes())
    except SyntaxError:
        return files.sha256(path), ()
    imported = tuple(_imported(tree))
    for node in ast.walk(tree):
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            node.body.pop(0)
    return hashlib.sha256(ast.dump(tree).encode("utf-8")).hexdigest(), imported


def _imported(tree: ast.Module) -> list[str]:
    """Names of labkit that are imported anywhere; of `from labkit import x` both labkit and labkit.x."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return [name for name in dict.fromkeys(found) if name.split(".")[0] == "labkit"]


@cache
def _data(folder: Path) -> dict[str, str]:
    """Digests of a package's files that are no code, and of those in folders without code."""
    found = {}
    for path in sorted(folder.iterdir()):
        if path.is_dir() and path.name != "__pycache__" and not list(path.glob("*.py")):
            found |= {f"{path.name}/{name}": digest for name, digest in _data(path).items()}
        elif path.is_file() and path.suffix not in CODE_SUFFIXES and not path.name.startswith("."):
            found[path.name] = files.sha256(path)
    return found
