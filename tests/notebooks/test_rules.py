"""Notebooks tell, labkit does: rules that every notebook keeps, read from the files without running them."""

import ast
import re
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[2]
PATHS = sorted((ROOT / "notebooks").glob("*.ipynb"))
NAMES = ["01_extraction", "02_verification", "03_training", "04_evaluation", "05_figures"]
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.Try)


@pytest.fixture(params=PATHS, ids=lambda path: path.stem)
def notebook(request):
    return nbformat.read(request.param, as_version=4)


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_the_five_notebooks_are_there():
    assert [path.stem for path in PATHS] == NAMES


def test_no_outputs_are_stored(notebook):
    assert [cell.id for cell in code(notebook) if cell.outputs or cell.execution_count] == []
    assert set(notebook.metadata) <= {"kernelspec", "language_info"}


def test_cells_define_nothing_and_call_no_shell(notebook):
    for cell in code(notebook):
        assert not re.search(r"^\s*[%!]", cell.source, re.MULTILINE), cell.id
        kinds = {type(node) for node in ast.walk(ast.parse(cell.source))}
        assert not kinds & set(DEFINITIONS), cell.id


def test_cells_and_lines_are_short(notebook):
    for cell in code(notebook):
        lines = cell.source.splitlines()
        assert len([line for line in lines if line.strip()]) <= 15, cell.id
        assert all(len(line) <= 79 for line in lines), cell.id
    assert len(code(notebook)) <= 20
    assert len([cell for cell in notebook.cells if cell.cell_type == "markdown"]) * 2 >= len(code(notebook))


def test_imports_stand_in_the_first_code_cell_and_are_modules(notebook):
    first, *others = code(notebook)
    assert all(isinstance(node, ast.Import) for node in ast.parse(first.source).body)
    imports = (ast.Import, ast.ImportFrom)
    assert not any(isinstance(node, imports) for cell in others for node in ast.walk(ast.parse(cell.source)))


def test_one_parameters_cell_follows_with_plain_literals(notebook):
    tagged = [n for n, cell in enumerate(code(notebook)) if "parameters" in cell.metadata.get("tags", [])]
    assert tagged == [1]
    for node in ast.parse(code(notebook)[1].source).body:
        assert isinstance(node, ast.AnnAssign), "a parameter has a type"
        assert node.annotation.id in {"str", "int", "float", "bool", "list", "dict"}
        assert ast.literal_eval(node.value) in ("", [], {}, 0), "a parameter has an empty default"
    assert code(notebook)[1].source.count("=") == len(ast.parse(code(notebook)[1].source).body)


def test_the_next_cell_checks_and_shows_p_and_the_last_is_the_receipt(notebook):
    cells = code(notebook)
    assert re.match(r"p = labkit\.params\.\w+\.check\(", cells[2].source)
    assert cells[2].source.splitlines()[-1] == "p"
    assert cells[-1].source.splitlines()[-1].startswith("labkit.run.receipt(")


def test_the_kernel_is_the_environments_own(notebook):
    assert notebook.metadata.kernelspec.name == "python3"


def test_the_first_cell_says_what_is_asked_read_and_written(notebook):
    first = notebook.cells[0]
    assert first.cell_type == "markdown"
    assert re.match(r"# 0[1-5] · [A-Z][a-z]+\n\n.+\?|# 05 · Figures\n\n", first.source)
    assert "*Reads*" in first.source and "*Writes*" in first.source


def test_below_the_check_only_p_is_used(notebook):
    parameters = {node.target.id for node in ast.parse(code(notebook)[1].source).body}
    for cell in code(notebook)[3:]:
        names = {node.id for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.Name)}
        assert names & parameters == set(), cell.id


def test_nothing_changes_the_environment_or_hides_warnings(notebook):
    for cell in code(notebook):
        assert not re.search(r"\b(plt|warnings|os|sys|subprocess|pip)\b[.(]", cell.source), cell.id


def test_cell_ids_are_unique(notebook):
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids)
