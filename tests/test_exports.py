"""Public is what `__all__` lists: sorted, there, and all that other modules use."""

import ast
import importlib
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "labkit"
PATHS = sorted(path for path in PACKAGE.rglob("*.py") if path.name != "__main__.py")


def dotted(path):
    name = ".".join(["labkit", *path.relative_to(PACKAGE).with_suffix("").parts])
    return name.removesuffix(".__init__")


MODULES = {dotted(path): path for path in PATHS}


@cache
def tree(name):
    return ast.parse(MODULES[name].read_text(encoding="utf-8"))


def listed(name):
    """What `__all__` says, None where there is none."""
    for node in tree(name).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            return ast.literal_eval(node.value)
    return None


PUBLIC = {name: listed(name) for name in MODULES}


def order(name):
    """Constants, classes, functions; each by the alphabet."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)


def used(name):
    """Pairs (module, name) of labkit that a module takes from others."""
    aliases = {}
    for node in ast.walk(tree(name)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("labkit"):
            for alias in node.names:
                if f"{node.module}.{alias.name}" in MODULES:
                    aliases[alias.asname or alias.name] = f"{node.module}.{alias.name}"
                else:
                    yield node.module, alias.name
        elif isinstance(node, ast.Import):
            aliases |= {alias.asname: alias.name for alias in node.names if alias.asname and alias.name in MODULES}
    for node in ast.walk(tree(name)):
        if isinstance(node, ast.Attribute) and getattr(node.value, "id", None) in aliases:
            yield aliases[node.value.id], node.attr


@pytest.mark.parametrize("name", MODULES)
def test_a_module_says_what_it_is_for_and_lists_its_public_names_sorted(name):
    assert ast.get_docstring(tree(name)), "a module says what it is for"
    if PUBLIC[name] is None:
        assert MODULES[name].name == "__init__.py", "a module lists its public names"
        return
    assert PUBLIC[name] == sorted(set(PUBLIC[name]), key=order)


@pytest.mark.parametrize("name", MODULES)
def test_what_a_module_lists_is_there(name):
    module = importlib.import_module(name)
    assert [public for public in PUBLIC[name] or () if not hasattr(module, public)] == []


@pytest.mark.parametrize("name", MODULES)
def test_a_module_uses_of_others_only_what_they_list(name):
    taken = {
        f"{module}.{attribute}"
        for module, attribute in used(name)
        if f"{module}.{attribute}" not in MODULES and attribute not in (PUBLIC[module] or ("__version__",))
    }
    assert taken == set()
