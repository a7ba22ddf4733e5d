"""The set-up does its work once, again where something changed, and one at a time."""

import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def test_the_environment_is_made_once_and_again_when_the_pins_change(bootstrap, whole, tmp_path):
    bootstrap.main()
    bootstrap.main()
    assert len(whole) == 1
    (tmp_path / "requirements.lock").write_text("y")
    bootstrap.main()
    assert len(whole) == 2
    assert not bootstrap.LOCK.exists()


def test_the_fingerprint_follows_pins_project_python_and_place(bootstrap, tmp_path, monkeypatch):
    seen = [bootstrap.fingerprint()]
    assert bootstrap.fingerprint() == seen[0]
    for name in ("requirements.lock", "pyproject.toml"):
        (tmp_path / name).write_text("changed")
        seen.append(bootstrap.fingerprint())
    other = (3, 12, 0) if sys.version_info[:2] != (3, 12) else (3, 13, 0)
    with monkeypatch.context() as patched:
        patched.setattr(bootstrap.sys, "version_info", other)
        seen.append(bootstrap.fingerprint())
    moved = tmp_path / "moved"
    moved.mkdir()
    for name in ("requirements.lock", "pyproject.toml"):
        shutil.copy(tmp_path / name, moved)
    bootstrap.ROOT = moved
    seen.append(bootstrap.fingerprint())
    assert len(set(seen)) == len(seen)


def test_an_environment_without_its_python_is_made_again(bootstrap, whole):
    bootstrap.main()
    bootstrap.python().unlink()
    bootstrap.main()
    assert len(whole) == 2


def test_installing_takes_uv_where_it_is_and_stops_with_a_sentence_where_it_fails(bootstrap, monkeypatch):
    asked = []

    def run(*command, quiet=False):
        asked.append([str(part) for part in command])
        return "requirements.lock" not in asked[-1]

    monkeypatch.setattr(bootstrap, "run", run)
    with pytest.raises(SystemExit, match=r"the packages of requirements\.lock could not be installed"):
        bootstrap.install("/opt/uv")
    assert [command[:3] for command in asked] == [["/opt/uv", "pip", "install"]]
    assert asked[0][-2:] == ["-r", "requirements.lock"]


def test_without_uv_pip_does_the_work(bootstrap, monkeypatch):
    asked = []
    monkeypatch.setattr(bootstrap, "run", lambda *c, quiet=False: asked.append([str(p) for p in c]) or c[-1] != "uv")
    bootstrap.install(None)
    assert [command[-1] for command in asked] == ["uv", "requirements.lock", "."]
    assert all(command[1:4] == ["-m", "pip", "install"] for command in asked)


def test_two_set_ups_at_once_install_once(bootstrap, whole):
    slow = bootstrap.install
    bootstrap.install = lambda uv: (time.sleep(0.3), slow(uv))
    both = [threading.Thread(target=bootstrap.main) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join(20)
    assert len(whole) == 1 and bootstrap.is_current() and not bootstrap.LOCK.exists()


def test_the_lock_of_a_live_set_up_is_waited_for(bootstrap, monkeypatch):
    bootstrap.LOCK.write_text(str(os.getpid()))
    naps = []

    def nap(seconds):
        naps.append(seconds)
        if len(naps) == 3:
            bootstrap.LOCK.unlink()

    monkeypatch.setattr(bootstrap.time, "sleep", nap)
    bootstrap.wait_for_others()
    assert len(naps) == 3


def test_a_lock_just_made_and_not_yet_written_is_not_stolen(bootstrap):
    bootstrap.LOCK.touch()
    assert bootstrap.holder_lives()
    os.utime(bootstrap.LOCK, (0, 0))
    assert not bootstrap.holder_lives()
    bootstrap.LOCK.write_text("no number")
    assert not bootstrap.holder_lives()


def test_a_set_up_that_was_cut_off_is_done_again(bootstrap, monkeypatch):
    monkeypatch.setattr(bootstrap, "make_venv", lambda uv: bootstrap.VENV.mkdir(exist_ok=True))
    monkeypatch.setattr(bootstrap, "install", lambda uv: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        bootstrap.main()
    assert not bootstrap.is_current() and not bootstrap.LOCK.exists()


def test_a_repair_that_was_cut_off_is_not_taken_for_whole_by_the_old_stamp(bootstrap, whole, monkeypatch):
    bootstrap.main()
    bootstrap.python().unlink()
    monkeypatch.setattr(bootstrap, "install", lambda uv: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        bootstrap.main()
    assert bootstrap.python().exists() and not bootstrap.is_current()


def test_the_lock_of_a_dead_set_up_is_taken_over(bootstrap):
    process = subprocess.Popen(["true"])
    process.wait()
    bootstrap.LOCK.write_text(str(process.pid))
    bootstrap.wait_for_others()
    assert bootstrap.LOCK.read_text().split()[0] == str(os.getpid())


def test_a_process_that_got_the_number_of_a_dead_set_up_is_not_waited_for(bootstrap):
    bootstrap.LOCK.write_text(f"{os.getpid()} {bootstrap.started(os.getpid())}")
    assert bootstrap.holder_lives()
    bootstrap.LOCK.write_text(f"{os.getpid()} another time")
    assert not bootstrap.holder_lives()
    bootstrap.wait_for_others()
    assert bootstrap.LOCK.read_text() == f"{os.getpid()} {bootstrap.started(os.getpid())}"


def test_where_the_system_does_not_say_when_a_process_began_its_number_decides(bootstrap, monkeypatch):
    bootstrap.LOCK.write_text(f"{os.getpid()} {bootstrap.started(os.getpid())}")
    monkeypatch.setattr(bootstrap, "started", lambda pid: "")
    assert bootstrap.holder_lives()


def test_two_processes_began_at_times_of_their_own(bootstrap):
    process = subprocess.Popen(["sleep", "9"])
    try:
        assert bootstrap.started(process.pid) not in ("", bootstrap.started(os.getpid()))
    finally:
        process.kill()
        process.wait()
    assert bootstrap.started(process.pid) == ""


def test_a_python_that_is_too_old_is_named(bootstrap, monkeypatch):
    monkeypatch.setattr(bootstrap.sys, "version_info", (3, 9, 1))
    with pytest.raises(SystemExit, match=r"Python 3\.9 was found; labkit needs 3\.11 to 3\.13"):
        bootstrap.check_python()
