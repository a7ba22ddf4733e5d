"""Names that are looked up when used: each has one home, and the notebook imports the homes of what it calls."""

import re
import subprocess
import sys
from types import ModuleType

import nbformat
import pytest

from labkit import evaluation
from labkit.layout import NOTEBOOKS


@pytest.mark.parametrize("name", evaluation.__all__)
def test_every_name_is_there_and_no_module_hides_it(name):
    assert not isinstance(getattr(evaluation, name), ModuleType)


def test_every_name_has_one_home():
    homes = [name for names in evaluation._HOMES.values() for name in names]
    assert sorted(homes) == sorted(evaluation.__all__)


def test_an_unknown_name_is_an_error():
    with pytest.raises(AttributeError, match="has no attribute 'auroc'"):
        evaluation.auroc  # noqa: B018


def test_the_notebook_imports_the_modules_of_all_that_it_calls():
    """A run notices a changed module by the imports of the notebook, which names looked up late are not."""
    cells = [c.source for c in nbformat.read(NOTEBOOKS["evaluation"], as_version=4).cells if c.cell_type == "code"]
    called = set(re.findall(r"labkit\.evaluation\.(\w+)\(", "\n".join(cells)))
    homes = {module for module, names in evaluation._HOMES.items() if called & set(names)}
    assert {"metrics", "endpoint"} <= homes
    code = f"{cells[0]}\nimport sys; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {f"labkit.evaluation.{module}" for module in homes} <= set(loaded)
