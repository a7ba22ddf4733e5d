"""For every test: no network beyond this machine, no settings of the person who runs them; three invented reports."""

import importlib.util
import ipaddress
import signal
import socket
import threading
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OWN_VARIABLES = ("LABKIT_BASE_DIR", "LABKIT_RECEIPT_DRAFT", "OPENAI_API_KEY", "OPENAI_BASE_URL")


def is_local(address):
    """Whether a socket's address is on this machine: a file, or a loopback host."""
    if not isinstance(address, tuple):
        return True
    host = str(address[0]).partition("%")[0]
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    """Refuse connections to other machines, and forget what the environment says of labkit and of endpoints."""
    connect = socket.socket.connect

    def connect_here(self, address):
        if not is_local(address):
            raise AssertionError(f"a test reached for {address[0]}")
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect_here)
    for name in OWN_VARIABLES:
        monkeypatch.delenv(name, raising=False)


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


@pytest.fixture
def whole(bootstrap, monkeypatch):
    """Every installation that was made, without its minutes."""
    made = []

    def make_venv(uv):
        bootstrap.python().parent.mkdir(parents=True, exist_ok=True)
        bootstrap.python().touch()

    monkeypatch.setattr(bootstrap, "make_venv", make_venv)
    monkeypatch.setattr(bootstrap, "install", made.append)
    return made


@pytest.fixture(scope="session")
def texts():
    """Pairs (study, text): a hedge and a negation, a person's name, nothing to find."""
    return [
        ("S-0001", "Ellenbogen rechts in 2 Ebenen: Verdacht auf Radiuskopffraktur. Keine Luxation."),
        ("S-0002", "Olekranonfraktur links. Pat. Gundula Beispielfrau, geb. 01.02.1960."),
        ("S-0003", "Altersentsprechender Befund & regelrechte Stellung."),
    ]


@pytest.fixture(scope="session", autouse=True)
def interrupts_reach_children():
    """A shell that starts the tests in the background lets them ignore Ctrl-C, and every child would inherit that."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.default_int_handler)
