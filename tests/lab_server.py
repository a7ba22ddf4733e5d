"""A JupyterLab of its own for browser tests: settings in a folder, only this machine, an address with a token."""

import contextlib
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest

__all__ = ["CHROMIUM", "Lab", "running"]

CHROMIUM = "/usr/bin/chromium"
ROOT = Path(__file__).parents[1]
PATIENCE_MS = 90_000


@dataclass(frozen=True)
class Lab:
    """Where the server is and the notebook `view.ipynb` that it serves."""

    url: str
    token: str
    notebook: Path

    def open_and_run(self, page) -> None:
        """Load the notebook in a page of a browser and run all its cells."""
        page.goto(f"{self.url}/lab/tree/{self.notebook.name}?token={self.token}&reset", timeout=PATIENCE_MS)
        # Before the kernel is idle, "Run All Cells" is dropped without a word.
        page.get_by_text("| Idle").first.wait_for(timeout=PATIENCE_MS)
        page.get_by_text("Run", exact=True).first.click()
        page.get_by_text("Run All Cells", exact=True).click()

    def saved(self, page) -> nbformat.NotebookNode:
        """The notebook on disk after it was saved with its outputs."""
        page.keyboard.press("Control+s")
        until = time.monotonic() + 30
        while not nbformat.read(self.notebook, 4).cells[0].outputs and time.monotonic() < until:
            time.sleep(0.3)
        return nbformat.read(self.notebook, 4)

    def foreign(self, asked: list[str]) -> list[str]:
        """Of the addresses that a page asked for, those beyond this server."""
        return [address for address in asked if not address.startswith((self.url, "data:", "blob:", "ws"))]


@contextlib.contextmanager
def running(folder: Path, source: str) -> Iterator[Lab]:
    """A server on `folder` with a notebook of one cell; the test is skipped where there is no browser."""
    if not Path(CHROMIUM).exists() and os.environ.get("LABKIT_REQUIRE_BROWSER") != "1":
        pytest.skip(f"{CHROMIUM} is missing")
    made = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})
    made.cells = [nbformat.v4.new_code_cell(source.strip())]
    nbformat.write(made, folder / "view.ipynb")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex(8)
    places = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTERLAB_SETTINGS_DIR")
    own = {name: str(folder / name) for name in (*places, "JUPYTERLAB_WORKSPACES_DIR")}
    environment = os.environ | own | {"JUPYTER_CONFIG_PATH": str(ROOT / "labkit" / "jupyter"), "OMP_NUM_THREADS": "1"}
    options = ["--no-browser", "--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0", "--allow-root"]
    options += [f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={folder}"]
    options += ["--LabApp.extension_manager=readonly"]
    options += ["--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    with open(folder / "lab.log", "w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options], env=environment, stdout=log, stderr=log
        )
    try:
        _wait_for(f"http://127.0.0.1:{port}/api/status?token={token}")
        yield Lab(f"http://127.0.0.1:{port}", token, folder / "view.ipynb")
    finally:
        server.terminate()
        server.wait(30)


def _wait_for(address: str, seconds: float = 90) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except OSError:
            time.sleep(0.3)
    raise AssertionError("JupyterLab did not start")
