"""The project's files agree with each other: versions, pins, conda, make."""

import ast
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import labkit

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")


def pins():
    found = {}
    for line in LOCK.splitlines():
        pin = Requirement(line)
        found.setdefault(canonicalize_name(pin.name), []).append(pin)
    return found


def wanted():
    extras = [r for group in PROJECT["optional-dependencies"].values() for r in group]
    return [Requirement(text) for text in [*PROJECT["dependencies"], *extras]]


def test_the_lock_has_exact_versions_and_no_addresses():
    assert "://" not in LOCK and " @ " not in LOCK
    for found in pins().values():
        assert all(re.fullmatch(r"==[\w.+!]+", str(pin.specifier)) for pin in found)


@pytest.mark.parametrize("requirement", wanted(), ids=lambda r: r.name)
def test_every_dependency_is_pinned_within_its_range(requirement):
    found = pins()[canonicalize_name(requirement.name)]
    for pin in found:
        assert requirement.specifier.contains(str(pin.specifier).removeprefix("=="), prereleases=True)


def imported(folder):
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module]
            yield from (name.partition(".")[0] for name in names)


@pytest.mark.parametrize(("folder", "extras"), [("labkit", False), ("tests", True), ("bench", True)])
def test_what_is_imported_is_declared(folder, extras):
    declared = wanted() if extras else [Requirement(text) for text in PROJECT["dependencies"]]
    declared = {canonicalize_name(requirement.name) for requirement in declared}
    own = {path.stem for place in ("tests", "bench") for path in (ROOT / place).rglob("*.py")}
    own |= {"labkit", "bootstrap", "msvcrt"}
    homes = importlib.metadata.packages_distributions()
    others = set(imported(folder)) - set(sys.stdlib_module_names) - own
    assert {name for name in others if not {canonicalize_name(d) for d in homes.get(name, [])} & declared} == set()


def test_conda_takes_the_same_pins():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    pip = next(entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))
    assert pip == ["-r requirements.lock", "-e ."]
    python = next(e for e in environment["dependencies"] if isinstance(e, str) and e.startswith("python="))
    version = python.removeprefix("python=")
    assert f"Programming Language :: Python :: {version}" in PROJECT["classifiers"]


def test_versions_agree():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert labkit.__version__ == PROJECT["version"] == citation["version"]
    assert re.search(r"^## ([\d.]+)", changes, re.MULTILINE)[1] == labkit.__version__
    assert citation["preferred-citation"]["doi"] == "10.1007/s00330-025-12102-1"


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_each_python_gets_one_pin_of_a_package_and_every_dependency(version):
    python = {"python_version": version, "python_full_version": f"{version}.1", "sys_platform": "linux"}
    fitting = {
        name: [pin for pin in found if pin.marker is None or pin.marker.evaluate(python)]
        for name, found in pins().items()
    }
    assert [name for name, found in fitting.items() if len(found) > 1] == []
    assert [r.name for r in wanted() if not fitting.get(canonicalize_name(r.name))] == []


def test_what_is_installed_is_what_is_pinned():
    others = []
    for requirement in wanted():
        name = canonicalize_name(requirement.name)
        try:
            installed = Version(importlib.metadata.version(name)).public
        except importlib.metadata.PackageNotFoundError:
            continue  # an extra, such as the one for clusters
        if installed not in {Version(str(pin.specifier).removeprefix("==")).public for pin in pins()[name]}:
            others.append(name)
    assert others == []


def make(*arguments):
    # `make test` hands its own flags down, and then a make within it speaks of folders.
    alone = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    run = subprocess.run(["make", "-n", *arguments], cwd=ROOT, env=alone, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return run.stdout.splitlines()


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed here")
@pytest.mark.parametrize(
    ("target", "commands"),
    [
        ("setup", []),
        ("demo", [".venv/bin/labkit run params/demo/*.yaml"]),
        ("lab", [".venv/bin/labkit lab"]),
    ],
)
def test_a_target_sets_up_first_and_then_does_its_work(target, commands):
    assert make(target, "PYTHON=python3.13") == ["python3.13 bootstrap.py", *commands]


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed here")
def test_make_test_checks_style_then_notebooks_then_runs_every_test():
    programs = ["bootstrap.py", "ruff check", "ruff format --check", "nbstripout --verify", "pytest"]
    lines = make("test")
    assert len(lines) == len(programs)
    assert [program for program, line in zip(programs, lines) if program not in line] == []


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed here")
def test_make_alone_shows_what_it_can_do():
    shown = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in ("demo", "test", "lab"):
        assert f"make {target} " in shown


def test_every_target_is_phony():
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = set(re.search(r"^\.PHONY:(.*)", text, re.MULTILINE)[1].split())
    assert set(re.findall(r"^([a-z]+):", text, re.MULTILINE)) == phony


@pytest.mark.parametrize("target", ["setup", "demo", "test", "lab"])
def test_make_knows_what_the_readme_names(target):
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert f"make {target}" in (ROOT / "README.md").read_text() or target == "setup"
