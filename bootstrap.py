"""Makes `.venv` from requirements.lock: the set-up behind `make demo`, `make test` and `make lab`.

Standard library only. Uses uv where it is on the PATH, else fetches it into the environment, else plain pip. Does
nothing when `.venv` is whole and made from the present lock file; a set-up that was cut off is done again; two at once
wait for each other.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
STAMP = VENV / "labkit-setup"
LOCK = ROOT / ".venv.lock"
OLDEST, NEWEST = (3, 11), (3, 13)
WAIT_S = 900


def python() -> Path:
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def fingerprint() -> str:
    """What the environment depends on: pins, project file, Python, and where it lies."""
    digest = hashlib.sha256(f"{sys.version_info[:2]} {ROOT}".encode())
    for name in ("requirements.lock", "pyproject.toml"):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def is_current() -> bool:
    return python().exists() and STAMP.exists() and STAMP.read_text(encoding="utf-8").strip() == fingerprint()


def stop(sentence: str) -> None:
    sys.exit(f"labkit set-up: {sentence}")


def check_python() -> None:
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        stop(
            f"Python {sys.version_info[0]}.{sys.version_info[1]} was found; labkit needs 3.11 to 3.13. "
            "Name another one, such as: make setup PYTHON=python3.12"
        )


def run(*command: str | Path, quiet: bool = False) -> bool:
    output = subprocess.DEVNULL if quiet else None
    return subprocess.run([str(part) for part in command], cwd=ROOT, stdout=output, stderr=output).returncode == 0


def make_venv(uv: str | None) -> None:
    if uv and run(uv, "venv", "--quiet", "--allow-existing", "--seed", "--python", sys.executable, VENV):
        return
    if not run(sys.executable, "-m", "venv", VENV):
        stop("the virtual environment could not be made. On Debian or Ubuntu: sudo apt install python3-venv")


def install(uv: str | None) -> None:
    pip = [python(), "-m", "pip", "install", "--disable-pip-version-check", "--quiet"]
    if uv is None and run(*pip, "uv", quiet=True):
        uv = str(python().with_name("uv.exe" if os.name == "nt" else "uv"))
    # Compiled once here, so that no notebook spends seconds on it; pip does so by itself.
    with_uv = [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", python()] if uv else pip
    if not run(*with_uv, "-r", "requirements.lock"):
        stop("the packages of requirements.lock could not be installed; the lines above say why. Then run it again.")
    if not run(*with_uv, "--no-deps", "-e", "."):
        stop("labkit itself could not be installed; the lines above say why.")


def wait_for_others() -> None:
    """Take the lock file; one left by a killed set-up is removed when its process is gone."""
    began = time.monotonic()
    while True:
        try:
            handle = os.open(LOCK, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
            os.write(handle, str(os.getpid()).encode())
            os.close(handle)
            return
        except FileExistsError:
            if not holder_lives() or time.monotonic() - began > WAIT_S:
                LOCK.unlink(missing_ok=True)
            time.sleep(0.5)


def holder_lives() -> bool:
    try:
        pid = int(LOCK.read_text(encoding="utf-8") or 0)
        if not pid:
            return time.time() - LOCK.stat().st_mtime < 5
        os.kill(pid, 0)
        return True
    except (ProcessLookupError, FileNotFoundError, ValueError):
        return False
    except (PermissionError, OSError):
        return True


def main() -> None:
    if is_current():
        return
    check_python()
    wait_for_others()
    try:
        if is_current():
            return
        began = time.monotonic()
        print("labkit set-up: installing the pinned packages into .venv, once; this takes a minute or two.", flush=True)
        STAMP.unlink(missing_ok=True)
        uv = shutil.which("uv")
        make_venv(uv)
        install(uv)
        STAMP.write_text(fingerprint() + "\n", encoding="utf-8")
        print(f"labkit set-up: done in {time.monotonic() - began:.0f} s.", flush=True)
    finally:
        LOCK.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
