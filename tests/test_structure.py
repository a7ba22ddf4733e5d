"""The package keeps its shape: what each module shows, which way imports point, where heavy libraries live."""

import ast
import importlib
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "labkit"
MODULES = sorted(path for path in PACKAGE.rglob("*.py"))
# Who may import whom: a part reads those before it, never one after it.
ORDER = [
    {"errors"},
    {"layout", "templates", "delimited", "policies", "hardware"},
    {"tables", "corpus", "splits", "deidentification", "radiographs", "synthetic"},
    {"extraction", "training", "evaluation"},
    {"params"},
    {"cohort", "verification", "figures"},
    {"run"},
    {"checking", "labels_file", "cli"},
]
RANK = {name: n for n, names in enumerate(ORDER) for name in names}
HOMES = {
    "openai": {"extraction"},
    "pydicom": {"radiographs", "synthetic"},
    "ipywidgets": {"verification"},
    "seaborn": {"figures"},
    "papermill": {"run"},
    "nbconvert": {"run"},
    "torch": {"training"},
    "torchvision": {"training"},
    "click": {"cli"},
}


def part(path):
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def name(path):
    dotted = ".".join(["labkit", *path.relative_to(PACKAGE).with_suffix("").parts])
    return dotted.removesuffix(".__init__")


def imports(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def labkit_parts(path):
    found = {module.split(".")[1] for module in imports(path) if module.startswith("labkit.")}
    return found & set(RANK)


def test_every_part_has_its_place():
    assert {part(path) for path in MODULES} - {"__init__"} == set(RANK)


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_imports_point_one_way(path):
    own = part(path)
    if own == "__init__":
        return
    later = {other for other in labkit_parts(path) if other != own and RANK[other] > RANK[own]}
    assert later == set()


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_a_heavy_library_stays_in_its_part(path):
    used = {module.split(".")[0] for module in imports(path)}
    strays = {library for library in used & set(HOMES) if part(path) not in HOMES[library]}
    assert strays == set()


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_what_a_module_shows_is_there(path):
    if path.name == "__main__.py":
        return
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), "a module says what it is for"
    listed = [n.value for n in tree.body if isinstance(n, ast.Assign) and getattr(n.targets[0], "id", "") == "__all__"]
    if not listed:
        assert path.name == "__init__.py", "a module lists its public names"
        return
    shown = ast.literal_eval(listed[0])
    assert len(set(shown)) == len(shown)
    module = importlib.import_module(name(path))
    assert [n for n in shown if not hasattr(module, n)] == []


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_no_module_grows_beyond_what_one_can_read(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300
    assert not {"utils", "helpers", "common", "misc"} & set(path.relative_to(PACKAGE).with_suffix("").parts)
