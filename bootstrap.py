"""Makes `.venv` from requirements.lock: the set-up behind `make demo`, `make test` and `make lab`.

Standard library only. Uses uv where it is on the PATH, else fetches it into the environment, else plain pip. Does
nothing when `.venv` is whole and made from the present lock file; one that was cut off is made anew; two at once wait
for each other. An environment that it did not make is never turned into one of another Python.

The quoted annotations and plain syntax let an old Python (3.6) reach the sentence in `check_python`.
"""

import errno
import hashlib
import os
import re
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


def unfinished() -> Path:
    """There while a set-up is under way, and after one that was killed."""
    return VENV / "labkit-unfinished"


def fingerprint() -> str:
    """What the environment depends on: pins, project file, Python, and where it lies."""
    digest = hashlib.sha256(f"{sys.version_info[:2]} {ROOT}".encode())
    for name in ("requirements.lock", "pyproject.toml"):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def base() -> str:
    """What cannot be changed in place: scripts name the path, packages lie below the version."""
    return f"{sys.version_info[0]}.{sys.version_info[1]} {ROOT}"


def stamped() -> "list[str]":
    """Fingerprint and base of the last set-up that ended; empty where there is none."""
    return STAMP.read_text(encoding="utf-8").splitlines() if STAMP.exists() else []


def is_current() -> bool:
    return python().exists() and stamped()[:1] == [fingerprint()]


def stop(sentence: str) -> None:
    sys.exit(f"labkit set-up: {sentence}")


def check_python() -> None:
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        stop(
            f"Python {sys.version_info[0]}.{sys.version_info[1]} was found; labkit needs 3.11 to 3.13. "
            "Name another one, such as: make setup PYTHON=python3.12"
        )


def run(*command: "str | Path", quiet: bool = False) -> bool:
    output = subprocess.DEVNULL if quiet else None
    # Hospitals' proxies sign with certificates that only the system knows, not uv (which named the setting twice).
    environment = {"UV_SYSTEM_CERTS": "1", "UV_NATIVE_TLS": "1", **os.environ}
    # The lock file stays open in an installer, so that one which outlives a killed set-up is waited for.
    ran = subprocess.run(
        [str(part) for part in command], cwd=ROOT, env=environment, stdout=output, stderr=output, close_fds=False
    )
    return ran.returncode == 0


def clear_what_cannot_be_used() -> None:
    """Remove an environment of ours that is half made, or of another Python or place; refuse one of somebody else."""
    made = stamped()
    if unfinished().exists() or (made[1:] and made[1:] != [base()]):
        shutil.rmtree(VENV)
        return
    config = VENV / "pyvenv.cfg"
    if made or not config.exists():
        return
    found = re.search(r"^version(?:_info)?\s*=\s*(\d+)\.(\d+)", config.read_text(encoding="utf-8"), re.MULTILINE)
    if found and (int(found[1]), int(found[2])) != tuple(sys.version_info[:2]):
        stop(
            f".venv was made by somebody else with Python {found[1]}.{found[2]}, and this is {base().split()[0]}. "
            f"Add PYTHON=python{found[1]}.{found[2]} to the make command, or delete .venv."
        )


def make_venv(uv: "str | None") -> None:
    if uv and run(uv, "venv", "--quiet", "--allow-existing", "--seed", "--python", sys.executable, VENV):
        return
    if not run(sys.executable, "-m", "venv", VENV):
        stop("the virtual environment could not be made. On Debian or Ubuntu: sudo apt install python3-venv")


def install(uv: "str | None") -> None:
    # Gigabytes come over the network: a person at a terminal sees how far it is.
    quiet = [] if sys.stderr.isatty() else ["--quiet"]
    pip = [python(), "-m", "pip", "install", "--disable-pip-version-check", *quiet]
    if uv is None and run(*pip, "uv", quiet=True):
        uv = str(python().with_name("uv.exe" if os.name == "nt" else "uv"))
    # Compiled once here, so that no notebook spends seconds on it; pip does so by itself.
    with_uv = [uv, "pip", "install", *quiet, "--compile-bytecode", "--python", python()] if uv else pip
    if not run(*with_uv, "-r", "requirements.lock"):
        stop("the packages of requirements.lock could not be installed; the lines above say why. Then run it again.")
    if not run(*with_uv, "--no-deps", "-e", "."):
        stop("labkit itself could not be installed; the lines above say why.")


def wait_for_others() -> int:
    """Take the lock file; the system frees it when the set-up that holds it, and its installers, have ended."""
    told = False
    while True:
        handle = os.open(LOCK, os.O_CREAT | os.O_RDWR)
        if is_locked_by_us(handle) and is_there(handle) and (not os.fstat(handle).st_size or not holder_lives()):
            os.ftruncate(handle, 0)
            os.write(handle, f"{os.getpid()} {started(os.getpid())}".encode())
            os.set_inheritable(handle, True)
            return handle
        os.close(handle)
        if not told:
            print("labkit set-up: waiting for another one to end (if there is none: delete .venv.lock).", flush=True)
            told = True
        time.sleep(0.5)


def is_locked_by_us(handle: int) -> bool:
    try:
        if os.name == "nt":
            import msvcrt

            os.lseek(handle, 1024, os.SEEK_SET)  # beyond the content, which others may read
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
            os.lseek(handle, 0, os.SEEK_SET)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except BlockingIOError:
        return False
    except OSError as error:
        # Windows says so where it is held; elsewhere the file system knows no locks and the process number decides.
        return os.name != "nt" or error.errno not in (errno.EACCES, errno.EDEADLK)


def is_there(handle: int) -> bool:
    """Whether the lock file that was opened is still the one of that name, not one that its holder has removed."""
    try:
        return os.path.samestat(os.fstat(handle), LOCK.stat())
    except FileNotFoundError:
        return False


def started(pid: int) -> str:
    """When a process began, in the words of the system; empty where it does not say."""
    try:
        # Field 22 of Linux' line, counted behind the name, which may hold blanks and brackets.
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        return stat.rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        pass
    try:
        told = subprocess.run(
            ["ps", "-o", "lstart=", "-p", str(pid)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        return told.stdout.decode("utf-8", "replace").strip()
    except OSError:
        return ""


def holder_lives() -> bool:
    """Whether the process that the lock file names is there; what is not sure counts as there."""
    if os.name == "nt":
        return False  # there signal 0 is Ctrl-C; the lock alone decides
    try:
        number, _, begun = (LOCK.read_text(encoding="utf-8") or "0").partition(" ")
        pid = int(number)
        age = time.time() - LOCK.stat().st_mtime
        if age > WAIT_S or not pid:
            return age < 5
        os.kill(pid, 0)
        # Another process may have got the number since.
        return not begun or started(pid) in ("", begun)
    except (ProcessLookupError, FileNotFoundError, ValueError):
        return False
    except OSError:
        return True


def free(handle: int) -> None:
    if os.name != "nt":
        LOCK.unlink(missing_ok=True)
    os.close(handle)
    if os.name == "nt":
        os.truncate(LOCK, 0)


def main() -> None:
    if is_current():
        return
    check_python()
    handle = wait_for_others()
    try:
        if is_current():
            return
        began = time.monotonic()
        clear_what_cannot_be_used()
        print("labkit set-up: installing the pinned packages into .venv, once; this takes a minute or two.", flush=True)
        STAMP.unlink(missing_ok=True)
        VENV.mkdir(exist_ok=True)
        unfinished().touch()
        uv = shutil.which("uv")
        make_venv(uv)
        install(uv)
        STAMP.write_text(f"{fingerprint()}\n{base()}\n", encoding="utf-8")
        unfinished().unlink()
        print(f"labkit set-up: done in {time.monotonic() - began:.0f} s.", flush=True)
    finally:
        free(handle)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        stop("takes no arguments; it installs into .venv beside it as soon as it is called.")
    try:
        main()
    except KeyboardInterrupt:
        stop("interrupted; the same command starts it again.")
