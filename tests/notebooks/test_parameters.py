"""Params files, parameters cells and models name the same sections; an empty section stops a notebook."""

import ast
from pathlib import Path

import nbformat
import pandas as pd
import pytest
import yaml

import labkit.policies
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


@pytest.mark.parametrize("step", STEPS)
def test_a_notebook_stops_when_nothing_at_all_is_given(step):
    with pytest.raises(ParamsError) as caught:
        getattr(params, step.capitalize()).check(**declared(step))
    assert str(caught.value).startswith(f"{step}: the section 'paths' is empty, so nothing was done.")


@pytest.mark.parametrize("step", STEPS)
def test_sections_are_declared_empty_and_are_fields_of_the_model(step):
    sections = params.SECTIONS_OF_STEP[step]
    assert all(declared(step)[section] == {} for section in (*sections, "paths"))
    assert set(declared(step)) - {"params_file"} == set(getattr(params, step.capitalize()).model_fields)


@pytest.mark.parametrize("path", STUDIES, ids=lambda p: f"{p.parent.name}-{p.stem}")
@pytest.mark.parametrize("step", STEPS)
def test_what_papermill_injects_from_a_params_file_makes_p(path, step):
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    given = {name: content[name] for name in declared(step) if name in content}
    if "policy" in declared(step):
        given["policy"] = content["policies"][0]
    p = getattr(params, step.capitalize()).check(**given)
    assert (p.study, p.anatomy) == (content["study"], path.stem)
    with pytest.raises(ParamsError, match=f"notebook {step}: paths: 'bild_dir' is not known; did you mean 'build_dir'"):
        getattr(params, step.capitalize()).check(**given | {"paths": given["paths"] | {"bild_dir": "x"}})


# self_trained trains a network first
@pytest.mark.parametrize("policy", [p for p in labkit.policies.Policy if p != "self_trained"])
def test_training_makes_targets_by_every_policy_that_params_may_name(policy):
    cells = [c.source for c in nbformat.read(NOTEBOOKS["training"], as_version=4).cells if "targets_of" in c.source]
    values = ["true", "uncertain", "false"] * 2
    labels = pd.DataFrame({"study_id": list("abcdef"), "finding": "Ossicles", "split": "train", "value": values})
    p = params.Training.check(params_file="params/demo/elbow.yaml", policy=policy)
    findings = labels.assign(evidence="am ehesten")
    names = {"labkit": labkit, "pd": pd, "p": p, "labels": labels, "studies": None, "findings": findings}
    exec(cells[0], names)  # the notebook's own cell
    targets = names["targets"]
    assert targets.loc[targets.value == "true", "target"].eq(1).all()
    assert targets["target"].between(0, 1).all() and len(targets) == 6


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
