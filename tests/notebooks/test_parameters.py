"""Params files, parameters cells and models name the same sections; an empty section stops a notebook."""

import ast
from pathlib import Path

import nbformat
import pytest
import yaml

from labkit import params
from labkit.errors import ParamsError
from labkit.layout import NOTEBOOKS

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "params").glob("*.yaml")) + sorted((ROOT / "params" / "demo").glob("*.yaml"))
STUDIES = [path for path in FILES if path.stem in {"clavicle", "elbow", "thumb"}]
STEPS = list(NOTEBOOKS)


def declared(step):
    cells = [
        c for c in nbformat.read(NOTEBOOKS[step], as_version=4).cells if "parameters" in c.metadata.get("tags", [])
    ]
    return {node.target.id: ast.literal_eval(node.value) for node in ast.parse(cells[0].source).body}


def test_six_params_files_are_shipped():
    assert len(STUDIES) == 6


@pytest.mark.parametrize("step", STEPS)
def test_a_notebook_declares_what_its_step_is_given(step):
    study = params.load(ROOT / "params" / "demo" / "elbow.yaml")
    given = study.parameters(step, "all" if step in ("evaluation", "figures") else "inclusive")
    assert set(declared(step)) - {"params_file"} == set(given)


@pytest.mark.parametrize("step", STEPS)
def test_a_notebook_stops_when_its_section_is_empty(step):
    model = getattr(params, step.capitalize())
    given = {name: value for name, value in declared(step).items() if name != "params_file"}
    with pytest.raises(ParamsError, match="is empty, so nothing was done"):
        model.check(**given)


@pytest.mark.parametrize("path", STUDIES, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_every_params_file_states_every_section(path):
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert set(params.Study.model_fields) - {"synthetic"} <= set(content)
    assert params.load(path, check_inputs=False).anatomy == path.stem


@pytest.mark.parametrize("path", [p for p in STUDIES if p.parent.name == "params"], ids=lambda p: p.stem)
def test_every_key_for_users_is_explained(path):
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.strip().startswith(("#", "-")):
            assert "#" in line, f"{path.name}: {line.strip()} has no comment"
