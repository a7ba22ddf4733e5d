"""labkit's own code as an input of a step: what counts as a change, and for which steps."""

import json

import pytest
import yaml

from labkit.layout import NOTEBOOKS, ROOT
from labkit.run import freshness, plans, receipts, sources

FILES = {
    "labkit/__init__.py": '"""Package."""\n__version__ = "1"\n',
    "labkit/splits.py": '"""Splits."""\nfrom labkit import tables\n\ndef draw():\n    """Draw."""\n    return tables\n',
    "labkit/tables.py": "x = 1  # one\n",
    "labkit/figures.py": "y = 1\n",
    "labkit/rules/__init__.py": "from labkit.rules.words import read\n",
    "labkit/rules/words.py": "def read():\n    from labkit.run import receipts\n    import labkit.late\n",
    "labkit/rules/cues.yaml": "a: 1\n",
    "labkit/rules/lists/en.txt": "no\n",
    "labkit/late.py": "z = 1\n",
    "labkit/run/__init__.py": "",
    "labkit/run/receipts.py": "w = 1\n",
}


@pytest.fixture
def package(tmp_path):
    """Writes a small labkit, with changes, and gives the digest of what some modules reach in it."""

    def digest(*names, **changes):
        sources._read.cache_clear()
        sources._data.cache_clear()
        for path, content in (FILES | changes).items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(content, encoding="utf-8")
        return sources.digest_of_modules(*names, root=tmp_path)

    return digest


@pytest.mark.parametrize(
    ("path", "content", "names"),
    [
        ("labkit/splits.py", "from labkit import tables\nz = 1\n", {"labkit.splits"}),
        ("labkit/tables.py", "x = 2\n", {"labkit.splits"}),
        ("labkit/late.py", "z = 2\n", {"labkit.rules"}),
        ("labkit/rules/cues.yaml", "a: 2\n", {"labkit.rules"}),
        ("labkit/rules/lists/en.txt", "not\n", {"labkit.rules"}),
        ("labkit/figures.py", "y = 2\n", {"labkit.figures"}),
        ("labkit/figures.py", "y = (\n", {"labkit.figures"}),
        ("labkit/__init__.py", '__version__ = "2"\n', {"labkit.splits", "labkit.rules", "labkit.figures"}),
        ("labkit/run/receipts.py", "w = 2\n", set()),
        ("labkit/tables.py", '"""What it is for."""\n\nx = (\n    1\n)\n', set()),
        ("labkit/splits.py", FILES["labkit/splits.py"].replace("Draw.", "Patients to sets."), set()),
    ],
)
def test_an_edit_counts_for_what_rests_on_it_alone(package, path, content, names):
    modules = ("labkit.splits", "labkit.rules", "labkit.figures")
    before = {name: package(name) for name in modules}
    assert {name for name in modules if package(name, **{path: content}) != before[name]} == names


def test_cells_are_read_also_where_one_is_no_plain_python(tmp_path):
    def digest(*cells):
        path = tmp_path / "n.ipynb"
        content = {"cells": [{"cell_type": "code", "source": [cell]} for cell in cells]}
        path.write_text(json.dumps(content), encoding="utf-8")
        return sources.digest_of_notebook(path)

    with_splits = digest("import labkit.splits")
    assert digest("%matplotlib inline\nimport labkit.splits\n") == with_splits
    assert digest("import labkit.splits\nlabkit.splits.patients") == with_splits
    assert digest("import labkit.tables") != with_splits


def test_every_notebook_rests_on_the_code_it_names():
    found = {name: sources.digest_of_notebook(path) for name, path in NOTEBOOKS.items()}
    assert len(set(found.values())) == len(NOTEBOOKS)


def test_a_step_whose_code_changed_runs_again_and_says_so(tmp_path, monkeypatch):
    content = yaml.safe_load((ROOT / "params" / "demo" / "elbow.yaml").read_text(encoding="utf-8"))
    (tmp_path / "elbow.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    plan = plans.of_params([tmp_path / "elbow.yaml"])
    for step in plan.steps:
        for path in (step.html, step.ipynb):
            if path:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text("page", encoding="utf-8")
        receipts.write(step, receipts.make(plan, step, []))
    assert freshness.due(plan) == []
    of_notebook = sources.digest_of_notebook
    changed = NOTEBOOKS["evaluation"]
    monkeypatch.setattr(sources, "digest_of_notebook", lambda n: "new" if n == changed else of_notebook(n))
    due = {item.step.label: item.reason for item in freshness.due(plans.of_params([tmp_path / "elbow.yaml"]))}
    assert due == {
        "elbow · inclusive · evaluation": "labkit changed",
        "elbow · inclusive · figures": "reads elbow · inclusive · evaluation",
        "elbow · exclusive · evaluation": "labkit changed",
        "elbow · exclusive · figures": "reads elbow · exclusive · evaluation",
        "elbow · comparison · evaluation": "labkit changed",
        "elbow · comparison · figures": "reads elbow · inclusive · evaluation",
    }
