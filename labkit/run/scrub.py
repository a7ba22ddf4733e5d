"""Take the machine out of a shared notebook: absolute paths, endpoints, user and host name, papermill's notes.

Used before every executed copy and page is written.
"""

import copy
import getpass
import os
import re
import socket
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import nbformat

from labkit.layout import ROOT

__all__ = ["Pattern", "notebook", "patterns", "text"]

Pattern = tuple[re.Pattern[str], str]
# Notes of papermill that name files or hold times of no use to a reader.
CELL_NOTES = ("papermill", "execution")
SHORTEST_NAME = 4
PUBLIC_ENDPOINT = "api.openai.com"  # everybody may know it; any other address tells of the hospital's network
LOOPBACK = {"localhost", "127.0.0.1", "::1"}
COMMON_NAMES = {"root", "user", "admin", "test", "localhost", "home", "debian", "ubuntu", "runner", "jupyter"}


def notebook(executed: nbformat.NotebookNode, patterns: list[Pattern]) -> nbformat.NotebookNode:
    """A copy without what belongs to the machine, by `patterns`."""
    clean = copy.deepcopy(executed)
    status = "failed" if clean.metadata.get("labkit", {}).get("failed") else "completed"
    clean.metadata.pop("papermill", None)
    clean.metadata["labkit"] = {"status": status, **clean.metadata.get("labkit", {})}
    for cell in clean.cells:
        failed = cell.metadata.get("papermill", {}).get("status") == "failed"
        for note in CELL_NOTES:
            cell.metadata.pop(note, None)
        if failed:
            cell.metadata["labkit_status"] = "failed"
        cell.source = text(cell.source, patterns)
        if "outputs" in cell:
            cell.outputs = _walk(cell.outputs, patterns)
    clean.metadata.pop("widgets", None)
    return clean


def text(content: str, patterns: list[Pattern]) -> str:
    """The text with each pattern replaced, in their order."""
    for pattern, replacement in patterns:
        content = pattern.sub(replacement, content)
    return content


def _walk(node: Any, patterns: list[Pattern]) -> Any:
    if isinstance(node, str):
        return text(node, patterns)
    if isinstance(node, list):
        return [_walk(item, patterns) for item in node]
    if isinstance(node, dict):
        kept = {
            key: value if str(key).startswith("image/") and key != "image/svg+xml" else _walk(value, patterns)
            for key, value in node.items()
        }
        return nbformat.from_dict(kept)
    return node


def patterns(base: Path, parameters: dict[str, Any]) -> list[Pattern]:
    """What to replace by what: endpoints, folders (longest first), a user's or host's name where it cannot be a word.

    Parameters
    ----------
    base : folder from which relative paths of the params start; files below it become relative to it.
    parameters : of the absolute paths in it only the last part is left.
    """
    places = {
        sysconfig.get_path("purelib"): "site-packages",
        sysconfig.get_path("stdlib"): "python",
        str(base): "",
        str(Path(base).resolve()): "",
        str(ROOT): "",
        sys.prefix: "environment",
        sys.base_prefix: "python",
        tempfile.gettempdir(): "tmp",
        str(Path.home()): "~",
    }
    places |= {place: f"…/{Path(place).name}" for place in _absolute(parameters)}
    found = [
        (re.compile(rf"(?<![\w-]){re.escape(address)}(?![\w-])"), "(private address)")
        for address in _addresses(parameters)
    ]
    for place, shown in sorted(places.items(), key=lambda item: -len(item[0])):
        if len(place) < SHORTEST_NAME:
            continue
        escaped = r"(?<![\w.~-])" + re.escape(place).replace(re.escape(os.sep), r"[\\/]+")
        if shown:
            found.append((re.compile(escaped + r"(?![\w-])"), shown))
        else:
            found.append((re.compile(escaped + r"[\\/]+"), ""))
            found.append((re.compile(escaped + r"(?![\w-])"), "."))
    for name, shown in ((socket.gethostname(), "host"), (_user(), "user")):
        if len(name) >= SHORTEST_NAME and name.lower() not in COMMON_NAMES:
            found.append((re.compile(rf"(?<![\w-]){re.escape(name)}(?![\w-])"), shown))
    return found


def _absolute(parameters: Any) -> list[str]:
    if isinstance(parameters, dict):
        return [place for value in parameters.values() for place in _absolute(value)]
    if isinstance(parameters, (list, tuple)):
        return [place for value in parameters for place in _absolute(value)]
    return [parameters.rstrip("/")] if isinstance(parameters, str) and Path(parameters).is_absolute() else []


def _addresses(parameters: Any) -> list[str]:
    """Addresses and hosts of endpoints that are not public, the longest first."""
    found = set()
    if isinstance(parameters, dict):
        found.update(parameters.get("local_hosts") or ())
        url = parameters.get("base_url")
        host = urlsplit(url).hostname if isinstance(url, str) else None
        if host and host != PUBLIC_ENDPOINT and not host.endswith(f".{PUBLIC_ENDPOINT}"):
            found |= {url, host}
        for value in parameters.values():
            found.update(_addresses(value))
    return sorted((a for a in found if len(a) >= SHORTEST_NAME and a not in LOOPBACK), key=len, reverse=True)


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container whose user has no name
        return ""
