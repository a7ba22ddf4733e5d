"""The steps of a run as data: what each one reads, is given and writes, and all that decides its result.

A plan is made once from the checked params (`labkit.run.plan`), written as JSON, and read by Snakemake and by
every step's own process, so that editing a params file during a run changes nothing under its feet.
"""

import ast
import json
import os
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from labkit.errors import ParamsError, RunError
from labkit.run import files

__all__ = ["Plan", "Step", "declared_parameters", "notebook_digest"]

PARAMETERS_TAG = "parameters"


class Step(BaseModel):
    """One node of the run. Paths are absolute; `after` holds the ids of the steps whose results this one reads.

    `notebook` is None for the one step that is no notebook (the synthetic cohort). `fingerprints` names the
    outside inputs (reports, image folder, labkit's own code) by digest. `threads` is set for the numerical
    libraries, whatever the number of jobs, so that results do not depend on it. `base` is the folder from which
    relative paths of the params start.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    name: str
    study: str
    anatomy: str
    policy: str = ""
    base: Path
    notebook: Path | None = None
    parameters: dict[str, Any] = {}
    fingerprints: dict[str, str] = {}
    after: tuple[str, ...] = ()
    receipt: Path
    ipynb: Path | None = None
    html: Path | None = None
    threads: int = 1
    gpus: int = 0

    @property
    def label(self) -> str:
        """What people read in the progress: `elbow · inclusive · training`."""
        policy = "comparison" if self.policy == "all" else self.policy
        return " · ".join(part for part in (self.anatomy, policy, self.name) if part)

    @property
    def title(self) -> str:
        policy = {"": "", "all": "all policies"}.get(self.policy, self.policy)
        return " · ".join(part for part in (self.anatomy.capitalize(), policy, self.name) if part)

    @property
    def rule(self) -> str:
        """A name that Snakemake allows, unique within the plan."""
        return "".join(c if c.isalnum() else "_" for c in self.id)

    @cached_property
    def made_from(self) -> dict[str, Any]:
        """All that decides the result but the earlier steps."""
        return {
            "parameters": json.loads(json.dumps(self.parameters, default=str)),
            "notebook": notebook_digest(self.notebook) if self.notebook else "",
            "inputs": dict(self.fingerprints),
            "threads": self.threads,
        }

    def beside(self, folder: Path, suffix: str) -> Path:
        """A path of this step's own in a working folder."""
        return folder / f"{self.rule}{suffix}"


class Plan(BaseModel):
    """All steps of a run, every one after those that it reads, with the folders that they share."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    build_dir: Path
    reports_dir: Path
    steps: tuple[Step, ...]

    @property
    def work_dir(self) -> Path:
        """Snakemake's folder: its records, the lock, the log and the state of each step."""
        return self.build_dir / ".run"

    @cached_property
    def by_id(self) -> dict[str, Step]:
        return {step.id: step for step in self.steps}

    def save(self, path: Path) -> Path:
        return files.write_text(path, self.model_dump_json(indent=1) + "\n")

    @classmethod
    def read(cls, path: Path) -> "Plan":
        return cls.model_validate_json(Path(path).read_text(encoding="utf-8"))

    def step(self, step_id: str) -> Step:
        """The step of that id.

        Raises
        ------
        RunError : the plan has no such step.
        """
        if step_id not in self.by_id:
            known = ", ".join(self.by_id)
            raise RunError(f"step '{step_id}' is not in this plan; known: {known}.")
        return self.by_id[step_id]

    def failed_page(self, step: Step) -> Path | None:
        """Where a failed step leaves its executed copy."""
        return step.html.with_suffix(".failed.html") if step.html else None

    def scratch(self, step: Step) -> Path:
        """Where papermill saves a step's notebook while it runs."""
        return step.beside(self.work_dir / "running", ".ipynb")

    def state_path(self, step: Step) -> Path:
        """Where a step's process says how far it is."""
        return step.beside(self.work_dir / "state", ".json")

    @property
    def folders(self) -> set[Path]:
        """Where steps write, without what lies deeper (caches, cohorts)."""
        found = {self.work_dir, self.work_dir / "state", self.work_dir / "drafts"}
        for step in self.steps:
            found |= {step.receipt.parent, step.receipt.parent.parent}
            if step.html:
                found |= {step.html.parent, step.html.parent / "tables", step.html.parent / "figures"}
        return found

    def relative(self, path: Path) -> str:
        """A path as Snakemake sees it from its folder, so that a moved project keeps its records."""
        try:
            return Path(os.path.relpath(path, self.work_dir)).as_posix()
        except ValueError:  # another drive (Windows)
            return Path(path).as_posix()


def declared_parameters(notebook: Path) -> dict[str, Any]:
    """Names and defaults of a notebook's parameters cell, in their order; no kernel is started.

    Raises
    ------
    ParamsError : no such notebook, no cell tagged `parameters`, or a default that is not a plain literal.
    """
    for cell in _read(notebook)["cells"]:
        if PARAMETERS_TAG in cell.get("metadata", {}).get("tags", []):
            return _literals("".join(cell["source"]), notebook)
    raise ParamsError(f"{notebook.name}: no cell is tagged '{PARAMETERS_TAG}'; tag the cell that names what it takes.")


def _literals(source: str, notebook: Path) -> dict[str, Any]:
    declared = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names, value = [node.target.id], node.value
        elif isinstance(node, ast.Assign):
            names, value = [t.id for t in node.targets if isinstance(t, ast.Name)], node.value
        else:
            continue
        try:
            declared |= dict.fromkeys(names, None if value is None else ast.literal_eval(value))
        except ValueError as error:
            raise ParamsError(
                f"{notebook.name}: the default of '{names[0]}' is computed; write a plain literal in its place."
            ) from error
    return declared


def notebook_digest(notebook: Path) -> str:
    """Digest of what a notebook does: kind, source and tags of its cells; outputs that a person left do not count."""
    cells = [
        [cell["cell_type"], "".join(cell["source"]), sorted(cell.get("metadata", {}).get("tags", []))]
        for cell in _read(notebook)["cells"]
    ]
    return files.digest(cells)


def _read(notebook: Path) -> dict[str, Any]:
    try:
        return json.loads(Path(notebook).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ParamsError(f"{Path(notebook).name}: no such notebook in {Path(notebook).parent.name}/.") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ParamsError(f"{Path(notebook).name}: this is not a notebook; restore the file.") from error
