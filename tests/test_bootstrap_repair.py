"""What the set-up does with an environment that is half made, of another Python, or somebody else's."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
THIS = f"{sys.version_info[0]}.{sys.version_info[1]}"


@pytest.fixture
def bootstrap(bootstrap, whole):
    """With a venv made in no time and nothing installed."""
    return bootstrap


def left_over(bootstrap):
    """A file of an earlier set-up, to see whether it stays."""
    path = bootstrap.VENV / "left-over"
    path.touch()
    return path


def test_what_a_killed_set_up_left_is_removed_before_it_is_made_anew(bootstrap):
    bootstrap.VENV.mkdir()
    bootstrap.unfinished().touch()
    left = left_over(bootstrap)
    bootstrap.main()
    assert not left.exists() and not bootstrap.unfinished().exists() and bootstrap.is_current()


def test_new_pins_go_into_the_environment_that_is_there(bootstrap, tmp_path):
    bootstrap.main()
    left = left_over(bootstrap)
    (tmp_path / "requirements.lock").write_text("y")
    bootstrap.main()
    assert left.exists() and bootstrap.is_current()


def test_another_python_or_place_gets_an_environment_of_its_own(bootstrap, monkeypatch):
    for base in ("3.99 /somewhere", f"{THIS} /elsewhere"):
        bootstrap.main()
        left = left_over(bootstrap)
        bootstrap.STAMP.write_text(f"old\n{base}\n")
        bootstrap.main()
        assert not left.exists() and bootstrap.is_current()


def test_an_environment_of_somebody_else_is_not_turned_into_another_python(bootstrap):
    bootstrap.VENV.mkdir()
    config = bootstrap.VENV / "pyvenv.cfg"
    config.write_text("home = /usr/bin\nversion = 3.99.1\n")
    left = left_over(bootstrap)
    with pytest.raises(SystemExit, match=r"made by somebody else with Python 3\.99, and this is .* delete \.venv"):
        bootstrap.main()
    assert left.exists() and not bootstrap.STAMP.exists() and not bootstrap.LOCK.exists()
    config.write_text(f"home = /usr/bin\nversion_info = {THIS}.1\n")
    bootstrap.main()
    assert left.exists() and bootstrap.is_current()


def test_arguments_are_refused_before_anything_is_made(tmp_path):
    shutil.copy(ROOT / "bootstrap.py", tmp_path)
    ran = subprocess.run(
        [sys.executable, tmp_path / "bootstrap.py", "--help"], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 1 and "takes no arguments" in ran.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["bootstrap.py"]


def test_an_old_python_can_read_the_script_as_far_as_its_sentence():
    tree = ast.parse((ROOT / "bootstrap.py").read_text(encoding="utf-8"), feature_version=(3, 6))
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    arguments = [argument for f in functions for argument in (*f.args.args, *f.args.kwonlyargs, f.args.vararg)]
    annotations = [a.annotation for a in arguments if a] + [f.returns for f in functions]
    # `str | None` and `list[str]` are evaluated where a function is defined, which an old Python cannot.
    assert len(functions) > 10
    assert [ast.unparse(a) for a in annotations if isinstance(a, ast.BinOp | ast.Subscript)] == []


@pytest.mark.skipif(os.name == "nt", reason="Windows frees the lock otherwise")
def test_an_installer_that_outlives_a_killed_set_up_is_waited_for(bootstrap, monkeypatch):
    handle = bootstrap.wait_for_others()
    orphan = subprocess.Popen(["sleep", "30"], close_fds=False)
    os.close(handle)
    bootstrap.LOCK.write_text("999999999")
    naps = []

    def nap(seconds):
        naps.append(seconds)
        if len(naps) == 2:
            orphan.kill()
            orphan.wait()

    monkeypatch.setattr(bootstrap.time, "sleep", nap)
    try:
        bootstrap.free(bootstrap.wait_for_others())
    finally:
        orphan.kill()
        orphan.wait()
    assert len(naps) == 2
