"""The project's files agree with each other, and the set-up does its work once."""

import importlib.util
import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

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


@pytest.mark.parametrize("target", ["setup", "demo", "test", "lab"])
def test_make_knows_what_the_readme_names(target):
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert f"make {target}" in (ROOT / "README.md").read_text() or target == "setup"


@pytest.fixture
def bootstrap(tmp_path):
    """bootstrap.py as it would run in another folder, where nothing is installed."""
    spec = importlib.util.spec_from_file_location("bootstrap", ROOT / "bootstrap.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.ROOT, module.VENV = tmp_path, tmp_path / ".venv"
    module.STAMP, module.LOCK = module.VENV / "labkit-setup", tmp_path / ".venv.lock"
    for name in ("requirements.lock", "pyproject.toml"):
        (tmp_path / name).write_text("x")
    return module


def test_the_environment_is_made_once_and_again_when_the_pins_change(bootstrap, tmp_path, monkeypatch):
    made = []

    def make_venv(uv):
        bootstrap.python().parent.mkdir(parents=True, exist_ok=True)
        bootstrap.python().touch()

    monkeypatch.setattr(bootstrap, "make_venv", make_venv)
    monkeypatch.setattr(bootstrap, "install", made.append)
    bootstrap.main()
    bootstrap.main()
    assert len(made) == 1
    (tmp_path / "requirements.lock").write_text("y")
    bootstrap.main()
    assert len(made) == 2
    assert not bootstrap.LOCK.exists()


def test_a_set_up_that_was_cut_off_is_done_again(bootstrap, monkeypatch):
    monkeypatch.setattr(bootstrap, "make_venv", lambda uv: bootstrap.VENV.mkdir(exist_ok=True))
    monkeypatch.setattr(bootstrap, "install", lambda uv: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        bootstrap.main()
    assert not bootstrap.is_current() and not bootstrap.LOCK.exists()


def test_the_lock_of_a_dead_set_up_is_taken_over(bootstrap):
    process = subprocess.Popen(["true"])
    process.wait()
    bootstrap.LOCK.write_text(str(process.pid))
    bootstrap.wait_for_others()
    assert bootstrap.LOCK.read_text() == str(os.getpid())


def test_a_python_that_is_too_old_is_named(bootstrap, monkeypatch):
    monkeypatch.setattr(bootstrap.sys, "version_info", (3, 9, 1))
    with pytest.raises(SystemExit, match=r"Python 3\.9 was found; labkit needs 3\.11 to 3\.13"):
        bootstrap.check_python()
