"""The receipt of a step: SHA-256 of the files it wrote, so that only whole and unchanged results count as done.

`receipt(files)` ends every notebook: it shows path, rows and SHA-256, and hands the list to the step's own
process, which writes the receipt last of all.
"""

import json
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd

from labkit.errors import RunError
from labkit.run import files
from labkit.run.steps import Plan, Step

__all__ = ["DRAFT", "Receipts", "draft", "make", "receipt", "write"]

# Names the file in which a notebook lists what it wrote; unset when a person runs the notebook.
DRAFT = "LABKIT_RECEIPT_DRAFT"


def receipt(paths: Iterable[str | Path], *, headline: dict[str, str] | None = None) -> pd.DataFrame:
    """Show what a notebook wrote: path, rows and SHA-256 of each file.

    Parameters
    ----------
    paths : files that this step wrote; the run counts it as done only while each of them is there and unchanged.
    headline : up to four short facts for the index page, as shown there (`{"Studies": "312"}`).

    Raises
    ------
    RunError : a file is not there.
    """
    paths = [Path(path) for path in paths]
    for path in paths:
        if not path.is_file():
            raise RunError(f"{path.name}: named in the receipt but not written; write it before the receipt.")
    if os.environ.get(DRAFT):
        content = {"files": [str(path.resolve()) for path in paths], "headline": list((headline or {}).items())}
        files.write_json(Path(os.environ[DRAFT]), content)
    rows = [
        {"file": files.portable(path, Path.cwd()), "rows": _rows(path), "sha256": files.sha256(path)[:16]}
        for path in paths
    ]
    return pd.DataFrame(rows, columns=["file", "rows", "sha256"]).set_index("file")


def _rows(path: Path) -> str:
    """Data rows of a CSV (a line break inside quotes is no row), else the size of the file."""
    if path.suffix == ".csv":
        with open(path, encoding="utf-8", newline="") as file:
            quotes, lines = 0, 0
            for line in file:
                quotes += line.count('"')
                lines += quotes % 2 == 0
        return f"{max(0, lines - 1):,}"  # with commas, so that no count looks like somebody's number
    size = path.stat().st_size
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{max(size / 1e3, 0.1):.1f} kB"


def draft(path: Path) -> dict[str, Any]:
    """What the notebook listed, empty when it listed nothing."""
    if not path.is_file():
        return {"files": [], "headline": []}
    return json.loads(path.read_text(encoding="utf-8"))


class Receipts:
    """The receipts of a plan on disk, read once; hashing runs in threads."""

    def __init__(self, plan: Plan):
        self.plan = plan
        self.found = {step.id: _read(step.receipt) for step in plan.steps}
        self._sound: dict[str, str] = {}

    def fault(self, step: Step) -> str:
        """Why the receipt does not prove the step's results, or nothing when it does."""
        if step.id not in self._sound:
            self._sound[step.id] = _fault(step, self.found[step.id], self.plan.build_dir)
        return self._sound[step.id]

    def check_all(self) -> None:
        """Hash every file that a receipt names, in parallel."""
        with ThreadPoolExecutor(max_workers=4) as pool:
            list(pool.map(self.fault, self.plan.steps))

    def digest(self, step_id: str) -> str:
        """Digest of a step's results, by which a later step knows what it was computed from."""
        found = self.found[step_id]
        return files.digest(found["tables"]) if found else ""


def _read(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError, UnicodeDecodeError):
        return None
    wanted = {"made_from", "files", "tables", "after"}
    return content if isinstance(content, dict) and wanted <= set(content) else None


def _fault(step: Step, found: dict[str, Any] | None, start: Path) -> str:
    if found is None:
        return "not done yet"
    for name, expected in found["files"].items():
        path = start / name
        if not path.is_file():
            return f"{path.name} is missing"
        if files.sha256(path) != expected:
            return f"{path.name} was changed"
    if step.html and not step.html.is_file():
        return f"{step.html.name} is missing"
    return ""


def make(plan: Plan, step: Step, written: Iterable[Path], **facts: Any) -> dict[str, Any]:
    """A receipt's content: SHA-256 of each written file (paths from `build_dir`) and of what it was computed from.

    `tables` leaves out the rendered pages, whose times differ from run to run, so that equal results have an
    equal digest.
    """
    hashes = {_name(path, plan.build_dir): files.sha256(path) for path in dict.fromkeys(Path(p) for p in written)}
    pages = {_name(path, plan.build_dir) for path in (step.html, step.ipynb) if path}
    earlier = Receipts(plan)
    return {
        "step": step.id,
        **{key: getattr(step, key) for key in ("name", "study", "anatomy", "policy", "label")},
        "page": _name(step.html, plan.build_dir) if step.html else "",
        "made_from": step.made_from,
        "files": hashes,
        "tables": {name: value for name, value in hashes.items() if name not in pages},
        "after": {step_id: earlier.digest(step_id) for step_id in step.after},
        **facts,
    }


def write(step: Step, content: dict[str, Any]) -> Path:
    """Write the receipt, the last act of a step."""
    return files.write_json(step.receipt, content)


def _name(path: Path, start: Path) -> str:
    try:
        return Path(os.path.relpath(path, start)).as_posix()
    except ValueError:  # another drive (Windows)
        return Path(path).as_posix()
