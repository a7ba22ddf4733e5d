"""The package keeps its shape: what one can read at a sitting, and names that say what is inside."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = sorted((ROOT / "labkit").rglob("*.py"))
VAGUE = {"utils", "util", "helpers", "common", "misc", "tools"}


def short(path):
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", MODULES, ids=short)
def test_no_module_grows_beyond_what_one_can_read(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 260
    assert not VAGUE & set(path.relative_to(ROOT).with_suffix("").parts)


@pytest.mark.parametrize("path", MODULES, ids=short)
def test_no_function_grows_beyond_a_screen(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            documented = ast.get_docstring(node)
            lines = node.end_lineno - node.lineno + 1 - (len(documented.splitlines()) + 1 if documented else 0)
            assert lines <= 60, f"{node.name} has {lines} lines of code"


def test_the_package_says_nothing_on_import_and_names_its_parts():
    tree = ast.parse((ROOT / "labkit" / "__init__.py").read_text(encoding="utf-8"))
    assert [type(node).__name__ for node in tree.body] == ["Expr", "Assign"]
    named = ast.get_docstring(tree).replace(",", " ").split()
    parts = {path.relative_to(ROOT / "labkit").parts[0].removesuffix(".py") for path in MODULES}
    assert parts - {"__init__", "errors", "checking", "labels_file"} <= set(named)
