"""Imports point one way, a heavy library lives in one part of the package, and a start waits for none of them."""

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "labkit"
PATHS = sorted(PACKAGE.rglob("*.py"))
# Who may import whom: a part reads those before it, never one after it.
ORDER = [
    {"errors"},
    {"yaml_model"},
    {"layout", "templates", "contracts", "delimited", "policies", "certainty", "hardware", "seeds", "silent"},
    {"tables", "corpus", "splits", "deidentification", "radiographs", "synthetic"},
    {"extraction", "training", "evaluation"},
    {"params"},
    {"cohort", "figures", "identities", "manuscript", "verification"},
    {"run"},
    {"checking", "labels_file", "cli"},
]
RANK = {name: n for n, names in enumerate(ORDER) for name in names}
HOMES = {
    "anywidget": {"verification"},
    "click": {"cli"},
    "docx": {"manuscript"},
    "gdcm": {"radiographs"},
    "ipywidgets": {"extraction", "radiographs", "silent", "verification"},
    "matplotlib": {"figures"},
    "nbconvert": {"run"},
    "openai": {"extraction"},
    "papermill": {"run"},
    "pydicom": {"radiographs", "synthetic"},
    "scipy": {"evaluation", "radiographs", "verification"},
    "seaborn": {"figures"},
    "snakemake": set(),  # the run starts it as a command
    "torch": {"training"},
    "torchvision": {"training"},
}
# What a start of each module must not wait for; whoever needs one of these gets it when it is used.
LIGHT = {
    "labkit.cli": set(HOMES) - {"click"} | {"pandas", "numpy"},
    "labkit.layout": set(HOMES) | {"pandas", "numpy"},
    "labkit.tables": set(HOMES),
    "labkit.params": set(HOMES),
    "labkit.checking": set(HOMES),
    "labkit.run": set(HOMES),
    "labkit.cohort": set(HOMES) - {"pydicom", "gdcm"},
    "labkit.verification": {"torch", "openai", "seaborn", "pydicom"},
    "labkit.figures": {"torch", "openai", "seaborn"},
}


def part(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def dotted(path):
    return ".".join(["labkit", *path.relative_to(PACKAGE).with_suffix("").parts]).removesuffix(".__init__")


@cache
def imports(path):
    """Every module that is imported anywhere in a file, also within functions."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "modules are named in full"
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found


def test_every_part_has_its_place():
    assert {part(path) for path in PATHS} - {"__init__"} == set(RANK)


@pytest.mark.parametrize("path", PATHS, ids=dotted)
def test_imports_point_one_way(path):
    own = part(path)
    if own == "__init__":
        assert imports(path) == []
        return
    others = {module.split(".")[1] for module in imports(path) if module.startswith("labkit.")} & set(RANK)
    assert {other for other in others if other != own and RANK[other] > RANK[own]} == set()


@pytest.mark.parametrize("path", PATHS, ids=dotted)
def test_a_heavy_library_stays_in_its_part(path):
    used = {module.split(".")[0] for module in imports(path)} & set(HOMES)
    assert {library for library in used if part(path) not in HOMES[library]} == set()


@pytest.mark.parametrize("library", HOMES)
def test_a_home_is_still_lived_in(library):
    homes = {part(path) for path in PATHS if library in {module.split(".")[0] for module in imports(path)}}
    assert homes == HOMES[library]


@pytest.mark.parametrize("module", LIGHT)
def test_a_start_waits_for_nothing_heavy(module):
    code = f"import sys, {module}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert LIGHT[module] & set(loaded) == set()
